"""Addresses that somebody signed: what a redirect names is asked for as it stands, as its letters may be signed."""

from __future__ import annotations

from typing import List

import pytest

from layerslayer.registry.http.client import Transport

from ...attacks.wire import Wire, head, whole

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
