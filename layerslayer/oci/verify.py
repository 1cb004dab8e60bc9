"""Bytes checked against their descriptor: size as they pass, digest at the end."""

from __future__ import annotations

import hashlib
from typing import BinaryIO, Generator, Iterator

from ..errors import DigestMismatch
from ..escaping import human_size
from .descriptor import UNKNOWN_SIZE, Descriptor

PIECE = 128 * 1024  # bytes read at a time


class Verifier:
    """Counts and hashes a blob. ``verified`` turns True when digest and size, where one is stated, hold."""

    def __init__(self, descriptor: Descriptor) -> None:
        self.descriptor = descriptor
        self.count = 0  # bytes seen
        self.verified = False
        self._hash = hashlib.new(descriptor.digest.partition(":")[0])

    def update(self, piece: bytes) -> None:
        """Hash the next bytes. Raises DigestMismatch as soon as they are too many."""
        self.count += len(piece)
        if self.count > self.descriptor.size != UNKNOWN_SIZE:
            raise DigestMismatch(
                f"the blob is larger than the {human_size(self.descriptor.size)} its descriptor states"
            )
        self._hash.update(piece)

    def finish(self) -> None:
        """Check size and digest at the end of the blob. Raises DigestMismatch."""
        if self.count < self.descriptor.size:
            raise DigestMismatch(f"the blob ends after {self.count} of {self.descriptor.size} bytes")
        actual = self._hash.hexdigest()
        if actual != self.descriptor.hex:
            algorithm = self.descriptor.digest.partition(":")[0]
            raise DigestMismatch(f"the blob's digest is {algorithm}:{actual}, not the one its descriptor states")
        self.verified = True


def pieces_of(blob: BinaryIO, piece: int = PIECE) -> Generator[bytes, None, None]:
    """Yield what is left of ``blob`` in pieces. Closes it however the iteration ends."""
    try:
        data = blob.read(piece)
        while data:
            yield data
            data = blob.read(piece)
    finally:
        blob.close()


def verified_pieces(blob: BinaryIO, verifier: Verifier, piece: int = PIECE) -> Iterator[bytes]:
    """Yield the pieces of ``blob``; the end comes only after the digest was checked.

    Closes ``blob`` however the iteration ends.
    """
    pieces = pieces_of(blob, piece)
    try:
        for data in pieces:
            verifier.update(data)
            yield data
        verifier.finish()
    finally:
        pieces.close()
