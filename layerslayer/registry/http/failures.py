"""What the HTTP library raises, in sentences of the house."""

from __future__ import annotations

import requests
import urllib3

from ...errors import Action, ConnectionLost, RegistryError, Remedy, Unreachable
from .failure_reasons import HANDSHAKE, NO_HTTPS, PASSING, UNTRUSTED, host_of, reason_of
from .proxies import goes_by_one
from .redaction import redacted

_SHOWN = 200  # characters of an address that cannot be used
# InvalidSchema: addresses are http or https, so that what cannot be spoken is the proxy's, as is SOCKS without PySocks.
_PROXY = (requests.exceptions.ProxyError, requests.exceptions.InvalidSchema, requests.exceptions.InvalidProxyURL)


def failure(error: Exception, url: str, answered: bool) -> Exception:
    """Return what to say of a request that got no answer; ``answered`` is whether the host ever did.

    ConnectionLost for what may pass, Unreachable for what will not, RegistryError for what cannot be asked.
    """
    host = host_of(url)
    reason = reason_of(error)
    if isinstance(error, requests.exceptions.SSLError):
        if reason == HANDSHAKE and answered:
            return ConnectionLost(f"the TLS connection to {host} failed.", "Try again.")
        return Unreachable(f"{host} cannot be trusted: {reason}.", _about_trust(host, reason))
    if isinstance(error, _PROXY):
        return _by_proxy(host)
    if isinstance(error, requests.exceptions.Timeout):
        return (ConnectionLost if answered else Unreachable)(
            f"{host} does not answer.", Remedy(Action.ALLOW_TIME, "Check the address")
        )
    if isinstance(error, (requests.exceptions.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        # Where nobody has answered yet, a refusal is more likely a wrong address than a bad moment.
        return (ConnectionLost if answered or reason in PASSING else Unreachable)(
            f"{host} cannot be reached: {reason}.", "Check the address and the network."
        )
    if isinstance(error, (requests.exceptions.InvalidHeader, urllib3.exceptions.InvalidHeader)):
        return RegistryError(f"{host} gave an answer whose headers contradict each other.")
    if goes_by_one(url):  # an address that was read can be used, so it is the proxy's that cannot
        return _by_proxy(host)
    return RegistryError(f"the address {redacted(url)[:_SHOWN]} cannot be used.")


def _by_proxy(host: str) -> Unreachable:
    return Unreachable(f"the proxy on the way to {host} cannot be used.", "Check HTTPS_PROXY, HTTP_PROXY and NO_PROXY.")


def _about_trust(host: str, reason: str) -> Remedy:
    """Return what to do about a TLS connection that did not come about."""
    if reason in (HANDSHAKE, NO_HTTPS):
        return Remedy(Action.ALLOW_HTTP)
    return Remedy(Action.TRUST_AUTHORITY if reason == UNTRUSTED else Action.SKIP_CHECK, host)


def was_dropped(error: requests.exceptions.ConnectionError) -> bool:
    """Whether a kept connection turned out to be closed before anything came, by the server or by another thread."""
    cause = error.args[0] if error.args else None
    return isinstance(cause, (urllib3.exceptions.ProtocolError, urllib3.exceptions.ClosedPoolError))
