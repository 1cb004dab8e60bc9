"""What is common to all tables of contents that a publisher made for a layer, wherever they are kept.

Every one is a claim of somebody: it can name other files than the tar that a
runtime unpacks. What comes from here says so, and is never verified in the
sense of the layer's digest.
"""

from __future__ import annotations

import calendar
import hashlib
import re
from abc import ABC, abstractmethod
from typing import AbstractSet, BinaryIO, Callable, Dict, Iterable, Iterator, Mapping, Sequence, Union

from ...errors import DigestMismatch
from ...formats.entry import Entry
from ...oci.digest import digest_problem

KINDS = {"dir": "d", "reg": "-", "symlink": "l", "hardlink": "h", "char": "c", "block": "b", "fifo": "p"}
_TIME = re.compile(r"(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(\.\d{1,12})?(?:[Zz]|([+-])(\d\d):(\d\d))")
_PIECE = 128 * 1024  # bytes
OpenRange = Callable[[int, int], BinaryIO]  # start and length in bytes of the blob -> a readable of just those


class ClaimedIndex(ABC):
    """A layer's table of contents. ``verified``: the manifest states a digest for the table, and it holds.

    An entry's offset is ``-2 - n`` for the n-th entry: where it stands in the
    tar is not known, and this names it.
    """

    own: AbstractSet[str] = frozenset()  # what publishers' tools add to a layer for themselves, and leave out here
    aside = ""  # what of it is not held against the layer when the two are compared
    as_bytes = True  # whether it can hold names that are not UTF-8

    def __init__(self, kind: str, compression: str, verified: bool, bytes_read: int) -> None:
        self.kind = kind  # as people call it
        self.compression = compression  # of the layer: gzip, zstd or none
        self.verified = verified
        self.bytes_read = bytes_read  # to have the table
        self.entries: Sequence[Entry] = ()

    @abstractmethod
    def digests(self) -> Mapping[int, bytes]:
        """Return what is claimed of files' contents: sha256 by the entry's offset."""

    def places(self) -> Dict[int, int]:
        """Return what is claimed of where in the tar files' contents begin: by the entry's offset."""
        return {}

    @abstractmethod
    def read_file(self, index: int, open_range: OpenRange) -> Iterator[bytes]:
        """Yield the content of the regular file ``entries[index]``, in one request, checked by what digests there are.

        Raises DigestMismatch, CorruptLayer, LimitReached and what ``open_range`` raises.
        """


def read_range(open_range: OpenRange, start: int, length: int) -> bytes:
    """Return the bytes of a range; fewer where the blob ends."""
    blob = open_range(start, length)
    try:
        return read_fully(blob, length)
    finally:
        blob.close()


def range_pieces(open_range: OpenRange, start: int, length: int) -> Iterator[bytes]:
    """Yield the bytes of a range in pieces; fewer where the blob ends."""
    blob = open_range(start, length)
    try:
        while length > 0:
            piece = blob.read(min(length, _PIECE))
            if not piece:
                break
            yield piece
            length -= len(piece)
    finally:
        blob.close()


def checked(pieces: Iterable[bytes], digest: str) -> Iterator[bytes]:
    """Yield all pieces. Raises DigestMismatch at their end, where a manifest states another digest for them."""
    algorithm, _, stated = digest.partition(":")
    actual = hashlib.new(algorithm) if digest_problem(digest) is None else None
    for piece in pieces:
        if actual is not None:
            actual.update(piece)
        yield piece
    if actual is None or actual.hexdigest() != stated:
        raise DigestMismatch("the layer's table of contents does not have the digest that the manifest states")


def read_fully(blob: BinaryIO, length: int) -> bytes:
    """Return the next ``length`` bytes; fewer where they end."""
    pieces = []
    while length > 0:
        piece = blob.read(length)
        if not piece:
            break
        pieces.append(piece)
        length -= len(piece)
    return b"".join(pieces)


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
