"""An address that two libraries read differently: what is checked is one host, what is connected to another.

For any address at all: it is refused, or everyone agrees on scheme, host and
port: ``urllib.parse``, ``urllib3``, ``requests``, and the socket that is opened.
"""

from __future__ import annotations

import socket
from contextlib import contextmanager
from typing import Any, Iterator, List, Sequence, Tuple
from unittest import mock
from urllib.parse import urljoin, urlsplit

import pytest
import requests
import urllib3
from hypothesis import example, given, settings
from hypothesis import strategies as st

from layerslayer.errors import LayerslayerError, RegistryError
from layerslayer.registry.http.client import Transport
from layerslayer.registry.http.origin import Origin, address_from, origin_of, read_address
from layerslayer.registry.http.origin_headers import NOTHING
from layerslayer.registry.http.tls import Tls

PORTS = {"http": 80, "https": 443}
ODD = "\\\t\n\r\x00\x0b\x1f \x7f\x85\xa0\u200b\u2028\u3000\uff0e\u3002\uff0f\uff1a\uff20\u24d4"
ODD += "@:/?#[]%;,&=.0+-_|^{}<>\"'`~!$*()"
SCHEMES = ["https", "http", "HTTPS", "Http", "ftp", "", "https ", "ht\ntps", "wss", "http+unix"]
SEPARATORS = ["://", "://", "://", ":/", ":", ":///", ":////", ":\\\\", ":/\\", "//", "\\\\"]
USERS = ["", "", "", "me@", "me:pw@", "a%40b:p@", "reg.test@", "reg.test:443@", "reg.test\\@", "@", "a@b@", "[::1]@"]
HOSTS = [
    "evil.test", "EVIL.test", "reg.test", "a.b.evil.test.", "evil.test\\.reg.test", "evil%2etest",
    "evil.test%00.reg.test", "evil%2freg.test", "ev\til.test", "ⓔvil.test", "evil。test", "evil．test",
    "evil.test／", "xn--evil-9za.test", "faß.test", "127.0.0.1", "127.1", "0x7f.1", "2130706433", "0177.0.0.1",
    "127.0.0.1.", "１27.0.0.1", "[::1]", "[::1%25lo]", "[fe80::1%lo]", "[::ffff:127.0.0.1]", "[::ffff:0:1]",
    "[::1", "::1]", "[v6.x]", "[]", "", ".", "..", "a_b", "-a-", "*",
]  # fmt: skip
PLAIN_HOSTS = ["evil.test", "EVIL.test", "reg.test", "127.0.0.1", "[::1]", "[2606:4700::1111]", "a_b"]
USUAL = ["", "", ":443", ":80", ":5000"]
PORT_TEXTS = [
    *USUAL,
    ":",
    ":0",
    ":65535",
    ":65536",
    ":00080",
    ":+80",
    ":-1",
    ":8_0",
    ":８０",
    ":٨٠",
    ": 80",
    ":80 ",
    ":80:81",
    ":x",
]
TAILS = [
    "",
    "/",
    "/x",
    "?@reg.test",
    "#@reg.test",
    "/@reg.test/x",
    "\\@reg.test/x",
    "/\\reg.test",
    ";@reg.test",
    "/x?y=//z#w",
]


def pieces(plain: Sequence[str], odd: Sequence[str]) -> st.SearchStrategy[str]:
    """Mostly what is harmless: an address with several odd parts is refused for any of them."""
    return st.sampled_from([*plain] * (4 * len(odd) // len(plain)) + [*odd])


COMPOSED = (
    st.tuples(
        pieces(["https", "http"], SCHEMES),
        pieces(["://"], SEPARATORS),
        pieces([""], USERS),
        pieces(PLAIN_HOSTS, HOSTS),
        pieces(USUAL, PORT_TEXTS),
        st.sampled_from(TAILS),
    )
).map("".join)
TEXTS = st.one_of(
    COMPOSED,
    COMPOSED.map(str.lower),
    COMPOSED.map(str.upper),
    st.tuples(st.just("https://"), st.text(ODD + "ab", max_size=12), st.sampled_from(TAILS)).map("".join),
    st.text(max_size=30),
)
ODD_ONES = st.tuples(st.sampled_from(["", "", "", *ODD, "\\@", "@@", "\t\t"]), st.floats(0, 1))


def damaged(text: str, odd: Tuple[str, float]) -> str:
    at = int(odd[1] * len(text))
    return text[:at] + odd[0] + text[at:]


def read_by_urllib(text: str) -> Origin:
    parts = urlsplit(text)
    return Origin(parts.scheme, parts.hostname or "", parts.port or PORTS[parts.scheme])


def read_by_urllib3(text: str) -> Origin:
    parts = urllib3.util.parse_url(text)
    scheme = parts.scheme or ""
    return Origin(scheme, (parts.host or "").strip("[]"), parts.port or PORTS[scheme])


def read_by_requests(text: str) -> Origin:
    prepared = requests.Request("GET", text).prepare()
    return read_by_urllib(str(prepared.url))


@contextmanager
def lookups() -> Iterator[List[Tuple[str, int]]]:
    """What the system is asked to connect to; it finds no host."""
    asked: List[Tuple[str, int]] = []

    def record(host: Any, port: Any, *_: Any, **__: Any) -> Any:
        asked.append((host if isinstance(host, str) else host.decode(), int(port)))
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    with mock.patch.object(socket, "getaddrinfo", record):
        yield asked


def connected(text: str) -> List[Tuple[str, int]]:
    """Where a request for an address goes; nowhere, if it is refused."""
    transport = Transport(attempts=0)
    with lookups() as asked:
        try:
            transport.get(text, secrets=lambda url: NOTHING).close()
        except LayerslayerError:
            pass
        finally:
            transport.close()
    return asked


@given(TEXTS, ODD_ONES)
@example("http://evil.test\\@reg.test/x", ("", 0.0))
@example("https://evil.test\\.reg.test/token", ("", 0.0))
@example("https://[::ffff:127.0.0.1]:00080/x", ("", 0.0))
@example('https://a.example/a|b^c{d}"e<f>`?g[]', ("", 0.0))
@settings(max_examples=400)
def test_it_is_refused_or_everyone_reads_it_alike(text: str, odd: Tuple[str, float]) -> None:
    text = damaged(text, odd)
    try:
        origin = read_address(text).origin
    except RegistryError:
        assert connected(text) == []
        return
    for read in (read_by_urllib, read_by_urllib3, read_by_requests):
        assert read(text) == origin, read
    asked = connected(text)
    assert set(asked) == {(origin.host, origin.port)}


@given(TEXTS, ODD_ONES)
@example("//evil.test\\@reg.test/x", ("", 0.0))
@example("/\\evil.test/x", ("", 0.0))
@example("///evil.test/x", ("", 0.0))
@settings(max_examples=400)
def test_so_it_is_with_what_an_answer_names(text: str, odd: Tuple[str, float]) -> None:
    here = "https://reg.test:5000/v2/a/b"
    text = damaged(text, odd)
    try:
        address = address_from(here, text)
    except RegistryError:
        return
    joined = urljoin(here, text)
    for read in (read_by_urllib, read_by_urllib3):
        assert read(joined) == read(address.url) == address.origin


@given(TEXTS, ODD_ONES)
@settings(max_examples=200)
def test_only_the_host_that_is_named_goes_unchecked(text: str, odd: Tuple[str, float]) -> None:
    text = damaged(text, odd)
    tls = Tls(insecure={"reg.test:5000"}, folders=())
    if not tls.verify(text):
        assert (origin_of(text).host, origin_of(text).port) == ("reg.test", 5000)
        assert set(connected(text)) <= {("reg.test", 5000)}


def test_a_library_that_reads_another_host_is_not_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a release to come: the pool of connections is held against the address as well."""

    def other(self: Any, *_: Any, **__: Any) -> Any:
        return urllib3.HTTPSConnectionPool("evil.test", 443)

    for name in ("get_connection", "get_connection_with_tls_context"):
        monkeypatch.setattr(requests.adapters.HTTPAdapter, name, other, raising=False)
    transport = Transport(attempts=0)
    with lookups() as asked, pytest.raises(RegistryError, match="same host"):
        transport.get("https://reg.test/v2/")
    assert asked == []
    transport.close()
