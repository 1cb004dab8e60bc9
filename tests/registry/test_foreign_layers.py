"""Layers with ``urls``: the registry first, then those addresses, without credentials."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Dict, List, Tuple

import pytest

from layerslayer.demo.image import gzip_of
from layerslayer.demo.registry import Request, Response
from layerslayer.errors import DigestMismatch, LayerslayerError, NotFound, Unauthorized
from layerslayer.oci.descriptor import Descriptor, digest_of
from layerslayer.oci.source import Source
from layerslayer.oci.verify import Verifier, verified_pieces
from layerslayer.registry.foreign_layers import ask_foreign
from layerslayer.registry.http.client import Transport

from ..support.registry import Normal, Opened, Registry, closed_port
from ..support.registry.faults import redirect

BODY = gzip_of(bytes(1024))
DIGEST = digest_of(BODY)
TYPE = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"


def foreign(*urls: str) -> Descriptor:
    return Descriptor(TYPE, DIGEST, len(BODY), {}, urls=urls)


def fetched(source: Source, wanted: Descriptor) -> bytes:
    return b"".join(verified_pieces(source.blob(wanted), Verifier(wanted)))


def serving(registry: Registry) -> Registry:
    registry.fault("/layer", Response(200, {}, BODY))
    return registry


@pytest.mark.parametrize("foreseen", [False, True])
def test_the_registry_is_asked_first(foreseen: bool) -> None:
    with Registry(challenge=True) as registry, serving(Registry()) as other, Opened(registry) as source:
        wanted = foreign(other.url + "/layer")
        registry.store.blobs[DIGEST] = BODY
        if foreseen:
            source.foresee([wanted])
        assert fetched(source, wanted) == BODY
        assert other.requests == []
        del registry.store.blobs[DIGEST]
        if foreseen:
            source.foresee([wanted])
        assert fetched(source, wanted) == BODY
        assert len(other.requests) == 1


def test_no_credentials_go_there() -> None:
    with Registry(challenge=True) as registry, serving(Registry()) as other:
        with Opened(registry, token="secret-token") as source:
            registry._tokens["secret-token"] = "repository:demo/shop:pull"
            assert fetched(source, foreign(other.url + "/layer")) == BODY
        assert other.authorizations() == [None]
        assert "secret-token" in (registry.authorizations("/blobs/")[0] or "")


def test_a_challenge_of_theirs_is_not_answered() -> None:
    def challenge(request: Request, normal: Normal) -> Response:
        return Response(401, {"WWW-Authenticate": 'Bearer realm="{}/token"'.format(other.url)}, b"")

    with Registry() as registry, Registry() as other, Opened(registry) as source:
        other.fault("/layer", challenge)
        with pytest.raises(NotFound, match="answered 401"):
            source.blob(foreign(other.url + "/layer"))
        assert not other.asked("/token")


def test_the_first_address_that_has_it_serves() -> None:
    with Registry() as registry, serving(Registry()) as other, Opened(registry) as source:
        bad = ["ftp://example.com/layer", "file:///etc/passwd", "http://[::1", "http://u:p@example.com/layer", ""]
        urls = [*bad, "http://" + closed_port() + "/layer", other.url + "/none", other.url + "/layer"]
        assert fetched(source, foreign(*urls)) == BODY
        assert [item.path for item in other.requests] == ["/none", "/layer"]


def test_what_comes_is_verified() -> None:
    with Registry() as registry, Registry() as other, Opened(registry) as source:
        other.fault("/layer", Response(200, {}, b"x" * len(BODY)))
        with pytest.raises(DigestMismatch):
            fetched(source, foreign(other.url + "/layer"))


def test_only_so_many_are_tried_and_the_reason_is_told() -> None:
    with Registry() as registry, Registry() as other, Opened(registry) as source:
        with pytest.raises(NotFound, match="answered 404"):
            source.blob(foreign(*[other.url + "/none"] * 50))
        assert len(other.requests) == 8


def test_a_layer_without_addresses_is_missing_as_ever() -> None:
    with Registry() as registry, Opened(registry) as source, pytest.raises(NotFound, match="does not have the blob"):
        source.blob(foreign())


def test_only_a_missing_blob_is_looked_for_elsewhere() -> None:
    with Registry() as registry, serving(Registry()) as other, Opened(registry) as source:
        registry.fault("/blobs/", Response(403, {}, b""))
        with pytest.raises(Unauthorized):
            source.blob(foreign(other.url + "/layer"))
        assert other.requests == []


class Recorded(Transport):
    """A registry's transport whose hops are given; nothing is sent."""

    def __init__(self, registry: str, redirects: Dict[str, str], allow_private: bool = False) -> None:
        super().__init__(home="" if allow_private else registry)
        self.redirects = redirects
        self.sent: List[str] = []
        self._sender._by_the_right_scheme = self._send  # type: ignore[method-assign,assignment]

    def _send(self, url: str, *_: object) -> SimpleNamespace:
        self.sent.append(url)
        location = self.redirects.get(url)
        headers = {"location": location} if location else {}
        return SimpleNamespace(
            status_code=302 if location else 200, headers=headers, raw=None, url=url, close=lambda: None
        )


PUBLIC, PRIVATE = "registry.example.com", "127.0.0.1:5000"
HOPS: List[Tuple[str, Dict[str, str], str, List[str]]] = [
    (PUBLIC, {}, "https://cdn.example.com/l", ["https://cdn.example.com/l"]),
    (PUBLIC, {}, "http://127.0.0.1/l", []),
    (PUBLIC, {}, "http://169.254.169.254/latest/meta-data", []),
    (PUBLIC, {}, "http://2130706433/", []),
    (PUBLIC, {}, "http://[::ffff:10.0.0.1]/", []),
    (PUBLIC, {"http://a.example.com/": "http://10.0.0.1/"}, "http://a.example.com/", ["http://a.example.com/"]),
    (PRIVATE, {}, "http://10.0.0.1/l", ["http://10.0.0.1/l"]),
    (PRIVATE, {}, "http://169.254.169.254/latest/meta-data", []),
]


@pytest.mark.parametrize(("registry", "redirects", "url", "sent"), HOPS)
def test_no_way_into_the_users_own_network(registry: str, redirects: Dict[str, str], url: str, sent: List[str]) -> None:
    transport = Recorded(registry, redirects)
    try:
        ask_foreign(transport, foreign(url))
        reached = True
    except LayerslayerError as error:
        reached = False
        assert "private network" in str(error) or "machines' secrets" in str(error)
    assert transport.sent == sent
    assert reached == (bool(sent) and not redirects)
    transport.close()


def test_a_way_inside_that_the_user_allows() -> None:
    transport = Recorded(PUBLIC, {}, allow_private=True)
    ask_foreign(transport, foreign("http://127.0.0.1/l"))
    assert transport.sent == ["http://127.0.0.1/l"]
    transport.close()


def test_redirects_of_theirs_are_followed() -> None:
    with Registry() as registry, serving(Registry()) as other, Opened(registry) as source:
        other.fault("/start", redirect(other.url + "/layer"))
        assert fetched(source, foreign(other.url + "/start")) == BODY
