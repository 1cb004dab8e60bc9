"""Why a request failed, in words without its URL, which may be signed."""

from __future__ import annotations

from .origin import netloc_of, origin_of

HANDSHAKE = "the TLS handshake failed"
NO_HTTPS = "it does not speak https"
UNTRUSTED = "its certificate is of an authority that is not trusted here"
_BROKE = "it broke the connection"
_CLOSED = "it closed the connection without an answer"
PASSING = (_BROKE, _CLOSED)  # what may be otherwise the next time, even from a host that never answered


def host_of(url: str) -> str:
    """Return an address's host and port, as errors name it. Raises InvalidAddress."""
    return netloc_of(origin_of(url))


def reason_of(error: Exception) -> str:
    """Return why a request failed, completing "it cannot be reached:"."""
    text = str(error).lower()
    for sign, reason in (
        ("certificate has expired", "its certificate has expired"),
        ("certificate is not yet valid", "its certificate is not valid yet, by this machine's clock"),
        ("mismatch, certificate is not valid for", "its certificate is for another name"),
        ("certificate verify failed", UNTRUSTED),
        ("wrong version number", NO_HTTPS),
        ("record layer failure", NO_HTTPS),
        ("http_request", NO_HTTPS),
        ("unknown protocol", NO_HTTPS),
        ("ssl", HANDSHAKE),
        ("name or service not known", "there is no such host"),
        ("nodename nor servname", "there is no such host"),
        ("getaddrinfo failed", "there is no such host"),
        ("failed to resolve", "there is no such host"),
        ("name resolution", "its name cannot be resolved"),
        ("refused", "nothing listens there"),
        ("unreachable", "there is no route to it"),
        ("badstatusline", "its answer is no http"),
        ("got more than", "its answer has too many headers, or too long ones"),
        ("reset", _BROKE),
        ("closed connection", _CLOSED),
        ("aborted", _BROKE),
        ("too many open files", "this system allows no more open files"),
    ):
        if sign in text:
            return reason
    return "the connection failed"
