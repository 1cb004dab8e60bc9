"""Why a request failed, by what the libraries and systems say of it."""

from __future__ import annotations

import pytest

from layerslayer.errors import InvalidAddress
from layerslayer.registry.http.failure_reasons import HANDSHAKE, NO_HTTPS, PASSING, UNTRUSTED, host_of, reason_of


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: certificate has expired", "has expired"),
        ("certificate verify failed: certificate is not yet valid", "by this machine's clock"),
        ("Hostname mismatch, certificate is not valid for 'reg.example'", "is for another name"),
        ("certificate verify failed: self-signed certificate", UNTRUSTED),
        ("[SSL: WRONG_VERSION_NUMBER] wrong version number", NO_HTTPS),
        ("[SSL] record layer failure", NO_HTTPS),
        ("[SSL: HTTP_REQUEST] http request", NO_HTTPS),
        ("[SSL: UNEXPECTED_EOF_WHILE_READING]", HANDSHAKE),
        ("[Errno -2] Name or service not known", "no such host"),
        ("[Errno 8] nodename nor servname provided", "no such host"),
        ("[Errno 11001] getaddrinfo failed", "no such host"),
        ("Failed to resolve 'reg.example'", "no such host"),
        ("Temporary failure in name resolution", "cannot be resolved"),
        ("[Errno 111] Connection refused", "nothing listens there"),
        ("[Errno 101] Network is unreachable", "no route to it"),
        ("BadStatusLine('x')", "its answer is no http"),
        ("got more than 100 headers", "too many headers"),
        ("[Errno 24] Too many open files", "no more open files"),
        ("something else", "the connection failed"),
    ],
)
def test_reasons(said: str, reason: str) -> None:
    assert reason in reason_of(Exception(said))


@pytest.mark.parametrize("said", ["Connection reset by peer", "Remote end closed connection", "Connection aborted."])
def test_what_may_be_otherwise_the_next_time(said: str) -> None:
    assert reason_of(Exception(said)) in PASSING


def test_the_host_is_named_without_what_may_be_signed() -> None:
    assert host_of("https://Reg.example:443/v2/?sig=x") == "reg.example"
    assert host_of("http://[::1]:5000/v2/") == "[::1]:5000"
    with pytest.raises(InvalidAddress):
        host_of("https://user@reg.example@other/")
