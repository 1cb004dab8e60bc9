"""The JSON of a publisher's table of contents -> entries, and the chunks that files are stored in. Pure.

JSON ``{"version": 1, "entries": [...]}``, an entry being ``name type size
modtime linkName mode uid gid userName groupName devMajor devMinor xattrs digest
offset endOffset chunkOffset chunkSize chunkDigest chunkType innerOffset``.
``chunk`` entries continue the ``reg`` before them.
"""

from __future__ import annotations

import base64
import binascii
from array import array
from typing import AbstractSet, Any, Dict, Iterable, Iterator, Mapping, Tuple, Union

from ...errors import CorruptLayer
from ...formats.entry import Device, Entry
from ...limits import DEFAULT, Limits
from .base import KINDS, parse_time
from .chunked_files import Chunk, Files
from .entry_table import EntryTable
from .json_entries import JsonEntries

MAX_ENTRIES = 2_000_000
_GREATEST = 2**63 - 1
_NO_XATTRS: Mapping[str, bytes] = {}
_MOST_CHUNKS = 500_000  # of one file
_FEW = 8192  # values remembered
_LONG = 4096  # characters of a digest that is none


class Stored:
    """A table's bytes as they are stored: taken once, counted, and held against what they inflate to.

    ``limits`` bound what is made of them.
    """

    FREE = (4 * 2**20, 20_000)  # bytes and objects that any table may have
    EACH = (50, 0.25)  # what each byte stored may add; digests, which do not compress, keep ordinary ones far below

    def __init__(self, pieces: Iterable[bytes], limits: Limits = DEFAULT) -> None:
        self.limits = limits
        self._pieces = pieces
        self._count = self._inflated = 0

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._pieces:
            self._count += len(piece)
            yield piece

    def check(self, more: int, objects: int) -> None:
        """Take that so many bytes ``more`` came out, and so many ``objects`` in all. Raises ValueError for a bomb."""
        self._inflated += more
        for found, free, each in zip((self._inflated, objects), self.FREE, self.EACH):
            if found > free + each * self._count:
                raise ValueError("it inflates far beyond its own size")


class TocReader:
    """Turns the JSON into entries and files, object by object, so that no more than one is held as JSON."""

    def __init__(self, kind: str, end: int, own: AbstractSet[str], limits: Limits = DEFAULT) -> None:
        self.entries = EntryTable(limits)
        self.files = Files()  # by the index of the entry
        self.offsets = array("q")  # where compressed data begin, ascending once all is read
        self._ascending = True
        self._own = own
        self._kind = kind
        self._end = end
        self._times: Dict[str, Union[int, float]] = {}
        self._names: Dict[Tuple[str, int], str] = {}  # eStargz names each user and group once
        self._in_file = False  # chunks may follow
        self._chunks = 0  # of the file at hand
        self._read = 0  # objects

    def read(self, pieces: Iterable[bytes], stored: Stored) -> None:
        """Read the whole document, which comes in ``pieces``, made of what is ``stored``; once.

        Raises CorruptLayer, LimitReached, and what taking the pieces raises.
        """
        document = JsonEntries(self._item)
        try:
            for piece in pieces:
                document.feed(piece)
                stored.check(len(piece), self._read)
            document.close()
            if document.others.get("version") != 1 or isinstance(document.others["version"], bool):
                raise ValueError("it is of another version")
            if "entries" not in document.others:
                raise ValueError("it lists no entries")
            self._end_file()
        except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
            raise CorruptLayer(
                self._kind, self._end, "the table of contents cannot be read ({})".format(error)
            ) from None
        if not self._ascending:
            self.offsets = array("q", sorted(set(self.offsets)))
        self._lease()

    def _lease(self) -> None:
        self.entries.lease(self.files.memory + 16 * len(self.offsets))

    def _item(self, item: Dict[str, Any]) -> None:
        self._read += 1
        if self._read % 1024 == 0:
            self._lease()
        if "type" not in item:
            raise ValueError("an entry without a type")
        if len(self.entries) >= MAX_ENTRIES:
            raise ValueError("more than {} entries".format(MAX_ENTRIES))
        type_ = item["type"]
        if type_ == "chunk":
            if not self._in_file:
                raise ValueError("a chunk of no file")
            self._chunk(item)
            return
        kind = KINDS.get(type_) if isinstance(type_, str) else None
        name = item.get("name")
        if kind is None or not isinstance(name, str):
            raise ValueError("an entry of an unknown type or without a name")
        self._end_file()
        if name in self._own:
            return
        if kind == "d" and not name.endswith("/"):
            name += "/"
        self.entries.append(self._entry(item, kind, name))
        if kind == "-":
            digest = item.get("digest", "")
            self.files.add(len(self.entries) - 1, _number(item, "size"), digest if isinstance(digest, str) else "")
            self._in_file, self._chunks = True, 0
            self._chunk(item)

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
            if len(self._names) < _FEW:
                self._names[key, number] = name
            return name
        return self._names.get((key, number), "")

    def _time(self, text: Any) -> Union[int, float]:
        if not isinstance(text, str):
            return 0
        value = self._times.get(text)
        if value is None:
            if len(self._times) > _FEW:
                self._times.clear()
            value = self._times[text[:64]] = parse_time(text[:64])
        return value

    def _chunk(self, item: Dict[str, Any]) -> None:
        offset, size = _number(item, "offset"), _number(item, "chunkSize")
        start, inner = _number(item, "chunkOffset"), _number(item, "innerOffset")
        digest = item.get("chunkDigest", "")
        zeros = item.get("chunkType") == "zeros"
        if offset > self._end:
            raise ValueError("a chunk outside of the layer")
        if offset:
            self._begins(offset)
        end = item.get("endOffset")
        if isinstance(end, int) and offset <= end <= self._end:
            self._begins(end)
        self._chunks += 1
        if self._chunks > _MOST_CHUNKS:
            raise ValueError("a file of more than {} chunks".format(_MOST_CHUNKS))
        self.files.add_chunk(Chunk(offset, inner, start, size, digest if isinstance(digest, str) else "", zeros))
        if len(digest) > _LONG:
            self._lease()

    def _begins(self, offset: int) -> None:
        last = self.offsets[-1] if self.offsets else -1
        if offset != last:
            self.offsets.append(offset)
            self._ascending &= offset > last

    def _end_file(self) -> None:
        if self._in_file:
            self.files.end_file()
        self._in_file = False


def _number(item: Dict[str, Any], key: str) -> int:
    value = item.get(key, 0)
    if value is None:
        return 0
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= _GREATEST:
        raise ValueError("an impossible {}".format(key))
    return value


def _xattrs(value: Any) -> Mapping[str, bytes]:
    if not isinstance(value, dict) or not value:
        return _NO_XATTRS
    found = {}
    for key, text in value.items():
        try:
            found[key] = base64.b64decode(text, validate=True) if isinstance(text, str) else b""
        except (binascii.Error, ValueError):
            found[key] = text.encode("utf-8", "surrogatepass")
    return found
