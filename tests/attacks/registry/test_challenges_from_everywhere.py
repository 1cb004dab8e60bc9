"""A registry that redirects each time to another storage host, each of which wants a token of its own."""

from __future__ import annotations

import sys
from typing import Iterable, List

import pytest

from layerslayer.errors import RegistryError
from layerslayer.oci.reference import parse_reference
from layerslayer.registry.http.client import Transport
from layerslayer.registry.repository import RegistrySource

from ..wire import Wire, head, whole

if sys.platform != "linux":
    pytest.skip("only Linux answers at every 127.0.x.y", allow_module_level=True)


def test_they_are_not_answered_for_ever() -> None:
    hosts: List[str] = []

    def script(path: str) -> Iterable[bytes]:
        port = wire.host.rpartition(":")[2]
        if path.startswith("/token"):
            return [whole(b'{"token": "a"}')]
        if path == "/storage":
            challenge = 'WWW-Authenticate: Bearer realm="http://{}/token"'.format(wire.host)
            return [whole(b"", challenge, status=401)]
        hosts.append("127.0.{}.{}".format(len(hosts) // 250 + 1, len(hosts) % 250 + 1))
        if len(hosts) > 100:
            return [whole(b"{}")]
        return [head("Location: http://{}:{}/storage".format(hosts[-1], port), "Content-Length: 0", status=307)]

    with Wire(script, everywhere=True) as wire:
        source = RegistrySource(parse_reference(wire.host + "/a/b:1"), Transport(timeout=20, attempts=0))
        with pytest.raises(RegistryError, match=r"the storage .* answered 401"):
            source.manifest("1")
        assert len(hosts) < 20
        source.close()
