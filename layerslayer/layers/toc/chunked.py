"""Tables of contents that a publisher put into a layer: a listing for a few Range requests.

Common to eStargz (stargz-snapshotter ``docs/estargz.md``) and zstd:chunked
(containers/storage ``pkg/chunked``): a JSON document, which
``chunked_json`` reads. A file is stored in chunks; a chunk's compressed bytes end
where the next begins.
"""

from __future__ import annotations

import bisect
import hashlib
from typing import BinaryIO, Iterable, Iterator, Mapping, Optional

from ...errors import CorruptLayer, DigestMismatch
from ...formats.decompress import Decompressor
from ...oci.digest import digest_problem
from .base import ClaimedIndex, OpenRange
from .chunked_files import Chunk, File
from .chunked_json import Stored, TocReader

MAX_TOC = 150 * 1024 * 1024  # bytes of JSON; what containers/storage allows
_PIECE = 64 * 1024
# What eStargz adds to a layer for itself, and then its table; stargz-snapshotter's zstd:chunked the former.
LANDMARKS = frozenset((".prefetch.landmark", ".no.prefetch.landmark"))
_WITH_TABLE = LANDMARKS | {"stargz.index.json"}


class Toc(ClaimedIndex):
    """A layer's own table of contents."""

    as_bytes = False

    def __init__(
        self, kind: str, pieces: Iterable[bytes], stored: Stored, end: int, verified: bool, bytes_read: int
    ) -> None:
        """``pieces`` are the JSON, made of what is ``stored``; ``end`` is where the last file's data ends in the blob.

        Raises CorruptLayer, LimitReached where it is too much to be held, and
        what taking the pieces raises.
        """
        super().__init__(kind, "zstd" if kind == "zstd:chunked" else "gzip", verified, bytes_read)
        self.own = LANDMARKS if kind == "zstd:chunked" else _WITH_TABLE
        reader = TocReader(kind, end, self.own, stored.limits)
        reader.read(pieces, stored)
        self.entries = reader.entries
        self.files: Mapping[int, File] = reader.files  # by the index of the entry
        self._offsets = reader.offsets
        self._end = end
        self._limits = stored.limits

    def digests(self) -> Mapping[int, bytes]:
        return _Stated(self.files)

    def read_file(self, index: int, open_range: OpenRange) -> Iterator[bytes]:
        file = self.files[index]
        stored = [chunk for chunk in file.chunks if not chunk.zeros and chunk.size]
        whole = hashlib.sha256()
        blob: Optional[_Span] = None
        if stored:
            first, end = stored[0].offset, self._after(stored[-1].offset)
            if end <= first:
                raise CorruptLayer(self.kind, first, "the chunks of a file do not follow one another")
            blob = _Span(open_range(first, end - first), first)
        try:
            for chunk in file.chunks:
                part = hashlib.sha256()
                for data in _zeros(chunk.size) if chunk.zeros else self._inflated(chunk, blob):
                    part.update(data)
                    whole.update(data)
                    yield data
                _check(chunk.digest, part.hexdigest(), "a chunk")
        finally:
            if blob is not None:
                blob.close()
        _check(file.digest, whole.hexdigest(), "the file")

    def _after(self, offset: int) -> int:
        """Return where the compressed data that begin at ``offset`` end."""
        place = bisect.bisect_right(self._offsets, offset)
        return self._offsets[place] if place < len(self._offsets) else self._end

    def _inflated(self, chunk: Chunk, blob: Optional[_Span]) -> Iterator[bytes]:
        if not chunk.size or blob is None:
            return
        skip, left = chunk.inner, chunk.size
        for data in Decompressor(limits=self._limits).run(blob.between(chunk.offset, self._after(chunk.offset))):
            skipped = min(skip, len(data))
            skip -= skipped
            data = data[skipped:]
            if left and data:
                yield data[:left]
                left -= min(left, len(data))
        if left:
            raise CorruptLayer(self.kind, chunk.offset, "the chunk there is {} bytes too short".format(left))


class _Stated(Mapping[int, bytes]):
    """The digests that a table states of files' contents, by the offsets of their entries."""

    def __init__(self, files: Mapping[int, File]) -> None:
        self._files = files

    def __getitem__(self, offset: int) -> bytes:
        file = self._files[-2 - offset]
        digest = file.digest or (file.chunks[0].digest if len(file.chunks) == 1 else "")
        if digest_problem(digest) is not None or not digest.startswith("sha256:"):
            raise KeyError(offset)
        return bytes.fromhex(digest[7:])

    def __iter__(self) -> Iterator[int]:
        return (-2 - index for index in self._files if -2 - index in self)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __bool__(self) -> bool:
        return any(True for _ in self)


class _Span:
    """A readable of a part of the blob that begins at ``at``."""

    def __init__(self, blob: BinaryIO, at: int) -> None:
        self._blob = blob
        self._at = at

    def between(self, start: int, end: int) -> Iterator[bytes]:
        """Yield the bytes from ``start`` to ``end``; what is before is passed over (holes are stored too)."""
        while self._at < end:
            data = self._blob.read(min((start if self._at < start else end) - self._at, _PIECE))
            if not data:
                return
            self._at += len(data)
            if self._at > start:
                yield data

    def close(self) -> None:
        self._blob.close()


def _zeros(size: int) -> Iterator[bytes]:
    while size > 0:
        yield bytes(min(size, _PIECE))
        size -= min(size, _PIECE)


def _check(stated: str, actual: str, what: str) -> None:
    if stated and stated != "sha256:" + actual:
        raise DigestMismatch("{} has another digest than the layer's table of contents states".format(what))
