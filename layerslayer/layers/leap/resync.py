"""After a resync in the middle of a stream: which bytes are certain, and the first tar header among them.

The 32 KiB before the resync are not known, and the stream refers to them. It
is inflated twice, with 0x00 and with 0xFF in their place: bytes on which both
agree depend on neither. Once the last 32 KiB agree, all that follows does.
"""

from __future__ import annotations

import re
from typing import List, Optional, Set, Tuple

from ...errors import CorruptLayer
from ...formats.entry import Entry
from ...formats.gzip.inflate import WINDOW
from ...formats.gzip.members import MemberStream
from ...formats.tar.fields import checksum_holds
from ...formats.tar.header import BLOCK
from ...formats.tar.reader import TarWalker
from ...limits import DEFAULT, Limits

MAGIC = b"ustar"
MAGIC_AT = 257
_MAY_BE = [bytes(byte in (letter, 0xFF) for byte in range(256)) for letter in MAGIC]  # 0xFF: not known
_NO_FF = bytes(range(255)) + b"\xfe"
# What is known of a block, 0xFF standing for what is not, does not speak against its being a header.
_HEADER = re.compile(
    rb".{100}[0-7 \0\xff]{8}.{40}[0-7 \0\xff]{8}[0-7A-Zgx\0\xff].{100}"
    rb"[u\xff][s\xff][t\xff][a\xff][r\xff][\0 \xff][0 \xff][0\0\xff]",
    re.DOTALL,
)
_LEAST_KNOWN = 8  # bytes of a header: its checksum, its name or its size are no copies of what was before
_TWICE_FREE, _ONCE_FREE = 32, 64  # bytes that may come out of one with two guesses, or one, and do not count
_TWICE = 3  # times as long as one guess two take, with all that is compared
_KEPT = 2 * WINDOW + BLOCK  # bytes of output that are looked at before a header, at least
_PATIENCE = 8 * 1024 * 1024  # bytes of output walked with two guesses before it is given up


class Doubtful(Exception):
    """What was resynced on cannot be told for sure: perhaps a header went by that depends on unknown bytes."""


class Endless(Exception):
    """So much comes out of what follows a resync that walking on with guesses takes longer than reading the body."""


class Resync:
    """Feeds on what follows a resync, until a header is found and nothing is uncertain any more.

    ``position`` is where that header must stand in the tar, right behind
    ``padding`` bytes, which are zeros. ``first`` is how many bytes of output came
    before it, None while none was found; ``walker`` has walked from there on,
    ``entries`` are its. ``certain``: the last 32 KiB are.
    ``doubted``: another header may have come before it, among bytes that are not known.
    ``zeros`` is how many certain zero bytes the output ends with. ``dense``: how
    many bytes of output may still come of what is hardly any input.
    """

    def __init__(
        self,
        zeros: MemberStream,
        ones: MemberStream,
        position: int,
        padding: int = 0,
        dense: int = 2**62,
        limits: Limits = DEFAULT,
    ) -> None:
        self.stream = zeros
        self.first: Optional[int] = None
        self.walker = TarWalker(position, limits)
        self.entries: List[Entry] = []
        self.certain = False
        self.zeros = 0
        self.doubted = False
        self._padding = padding
        self.dense = dense
        self._certain_from: Optional[int] = None  # how much output had come out by then
        self._ones: Optional[MemberStream] = ones
        self._other = TarWalker(position, limits)  # walks the second guess
        self._others: List[Entry] = []
        self._walked = 0
        self._tail = self._other_tail = b""  # the end of the output, for headers across pieces and to compare
        self._doubts: List[Tuple[int, bytes]] = []  # from where on, and where in a block a magic may have been
        self._likely: Set[int] = set()  # the same, where the magic is known and other bytes are not
        self._doubted = 0  # bytes of output looked at for such

    @property
    def blind(self) -> int:
        """Bytes of output in which a header may have been missed."""
        return self.stream.output if self._certain_from is None else self._certain_from

    @property
    def settled(self) -> bool:
        """Whether a header was found and all is certain: go on with ``stream`` and ``walker``."""
        return self.first is not None and self.certain

    def feed(self, data: bytes) -> None:
        """Take the next bytes of the blob. Raises Doubtful, Endless, and CorruptLayer as the walk does."""
        for at in range(0, len(data), 16 * 1024):  # so that two guesses of a bomb stay small
            part = data[at : at + 16 * 1024]
            pieces, free = self.stream.feed(part), _TWICE_FREE * len(part)
            if self._ones is None:
                free = _ONCE_FREE * len(part)
                for piece in pieces:
                    free = 0 if self.settled else self._spend(free, len(piece))
                    self._take(piece, piece)
            else:
                others = self._ones.feed(part)
                for piece in pieces:
                    free = self._spend(free, _TWICE * len(piece))
                    self._take(piece, next(others))
                for _ in others:  # none is left; but it ends what it does only when asked once more
                    pass

    def _spend(self, free: int, count: int) -> int:
        """Count what comes out beyond what is ``free``; return how much still is. Raises Endless."""
        self.dense -= max(0, count - free)
        if self.dense < 0:
            raise Endless
        return max(0, free - count)

    def _take(self, piece: bytes, other: bytes) -> None:
        before = self.stream.output - len(piece)
        self._count_zeros(piece, other)
        if self.first is not None:
            self._walk(piece, other)
            self._compare(piece, other)
            return
        start = before - len(self._tail)  # where in the output the buffers begin
        buffer, other_buffer = self._tail + piece, self._other_tail + other
        if not self.certain:
            self._doubt(buffer, other_buffer, start)
        found = self._header(buffer, other_buffer, start)
        if found is None:
            self._tail, self._other_tail = buffer[-_KEPT:], other_buffer[-_KEPT:]
            self._compare(b"", b"")
            return
        self.first = start + found
        self._walk(buffer[found:], other_buffer[found:])
        self._tail, self._other_tail = buffer[-WINDOW:], other_buffer[-WINDOW:]
        self._compare(b"", b"")

    def _header(self, buffer: bytes, other: bytes, start: int) -> Optional[int]:
        """Return where in the buffers the first certain header begins."""
        at = buffer.find(MAGIC)
        while at >= 0:
            begins = at - MAGIC_AT
            block = buffer[begins : begins + BLOCK] if begins >= 0 else b""
            if len(block) == BLOCK and block == other[begins : begins + BLOCK]:
                if checksum_holds(block):
                    self._check_doubts(buffer, other, begins, start + at)
                    return begins
            elif len(block) == BLOCK or (begins < 0 and start == 0):
                self._likely.add((start + at) % BLOCK)  # a header with bytes that are not known
            at = buffer.find(MAGIC, at + 1)
        return None

    def _check_doubts(self, buffer: bytes, other: bytes, begins: int, at: int) -> None:
        """Take that a header begins there in the buffers, its magic at ``at`` of the output.

        Raises Doubtful when another very likely came before it, or it does not stand right behind the body.
        """
        filled = begins - self._padding
        if filled < 0 or buffer[filled:begins].strip(b"\0") or other[filled:begins].strip(b"\0"):
            raise Doubtful  # it is in the body, or behind another one
        if not buffer[max(0, filled - BLOCK) : filled].strip(b"\0"):
            raise Doubtful  # an archive may have ended there: what comes after that is hidden
        if at % BLOCK in self._likely:
            raise Doubtful
        self.doubted = any(start < at and places[(at - start) % BLOCK] for start, places in self._doubts)
        for end in range(begins, 0, -BLOCK):
            start = max(0, end - BLOCK)
            block, guess = buffer[start:end], other[start:end]
            if checksum_holds(block) if block == guess else _may_be_header(_marked(block, guess)):
                raise Doubtful  # what is certain was none of today's, but there were headers before "ustar"

    def _doubt(self, buffer: bytes, other: bytes, start: int) -> None:
        """Note where a magic may be that is not known."""
        fresh = max(0, self._doubted - len(MAGIC) - start)  # what was not looked at yet
        self._doubted = start + len(buffer)
        buffer, other = buffer[fresh:], other[fresh:]
        if buffer == other:
            return
        marked, length = _marked(buffer, other), len(buffer)
        # One byte for each place, 1 where "ustar" may begin; then the places modulo a block.
        places = -1
        for number, table in enumerate(_MAY_BE):
            places &= int.from_bytes(marked.translate(table), "little") >> 8 * number
        at = marked.find(MAGIC)
        while at >= 0:  # those are certain, and looked at elsewhere
            places &= ~(1 << 8 * at)
            at = marked.find(MAGIC, at + 1)
        while length > BLOCK:
            half = (length // 2 + BLOCK - 1) // BLOCK * BLOCK
            places, length = (places >> 8 * half) | (places & ((1 << 8 * half) - 1)), half
        if places:
            self._doubts.append((start + fresh, places.to_bytes(BLOCK, "little")))

    def _walk(self, piece: bytes, other: bytes) -> None:
        if self.certain:
            self.entries += self.walker.feed(piece)
            return
        try:
            self.entries += self.walker.feed(piece)
            self._others += self._other.feed(other)
        except CorruptLayer:  # of bytes that nobody knows
            raise Doubtful from None
        self._walked += len(piece)
        if self._walked > _PATIENCE:
            raise Doubtful

    def _compare(self, piece: bytes, other: bytes) -> None:
        """See whether the last 32 KiB of both guesses are the same."""
        if self.certain:
            return
        if piece:
            self._tail, self._other_tail = (self._tail + piece)[-WINDOW:], (self._other_tail + other)[-WINDOW:]
        if len(self._tail) < WINDOW or self._tail[-WINDOW:] != self._other_tail[-WINDOW:]:
            return
        self.certain, self._ones, self._certain_from = True, None, self.stream.output
        if self.first is not None and (
            self.entries != self._others
            or self.walker.owed != self._other.owed
            or self.walker.position != self._other.position
        ):
            raise Doubtful
        self._others = []

    def _count_zeros(self, piece: bytes, other: bytes) -> None:
        if piece.strip(b"\0") or other.strip(b"\0"):
            self.zeros = len(piece) - len(piece.rstrip(b"\0"))
            self.zeros = min(self.zeros, len(other) - len(other.rstrip(b"\0")))
        else:
            self.zeros += len(piece)


def _marked(guess: bytes, other: bytes) -> bytes:
    """Return what two guesses agree on, and 0xFF where they do not (0xFE for 0xFF itself)."""
    differ = int.from_bytes(guess, "little") ^ int.from_bytes(other, "little")
    known = int.from_bytes(guess.translate(_NO_FF), "little")
    return (known | differ).to_bytes(len(guess), "little")


def _may_be_header(marked: bytes) -> bool:
    block = marked.rjust(BLOCK, b"\xff")  # what stands before the resync is not known either
    return block.count(b"\xff") <= BLOCK - _LEAST_KNOWN and _HEADER.match(block) is not None
