"""Parts of a blob, asked for by Range and remembered for a while; how long the line takes for them."""

from __future__ import annotations

import bisect
import tempfile
import threading
import time
from typing import BinaryIO, Callable, Dict, List, Optional, Tuple

from ...errors import CorruptLayer

OpenRange = Callable[[int, int], BinaryIO]  # start and length in bytes of the blob -> a readable of just those
_IN_MEMORY = 8 * 1024 * 1024  # bytes remembered that are not in a file yet
_SHORT = 0.005  # seconds of waiting that are not worth fetching ahead for
_MOST_IN_FLIGHT = 1024 * 1024  # bytes: on faster lines too --fast is there to spare the registry
_TELLING = 128 * 1024  # bytes from which on they tell the line's rate
_WHILE = 0.5  # seconds


class Pace:
    """What a line has shown so far: seconds until an answer begins, bytes a second from then on. Safe for threads."""

    def __init__(self) -> None:
        self.latency = 0.05  # what is assumed at first
        self.rate = 4e6
        self._seen = False
        self._lock = threading.Lock()
        self._active = 0  # answers that are being read
        self._since = 0.0  # when that was none, or a good while ago
        self._arrived = 0  # bytes since then

    def begins(self, waited: float) -> None:
        """Take that an answer begins, which was waited for."""
        with self._lock:
            self.latency = min(self.latency, waited) if self._seen else waited
            self._seen = True
            if not self._active:
                self._since, self._arrived = time.monotonic(), 0
            self._active += 1

    def ends(self, length: int) -> None:
        """Take that an answer of so many bytes was read."""
        with self._lock:
            self._active -= 1
            self._arrived += length
            took = time.monotonic() - self._since
            if self._arrived >= _TELLING:
                self.rate = 0.7 * self.rate + 0.3 * self._arrived / max(took, 1e-4)
            if took > _WHILE:
                self._since, self._arrived = time.monotonic(), 0

    @property
    def in_flight(self) -> int:
        """Bytes that pass while one waits for an answer: what a request costs besides its own; 0 for no wait."""
        return min(int(self.latency * self.rate), _MOST_IN_FLIGHT) if self.latency > _SHORT else 0


class Extent:
    """A set of byte ranges."""

    def __init__(self) -> None:
        self._starts: List[int] = []
        self._ends: List[int] = []
        self.total = 0  # bytes in it

    def add(self, start: int, end: int) -> int:
        """Add [start, end); return how many of its bytes were there before."""
        first = bisect.bisect_left(self._ends, start)
        last = bisect.bisect_right(self._starts, end)
        known = sum(
            max(0, min(end, to) - max(start, at)) for at, to in zip(self._starts[first:last], self._ends[first:last])
        )
        if first < last:
            start, end = min(start, self._starts[first]), max(end, self._ends[last - 1])
        before = sum(to - at for at, to in zip(self._starts[first:last], self._ends[first:last]))
        self._starts[first:last], self._ends[first:last] = [start], [end]
        self.total += end - start - before
        return known


class Spool:
    """Pieces of a blob, in memory as long as they are few, then in a file without a name."""

    def __init__(self) -> None:
        self._file = tempfile.SpooledTemporaryFile(_IN_MEMORY)
        self._pieces: Dict[int, Tuple[int, int]] = {}  # by where they begin: where they are in the file, their length
        self._free: List[Tuple[int, int]] = []  # what those took that were forgotten
        self._end = 0
        self.full = False  # the disk takes no more

    def keep(self, start: int, data: bytes) -> None:
        """Remember what begins at ``start``; not where the disk takes no more, then it has to be asked for again."""
        if self.full:
            return
        place = self._room(len(data))
        try:
            self._file.seek(place)
            self._file.write(data)
        except OSError:
            self.full = True
            return
        self._pieces[start] = (place, len(data))

    def _room(self, length: int) -> int:
        """Return where so many bytes may be written."""
        for number, (place, room) in enumerate(self._free):
            if room >= length:
                del self._free[number]
                return place
        self._end += length
        return self._end - length

    def known(self, start: int, end: int) -> Tuple[Optional[bytes], int]:
        """Return the known bytes from ``start`` on and where they end; None and where known ones begin."""
        until = end
        for at, (place, length) in self._pieces.items():
            if at <= start < at + length:
                until = min(end, at + length)
                self._file.seek(place + start - at)
                return self._file.read(until - start), until
            if start < at < until:
                until = at
        return None, until

    def leave_memory(self) -> None:
        """Move all to the file, as it will be of use much later."""
        try:
            self._file.rollover()
        except OSError:
            pass  # no disk to be had; it stays where it is

    def forget(self, start: int, end: int) -> None:
        for at in [at for at, (_, length) in self._pieces.items() if start <= at and at + length <= end]:
            self._free.append(self._pieces.pop(at))


class Fetcher:
    """Reads parts of a blob of ``size`` bytes. What was read is remembered until it is forgotten.

    ``spent`` and ``requests`` count what was, ``again`` the bytes that were for
    a second time, ``distinct`` the others. Safe for one reader and what that
    asked for ``ahead``.
    """

    def __init__(self, open_range: OpenRange, size: int, pace: Optional[Pace] = None) -> None:
        self.size = size
        self.spent = 0
        self.requests = 0
        self.again = 0
        self._extent = Extent()
        self.pace = pace or Pace()
        self._open_range = open_range
        self._spool = Spool()
        self._coming: List[Tuple[int, int, threading.Thread]] = []
        self._lock = threading.Lock()
        self._error: Optional[BaseException] = None

    @property
    def keeps(self) -> bool:
        """Whether all that was read and not forgotten is still there."""
        return not self._spool.full

    @property
    def distinct(self) -> int:
        return self._extent.total

    def read(self, start: int, end: int) -> bytes:
        """Return the bytes [start, end) of the blob, which must lie in it. Raises what ``open_range`` raises."""
        self._join(start, end)
        pieces = []
        while start < end:
            known, until = self._known(start, end)
            pieces.append(known if known is not None else self._fetch(start, until))
            start = until
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def known_head(self) -> bytes:
        """Return the first bytes of the blob, as many as are here."""
        return self._known(0, self.size)[0] or b""

    def forget(self, start: int, end: int) -> None:
        """Take that the bytes [start, end) will not be asked for again."""
        with self._lock:
            self._spool.forget(start, end)

    def leave_memory(self) -> None:
        """Take that what is remembered is of use later, if at all."""
        with self._lock:
            self._spool.leave_memory()

    def ahead(self, start: int, end: int) -> None:
        """Begin to fetch [start, end), as far as it is not known; ``read`` waits for it."""
        start, end = max(start, 0), min(end, self.size)
        while start < end:
            known, until = self._known(start, end)
            coming = [(at, to) for at, to, _ in self._coming if at < until and start < to]
            if coming and coming[0][0] <= start:
                until = coming[0][1]
            elif known is None:
                until = min([until, *(at for at, _ in coming)])
                thread = threading.Thread(target=self._fetch_quietly, args=(start, until), daemon=True)
                self._coming.append((start, until, thread))
                thread.start()
            start = until

    def keep_coming(self, start: int, length: int, piece: int) -> None:
        """See to it that the ``length`` bytes from ``start`` on are on their way, asked for ``piece`` by piece."""
        end = min(start + length, self.size)
        while start < end:
            known, until = self._known(start, self.size)
            ends = [to for at, to, _ in self._coming if at <= start < to]
            if ends:
                until = ends[0]
            elif known is None:
                until = min(start + piece, self.size)
                self.ahead(start, until)
            start = until

    def _join(self, start: int, end: int) -> None:
        """Wait for what of [start, end) is on its way."""
        for item in [item for item in self._coming if item[0] < end and start < item[1]]:
            item[2].join()
            self._coming.remove(item)
        if self._error is not None:
            error, self._error = self._error, None
            raise error

    def _fetch_quietly(self, start: int, end: int) -> None:
        try:
            self._fetch(start, end)
        except BaseException as error:  # raised where it is waited for
            self._error = error

    def _known(self, start: int, end: int) -> Tuple[Optional[bytes], int]:
        with self._lock:
            return self._spool.known(start, end)

    def _fetch(self, start: int, end: int) -> bytes:
        began = time.monotonic()
        blob = self._open_range(start, end - start)
        self.pace.begins(time.monotonic() - began)
        pieces, left = [], end - start
        try:
            while left:
                piece = blob.read(left)
                if not piece:
                    raise CorruptLayer("gzip", end - left, "the blob ends there, before its stated size")
                pieces.append(piece)
                left -= len(piece)
        finally:
            blob.close()
            self.pace.ends(end - start - left)
        data = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        with self._lock:
            self.spent += len(data)
            self.requests += 1
            self.again += self._extent.add(start, end)
            self._spool.keep(start, data)
        return data
