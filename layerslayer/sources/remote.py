"""From an image's name to the source that asks its registry, set up as the command line says."""

from __future__ import annotations

from typing import TYPE_CHECKING, AbstractSet, Dict, Optional, Tuple

from ..cli.console import Console
from ..cli.options import Options
from ..errors import UsageError
from ..oci.reference import DOCKER_HUB, Reference, canonical_host, parse_reference
from ..oci.source import Source
from ..registry.credentials.keychain import Identity
from ..registry.http.client import Transport
from ..registry.http.origin import netloc_given
from ..registry.http.tls import Tls
from ..registry.repository import RegistrySource

if TYPE_CHECKING:
    from ..registry.auth.authorized_client import Handshake
    from ..registry.connection_pool import Connections
    from ..registry.http.preconnect import EarlyConnections


class Registries:
    """``lines`` is how many connections there may be to one; ``shared`` holds those that images share, in a batch."""

    def __init__(
        self,
        options: Options,
        console: Console,
        identity: Identity,
        lines: int,
        early: Optional[EarlyConnections],
        shared: Optional[Connections],
    ) -> None:
        self._options = options
        self._console = console
        self._identity = identity
        self._lines = lines
        self._early = early
        self._connections = shared

    def source(self, reference: Reference) -> Source:
        """Return the source of an image, a mirror before it where one is named."""
        trusted = frozenset(host.lower() for host in self._options.trusted_realms if netloc_given(host))
        transport, handshakes = self._door(reference)
        origin = RegistrySource(
            reference,
            transport,
            self._identity.token(reference),
            self._console.warn,
            lambda: self._identity.login(reference),
            trusted,
            lambda: self._identity.headers(reference),
            handshakes,
        )
        if self._options.mirror and reference.domain == DOCKER_HUB:
            return self._mirrored(self._options.mirror, reference, origin, trusted)
        return origin

    def _mirrored(self, mirror: str, reference: Reference, origin: Source, trusted: AbstractSet[str]) -> Source:
        from .mirror import Mirrored

        near = parse_reference("{}/{}:x".format(mirror, reference.path))
        host = mirror.partition("/")[0]
        if near.domain == DOCKER_HUB and canonical_host(host) != DOCKER_HUB:
            raise UsageError(
                "'{}' reads as a part of a repository's name, not as the host of a mirror.".format(host),
                "Write it with its port, like {}:443.".format(host),
            )
        near = near._replace(tag=reference.tag, digest=reference.digest)
        warn = self._console.warn
        transport, handshakes = self._door(near, mirror=True)
        first = RegistrySource(
            near, transport, None, warn, lambda: self._identity.login(near, mirror=True), trusted, handshakes=handshakes
        )
        return Mirrored(first, origin, mirror, warn)

    def _door(self, reference: Reference, mirror: bool = False) -> Tuple[Transport, Optional[Dict[str, Handshake]]]:
        """Return the connections for a reference, and the handshakes of those they are shared with, if they are.

        A ``mirror`` has a door of its own: what it is shown is not what the same host is shown as a registry.
        """
        if self._connections is None:
            return self._transport(reference, mirror), None
        name = ("mirror " if mirror else "") + reference.api_host
        return self._connections.door(name, lambda: self._transport(reference, mirror))

    def _transport(self, reference: Reference, mirror: bool) -> Transport:
        options, console = self._options, self._console
        shown = "" if mirror else self._identity.shown_certificate(reference)
        tls = Tls(
            options.ca_file,
            options.client_cert,
            options.client_key,
            frozenset(map(netloc_given, options.insecure)),
            registry=netloc_given(shown) if shown else "",
        )
        return Transport(
            plain_http=options.plain_http,
            timeout=options.timeout,
            log=console.say if options.verbose else None,
            connections=self._lines,
            early=self._early,
            attempts=options.retries,
            tell=console.warn,
            tls=tls,
            home="" if options.allow_private else reference.api_host,
        )
