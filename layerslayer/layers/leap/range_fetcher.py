"""Parts of a blob, asked for by Range, of use as they arrive, and kept for a while."""

from __future__ import annotations

import threading
import time
from typing import BinaryIO, Callable, List, Optional

from ...errors import CorruptLayer
from .range_cache import CoveredRanges, RangeCache
from .throughput import Throughput

OpenRange = Callable[[int, int], BinaryIO]  # start and length in bytes of the blob -> a readable of just those
_PIECE = 64 * 1024  # bytes that arrive before they can be read


class _Coming:
    """A part of the blob that was asked for: the bytes [at, end) of it are still to arrive."""

    def __init__(self, start: int, end: int) -> None:
        self.at = start
        self.end = end
        self.error: Optional[BaseException] = None  # they will not


class Fetcher:
    """Reads parts of a blob of ``size`` bytes. What was read is kept until it is forgotten.

    ``requests`` counts what was asked for, ``again`` the bytes that came for a
    second time, ``distinct`` the others. Safe for one reader and what that
    asked for ``ahead``.
    """

    def __init__(self, open_range: OpenRange, size: int, throughput: Optional[Throughput] = None) -> None:
        self.size = size
        self.requests = 0
        self.again = 0
        self.throughput = throughput or Throughput()
        self._open_range = open_range
        self._covered = CoveredRanges()
        self._cache = RangeCache()
        self._coming: List[_Coming] = []
        self._changed = threading.Condition()

    @property
    def spent(self) -> int:
        """Bytes of the blob asked for so far, but for what could not be had."""
        with self._changed:
            return self._covered.total + self.again + sum(item.end - item.at for item in self._coming if not item.error)

    @property
    def keeps(self) -> bool:
        """Whether all that was read and not forgotten is still there."""
        return not self._cache.full

    @property
    def distinct(self) -> int:
        return self._covered.total

    def read(self, start: int, end: int) -> bytes:
        """Return the bytes [start, end) of the blob, which must lie in it. Raises what ``open_range`` raises."""
        pieces = []
        while start < end:
            data = self._arrived(start, end) or self._fetched(start, end)
            pieces.append(data)
            start += len(data)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def known_head(self) -> bytes:
        """Return the first bytes of the blob, as many as are here or on their way. Raises as ``read``."""
        head = self._arrived(0, self.size)
        while head:
            data = self._arrived(len(head), self.size)
            if not data:
                break
            head += data
        return head

    def forget(self, start: int, end: int) -> None:
        """Take that the bytes [start, end) will not be asked for again."""
        with self._changed:
            self._cache.forget(start, end)

    def leave_memory(self) -> None:
        """Take that what is kept is of use later, if at all."""
        with self._changed:
            self._cache.leave_memory()

    def ahead(self, start: int, end: int, piece: int = 0) -> None:
        """Begin to fetch what of [start, end) is not here nor on its way; ``read`` waits for it.

        ``piece`` bytes are asked for at once, if that is given, and then perhaps some beyond ``end``.
        """
        start, end = max(start, 0), min(end, self.size)
        with self._changed:
            while start < end:
                until = self._cache.ends(start)
                coming = self._covering(start)
                if until == start and coming is None:
                    until = self._gap(start, min(start + piece, self.size) if piece else end)
                    self._begin(start, until)
                start = coming.end if coming is not None and until == start else until

    def _begin(self, start: int, end: int) -> None:
        coming = _Coming(start, end)
        self._coming.append(coming)
        threading.Thread(target=self._fetch_quietly, args=(coming,), daemon=True).start()

    def _covering(self, start: int) -> Optional[_Coming]:
        """Return what brings the byte at ``start``."""
        return next((item for item in self._coming if item.at <= start < item.end), None)

    def _gap(self, start: int, end: int) -> int:
        """Return up to where nothing is here nor on its way."""
        return min([self._cache.begins(start, end), *(item.at for item in self._coming if start < item.at < end)])

    def _arrived(self, start: int, end: int) -> bytes:
        """Return bytes from ``start`` on that are here, having waited for them; none when they are not on their way."""
        with self._changed:
            while True:
                until = min(self._cache.ends(start), end)
                if until > start:
                    return self._cache.read(start, until)
                coming = self._covering(start)
                if coming is None:
                    return b""
                if coming.error is not None:
                    self._coming.remove(coming)
                    raise coming.error
                self._changed.wait()

    def _fetched(self, start: int, end: int) -> bytes:
        """Return bytes from ``start`` on that nobody has asked for."""
        pieces: List[bytes] = []
        with self._changed:
            coming = _Coming(start, self._gap(start, end))
            self._coming.append(coming)
        try:
            self._fetch(coming, pieces.append)
        except BaseException:
            with self._changed:
                self._coming = [item for item in self._coming if item is not coming]  # perhaps all of it had arrived
            raise
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _fetch_quietly(self, coming: _Coming) -> None:
        try:
            self._fetch(coming, lambda data: None)
        except BaseException as error:  # raised where it is waited for
            with self._changed:
                coming.error = error
                self._changed.notify_all()

    def _fetch(self, coming: _Coming, take: Callable[[bytes], None]) -> None:
        with self.throughput.asking:
            self._ask(coming, take)

    def _ask(self, coming: _Coming, take: Callable[[bytes], None]) -> None:
        began, end = time.monotonic(), coming.end
        blob = self._open_range(coming.at, end - coming.at)
        self.throughput.begins(time.monotonic() - began)
        self.requests += 1
        try:
            while coming.at < end:
                data = blob.read(min(_PIECE, end - coming.at))
                if not data:
                    raise CorruptLayer("gzip", coming.at, "the blob ends there, before its stated size")
                self.throughput.arrived(len(data))
                take(data)
                self._keep(coming, data)
        finally:
            blob.close()
            self.throughput.ends()

    def _keep(self, coming: _Coming, data: bytes) -> None:
        with self._changed:
            start, coming.at = coming.at, coming.at + len(data)
            self.again += self._covered.add(start, coming.at)
            self._cache.keep(start, data)
            if coming.at == coming.end:
                self._coming.remove(coming)
            self._changed.notify_all()
