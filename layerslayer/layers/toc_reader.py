"""The JSON of a publisher's table of contents -> entries, and the chunks that files are stored in. Pure.

JSON ``{"version": 1, "entries": [...]}``, an entry being ``name type size
modtime linkName mode uid gid userName groupName devMajor devMinor xattrs digest
offset endOffset chunkOffset chunkSize chunkDigest chunkType innerOffset``.
``chunk`` entries continue the ``reg`` before them.
"""

from __future__ import annotations

import base64
import binascii
import json
from typing import AbstractSet, Any, Dict, Iterator, List, NamedTuple, Optional, Tuple, Union

from ..entries import Device, Entry
from ..errors import CorruptLayer
from .claimed import KINDS, parse_time

MAX_ENTRIES = 2_000_000
_GREATEST = 2**63 - 1
_NO_XATTRS: Dict[str, bytes] = {}


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


class TocReader:
    """Turns the JSON into entries and files, object by object, so that no more than one is held as JSON."""

    def __init__(self, kind: str, end: int, own: AbstractSet[str]) -> None:
        self.entries: List[Entry] = []
        self.files: Dict[int, File] = {}  # by the index of the entry
        self.offsets: List[int] = []  # where compressed data begin, ascending once all is read
        self._own = own
        self._kind = kind
        self._end = end
        self._times: Dict[str, Union[int, float]] = {}
        self._names: Dict[Tuple[str, int], str] = {}  # eStargz names each user and group once
        self._chunks: List[Chunk] = []
        self._file: Optional[Tuple[int, int, str]] = None  # index, size, digest of the file at hand

    def read(self, body: bytes) -> None:
        """Read the whole document; once. Raises CorruptLayer."""
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
        self.offsets = sorted(set(self.offsets))

    def _object(self, item: Dict[str, Any]) -> Optional[Dict[str, Any]]:
        if "type" not in item or "entries" in item:
            return item  # the document itself, or xattrs
        if len(self.entries) >= MAX_ENTRIES:
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
        if name in self._own:
            return None
        if kind == "d" and not name.endswith("/"):
            name += "/"
        self.entries.append(self._entry(item, kind, name))
        if kind == "-":
            digest = item.get("digest", "")
            self._file = (len(self.entries) - 1, _number(item, "size"), digest if isinstance(digest, str) else "")
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
            -2 - len(self.entries),  # no offset in the tar is known; this names the entry, below -1
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
            self.offsets.append(offset)
        end = item.get("endOffset")
        if isinstance(end, int) and offset <= end <= self._end:
            self.offsets.append(end)
        self._chunks.append(Chunk(offset, inner, start, size, digest if isinstance(digest, str) else "", zeros))

    def _end_file(self) -> None:
        if self._file is not None:
            index, size, digest = self._file
            self.files[index] = File(size, digest, tuple(_fitted(self._chunks, size)))
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
