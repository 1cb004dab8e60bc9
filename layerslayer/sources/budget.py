"""``--budget``: a bound on the bytes of layers that one run fetches, over all its images and threads.

Manifests and configs do not count. What is asked for is set aside before it is
asked for; what then was not used is given back. Of a blob that does not fit only
the part that does is asked for, so that not even a buffer on the way holds more.
"""

from __future__ import annotations

import threading
from typing import BinaryIO, Callable, Iterable, Optional, Sequence, Set, cast

from ..errors import Action, BudgetSpent, LayerslayerError, NotFound, RangeIgnored, Remedy
from ..escaping import human_size
from ..oci.descriptor import UNKNOWN_SIZE, Descriptor
from ..oci.manifest import Manifest, parse_manifest
from ..oci.source import Document, Source, Wrapping

IN_FLIGHT = 8 * 1024 * 1024  # bytes that may be under way on a connection that is dropped
_PATIENCE = 10.0  # seconds to wait for what a stream just left will give back


class Budget:
    """So many bytes, to be spent once. Safe to share between threads."""

    def __init__(self, total: int) -> None:
        self.total = total
        self._left = total
        self._open = 0  # streams that may yet give something back
        self._changed = threading.Condition()

    @property
    def left(self) -> int:
        """Bytes that are neither spent nor set aside."""
        return self._left

    def take(self, wanted: int) -> int:
        """Set aside ``wanted`` bytes for a stream, or all that is left where that is less, or ``wanted`` unknown.

        Return how many; ``settle`` ends it. Raises BudgetSpent where nothing is left.
        """
        with self._changed:
            self._wait_for(wanted)
            if self._left == 0 and wanted != 0:
                raise self.spent()
            taken = wanted if 0 <= wanted <= self._left else self._left
            self._left -= taken
            self._open += 1
            return taken

    def take_all(self, wanted: int) -> None:
        """Set aside ``wanted`` bytes for a stream; ``settle`` ends it. Raises BudgetSpent where less is left."""
        with self._changed:
            self.demand(wanted)
            self._left -= wanted
            self._open += 1

    def settle(self, taken: int, spent: int) -> None:
        """End a stream for which ``taken`` bytes were set aside and ``spent`` counted."""
        with self._changed:
            self._left = max(0, self._left + taken - spent)
            self._open -= 1
            self._changed.notify_all()

    def spend(self, count: int) -> None:
        """Count bytes that are to be fetched once more. Raises BudgetSpent where they are not left."""
        with self._changed:
            if count > self._left:
                raise self.spent()
            self._left -= count

    def demand(self, wanted: int) -> None:
        """Raises BudgetSpent unless ``wanted`` bytes are left."""
        with self._changed:
            self._wait_for(wanted)
            if wanted > self._left:
                raise self._beyond(wanted) if self._left else self.spent()

    def _wait_for(self, wanted: int) -> None:
        # A stream that was left is closed by the thread that read ahead in it, a moment later.
        self._changed.wait_for(lambda: not self._open or 0 <= wanted <= self._left, _PATIENCE)

    def spent(self) -> BudgetSpent:
        """Return what to say where a reading ends."""
        return _spent(f"the budget of {human_size(self.total)} is spent")

    def _beyond(self, wanted: int) -> BudgetSpent:
        return _spent(f"{human_size(wanted)} more would go beyond the budget of {human_size(self.total)}")


def _spent(told: str) -> BudgetSpent:
    return BudgetSpent(told, within=Remedy(Action.RAISE_BUDGET))


class Budgeted(Wrapping):
    """Another source, of whose blobs no more is fetched than ``budget`` has left.

    A blob that does not fit ends with BudgetSpent after the part that does.
    """

    def __init__(self, source: Source, budget: Budget) -> None:
        super().__init__(source)
        self._budget = budget
        self._configs: Set[str] = set()  # digests, as manifests name them
        self._layers: Set[str] = set()
        source.watch_repeats(budget.spend)

    def manifest(self, wanted: str, known: Optional[Descriptor] = None) -> Document:
        document = self._source.manifest(wanted, known)
        try:
            parsed = parse_manifest(document.body, document.media_type, self.limits)
        except LayerslayerError:
            return document  # whoever asked will say what is wrong with it
        if isinstance(parsed, Manifest):
            self._configs.add(parsed.config.digest)
            self._layers.update(layer.digest for layer in parsed.layers)
        return document

    def _is_free(self, descriptor: Descriptor) -> bool:
        """Whether a blob is a config, and no layer besides, or comes with the manifest."""
        digest = descriptor.digest
        return descriptor.data is not None or (
            digest in self._configs and digest not in self._layers and descriptor.size <= self.limits.document
        )

    def blob(self, descriptor: Descriptor) -> BinaryIO:
        if self._is_free(descriptor):
            return self._source.blob(descriptor)
        taken = self._budget.take(descriptor.size)
        fits = descriptor.size != UNKNOWN_SIZE and descriptor.size <= taken
        return self._opened(lambda: self._part(descriptor, taken), taken, fits)

    def demand(self, descriptors: Iterable[Descriptor]) -> None:
        """Raises BudgetSpent unless all of these blobs, as far as their sizes are known, can still be fetched."""
        self._budget.demand(sum(max(item.size, 0) for item in descriptors if not self._is_free(item)))

    def _part(self, descriptor: Descriptor, length: int) -> BinaryIO:
        """Open the first ``length`` bytes of a blob, or the whole where there is no other way."""
        if descriptor.size > length:
            try:
                return self._source.blob_range(descriptor, 0, length)
            except RangeIgnored:
                pass
            except NotFound:
                if not descriptor.urls:
                    raise
        return self._source.blob(descriptor)

    def blob_range(self, descriptor: Descriptor, start: int, length: int) -> BinaryIO:
        """See ``Source.blob_range``. Raises BudgetSpent before anything is asked for, where not all of it fits."""
        if self._is_free(descriptor):
            return self._source.blob_range(descriptor, start, length)
        self._budget.take_all(length)
        return self._opened(lambda: self._source.blob_range(descriptor, start, length), length, True)

    def _opened(self, open_stream: Callable[[], BinaryIO], taken: int, fits: bool) -> BinaryIO:
        try:
            return cast(BinaryIO, _Bounded(open_stream(), self._budget, taken, fits))
        except BaseException:
            self._budget.settle(taken, 0)
            raise

    def foresee(self, descriptors: Sequence[Descriptor]) -> None:
        # Layers are asked for when their turn comes: only then it is known how much of them fits.
        self._source.foresee([item for item in descriptors if self._is_free(item)])


class _Bounded:
    """A readable for which ``taken`` bytes are set aside; where not all of it ``fits``, it ends in BudgetSpent."""

    def __init__(self, stream: BinaryIO, budget: Budget, taken: int, fits: bool) -> None:
        self._stream = stream
        self._budget = budget
        self._taken = taken
        self._fits = fits
        self._count = 0
        self._ended = False
        self._closed = False

    def read(self, count: int = -1) -> bytes:
        left = self._taken - self._count
        if not self._fits and left <= 0:
            raise self._budget.spent()
        most = max(left, 0) + 1 if self._fits else left  # one more shows that it is larger than was said
        data = self._stream.read(most if count < 0 else min(count, most))
        self._count += len(data)
        self._ended = self._ended or (not data and count != 0)
        return data

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        self._stream.close()
        # Where the connection is dropped, what the server has sent already was spent as well.
        under_way = 0 if self._ended or self._count >= self._taken else IN_FLIGHT
        self._budget.settle(self._taken, min(self._count + under_way, max(self._taken, self._count)))
