"""Where the blocks of a deflate stream begin (RFC 1951), told bit by bit: slow, plain, and independent of zlib."""

from __future__ import annotations

from typing import Dict, Iterator, List, NamedTuple, Sequence, Tuple

STORED, FIXED, DYNAMIC = range(3)
_ORDER = (16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15)
_EXTRA = (0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0)
_LENGTHS = (3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195,
            227, 258)  # fmt: skip
_Codes = Dict[Tuple[int, int], int]  # number of bits and their value, the first the highest -> the symbol


class Block(NamedTuple):
    """A block begins at ``bit`` of the stream, when ``out`` bytes have come out."""

    bit: int
    out: int
    kind: int


def _codes(lengths: Sequence[int]) -> _Codes:
    found: _Codes = {}
    code = 0
    for length in range(1, 16):
        for symbol, its in enumerate(lengths):
            if its == length:
                found[length, code] = symbol
                code += 1
        code <<= 1
    return found


_FIXED = (_codes([8] * 144 + [9] * 112 + [7] * 24 + [8] * 8), _codes([5] * 30))


class _Bits:
    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def take(self, count: int) -> int:
        value = 0
        for place in range(count):
            value |= (self.data[self.at >> 3] >> (self.at & 7) & 1) << place
            self.at += 1
        return value

    def symbol(self, codes: _Codes) -> int:
        code = length = 0
        data, at = self.data, self.at
        while True:
            code = code << 1 | (data[at >> 3] >> (at & 7) & 1)
            at += 1
            length += 1
            found = codes.get((length, code))
            if found is not None:
                self.at = at
                return found
            assert length < 15


def _dynamic(bits: _Bits) -> Tuple[_Codes, _Codes]:
    literals, distances, count = bits.take(5) + 257, bits.take(5) + 1, bits.take(4) + 4
    own = [0] * 19
    for symbol in _ORDER[:count]:
        own[symbol] = bits.take(3)
    codes = _codes(own)
    lengths: List[int] = []
    while len(lengths) < literals + distances:
        symbol = bits.symbol(codes)
        if symbol < 16:
            lengths.append(symbol)
        elif symbol == 16:
            lengths += lengths[-1:] * (3 + bits.take(2))
        else:
            lengths += [0] * (3 + bits.take(3) if symbol == 17 else 11 + bits.take(7))
    return _codes(lengths[:literals]), _codes(lengths[literals:])


def _body(bits: _Bits, literals: _Codes, distances: _Codes) -> int:
    """Pass over a block's symbols and return how many bytes they stand for."""
    out = 0
    while True:
        symbol = bits.symbol(literals)
        if symbol < 256:
            out += 1
        elif symbol == 256:
            return out
        else:
            out += _LENGTHS[symbol - 257] + bits.take(_EXTRA[symbol - 257])
            distance = bits.symbol(distances)
            bits.take(max(distance // 2 - 1, 0))


def blocks(data: bytes) -> Iterator[Block]:
    """Yield the blocks of a raw deflate stream, and at last the end as if one more began there."""
    bits = _Bits(data)
    out = last = kind = 0
    while not last:
        begin = bits.at
        last, kind = bits.take(1), bits.take(2)
        yield Block(begin, out, kind)
        if kind == STORED:
            bits.at += -bits.at % 8
            length = bits.take(16)
            assert bits.take(16) == length ^ 0xFFFF
            bits.at += 8 * length
            out += length
        else:
            out += _body(bits, *(_FIXED if kind == FIXED else _dynamic(bits)))
    yield Block(bits.at, out, kind)
