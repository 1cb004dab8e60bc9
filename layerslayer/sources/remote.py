"""From an image's name to the source that asks its registry, set up as the user says."""

from __future__ import annotations

from typing import TYPE_CHECKING, AbstractSet, Dict, Optional, Tuple

from ..errors import UsageError
from ..limits import DEFAULT, Limits
from ..oci.reference import DOCKER_HUB, Reference, canonical_host, parse_reference
from ..oci.source import Source
from ..registry.credentials.keychain import Identity
from ..registry.http.client import Transport
from ..registry.http.origin import netloc_given
from ..registry.http.tls import Tls
from ..registry.repository import Access, RegistrySource
from .connection_options import ConnectionOptions, Listener

if TYPE_CHECKING:
    from ..registry.auth.authorized_client import Handshake
    from ..registry.connection_pool import Connections
    from ..registry.http.preconnect import EarlyConnections


class Registries:
    """``shared`` holds the connections that images share, one after the other."""

    def __init__(
        self,
        options: ConnectionOptions,
        identity: Identity,
        listener: Listener,
        early: Optional[EarlyConnections],
        shared: Optional[Connections],
        limits: Limits = DEFAULT,
    ) -> None:
        self._limits = limits
        self._options = options
        self._identity = identity
        self._warn, self._log = listener.warn, listener.log
        self._early = early
        self._connections = shared

    def source(self, reference: Reference) -> Source:
        """Return the source of an image, a mirror before it where one is named."""
        trusted = frozenset(host.lower() for host in self._options.trusted_realms if netloc_given(host))
        transport, handshakes = self._door(reference)
        access = Access(
            self._identity.token(reference),
            lambda: self._identity.login(reference),
            trusted,
            lambda: self._identity.headers(reference),
        )
        origin = RegistrySource(reference, transport, access, self._warn, handshakes, self._limits)
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
        warn = self._warn
        transport, handshakes = self._door(near, mirror=True)
        access = Access(None, lambda: self._identity.login(near, mirror=True), trusted)
        first = RegistrySource(near, transport, access, warn, handshakes, self._limits)
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
        options = self._options
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
            log=self._log,
            connections=options.connections,
            early=self._early,
            attempts=options.retries,
            tell=self._warn,
            tls=tls,
            home="" if options.allow_private else reference.api_host,
        )
