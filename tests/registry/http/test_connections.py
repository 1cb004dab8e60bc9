"""One session without traps: addresses are asked for as they stand, nothing is added, nothing is kept."""

from __future__ import annotations

from typing import List, Tuple

import pytest

from layerslayer.errors import RegistryError
from layerslayer.registry.http.client import Transport
from layerslayer.registry.http.connections import Adapter, new_session

from ...attacks.wire import Wire, head, whole
from ...support.registry import Opened, Registry
from ...support.registry.faults import with_headers
from ...support.registry.fetching import fetched, first_layer

# What a redirect names may be signed, letter by letter.
SIGNED = [
    "/k?X-Amz-Credential=A%2F20260101%2Fs3%2faws4_request&X-Amz-Signature=0f~._-",
    "/docker/registry/v2/blobs/sha256/0f/data?se=2026-01-01T00%3A00%3A00Z&sig=a%2bb%2fc%3d&sp=r",  # as .NET writes it
    "/b/%7eme/%41%2Bx/o?Expires=1&Signature=a+b/c==",
    "/p+%2F%2f~!'()*;:@&=$,/x?a=~!'()*;:@&=$,/?",
    '/a|b[c]{d}^`<e>"f?g=|[]{}^`<>"',
    "//twice//x?y=//z",
    "/%zz%/x?100%",
    "/exp=1~acl=/*~hmac=0f/x",
]


def asked_for(location: bytes) -> List[str]:
    """Return what a client is led to by a ``Location`` header."""
    with Wire(lambda path: [answers[path != "/start"]]) as server:
        where = location.replace(b"HOST", server.host.encode())
        answers = [head("Location: " + where.decode("latin-1"), "Content-Length: 0", status=307), whole(b"ok")]
        transport = Transport(attempts=0)
        assert transport.get("http://{}/start".format(server.host)).read(9) == b"ok"
        transport.close()
        return server.asked[1:]


@pytest.mark.parametrize("target", SIGNED, ids=range(len(SIGNED)))
def test_to_the_letter(target: str) -> None:
    assert asked_for(b"http://HOST" + target.encode()) == [target]
    assert asked_for(b"//HOST" + target.encode()) == [target]
    if not target.startswith("//"):
        assert asked_for(target.encode()) == [target]


def test_what_is_beyond_ascii_is_asked_for_by_its_bytes() -> None:
    assert asked_for("http://HOST/ü?é".encode()) == ["/%C3%BC?%C3%A9"]
    assert asked_for("http://HOST/ü?é".encode("latin-1")) == ["/%FC?%E9"]


def test_cookies_are_never_sent_back() -> None:
    with Registry() as registry, Opened(registry) as source:
        registry.fault("", with_headers(Set_Cookie="session=secret; Path=/"))
        source.manifest("1.0")
        fetched(source, first_layer())
        assert len(registry.requests) == 2
        assert not [request for request in registry.requests if "cookie" in request.headers]


def test_a_session_says_who_it_is_and_takes_nothing_compressed() -> None:
    session = new_session(Adapter(1, 1, None, lambda host, address: None))
    assert set(session.headers) == {"User-Agent", "Accept-Encoding"}
    assert session.headers["Accept-Encoding"] == "identity"
    session.close()


def test_a_guard_sees_each_connection_before_anything_is_sent() -> None:
    seen: List[Tuple[str, str]] = []

    def guard(host: str, address: str) -> None:
        seen.append((host, address))
        raise RegistryError("not there")

    with Wire(lambda path: [whole(b"ok")]) as server:
        session = new_session(Adapter(1, 1, None, guard))
        with pytest.raises(RegistryError, match="not there"):
            session.get("http://{}/".format(server.host), proxies={"http": "", "https": ""})
        session.close()
        assert (seen, server.asked) == ([("127.0.0.1", "127.0.0.1")], [])
