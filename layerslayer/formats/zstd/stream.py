"""zstd frames decompressed as their bytes arrive, from wherever in a blob a frame begins. No I/O."""

from __future__ import annotations

from typing import Any, Callable, Iterator, Optional

from ...errors import CorruptLayer, MissingBinding
from ...limits import DEFAULT, LimitReached, Limits
from .frames import FrameCutter
from .window_memory import Window


class FrameStream:
    """Decompresses the frames that begin at ``start``: ``feed`` pieces, then ``close``. Raises MissingBinding.

    ``output`` counts the bytes that came out, ``frame_output`` those before the current frame.
    """

    def __init__(self, start: int = 0, limits: Limits = DEFAULT) -> None:
        try:
            import zstandard
        except ImportError:
            raise MissingBinding(
                "this layer is compressed with zstd, and no zstd binding is installed", "Run: pip install zstandard"
            ) from None
        self._window = Window(limits)
        self._engine: Any = zstandard.ZstdDecompressor(max_window_size=self._window.most)
        self._error: Any = zstandard.ZstdError
        self._frame: Any = None  # None between frames
        self.cutter = FrameCutter(start)
        self.output = 0
        self.frame_output = 0
        self.trailing = 0  # bytes after the last frame that are none: they are an error, not like gzip's

    @property
    def within(self) -> bool:
        """Whether a frame has begun and not ended."""
        return self._frame is not None

    def feed(self, piece: bytes, begins: Optional[Callable[[int], None]] = None) -> Iterator[bytes]:
        """Yield what the next bytes add, at most a few hundred KiB at a time. Raises CorruptLayer,
        and LimitReached where a frame's window is larger than is allowed.

        ``begins`` hears where in the blob a frame begins, before anything of it comes out.
        """
        cutter = self.cutter
        for part, ends in cutter.feed(piece):
            if self._frame is None:
                if cutter.header.window <= self._window.most:  # the engine says no to others
                    self._window.widen(cutter.header.window)
                self._frame, self.frame_output = self._engine.decompressobj(), self.output
                if begins:
                    begins(cutter.frame_start)
            try:
                output = self._frame.decompress(part)
            except self._error as error:
                if "too much memory" in str(error):
                    told = "a frame of the zstd stream asks for more memory"
                    raise LimitReached("window", self._window.most, told) from None
                raise CorruptLayer(
                    "zstd", cutter.frame_start, f"the frame there cannot be decompressed ({error})"
                ) from None
            if ends:
                self._frame = None
            if output:
                self.output += len(output)
                yield output

    def close(self) -> None:
        """End the blob. Raises CorruptLayer within a frame."""
        self.release()
        self.cutter.close()

    def release(self) -> None:
        """Give back all memory; nothing can be fed any more."""
        self._frame = self._engine = None
        self._window.close()
