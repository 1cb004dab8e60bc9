"""A known layer as a row of the store, and back: its facts, its entries in columns, its files' sums, under one seal."""

from __future__ import annotations

import hashlib
import json
import zlib
from typing import Any, Dict, Iterator, List, Mapping, NamedTuple, Optional, Tuple

from ..entries import Entry
from ..layers.sums import SUM as _SUM
from ..layers.sums import FileSums
from .columns import packed, unpack

_NO_SUM = bytes(_SUM)


class KnownLayer(NamedTuple):
    """What a verified, complete reading of a layer learnt. ``digests``: sha256 of files by the entry's offset."""

    digest: str
    size: int  # bytes as stored
    uncompressed: int  # bytes of tar
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

    def __init__(self, entries: List[Entry], sums: bytes) -> None:
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
                    if piece and piece != _NO_SUM:
                        self._found.add(entry.offset, piece)
        return self._found

    def __getitem__(self, offset: int) -> bytes:
        return self._all()[offset]

    def __iter__(self) -> Iterator[int]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._all())


class Row(NamedTuple):
    """A known layer as it is stored, beside its digest."""

    facts: str  # JSON
    entries: bytes  # packed columns, deflated
    sums: bytes  # of the regular files, in order
    seal: bytes


def to_row(known: KnownLayer) -> Row:
    """Raises ValueError for names that cannot be kept."""
    engine, columns, pieces = zlib.compressobj(1), 0, []
    for piece in packed(known.entries):
        columns += len(piece)
        pieces.append(engine.compress(piece))
    made = b"".join([*pieces, engine.flush()])
    sums = b"".join(known.digests.get(entry.offset, _NO_SUM) for entry in known.entries if entry.kind == "-")
    facts = json.dumps(
        {
            "size": known.size,
            "uncompressed": known.uncompressed,
            "compression": known.compression,
            "hidden": known.hidden,
            "notes": known.notes,
            "columns": columns,
        }
    )
    return Row(facts, made, sums, seal_of(known.digest, facts, made, sums))


def from_row(digest: str, row: Row) -> KnownLayer:
    """Raises ValueError for a row that is not as it was made."""
    try:
        if seal_of(digest, row.facts, row.entries, row.sums) != row.seal:
            raise ValueError("the checksum does not fit")
        return _known(digest, json.loads(row.facts), row.entries, row.sums)
    except (TypeError, KeyError, AttributeError, zlib.error) as error:
        raise ValueError("the row is damaged ({})".format(error)) from None


def _known(digest: str, facts: Dict[str, Any], packed: bytes, sums: bytes) -> KnownLayer:
    # Given their size they are inflated in place; earlier versions did not tell it.
    entries = unpack(zlib.decompress(packed, bufsize=int(facts.get("columns", 0)) or 16 * len(packed)))
    return KnownLayer(
        digest,
        int(facts["size"]),
        int(facts["uncompressed"]),
        str(facts["compression"]),
        int(facts["hidden"]),
        tuple(facts["notes"]),
        entries,
        _Sums(entries, sums),
    )


def seal_of(digest: str, facts: str, packed: bytes, sums: bytes) -> bytes:
    """Return what a row bears to show that it is as it was made."""
    seal = hashlib.blake2b(digest.encode(), digest_size=16)
    for part in (facts.encode(), packed, sums):
        seal.update(len(part).to_bytes(8, "little"))
        seal.update(part)
    return seal.digest()
