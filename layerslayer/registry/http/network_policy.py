"""Which networks a registry may lead into: the user's own only if it is there itself.

Names and what they resolve to are the registry's to change at any moment (DNS
rebinding), so the first connection to it decides where it is. A later one that
ends up elsewhere is refused before anything is sent; else one short connection
to a private address would open that network to all that a public server says.
"""

from __future__ import annotations

import threading
from enum import Enum
from typing import Optional

from ...errors import Action, RegistryError, Remedy
from .origin import host_given
from .private_networks import is_inside, is_loopback, is_on_the_link

_HINT = Remedy(Action.ALLOW_PRIVATE)


class _Place(Enum):
    """Where an address is; the value says it in a sentence."""

    PUBLIC = "to the public internet"
    INSIDE = "into a private network"
    LINK = "to where clouds keep their machines' secrets"


class Border:
    """Sees where requests and connections go. Safe to share between threads.

    ``home`` is the registry's ``HOST[:PORT]``; without it nothing is refused.
    Until there was a connection to it, which with a proxy there never is, its
    name shows where it is.
    """

    def __init__(self, home: str) -> None:
        self._home = host_given(home) if home else ""
        self._place: Optional[_Place] = None
        self._lock = threading.Lock()

    def pass_name(self, host: str) -> None:
        """Check a request to ``host``, which is not resolved yet. Raises RegistryError for one that leads inside."""
        if self._home and host != self._home:
            if is_on_the_link(host):
                raise _way_to_secrets(host)
            if is_inside(host) and not self._open:
                raise _way_inside(host)

    def pass_connection(self, host: str, address: str) -> None:
        """Check a connection to ``host``, now open to ``address``, before anything is sent over it.

        Raises RegistryError for one that leads inside, and for one to the registry that is elsewhere than its first;
        for this machine's own names as well, over which secrets go in plain http, where they lead to another.
        """
        if is_loopback(host) and not _is_here(address):
            raise RegistryError(
                f"the name {host} leads to another machine than this one; that is not followed.",
                "Look what this system has for it.",
            )
        if not self._home:
            return
        place = _place_of(address)
        if host.lower() == self._home:
            with self._lock:
                first = self._place = self._place or place
            if place is not first:
                raise _moved(host, first, place)
        elif place is _Place.LINK:
            raise _way_to_secrets(host)
        elif place is _Place.INSIDE and not self._open:
            raise _way_inside(host)

    @property
    def _open(self) -> bool:
        """Whether private networks are open to the registry."""
        return is_inside(self._home) if self._place is None else self._place is not _Place.PUBLIC


def _is_here(address: str) -> bool:
    mapped = "::ffff:"  # of a socket for both kinds (RFC 4291, 2.5.5.2)
    return is_loopback(address[len(mapped) :] if address.lower().startswith(mapped) else address)


def _place_of(address: str) -> _Place:
    if is_on_the_link(address):
        return _Place.LINK
    return _Place.INSIDE if is_inside(address) else _Place.PUBLIC


def _moved(host: str, first: _Place, now: _Place) -> RegistryError:
    return RegistryError(
        f"the name {host} led {first.value} at first and leads {now.value} now; that is not followed.",
        _HINT,
    )


def _way_inside(host: str) -> RegistryError:
    return RegistryError(f"the registry points to {host}, which is in a private network; that is not followed.", _HINT)


def _way_to_secrets(host: str) -> RegistryError:
    # Not from a registry in a private network either: an image's foreign addresses are a stranger's there, too.
    return RegistryError(
        f"the registry points to {host}, where clouds keep their machines' secrets; that is not followed.",
        _HINT,
    )
