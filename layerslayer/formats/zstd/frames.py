"""Where zstd frames and their blocks begin and end, without decompressing. Pure.

Wire format (RFC 8878, section 3)::

    frame       28 b5 2f fd, descriptor byte, [window 1], [dictionary 0/1/2/4],
                [content size 0/1/2/4/8], blocks ..., [checksum 4]
    block       3 bytes little endian: bit 0 last, bits 1-2 type (0 raw, 1 RLE,
                2 compressed), bits 3-23 size; an RLE block stores 1 byte
    skippable   50..5f 2a 4d 18, length LE32, payload

A block unfolds to at most 128 KiB, so cutting at blocks bounds the output of
every call to a decoder that has no such bound itself, and knowing where
frames end distinguishes a whole stream from a truncated one.
"""

from __future__ import annotations

from typing import Iterator, List, NamedTuple, Optional, Tuple

from ...errors import CorruptLayer
from ..magic import ZSTD_MAGIC, is_skippable

_BLOCKS_AT_ONCE = 2  # 256 KiB of output
_CONTENT_SIZE_BYTES = (0, 2, 4, 8)
_DICTIONARY_BYTES = (0, 1, 2, 4)
MAX_HEADER = 18  # bytes of a frame's header
MAX_BLOCK = 128 * 1024  # bytes that a block unfolds to, and takes, but for its header


class FrameHeader(NamedTuple):
    """What a frame's header says.

    Its length, what the frame unfolds to (None: not stated), its checksum's
    length, and how much memory unfolding it takes. All in bytes.
    """

    length: int
    content: Optional[int]
    checksum: int
    window: int = 0


class BlockHeader(NamedTuple):
    """What a block's header says: whether it is its frame's last, and how long it is with its header."""

    last: bool
    length: int


def frame_header(head: bytes) -> Optional[FrameHeader]:
    """Read the header that ``head``, the bytes from a frame's magic on, begins with; None when more are needed."""
    if len(head) < 5:
        return None
    descriptor = head[4]
    single_segment = descriptor >> 5 & 1
    size = _CONTENT_SIZE_BYTES[descriptor >> 6] or single_segment
    length = 5 + (1 - single_segment) + _DICTIONARY_BYTES[descriptor & 3] + size
    if len(head) < length:
        return None
    content = int.from_bytes(head[length - size : length], "little") + (256 if size == 2 else 0)
    if single_segment:
        window = content
    else:
        window = (1 << 10 + (head[5] >> 3)) // 8 * (8 + (head[5] & 7))
        window = min(window, content) if size else window
    return FrameHeader(length, content if size else None, 4 if descriptor & 4 else 0, window)


def block_header(data: bytes, offset: int) -> BlockHeader:
    """Read a block's 3 bytes, which stand at ``offset``. Raises CorruptLayer."""
    header = int.from_bytes(data, "little")
    kind, size = header >> 1 & 3, header >> 3
    if kind == 3:
        raise CorruptLayer("zstd", offset, "a block there has a reserved type")
    return BlockHeader(bool(header & 1), 3 + (1 if kind == 1 else size))


class FrameCutter:
    """Cuts a zstd stream that begins at ``start`` into parts of few blocks: ``feed`` pieces, then ``close``."""

    def __init__(self, start: int = 0) -> None:
        self.frame_start = start  # offset of the current frame, bytes
        self.header = FrameHeader(0, None, 0)  # of that frame
        self._at = start  # offset of the next byte not yet yielded
        self._need = 0  # bytes to pass through before the next thing to read
        self._state = "frame"  # what stands after them: frame, block, end of frame or of skip
        self._buffer = b""

    def feed(self, piece: bytes) -> Iterator[Tuple[bytes, bool]]:
        """Yield ``(part, ends)``; ``ends`` is True for the last part of a frame.

        Skippable frames are left out. Raises CorruptLayer.
        """
        data = self._buffer + piece
        self._buffer = b""
        part: List[bytes] = []
        blocks = 0
        at = 0
        while True:
            if self._need:
                taken = min(self._need, len(data) - at)
                if self._state != "skip":
                    part.append(data[at : at + taken])
                at += taken
                self._at += taken
                self._need -= taken
                if self._need:
                    break
            if self._state == "skip":
                self._state = "frame"
            if self._state == "end":
                yield b"".join(part), True
                part, blocks = [], 0
                self._state = "frame"
            if at >= len(data) or not self._read(data, at):
                break
            if self._state == "block":
                blocks += 1
                if blocks >= _BLOCKS_AT_ONCE:
                    yield b"".join(part), False
                    part, blocks = [], 0
        self._buffer = data[at:]
        if part:
            yield b"".join(part), False

    def _read(self, data: bytes, at: int) -> bool:
        """Read the header at ``at``; return False when more bytes are needed."""
        return self._frame_header(data, at) if self._state == "frame" else self._block_header(data, at)

    def _frame_header(self, data: bytes, at: int) -> bool:
        head = data[at : at + 8]
        if len(head) < 5:
            return False
        self.frame_start = self._at
        if is_skippable(head):
            if len(head) < 8:
                return False
            self._state, self._need = "skip", 8 + int.from_bytes(head[4:8], "little")
            return True
        if not head.startswith(ZSTD_MAGIC):
            raise CorruptLayer("zstd", self._at, "no frame begins there")
        header = frame_header(data[at : at + MAX_HEADER])
        if header is None:
            return False
        self.header, self._need = header, header.length
        self._state = "block"
        return True

    def _block_header(self, data: bytes, at: int) -> bool:
        if len(data) - at < 3:
            return False
        last, self._need = block_header(data[at : at + 3], self._at)
        if last:
            self._need += self.header.checksum
            self._state = "end"
        return True

    @property
    def next_block(self) -> Optional[int]:
        """The offset of the next block's header in the current frame; None once its last block is known."""
        return self._at + self._need if self._state == "block" else None

    @property
    def next_frame(self) -> Optional[int]:
        """Where the next frame begins, once that is known."""
        return None if self._state == "block" else self._at + self._need

    def close(self) -> None:
        """End the stream. Raises CorruptLayer within a frame."""
        if self._state != "frame" or self._need or self._buffer:
            raise CorruptLayer("zstd", self._at, "the stream ends before its last frame does")
