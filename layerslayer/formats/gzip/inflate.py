"""Inflating from the middle of a deflate stream (RFC 1951), at any block boundary. No I/O.

A block may begin at any bit of a byte. zlib can be primed with the bits that
are left of one, Python's binding of it cannot; so empty blocks that write
nothing are put before the stream, until their bits and the left ones fill whole
bytes. Bits of a byte count from its lowest::

    empty block, fixed codes      10 bits: 0 | 01 | 7 zeros, end of block
    empty block, dynamic codes    93 bits, for the odd phases: 0 | 10 | HLIT 0 | HDIST 0 | HCLEN 15
                                  | 19 lengths of 3 bits: 1 for the symbols 1 and 18
                                  | 138 and 118 lengths 0, one of 1 (256), one of 1 (a distance) | end of block
"""

from __future__ import annotations

import zlib
from typing import Any, Tuple

WINDOW = 32 * 1024  # bytes before a boundary that what follows may refer to

_ORDER = (16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15)
_Fields = Tuple[Tuple[int, int], ...]  # values and how many bits each has
_FIXED: _Fields = ((0, 1), (1, 2), (0, 7))
_DYNAMIC: _Fields = (
    *((0, 1), (2, 2), (0, 5), (0, 5), (15, 4)),
    *((1 if symbol in (1, 18) else 0, 3) for symbol in _ORDER),
    # Of the two codes of one bit, 0 is the length 1 and 1 is a run of 11 zeros and so many more as 7 bits say.
    *((1, 1), (127, 7), (1, 1), (107, 7), (0, 1), (0, 1)),
    (0, 1),  # the only literal there is: the end of the block
)


def inflate_at(window: bytes, bits: int, data: bytes) -> Tuple[Any, bytes]:
    """Return a decompressor for what begins at a block boundary, and the bytes to feed it first.

    ``window`` is the output before the boundary: all of it, or the last 32 KiB.
    ``bits`` (0 to 7) is how many bits of the byte ``data[0]``, its highest,
    belong to the stream from the boundary on; with 0, it begins at ``data[0]``
    as a whole. ``data`` is as much of the stream as has come, one byte at
    least where ``bits`` are. The bytes returned are ``data`` with another
    beginning, up to 13 bytes longer. The decompressor is ``zlib``'s, of raw
    deflate: give it a ``max_length``, look at ``unconsumed_tail`` and, at
    ``eof``, at ``unused_data``, which is the input after the stream. It raises
    ``zlib.error`` for what is no deflate data. Raises ValueError for arguments
    that are none of these.
    """
    if not 0 <= bits <= 7 or (bits and not data):
        raise ValueError(f"no such place in a byte: {bits} bits of {len(data)} bytes")
    return zlib.decompressobj(-zlib.MAX_WBITS, zdict=window[-WINDOW:]), primed(bits, data)


def primed(bits: int, data: bytes) -> bytes:
    """Return the bytes to feed any decompressor of raw deflate there, in place of ``data``."""
    if not bits:
        return data
    missing = 8 - bits  # which the empty blocks must fill, modulo 8: 93 is 5 there, 10 is 2
    odd = missing % 2
    fields = (_DYNAMIC if odd else ()) + _FIXED * ((missing - 5 * odd) // 2 % 4)
    value = length = 0
    for number, width in fields:
        value |= number << length
        length += width
    value |= (data[0] >> missing) << length
    return value.to_bytes((length + bits) // 8, "little") + data[1:]
