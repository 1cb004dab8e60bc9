"""How far what was read of a layer can be trusted. Pure, and loaded where nothing is read, too."""

from __future__ import annotations

from typing import TYPE_CHECKING, List, NamedTuple, Optional

from ..errors import CorruptLayer, DigestMismatch, LayerslayerError
from ..oci.descriptor import Descriptor

if TYPE_CHECKING:
    from ..errors import Told


class IndexCheck(NamedTuple):
    """How a publisher's index compares with the layer; ``kind`` is empty where there is none that can be used."""

    kind: str
    bytes_read: int  # to have the index
    compared: bool
    differences: int
    uncompared: int  # files of whose contents nothing could be compared
    aside: str  # what else of the index was not compared, as its form makes that impossible
    unusable: bool  # there is one, or may be one, that could not be used


class Report:
    """How the reading of one layer went; complete once the iteration has ended.

    ``problem`` is why the listing is not complete; ``opaque`` means that the
    blob is no tar and promised none, so it was not read on; ``ended`` that
    nobody stopped the reading early. ``checked`` counts files whose contents
    were held against what an earlier verified reading knows of them; then no
    more of the layer was read than they take.
    """

    def __init__(self, descriptor: Descriptor) -> None:
        self.descriptor = descriptor
        self.entries = 0
        self.hidden = 0
        self.bytes_read = 0
        self.uncompressed = 0
        self.compression = "none"
        self.verified = False
        self.opaque = False
        self.ended = False
        self.claimed = ""  # the kind of the publisher's index that was read in place of the layer
        self.index_check: Optional[IndexCheck] = None  # where that was asked for
        self.leapt = False  # the lengths add up; what was leapt over, or fetched anew, no digest vouches for
        self.remembered = False  # nothing was read: an earlier verified reading is known
        self.checked = 0
        self._problem: Optional[LayerslayerError] = None
        self.notes: List[Told] = []

    @property
    def problem(self) -> Optional[LayerslayerError]:
        return self._problem

    @problem.setter
    def problem(self, error: Optional[LayerslayerError]) -> None:
        """Keep why, and nothing of where: through its traceback an error holds all that was at hand there."""
        if error is not None:
            error.__traceback__ = error.__context__ = error.__cause__ = None
        self._problem = error

    @property
    def complete(self) -> bool:
        known = self.opaque or bool(self.claimed) or bool(self.checked)
        return self.problem is None and (known or (self.ended and (self.verified or self.leapt)))

    @property
    def is_damaged(self) -> bool:
        """Whether the bytes that came were not the layer's, or could not be read as such."""
        return isinstance(self.problem, (DigestMismatch, CorruptLayer))
