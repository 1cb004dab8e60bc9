"""A known layer as a row of the store, and back: its facts, its entries in columns, its files' sums, under one seal."""

from __future__ import annotations

import hashlib
import json
import zlib
from array import array
from typing import Any, Dict, Iterator, List, Mapping, NamedTuple, Optional, Sequence, Tuple, Union

from ..escaping import printable
from ..formats.entry import Entry
from ..formats.file_digests import SUM as _SUM
from ..formats.file_digests import FileSums
from ..limits import DEFAULT, Limits
from .column_writer import ColumnWriter
from .columns import unpack

_NO_SUM = bytes(_SUM)
MOST_FACTS = 16 * 1024  # bytes
MOST_STORED = 128 * 1024 * 1024  # bytes of a row
_MOST_COLUMNS = 32 * 1024 * 1024  # bytes that entries unfold to
_EACH = 128  # and so many more for each entry: its numbers take 31, its names the rest
_MOST_NOTES, _MOST_NOTE = 16, 500  # and characters of one
_COMPRESSIONS = ("gzip", "zstd", "none")
_GREATEST = 2**62


class LayerFacts(NamedTuple):
    """What a verified, complete reading of a layer learnt, besides its entries."""

    digest: str
    size: int  # bytes as stored
    uncompressed: int  # bytes of tar
    compression: str
    hidden: int
    notes: Tuple[str, ...]


class KnownLayer(NamedTuple):
    """The same with the entries. ``digests``: sha256 of files by the entry's offset."""

    digest: str
    size: int
    uncompressed: int
    compression: str
    hidden: int
    notes: Tuple[str, ...]
    entries: List[Entry]
    digests: Mapping[int, bytes]


class LayerSummary(NamedTuple):
    """A row of the store."""

    digest: str
    size: int  # bytes of the layer
    entries: int
    stored: int  # bytes here
    used: int  # seconds since 1970


class _Sums(Mapping[int, bytes]):
    """sha256 of files by the entry's offset; only taken apart when somebody asks."""

    def __init__(self, entries: List[Entry], sums: Union[bytes, bytearray]) -> None:
        self._entries = entries
        self._sums = sums
        self._found: Optional[FileSums] = None

    def _all(self) -> FileSums:
        if self._found is None:
            self._found = FileSums()
            at = 0
            for entry in self._entries:
                if entry.kind == "-":
                    piece = self._sums[at : at + _SUM]
                    at += _SUM
                    if piece != _NO_SUM:
                        self._found.add(entry.offset, bytes(piece))
        return self._found

    def __getitem__(self, offset: int) -> bytes:
        return self._all()[offset]

    def __iter__(self) -> Iterator[int]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._all())


class Row(NamedTuple):
    """A known layer as it is stored, beside its digest."""

    facts: bytes  # JSON
    entries: bytes  # packed columns, deflated
    sums: Union[bytes, bytearray]  # of the regular files, in order
    seal: bytes
    entry_count: int = 0


class BeyondLimits(ValueError):
    """A row holds more entries than are taken of a layer now."""


class RowWriter:
    """A layer's entries on their way into a row, packed as they come."""

    def __init__(self) -> None:
        self._columns = ColumnWriter()
        self._files = array("q")  # offsets of the regular ones

    @property
    def count(self) -> int:
        """Entries so far."""
        return self._columns.count

    @property
    def size(self) -> int:
        """Bytes of memory that it takes, about."""
        return self._columns.size + 8 * len(self._files)

    def add(self, entries: Sequence[Entry]) -> None:
        """Take the next entries. Raises ValueError for what cannot be kept, and for more than would be taken back."""
        self._columns.add(entries)
        self._files.extend([entry.offset for entry in entries if entry.kind == "-"])
        _check(self._columns.texts <= _most_columns(self._columns.count), "more than is kept")

    def row(self, known: LayerFacts, digests: Mapping[int, bytes]) -> Row:
        """Return all as a row. Raises as ``add``."""
        engine, columns, pieces = zlib.compressobj(1), 0, []
        for piece in self._columns.packed():
            columns += len(piece)
            pieces.append(engine.compress(piece))
        made = b"".join([*pieces, engine.flush()])
        _check(columns <= _most_columns(self._columns.count), "more than is kept")
        sums = bytearray()
        for offset in self._files:
            sums += digests.get(offset, _NO_SUM)
        facts = json.dumps(
            {
                "size": known.size,
                "uncompressed": known.uncompressed,
                "compression": known.compression,
                "hidden": known.hidden,
                "notes": [note for note in known.notes if _is_note(note)][:_MOST_NOTES],
                "entries": self._columns.count,
                "columns": columns,
            }
        ).encode()
        _check(len(facts) <= MOST_FACTS and len(made) + len(sums) <= MOST_STORED, "more than is kept")
        return Row(facts, made, sums, seal_of(known.digest, facts, made, sums), self._columns.count)


def from_row(digest: str, row: Row, limits: Limits = DEFAULT) -> KnownLayer:
    """Return what was kept, checked as if a stranger had sent it. Raises ValueError for anything else."""
    try:
        _check(seal_of(digest, row.facts, row.entries, row.sums) == row.seal, "the checksum does not fit")
        return _known(digest, json.loads(row.facts.decode()), row.entries, row.sums, limits.entries)
    except (TypeError, KeyError, AttributeError, IndexError, RecursionError, zlib.error) as error:
        raise ValueError("the row is damaged ({})".format(error)) from None


def _known(digest: str, facts: Dict[str, Any], packed: bytes, sums: Union[bytes, bytearray], most: int) -> KnownLayer:
    count, room = _natural(facts, "entries"), _natural(facts, "columns")
    if count > most:
        raise BeyondLimits("more entries than are taken of a layer")
    _check(room <= _most_columns(count), "more than is kept")
    engine = zlib.decompressobj()
    columns = engine.decompress(packed, room + 1)
    _check(len(columns) == room and engine.eof and not engine.unused_data, "entries of another length")
    entries = unpack(columns, count)
    files = sum(entry.kind == "-" for entry in entries)
    _check(len(entries) == count and len(sums) == _SUM * files, "not as many as stated")
    known = KnownLayer(
        digest,
        _natural(facts, "size"),
        _natural(facts, "uncompressed"),
        facts["compression"],
        _natural(facts, "hidden"),
        tuple(facts["notes"]),
        entries,
        _Sums(entries, sums),
    )
    _check(known.compression in _COMPRESSIONS and known.hidden <= count, "not what a layer is")
    told = type(facts["notes"]) is list and len(known.notes) <= _MOST_NOTES and all(map(_is_note, known.notes))
    _check(told, "notes that nobody wrote")
    return known


def _most_columns(count: int) -> int:
    return _MOST_COLUMNS + _EACH * count


def _is_note(text: Any) -> bool:
    return isinstance(text, str) and len(text) <= _MOST_NOTE and printable(text) == text


def _natural(facts: Dict[str, Any], name: str) -> int:
    value = facts[name]
    _check(type(value) is int and 0 <= value < _GREATEST, "an impossible " + name)
    return int(value)


def _check(holds: bool, what: str) -> None:
    if not holds:
        raise ValueError(what)


def seal_of(digest: str, facts: bytes, packed: bytes, sums: Union[bytes, bytearray]) -> bytes:
    """Return what a row bears to show that it is as it was made."""
    seal = hashlib.blake2b(digest.encode(), digest_size=16)
    for part in (facts, packed, sums):
        seal.update(len(part).to_bytes(8, "little"))
        seal.update(part)
    return seal.digest()
