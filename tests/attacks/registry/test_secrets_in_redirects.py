"""A registry that was shown a login, rightly, and has the client carry it on over plain http, in an address."""

from __future__ import annotations

import socket
from typing import Any
from urllib.parse import quote, quote_plus

import pytest

from layerslayer.errors import Exposed
from layerslayer.registry.http.client import Transport
from layerslayer.registry.http.origin_headers import Shown

from ...support.registry import Registry, seen_by
from ...support.registry.faults import redirect
from ..watching import resolving

PASSWORD = "pass:word/Xy+9 z"
TOKEN = "tok.EN-4f9Kz"
ELSEWHERE = "cdn.test"  # which is this machine, but does not say so


@pytest.mark.parametrize(
    "target",
    ["/" + TOKEN, "/x?token=" + TOKEN, "/x?p=" + quote(PASSWORD, safe=""), "/x?p=" + quote_plus(PASSWORD),
     "/x?pass%3aword%2fXy%2b9%20z", "/" + quote(PASSWORD)],
)  # fmt: skip
def test_it_is_not_carried_on(monkeypatch: pytest.MonkeyPatch, target: str) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", resolving({ELSEWHERE: "127.0.0.1"}))
    with Registry() as registry, Registry() as storage:
        port = storage.host.rpartition(":")[2]
        registry.fault("/start", redirect("http://{}:{}{}".format(ELSEWHERE, port, target)))
        transport = Transport(plain_http=True, attempts=0)
        secrets = Shown({"X-One": PASSWORD, "Authorization": "Bearer " + TOKEN}, {})
        here = registry.url + "/start"

        def shown(url: str) -> Any:
            return secrets if url == here else Shown({}, {})

        with pytest.raises(Exposed, match="holds a secret") as caught:
            transport.get(here, secrets=shown)
        assert storage.requests == [] and TOKEN in seen_by(registry)
        assert TOKEN not in str(caught.value)
        transport.close()


def test_what_is_no_secret_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", resolving({ELSEWHERE: "127.0.0.1"}))
    with Registry() as registry, Registry() as storage:
        port = storage.host.rpartition(":")[2]
        registry.fault("/start", redirect("http://{}:{}/password?token=of-storage".format(ELSEWHERE, port)))
        transport = Transport(plain_http=True, attempts=0)
        transport.get(registry.url + "/start", secrets=lambda url: Shown({"X-One": "password"}, {})).close()
        assert len(storage.requests) == 1
        transport.close()
