"""Certificates by host: authorities of the user's own, client certificates, hosts that are not checked.

Folders as docker and containers have them (containers-certs.d(5)): in
``certs.d/HOST[:PORT]``, ``*.crt`` are authorities beside the usual ones,
``NAME.cert`` with ``NAME.key`` are client certificates.
"""

from __future__ import annotations

import os
import ssl
from typing import AbstractSet, Any, Dict, List, Optional, Tuple

from ...errors import InvalidAddress, LocalFileError
from .origin import netloc_of, origin_of

_FOLDERS = ("~/.config/containers/certs.d", "/etc/containers/certs.d", "/etc/docker/certs.d")


class Tls:
    """What the user said of TLS.

    ``insecure`` are hosts that are not checked, ``registry`` is whom the client certificate of the command line is
    for, all as ``origin.netloc_given`` writes them: lower case, with the port where it is not 443.
    """

    def __init__(
        self,
        ca_file: Optional[str] = None,
        client_cert: Optional[str] = None,
        client_key: Optional[str] = None,
        insecure: AbstractSet[str] = frozenset(),
        folders: Tuple[str, ...] = _FOLDERS,
        registry: str = "",
    ) -> None:
        self._ca_file = ca_file
        self._client = (client_cert, client_key) if client_cert else None
        self._insecure = insecure
        self._folders = folders
        self._registry = registry
        self._tried = not _bundle()
        self._made: Dict[Any, ssl.SSLContext] = {}  # by what is in it: each takes a megabyte

    def verify(self, url: str) -> bool:
        """Whether the certificate of a URL's host is checked."""
        return not self._is_insecure(url)

    def context(self, url: str) -> Optional[ssl.SSLContext]:
        """Return the TLS settings of a URL's host, None for the usual ones. Raises LocalFileError.

        Hosts for which the same holds have the same: a registry may lead to any number of them.
        """
        netloc = _netloc(url)
        authorities, clients = self._in_folders(netloc)
        if self._ca_file:
            authorities.append(self._ca_file)
        if self._client and netloc == self._registry:
            clients.append(self._client)
        insecure = self._is_insecure(url)
        if not authorities and not clients and not insecure:
            self._try_usual()
            return None
        parts = (tuple(authorities), tuple(clients), insecure)
        if parts not in self._made:
            self._made[parts] = _context(*parts)
        return self._made[parts]

    def _try_usual(self) -> None:
        """Try once whether what the environment names can be loaded, which the HTTP library then does itself."""
        if not self._tried:
            _load_usual(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
            self._tried = True

    def _is_insecure(self, url: str) -> bool:
        return _netloc(url) in self._insecure

    def _in_folders(self, netloc: str) -> Tuple[List[str], List[Tuple[str, Optional[str]]]]:
        authorities: List[str] = []
        clients: List[Tuple[str, Optional[str]]] = []
        for folder in self._folders:
            here = os.path.join(os.path.expanduser(folder), netloc)
            try:
                names = sorted(os.listdir(here))
            except OSError:
                continue
            authorities += [os.path.join(here, name) for name in names if name.endswith(".crt")]
            for name in names:
                if name.endswith(".cert") and name[:-5] + ".key" in names:
                    clients.append((os.path.join(here, name), os.path.join(here, name[:-5] + ".key")))
        return authorities, clients


def _netloc(url: str) -> str:
    """Return an address's host and port as ``insecure`` has them; nothing for one that nobody connects to."""
    try:
        return netloc_of(origin_of(url))
    except InvalidAddress:
        return ""


def _bundle() -> str:
    """Return the authorities that the environment names in place of the usual ones, if it does."""
    return os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE") or ""


def _context(
    authorities: Tuple[str, ...], clients: Tuple[Tuple[str, Optional[str]], ...], insecure: bool
) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if not insecure:
        _load_usual(context)
    for path in authorities:
        _load(path, lambda path=path: context.load_verify_locations(path))
    for certificate, key in clients:
        _load(certificate, lambda pair=(certificate, key): context.load_cert_chain(*pair))
    if insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _load_usual(context: ssl.SSLContext) -> None:
    bundle = _bundle()
    if bundle:
        where = {"capath": bundle} if os.path.isdir(bundle) else {"cafile": bundle}
        _load(bundle, lambda: context.load_verify_locations(**where), "Check REQUESTS_CA_BUNDLE and CURL_CA_BUNDLE.")


def _load(path: str, load: Any, hint: str = "") -> None:
    try:
        load()
    except (OSError, ssl.SSLError, ValueError) as error:
        reason = "it holds no usable certificate" if isinstance(error, ssl.SSLError) else error
        raise LocalFileError(
            "the certificate file {} cannot be used: {}.".format(path, getattr(reason, "strerror", None) or reason),
            hint,
        ) from None
