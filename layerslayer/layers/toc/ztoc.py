"""ztoc: what a SOCI index knows of one layer, kept beside it (soci-snapshotter ``ztoc/fbs/ztoc.fbs``). Pure.

Wire format: a FlatBuffer of these tables, fields in the order of the schema::

    Ztoc             version, build tool: string; compressed size, uncompressed size: i64; TOC; CompressionInfo
    TOC              [FileMetadata]
    FileMetadata     name, type: string; offset, size: i64; linkname: string; mode: i64; uid, gid: u32;
                     uname, gname, mod_time (RFC 3339): string; devmajor, devminor: i64; [Xattr]
    Xattr            key, value: string; in truth all pax records of the member
    CompressionInfo  algorithm: i8, 1 gzip, 2 none; last span: i32; [string] digests of spans; [u8] checkpoints

``offset`` is where a file's content begins in the tar. Entries stand in the
tar's order. See ``ztoc_spans`` for the checkpoints.
"""

from __future__ import annotations

from array import array
from typing import Dict, Iterator, Mapping, Tuple, Union

from ...errors import CorruptLayer
from ...formats.entry import Device, Entry
from ...formats.memory import Lease
from ...formats.tar.pax import MOST_RECORDS, Overrides, is_sparse
from ...limits import DEFAULT, Limits
from ...oci.descriptor import Descriptor
from ...oci.digest import digest_problem
from .base import KINDS, ClaimedIndex, OpenRange, parse_time
from .entry_table import EntryTable
from .flatbuffers import I32, I64, U8, U32, Buffer, Table
from .ztoc_spans import MOST_SPANS, Spans, gzip_spans, plain_spans

MAJOR_VERSION = "0."  # of the format; 0.9 is the only one there is
_KIND = "SOCI index"
_BLOCK = 512  # bytes, of a tar
_GZIP, _NONE = 1, 2
_NO_XATTRS: Mapping[str, bytes] = {}


class Ztoc(ClaimedIndex):
    """A layer's table of contents and spans, out of a SOCI index."""

    aside = "checkpoints"

    def __init__(
        self,
        kind: str,
        body: Union[bytes, bytearray],
        layer: Descriptor,
        verified: bool,
        limits: Limits = DEFAULT,
    ) -> None:
        """``body`` is the ztoc of ``layer``. Raises CorruptLayer and LimitReached."""
        ztoc = Buffer(body).root()
        version = _text(ztoc.text(0))
        if not version.startswith(MAJOR_VERSION):
            raise CorruptLayer(_KIND, 0, "it is of the unknown version '{}'".format(version[:20]))
        if ztoc.number(2, I64) != layer.size:
            raise CorruptLayer(_KIND, 0, "it is about a layer of another size")
        info = ztoc.table(5)
        algorithm = info.number(0, U8, _GZIP)
        super().__init__(kind, "none" if algorithm == _NONE else "gzip", verified, len(body))
        self._lease = Lease(limits)
        self._lease.take(len(body))
        entries = EntryTable(limits)
        self.entries = entries
        end = ztoc.number(3, I64)
        self._spans = _spans(info, algorithm, layer.size, end, limits)
        self._places = array("q")  # of the entries' contents in the tar; -1: that cannot be told
        reader = _Reader(end)
        metadata = ztoc.table(4)
        limits.check_entries(metadata.count(0))
        for item in metadata.tables(0):
            entry, place = reader.read(item, -2 - len(entries))
            entries.append(entry)
            self._places.append(place)
        entries.lease(8 * len(entries))

    def digests(self) -> Dict[int, bytes]:
        return {}  # it has digests of spans only

    def places(self) -> Dict[int, int]:
        return {entry.offset: place for entry, place in zip(self.entries, self._places) if place >= 0}

    def read_file(self, index: int, open_range: OpenRange) -> Iterator[bytes]:
        place, entry = self._places[index], self.entries[index]
        if place < 0:
            raise CorruptLayer(_KIND, index, "where the parts of that sparse file are is not told")
        return self._spans.read(place, entry.size, open_range)


def _spans(info: Table, algorithm: int, size: int, end: int, limits: Limits) -> Spans:
    if info.count(2) > MOST_SPANS:
        raise CorruptLayer(_KIND, 0, "it has more than {} spans".format(MOST_SPANS))
    digests = [_text(digest) for digest in info.texts(2)]
    if info.number(1, I32) != len(digests) - 1 or any(map(digest_problem, digests)):
        raise CorruptLayer(_KIND, 0, "it has not a digest for each span")
    checkpoints = info.view(3)
    if algorithm == _NONE:
        return Spans(plain_spans(bytes(checkpoints), size, len(digests)), digests, b"", size, limits)
    if algorithm != _GZIP:
        raise CorruptLayer(_KIND, 0, "it is of the unknown compression {}".format(algorithm))
    spans = gzip_spans(checkpoints, size)
    if len(spans) != len(digests):
        raise CorruptLayer(_KIND, 0, "it has not a digest for each span")
    return Spans(spans, digests, checkpoints, end, limits)


class _Reader:
    """Turns metadata into entries, one after the other as they stand in a tar of ``end`` bytes."""

    def __init__(self, end: int) -> None:
        self._end = end
        self._reached = 0  # where the contents so far end, in whole blocks
        self._texts: Dict[bytes, str] = {}  # of owners and types: few, and often
        self._times: Dict[bytes, Union[int, float]] = {}

    def read(self, item: Table, offset: int) -> Tuple[Entry, int]:
        """Return an entry, to be known by ``offset``, and where its content is, or -1."""
        kind = KINDS.get(self._often(item.text(1)), "")
        name = _text(item.text(0))
        if not kind or not name:
            raise CorruptLayer(_KIND, -2 - offset, "an entry is of an unknown type or without a name")
        if kind == "d" and not name.endswith("/"):
            name += "/"
        xattrs, sparse = _records(item)
        size = _natural(item.number(3, I64))
        place = self._place(item.number(2, I64), size if kind == "-" and not sparse else 0, -2 - offset)
        entry = Entry(
            name,
            kind,
            item.number(5, I64) & 0o7777,
            item.number(6, U32),
            item.number(7, U32),
            size,
            self._time(item.text(10)),
            _text(item.text(4)) if kind in "lh" else "",
            self._often(item.text(8)),
            self._often(item.text(9)),
            Device(_natural(item.number(11, I64)), _natural(item.number(12, I64))) if kind in "cb" else None,
            xattrs,
            offset,
            False,
        )
        return entry, -1 if sparse else place

    def _place(self, place: int, size: int, number: int) -> int:
        end = place + size
        if place < self._reached or (size and end > self._end):
            raise CorruptLayer(_KIND, number, "an entry's content is where it cannot be")
        self._reached = -(-end // _BLOCK) * _BLOCK
        return place

    def _often(self, text: bytes) -> str:
        found = self._texts.get(text)
        if found is None:
            found = _text(text)
            if len(self._texts) < 8192:
                self._texts[text] = found
        return found

    def _time(self, text: bytes) -> Union[int, float]:
        value = self._times.get(text)
        if value is None:
            if len(self._times) > 8192:
                self._times.clear()
            value = self._times[text] = parse_time(_text(text[:64]))
        return value


def _records(item: Table) -> Tuple[Mapping[str, bytes], bool]:
    """Return an entry's extended attributes, and whether it is stored as a sparse file."""
    if item.count(13) > MOST_RECORDS:
        raise CorruptLayer(_KIND, 0, "an entry has more than {} attributes".format(MOST_RECORDS))
    records = {_text(pair.text(0)): pair.text(1) for pair in item.tables(13)}
    if not records:
        return _NO_XATTRS, False
    return Overrides(records).xattrs() or _NO_XATTRS, is_sparse(records)


def _natural(number: int) -> int:
    if number < 0:
        raise CorruptLayer(_KIND, 0, "a number in it is negative that cannot be")
    return number


def _text(text: bytes) -> str:
    return text.decode("utf-8", "surrogateescape")
