"""Where zstd frames end that no table tells of: from block header to block header, past what the blocks hold.

A frame may state what it unfolds to, and a block states how long it is. So a
frame that is all of one body is passed over for one small request a block.
Blocks are of 128 KiB at most, and most are much smaller: it pays where bodies
hardly compress, on a line without delay.
"""

from __future__ import annotations

from typing import Optional, Tuple

from ...formats.magic import ZSTD_MAGIC, is_skippable
from ...formats.zstd.frames import MAX_BLOCK, MAX_HEADER, FrameHeader, block_header, frame_header
from ...formats.zstd.stream import FrameStream
from .range_fetcher import Fetcher
from .zstd_seek_table import Place

_BLOCK = 3  # bytes of a block's header
_LEAST = 16 * 1024  # bytes that a request must save, on average
_SLACK = 8  # requests that may save less, of each row of them
_SKIPPABLE = 8  # bytes of a skippable frame's header
_IN_A_ROW = 16  # skippable frames


class FrameMap:
    """Hops through one blob."""

    def __init__(self, fetcher: Fetcher) -> None:
        self._fetcher = fetcher
        self._allowed = 0  # where in the blob the next request must be about, at least

    @property
    def least(self) -> int:
        """Bytes that a block must have to be worth a request."""
        return _LEAST + self._fetcher.throughput.in_flight

    def promising(self) -> bool:
        """Whether the blob may have frames to pass over: its first one states its size, and is not all of it."""
        found = self._header(0)
        content = found[1].content if found else None
        return content is not None and content < self._fetcher.size and self.least <= MAX_BLOCK

    def beyond(self, stream: FrameStream, base: int, position: int) -> Optional[Place]:
        """Return the last place not beyond ``position`` in the tar that hops lead to: a frame's beginning, or the end.

        ``stream``, whose output begins at ``base`` in the tar, says where they
        begin. None where the frame at hand does not end before that, or getting
        to its end does not pay. Raises CorruptLayer and what fetching raises.
        """
        cutter = stream.cutter
        block, end = cutter.next_block, cutter.next_frame
        tar = base + stream.output
        self._allowed = (end if block is None else block) or 0
        if stream.within:
            if cutter.header.content is None:
                return None
            tar = base + stream.frame_output + cutter.header.content
            if tar > position:
                return None
        if block is not None:
            end = self._end(block, cutter.header)
        return self._onwards(Place(end, tar), position) if end is not None else None

    def _onwards(self, place: Place, position: int) -> Place:
        while True:
            found = self._header(place.stored) if self._may_ask(place.stored) else None
            content = found[1].content if found else None
            if found is None or content is None or place.tar + content > position:
                return place
            end = self._end(*found)
            if end is None:
                return place
            place = Place(end, place.tar + content)

    def _may_ask(self, at: int) -> bool:
        """Whether a request there is worth it, in view of what those before it saved."""
        if at + _SLACK * self.least < self._allowed:
            return False
        self._allowed += self.least
        return True

    def _end(self, block: int, header: FrameHeader) -> Optional[int]:
        """Return where the frame ends, a block of which stands at ``block``; None where getting there does not pay."""
        last = False
        while not last:
            if block + _BLOCK > self._fetcher.size or not self._may_ask(block):
                return None
            last, length = block_header(self._fetcher.read(block, block + _BLOCK), block)
            block += length
        return block + header.checksum

    def _header(self, at: int) -> Optional[Tuple[int, FrameHeader]]:
        """Return where the first block of the frame at ``at`` stands, skippable ones aside, and the frame's header."""
        size = self._fetcher.size
        for _ in range(_IN_A_ROW):
            head = self._fetcher.read(at, min(at + MAX_HEADER + _BLOCK, size)) if at < size else b""
            if len(head) < _SKIPPABLE or not is_skippable(head):
                break
            at += _SKIPPABLE + int.from_bytes(head[4:_SKIPPABLE], "little")
        header = frame_header(head) if head.startswith(ZSTD_MAGIC) else None
        return (at + header.length, header) if header else None
