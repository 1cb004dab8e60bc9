"""What the images of a batch share: connections to a registry, and what it was shown at the door."""

from __future__ import annotations

from typing import TYPE_CHECKING, Callable, Dict, NamedTuple, Optional

if TYPE_CHECKING:
    from .auth.authorized_client import Handshake
    from .http.client import Transport


class Door(NamedTuple):
    """One registry: its connections, and its handshakes by repository, as tokens and logins are one's each."""

    transport: Transport
    handshakes: Dict[str, Handshake]


_AWAKE = 4  # doors whose connections are kept: an image has two, where a mirror is asked first
_DOORS = 64
_REPOSITORIES = 256  # of one registry, whose handshakes are kept


class Connections:
    """The doors of the registries met lately. For one image at a time: its source counts the requests it made.

    A registry not met for some images keeps its tokens only, and not even those
    once there were many others: a batch may name any number.
    """

    def __init__(self) -> None:
        self._doors: Dict[str, Door] = {}
        self._beside: Optional[Connections] = None

    def door(self, name: str, make: Callable[[], Transport]) -> Door:
        """Return the door of a registry, named by its host; ``make`` makes its connections where it is new."""
        key = name.lower()
        door = self._doors.pop(key, None) or Door(make(), {})
        self._doors[key] = door  # the last one is the latest
        before = list(self._doors)
        for other in before[-_AWAKE - 1 : -_AWAKE]:
            self._doors[other].transport.rest()
        for other in before[:-_DOORS]:
            self._doors.pop(other).transport.close()
        if len(door.handshakes) >= _REPOSITORIES:
            for path in list(door.handshakes)[: _REPOSITORIES // 2]:
                del door.handshakes[path]
        return door

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
