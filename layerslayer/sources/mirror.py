"""A mirror in front of a registry: asked first, and passed over when it cannot help.

What it serves is verified like anything else; a tag it gives is the mirror's
word, as with every pull-through cache. No login for the registry goes to it.
"""

from __future__ import annotations

from typing import BinaryIO, Callable, Iterator, Optional, Sequence, Tuple, TypeVar

from ..errors import LayerslayerError, NotFound, Unreachable
from ..oci.descriptor import Descriptor
from ..oci.source import Document, Source

T = TypeVar("T")


class Mirrored(Source):
    """``mirror`` before ``origin``; ``warn`` hears once why the mirror is not used."""

    def __init__(self, mirror: Source, origin: Source, name: str, warn: Callable[[str], None]) -> None:
        self._mirror = mirror
        self._origin = origin
        self.limits = origin.limits
        self._name = name
        self._warn = warn
        self._told = False
        self._down = False

    def manifest(self, wanted: str, known: Optional[Descriptor] = None) -> Document:
        return self._first(lambda source: source.manifest(wanted, known))

    def blob(self, descriptor: Descriptor) -> BinaryIO:
        return self._first(lambda source: source.blob(descriptor))

    def blob_range(self, descriptor: Descriptor, start: int, length: int) -> BinaryIO:
        return self._first(lambda source: source.blob_range(descriptor, start, length))

    def _first(self, ask: Callable[[Source], T]) -> T:
        if not self._down:
            try:
                return ask(self._mirror)
            except LayerslayerError as error:
                self._down = self._down or isinstance(error, Unreachable)
                if not isinstance(error, NotFound) and not self._told:
                    self._told = True
                    self._warn("the mirror {} is passed over: {}".format(self._name, str(error).rstrip(".")))
        return ask(self._origin)

    def tags(self, page: int = 0) -> Iterator[str]:
        return self._origin.tags(page)  # a mirror knows those only that were asked for

    def referrers(self, digest: str) -> Tuple[Descriptor, ...]:
        return self._origin.referrers(digest)

    def watch_repeats(self, spend: Callable[[int], None]) -> None:
        self._mirror.watch_repeats(spend)
        self._origin.watch_repeats(spend)

    def foresee(self, descriptors: Sequence[Descriptor]) -> None:
        if not self._down:
            self._mirror.foresee(descriptors)

    def foresee_manifest(self, wanted: str) -> None:
        self._mirror.foresee_manifest(wanted)

    def foresee_referrers(self, digest: str) -> None:
        self._origin.foresee_referrers(digest)

    def requests_made(self) -> int:
        return self._mirror.requests_made() + self._origin.requests_made()

    def close(self) -> None:
        self._mirror.close()
        self._origin.close()
