"""What an answer cost and how far it can be trusted, as one line."""

from __future__ import annotations

from typing import Iterator, Optional, Sequence

from ..escaping import human_size
from ..layers.outcome import Report


def cost_line(reports: Sequence[Report], requests: int, size: Optional[int] = None) -> str:
    """Return "Read 1.2 MB of 30.0 MB in 3 requests; digests verified." of what was read.

    ``size`` is that of what could have been read, without it that of the layers reported on.
    """
    read = sum(report.bytes_read for report in reports)
    whole = sum(max(report.descriptor.size, 0) for report in reports) if size is None else size
    cost = f"Read {human_size(read)}{' of ' + human_size(whole) if read < whole else ''}"
    cost += f" in {requests} request{'' if requests == 1 else 's'}"
    return "; ".join([cost, *_worth(reports)]) + "."


def _worth(reports: Sequence[Report]) -> Iterator[str]:
    """Yield what vouches for what was read, or that nothing does."""
    claimed = sorted({report.claimed for report in reports if report.claimed})
    if claimed:
        yield f"listed as the publisher's index claims ({', '.join(claimed)})"
    checked = sum(report.checked for report in reports)
    if checked and all(report.checked or report.remembered for report in reports):
        holds = "its checksum holds" if checked == 1 else f"the checksums of {checked} files hold"
        yield "known from an earlier verified reading, " + holds
    elif reports and all(report.remembered for report in reports):
        yield "layers known from earlier verified readings"
    elif reports and all(report.verified or report.opaque or report.checked for report in reports):
        yield "digests verified"
    elif reports:
        leapt = len({report.descriptor.digest for report in reports if report.leapt})
        if leapt:
            layers = "1 layer" if leapt == 1 else f"{leapt} layers"
            yield f"{layers} listed by leaping, lengths add up"
        yield "digests NOT all verified"
