"""What reading a layer costs at most, told from the manifest alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, List, NamedTuple, Optional, Sequence

from ..formats.magic import special_kind
from ..layers.access import LayerAccess
from ..layers.toc import estargz, zstd_chunked
from ..layers.toc.embedded import states_toc, worth_asking
from ..layers.toc.soci import INDEX_DIGEST
from ..oci.descriptor import UNKNOWN_SIZE
from ..oci.image import Image, Layer

if TYPE_CHECKING:
    from ..layers.leap.reader import Leaps

_LEAPING = (105, 100)  # of a layer's size at most, as leaps are made
_FIRST_LOOK = 512 * 1024  # bytes that show, at most, that a layer is no gzip and cannot be leapt through
_FOOTER = max(estargz.FOOTER, zstd_chunked.FOOTER)


class Cost(NamedTuple):
    """What a layer costs at most, in bytes of it, or UNKNOWN_SIZE; by the index ``promise`` perhaps a few requests."""

    image: Image
    layer: Layer
    at_most: int
    promise: str = ""
    note: str = ""


class Line(NamedTuple):
    """A cost where it stands in the cheapest order: with the sum so far (or UNKNOWN_SIZE), and whether it fits."""

    cost: Cost
    running: int
    fits: Optional[bool]  # None where there is no budget


def of_layer(access: LayerAccess, image: Image, layer: Layer, for_files: bool) -> Cost:
    """Return the cost of a layer by the way that ``open_layer`` takes first; ``for_files`` is less than a listing."""
    special = special_kind(layer.descriptor.media_type, layer.descriptor.annotations)
    if special and not for_files:
        return Cost(image, layer, 0, "", "not read: it is " + special)
    if access.known.has(layer):
        if for_files:
            return of_stream(image, layer, "known: read only for a file that is in it")
        if not access.whole:
            return Cost(image, layer, 0, "", "known from an earlier reading")
    if access.leaps is None:
        return of_stream(image, layer)
    cost = of_fast(access.leaps, image, layer)
    return cost if cost.promise or not for_files else cost._replace(note="")  # a file is not leapt to


def of_stream(image: Image, layer: Layer, note: str = "") -> Cost:
    """Return the cost of a layer that is read whole, once."""
    return Cost(image, layer, layer.descriptor.size, "", note)


def of_fast(leaps: Leaps, image: Image, layer: Layer) -> Cost:
    """Return the cost of a layer with ``--fast``: by its publisher's index, by leaps, or, at worst, in full."""
    descriptor = layer.descriptor
    if descriptor.size == UNKNOWN_SIZE:
        return of_stream(image, layer)
    asked = states_toc(descriptor) or worth_asking(descriptor)
    at_most, note = descriptor.size + (_FOOTER if asked else 0), ""
    if leaps.applies_to(layer):
        if descriptor.media_type.endswith("gzip"):
            at_most, note = max(at_most, descriptor.size * _LEAPING[0] // _LEAPING[1]), "probably less, by leaps"
        else:
            at_most += _FIRST_LOOK
    promise = _promised(image, layer)
    if promise:
        note = "{} index promised: a few requests, if it holds".format(promise)
    return Cost(image, layer, at_most, promise, note)


def _promised(image: Image, layer: Layer) -> str:
    """Name the index that the manifest's annotations promise; "" for none."""
    descriptor = layer.descriptor
    if zstd_chunked.stated(descriptor):
        return "zstd:chunked"
    if estargz.DIGEST in descriptor.annotations:
        return "eStargz"
    soci = INDEX_DIGEST in image.manifest.annotations and worth_asking(descriptor)
    return "SOCI" if soci and not descriptor.media_type.endswith("zstd") else ""


def cheapest_order(costs: Sequence[Cost], budget: int) -> List[Line]:
    """Return the costs, the least first, the unknown last; ``budget`` is negative for none."""
    lines: List[Line] = []
    running = 0
    for cost in sorted(costs, key=lambda cost: (cost.at_most == UNKNOWN_SIZE, cost.at_most)):
        unknown = UNKNOWN_SIZE in (cost.at_most, running)
        running = UNKNOWN_SIZE if unknown else running + cost.at_most
        lines.append(Line(cost, running, None if budget < 0 else not unknown and running <= budget))
    return lines


def first_beyond(costs: Sequence[Cost], budget: int) -> Optional[Cost]:
    """Return the first of ``costs``, read one after the other, in which the budget may end; None for none."""
    for cost in costs:
        budget -= cost.at_most
        if budget < 0 or cost.at_most == UNKNOWN_SIZE:
            return cost
    return None
