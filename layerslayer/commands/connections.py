"""What the images of a batch share: connections to a registry, and what it was shown at the door."""

from __future__ import annotations

from typing import TYPE_CHECKING, Callable, Dict, NamedTuple, Optional

if TYPE_CHECKING:
    from ..handshake import Handshake
    from ..transport.client import Transport


class Door(NamedTuple):
    """One registry: its connections, and its handshakes by repository, as tokens and logins are one's each."""

    transport: Transport
    handshakes: Dict[str, Handshake]


class Connections:
    """The doors of the registries met so far. For one image at a time: its source counts the requests it made."""

    def __init__(self) -> None:
        self._doors: Dict[str, Door] = {}
        self._beside: Optional[Connections] = None

    def door(self, name: str, make: Callable[[], Transport]) -> Door:
        """Return the door of a registry, named by its host; ``make`` makes its connections where it is new."""
        key = name.lower()
        if key not in self._doors:
            self._doors[key] = Door(make(), {})
        return self._doors[key]

    @property
    def beside(self) -> Connections:
        """Those of second images, which are looked at together with the first."""
        if self._beside is None:
            self._beside = Connections()
        return self._beside

    def close(self) -> None:
        for door in self._doors.values():
            door.transport.close()
        self._doors.clear()
        if self._beside is not None:
            self._beside.close()
