"""Tables of contents that a publisher put into a layer: a listing for a few Range requests.

Common to eStargz (stargz-snapshotter ``docs/estargz.md``) and zstd:chunked
(containers/storage ``pkg/chunked``): JSON ``{"version": 1, "entries": [...]}``,
an entry being ``name type size modtime linkName mode uid gid userName groupName
devMajor devMinor xattrs digest offset endOffset chunkOffset chunkSize
chunkDigest chunkType innerOffset``. ``chunk`` entries continue the ``reg``
before them; a chunk's compressed bytes end where the next begins.
"""

from __future__ import annotations

import base64
import binascii
import bisect
import calendar
import hashlib
import json
import re
from typing import Any, BinaryIO, Dict, Iterator, List, NamedTuple, Optional, Tuple, Union

from ..entries import Device, Entry
from ..errors import CorruptLayer, DigestMismatch
from ..reference import digest_problem
from .claimed import ClaimedIndex, OpenRange
from .compression import Decompressor

MAX_TOC = 150 * 1024 * 1024  # bytes of JSON; what containers/storage allows
MAX_ENTRIES = 2_000_000
_GREATEST = 2**63 - 1
_PIECE = 64 * 1024
KINDS = {"dir": "d", "reg": "-", "symlink": "l", "hardlink": "h", "char": "c", "block": "b", "fifo": "p"}
_TIME = re.compile(r"(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(\.\d{1,12})?(?:[Zz]|([+-])(\d\d):(\d\d))")
_NO_XATTRS: Dict[str, bytes] = {}
# What eStargz adds to a layer for itself, and then its table; stargz-snapshotter's zstd:chunked the former.
LANDMARKS = frozenset((".prefetch.landmark", ".no.prefetch.landmark"))
_WITH_TABLE = LANDMARKS | {"stargz.index.json"}


class Chunk(NamedTuple):
    """A piece of a file: compressed in the blob from ``offset`` on, ``inner`` bytes into what that inflates to."""

    offset: int
    inner: int
    start: int  # in the file
    size: int
    digest: str  # of the piece, sha256, or empty
    zeros: bool  # a hole: nothing is stored


class File(NamedTuple):
    """A regular file's size, the digest of its content (or nothing) and its chunks."""

    size: int
    digest: str
    chunks: Tuple[Chunk, ...]


class Toc(ClaimedIndex):
    """A layer's own table of contents."""

    as_bytes = False

    def __init__(self, kind: str, body: bytes, end: int, verified: bool, bytes_read: int) -> None:
        """``body`` is the JSON, ``end`` where in the blob the last file's data ends. Raises CorruptLayer."""
        super().__init__(kind, "zstd" if kind == "zstd:chunked" else "gzip", verified, bytes_read)
        self.own = LANDMARKS if kind == "zstd:chunked" else _WITH_TABLE
        self.files: Dict[int, File] = {}  # by the index of the entry
        self._offsets: List[int] = []
        self._end = end
        _Reader(self, kind, end).read(body)

    def digests(self) -> Dict[int, bytes]:
        stated = ((index, _stated(file)) for index, file in self.files.items())
        return {
            self.entries[index].offset: bytes.fromhex(digest[7:])
            for index, digest in stated
            if digest_problem(digest) is None and digest.startswith("sha256:")
        }

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
        for data in Decompressor().run(blob.between(chunk.offset, self._after(chunk.offset))):
            skipped = min(skip, len(data))
            skip -= skipped
            data = data[skipped:]
            if left and data:
                yield data[:left]
                left -= min(left, len(data))
        if left:
            raise CorruptLayer(self.kind, chunk.offset, "the chunk there is {} bytes too short".format(left))


def _stated(file: File) -> str:
    """Return the digest of a file's content: its own, or that of its only chunk; empty for none."""
    return file.digest or (file.chunks[0].digest if len(file.chunks) == 1 else "")


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


class _Reader:
    """Turns the JSON into entries and files, object by object, so that no more than one is held as JSON."""

    def __init__(self, toc: Toc, kind: str, end: int) -> None:
        self._toc = toc
        self._kind = kind
        self._end = end
        self._times: Dict[str, Union[int, float]] = {}
        self._names: Dict[Tuple[str, int], str] = {}  # eStargz names each user and group once
        self._chunks: List[Chunk] = []
        self._file: Optional[Tuple[int, int, str]] = None  # index, size, digest of the file at hand
        self._offsets: List[int] = []

    def read(self, body: bytes) -> None:
        try:
            document = json.loads(body.decode("utf-8"), object_hook=self._object)
            if not isinstance(document, dict) or document.get("version") != 1:
                raise ValueError("it is of another version")
            if not isinstance(document.get("entries"), list) or any(item is not None for item in document["entries"]):
                raise ValueError("it lists no entries")
            self._end_file()
        except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
            raise CorruptLayer(
                self._kind, self._end, "the table of contents cannot be read ({})".format(error)
            ) from None
        self._toc._offsets = sorted(set(self._offsets))

    def _object(self, item: Dict[str, Any]) -> Optional[Dict[str, Any]]:
        if "type" not in item or "entries" in item:
            return item  # the document itself, or xattrs
        if len(self._toc.entries) >= MAX_ENTRIES:
            raise ValueError("more than {} entries".format(MAX_ENTRIES))
        type_ = item["type"]
        if type_ == "chunk":
            if self._file is None:
                raise ValueError("a chunk of no file")
            self._chunk(item)
            return None
        kind = KINDS.get(type_) if isinstance(type_, str) else None
        name = item.get("name")
        if kind is None or not isinstance(name, str):
            raise ValueError("an entry of an unknown type or without a name")
        self._end_file()
        if name in self._toc.own:
            return None
        if kind == "d" and not name.endswith("/"):
            name += "/"
        self._toc.entries.append(self._entry(item, kind, name))
        if kind == "-":
            digest = item.get("digest", "")
            self._file = (len(self._toc.entries) - 1, _number(item, "size"), digest if isinstance(digest, str) else "")
            self._chunk(item)
        return None

    def _entry(self, item: Dict[str, Any], kind: str, name: str) -> Entry:
        uid, gid = _number(item, "uid"), _number(item, "gid")
        target = item.get("linkName", "") if kind in "lh" else ""
        device = Device(_number(item, "devMajor"), _number(item, "devMinor")) if kind in "cb" else None
        if not isinstance(target, str):
            raise ValueError("a link's target is no text")
        return Entry(
            name,
            kind,
            _number(item, "mode") & 0o7777,
            uid,
            gid,
            _number(item, "size") if kind == "-" else 0,
            self._time(item.get("modtime", "")),
            target,
            self._owner("userName", uid, item),
            self._owner("groupName", gid, item),
            device,
            _xattrs(item.get("xattrs")),
            -2 - len(self._toc.entries),  # no offset in the tar is known; this names the entry, below -1
            False,
        )

    def _owner(self, key: str, number: int, item: Dict[str, Any]) -> str:
        name = item.get(key)
        if isinstance(name, str) and name:
            self._names[key, number] = name
            return name
        return self._names.get((key, number), "")

    def _time(self, text: Any) -> Union[int, float]:
        if not isinstance(text, str):
            return 0
        value = self._times.get(text)
        if value is None:
            if len(self._times) > 8192:
                self._times.clear()
            value = self._times[text] = parse_time(text)
        return value

    def _chunk(self, item: Dict[str, Any]) -> None:
        offset, size = _number(item, "offset"), _number(item, "chunkSize")
        start, inner = _number(item, "chunkOffset"), _number(item, "innerOffset")
        digest = item.get("chunkDigest", "")
        zeros = item.get("chunkType") == "zeros"
        if offset > self._end:
            raise ValueError("a chunk outside of the layer")
        if offset:
            self._offsets.append(offset)
        end = item.get("endOffset")
        if isinstance(end, int) and offset <= end <= self._end:
            self._offsets.append(end)
        self._chunks.append(Chunk(offset, inner, start, size, digest if isinstance(digest, str) else "", zeros))

    def _end_file(self) -> None:
        if self._file is not None:
            index, size, digest = self._file
            self._toc.files[index] = File(size, digest, tuple(_fitted(self._chunks, size)))
        self._file, self._chunks = None, []


def _fitted(chunks: List[Chunk], size: int) -> Iterator[Chunk]:
    """Yield chunks whose sizes are stated; a size of 0 means up to the file's end. Raises ValueError for gaps."""
    at = 0
    for number, chunk in enumerate(chunks):
        last = number == len(chunks) - 1
        length = chunk.size or (size - chunk.start if last else 0)
        if chunk.start != at or length < 0 or (last and at + length != size):
            raise ValueError("a file whose chunks do not fit together")
        at += length
        # A file of one chunk states its digest once, as the file's.
        yield chunk._replace(size=length)


def _number(item: Dict[str, Any], key: str) -> int:
    value = item.get(key, 0)
    if value is None:
        return 0
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= _GREATEST:
        raise ValueError("an impossible {}".format(key))
    return value


def _xattrs(value: Any) -> Dict[str, bytes]:
    if not isinstance(value, dict) or not value:
        return _NO_XATTRS
    found = {}
    for key, text in value.items():
        try:
            found[key] = base64.b64decode(text, validate=True) if isinstance(text, str) else b""
        except (binascii.Error, ValueError):
            found[key] = text.encode("utf-8", "surrogatepass")
    return found


def parse_time(text: str) -> Union[int, float]:
    """Return RFC 3339 as seconds since 1970, UTC; 0 for what is no time."""
    match = _TIME.fullmatch(text)
    if not match:
        return 0
    try:
        seconds = calendar.timegm(tuple(int(part) for part in match.groups()[:6]))
    except (ValueError, OverflowError):
        return 0
    fraction, sign, hours, minutes = match.groups()[6:]
    if sign:
        seconds -= (1 if sign == "+" else -1) * (int(hours) * 3600 + int(minutes) * 60)
    return seconds + float(fraction) if fraction and float(fraction) else seconds
