"""The line at the end that says what was read, and what it is worth."""

from __future__ import annotations

from typing import List

import pytest

from layerslayer.layers.outcome import Report
from layerslayer.oci.descriptor import Descriptor
from layerslayer.render.cost import cost_line


def reported(number: int = 0, **state: object) -> Report:
    """The report of a layer of 2 MB, of which half was read."""
    digest = "sha256:" + "{:064x}".format(number)
    report = Report(Descriptor("application/vnd.oci.image.layer.v1.tar", digest, 2_000_000, {}))
    report.__dict__.update({"bytes_read": 1_000_000, **state})
    return report


READ, SURE, LEAPT = reported(), reported(verified=True), reported(leapt=True)
KNOWN, CHECKED = reported(remembered=True, verified=True), reported(checked=2)


@pytest.mark.parametrize(
    "reports, worth",
    [
        ([], ""),
        ([SURE, reported(opaque=True)], "; digests verified"),
        ([SURE, READ], "; digests NOT all verified"),
        ([KNOWN, KNOWN], "; layers known from earlier verified readings"),
        ([KNOWN, SURE], "; digests verified"),
        ([CHECKED, KNOWN], "; known from an earlier verified reading, the checksums of 2 files hold"),
        ([reported(checked=1)], "; known from an earlier verified reading, its checksum holds"),
        ([CHECKED, SURE], "; digests verified"),
        ([LEAPT, LEAPT], "; 1 layer listed by leaping, lengths add up; digests NOT all verified"),
        ([LEAPT, reported(1, leapt=True)], "; 2 layers listed by leaping, lengths add up; digests NOT all verified"),
        (
            [reported(claimed="eStargz"), reported(claimed="eStargz"), SURE],
            "; listed as the publisher's index claims (eStargz); digests NOT all verified",
        ),
    ],
)
def test_what_it_is_worth(reports: List[Report], worth: str) -> None:
    assert cost_line(reports, 2, size=0) == "Read {} in 2 requests{}.".format(
        "{}.0 MB".format(len(reports)) if reports else "0 B", worth
    )


def test_what_it_cost() -> None:
    assert cost_line([SURE], 1).startswith("Read 1.0 MB of 2.0 MB in 1 request; ")
    assert cost_line([SURE], 3, size=9_000_000).startswith("Read 1.0 MB of 9.0 MB in 3 requests; ")
    assert cost_line([reported(bytes_read=2_000_000)], 1).startswith("Read 2.0 MB in 1 request; ")
