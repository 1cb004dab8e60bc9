"""What a digest must be (OCI image-spec ``descriptor.md``, "Digests"). Pure."""

from __future__ import annotations

import re
from typing import Optional

HEX_LENGTHS = {"sha256": 64, "sha384": 96, "sha512": 128}
_DIGEST = re.compile(r"([a-z0-9]+(?:[.+_-][a-z0-9]+)*):([a-zA-Z0-9=_-]+)", re.ASCII)
_HEX = re.compile("[a-f0-9]+")


def digest_problem(digest: str) -> Optional[str]:
    """Return what is wrong with a digest, None when it can be verified."""
    match = _DIGEST.fullmatch(digest)
    if not match:
        return "a digest reads algorithm:hex"
    algorithm, value = match.groups()
    length = HEX_LENGTHS.get(algorithm)
    if length is None:
        return f"digest algorithm '{algorithm}' is not supported (sha256, sha384 and sha512 are)"
    if len(value) != length or not _HEX.fullmatch(value):
        return f"a {algorithm} digest has {length} lower-case hex digits"
    return None
