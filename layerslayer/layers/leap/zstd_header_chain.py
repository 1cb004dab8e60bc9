"""Whether what stands before a header, in the middle of a tar, is a body, or members that nobody has seen. No I/O."""

from __future__ import annotations

from ...formats.tar.fields import checksum_holds, number
from ...formats.tar.header import BLOCK, padding

_BODILESS = b"123456"  # links, devices, directories, whatever size they state


def members_lead_to(end: bytes) -> bool:
    """Whether members fill the end of ``end``, which is so many whole blocks, up to its last byte.

    A tar within the tar does not do that, as it has an end marker of zeros.
    """
    leading = {len(end)}
    for at in range(len(end) - BLOCK, -1, -BLOCK):
        block = end[at : at + BLOCK]
        if block[257:262] == b"ustar" and checksum_holds(block):
            try:
                size = 0 if block[156:157] in _BODILESS else number(block[124:136], "size")
            except ValueError:
                continue
            if at + BLOCK + size + padding(size) in leading:
                leading.add(at)
    return len(leading) > 1
