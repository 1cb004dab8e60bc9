"""What a digest must be."""

from __future__ import annotations

import pytest

from layerslayer.oci.digest import digest_problem

HEX = "0123456789abcdef" * 4
DIGEST = "sha256:" + HEX


@pytest.mark.parametrize(
    ("digest", "problem"),
    [
        (DIGEST, None),
        ("sha384:" + "0" * 96, None),
        ("", "algorithm:hex"),
        ("sha256", "algorithm:hex"),
        ("sha256:", "algorithm:hex"),
        ("sha256:../../etc/passwd", "algorithm:hex"),
        (DIGEST + "\n", "algorithm:hex"),
        ("SHA256:" + HEX, "algorithm:hex"),
        ("md5:" + HEX[:32], "not supported"),
        (DIGEST + "0", "64 lower-case"),
        ("sha256:" + "g" * 64, "64 lower-case"),
    ],
    ids=ascii,
)
def test_digest_problem(digest, problem):
    found = digest_problem(digest)
    assert found is None if problem is None else problem in found
