"""How registries are asked, and who hears of it: values, without the HTTP library."""

from __future__ import annotations

from typing import TYPE_CHECKING, Callable, NamedTuple, Optional, Sequence, Union

if TYPE_CHECKING:
    from ..errors import Tell, Told


class ConnectionOptions(NamedTuple):
    """How registries are asked. Hosts may have a port.

    ``username``, a bare token of ``token_file`` and the client certificate name no
    host: they are shown to the registry that is named first, and to nobody else.
    Without them logins are looked for in ``LAYERSLAYER_USERNAME``, ``_PASSWORD`` and ``_TOKEN``, and where docker,
    podman and skopeo keep them.
    """

    username: Optional[str] = None
    password: Union[str, Callable[[], str], None] = None  # or what reads it, once it is needed
    token_file: Optional[str] = None  # lines of TOKEN or HOST TOKEN
    takes_token_txt: bool = False  # token.txt in the current folder is such a file
    timeout: float = 30.0  # seconds without a byte
    retries: int = 5  # of what may pass by itself
    connections: int = 10  # to one registry, at once
    plain_http: bool = False  # also to other hosts than this machine
    ca_file: Optional[str] = None
    client_cert: Optional[str] = None
    client_key: Optional[str] = None
    insecure: Sequence[str] = ()  # hosts whose certificates are not checked
    trusted_realms: Sequence[str] = ()  # hosts of auth services that see logins too
    mirror: Optional[str] = None  # host that is asked for Docker Hub's images first
    allow_private: bool = False  # a public registry may lead into private networks
    username_from: str = "the user name"  # what sentences call ``username``

    def __repr__(self) -> str:
        """Return all but the password, which is to be in no log."""
        shown = self._replace(password=None if self.password is None else "***")
        return "ConnectionOptions({})".format(
            ", ".join(f"{name}={value!r}" for name, value in zip(self._fields, tuple(shown)))
        )


def _ignore(told: Told) -> None:
    return


class Listener(NamedTuple):
    """Who hears what a user should know (``warn``) or may want to (``say``), and of every request (``log``)."""

    warn: Tell = _ignore
    say: Callable[[str], None] = _ignore
    log: Optional[Callable[[str], None]] = None
