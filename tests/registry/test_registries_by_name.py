"""What registries are known to do, each as a test of its name. The hosts are stand-ins on this machine."""

from __future__ import annotations

import base64
import json
from typing import Any, Dict, List, Optional

import pytest

from layerslayer.demo.registry import Request, Response, error
from layerslayer.errors import LayerslayerError, NotFound, RegistryError, Unauthorized
from layerslayer.oci.reference import parse_reference
from layerslayer.registry.auth.realms import may_see_login
from layerslayer.registry.credentials import Login
from layerslayer.registry.http.client import Transport
from layerslayer.registry.http.origin import origin_of
from layerslayer.registry.repository import Access, RegistrySource

from ..support.registry import NAME, SCOPE, Normal, Opened, Registry, store
from ..support.registry.faults import challenged, layer_digests, redirect, token_body, with_headers
from ..support.registry.fetching import fetched, first_layer

GOOD = "good.token"


def logged_in(registry: Registry, login: Login, warnings: Optional[List[str]] = None) -> RegistrySource:
    """Return a source whose user has a login."""
    told = (lambda text: None) if warnings is None else warnings.append
    transport = Transport(timeout=20.0)
    return RegistrySource(parse_reference(registry.target), transport, Access(find_login=lambda: login), told)


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode("{}:{}".format(user, password).encode()).decode()


def tokens(registry: Registry, document: Any, path: str = "^/token$") -> None:
    """Script the auth service, and a registry that takes its token."""
    registry.fault(path, token_body(document))


def test_docker_hub_names_its_auth_service_and_counts_manifests() -> None:
    assert parse_reference("redis").api_host == "registry-1.docker.io"
    assert parse_reference("redis").path == "library/redis"
    assert may_see_login(origin_of("https://registry-1.docker.io"), origin_of("https://auth.docker.io/token"))
    quota = {"ratelimit_limit": "100;w=21600", "ratelimit_remaining": "2;w=21600"}
    with Registry() as registry:
        registry.fault("/manifests/", with_headers(**quota))
        opened = Opened(registry)
        with opened as source:
            source.manifest("1.0")
            source.manifest("1.0")
        assert sum("2 of 100 pulls" in text for text in opened.warnings) == 1
        assert len(registry.asked("/manifests/")) == 2  # one GET each, and no HEAD before


def test_ghcr_wants_a_token_for_public_images_and_the_right_accept() -> None:
    def hides(request: Request, normal: Normal) -> Response:
        if "application/vnd.oci.image.index.v1+json" not in request.headers.get("accept", ""):
            return error(404, "MANIFEST_UNKNOWN", "OCI index found, but Accept header does not support OCI indexes")
        return normal()

    with Registry(challenge=True) as registry:
        # The scope of the ping is fictitious; the real request's token must be for the image.
        registry.fault("/manifests/", hides, 0)
        with Opened(registry) as source:
            source.manifest("1.0")
        assert registry.asked("^/token$")[0].query["scope"] == [SCOPE]


def test_ghcr_denies_at_the_token_service() -> None:
    with Registry(challenge=True) as registry:
        registry.fault("^/token$", error(403, "DENIED", "requested access to the resource is denied"))
        with Opened(registry) as source, pytest.raises(Unauthorized, match="no anonymous access"):
            source.manifest("1.0")


def test_ghcr_tokens_have_no_expires_in() -> None:
    with Registry() as registry:
        registry.fault("^/v2/", challenged('Bearer realm="/token",service="ghcr.io"', GOOD))
        tokens(registry, {"token": GOOD})
        with Opened(registry) as source:
            source.manifest("1.0")
            source.manifest("1.0")
        assert len(registry.asked("^/token$")) == 1


def test_quay_says_true_in_html() -> None:
    with Registry() as registry:
        registry.fault("^/v2/$", Response(200, {"Content-Type": "text/html"}, b"true"))
        with Opened(registry) as source:
            assert source.manifest("1.0").body


def test_ecr_private_is_basic_and_redirects_to_storage() -> None:
    login = Login("a helper", "AWS", "p" * 2000)
    with Registry() as storage, Registry() as registry:

        def ecr(request: Request, normal: Normal) -> Response:
            if request.headers.get("authorization") != basic("AWS", "p" * 2000):
                realm = 'Basic realm="https://1.dkr.ecr.eu-west-1.amazonaws.com/",service="ecr.amazonaws.com"'
                return Response(401, {"WWW-Authenticate": realm}, b"Not Authorized")
            if "/blobs/" in request.path:
                return redirect(storage.url + request.path + "?X-Amz-Signature=abc")
            response = normal()
            headers = {name: value for name, value in response.headers.items() if name != "Docker-Content-Digest"}
            return response._replace(headers=headers)

        registry.fault("^/v2/", ecr)
        source = logged_in(registry, login)
        source.manifest("1.0")
        fetched(source, first_layer())
        source.close()
        assert storage.authorizations() == [None]
        assert registry.authorizations()[0] is None  # never before the challenge


def test_ecr_public_wants_the_scope_aws() -> None:
    with Registry() as registry:
        registry.fault("^/v2/", challenged('Bearer realm="/token/",service="public.ecr.aws",scope="aws"', GOOD))

        def service(request: Request, normal: Normal) -> Response:
            return token_body({"token": GOOD if request.query.get("scope") == ["aws"] else "useless"})

        registry.fault("^/token/$", service)
        with Opened(registry) as source:
            source.manifest("1.0")
        assert [item.query["scope"] for item in registry.asked("^/token/$")] == [[SCOPE], ["aws"]]


def test_gcr_has_no_challenge_on_the_real_request_and_no_post() -> None:
    login = Login("a helper", "oauth2accesstoken", "ya29")
    with Registry() as registry:

        def gcr(request: Request, normal: Normal) -> Response:
            if request.headers.get("authorization") == "Bearer " + GOOD:
                return normal()
            challenge = {"WWW-Authenticate": 'Bearer realm="/v2/token",service="gcr.io"'}
            return Response(401, challenge if request.path == "/v2/" else {}, b"{}")

        tokens(registry, {"token": GOOD, "expires_in": 3600}, "^/v2/token$")
        registry.fault("^/v2/", gcr)
        source = logged_in(registry, login)
        source.manifest("1.0")
        source.close()
        assert registry.authorizations("^/v2/token$") == [basic("oauth2accesstoken", "ya29")]


def test_mcr_drops_layers_in_the_middle() -> None:
    with Registry() as registry:

        def drops(request: Request, normal: Normal) -> Response:
            response = normal()
            length = {"Content-Length": str(len(response.body))}
            return response._replace(headers=dict(response.headers, **length), body=response.body[:20000])

        registry.fault("/blobs/", drops)
        with Opened(registry) as source:
            assert fetched(source, first_layer()) == registry.store.blobs[first_layer().digest]


def test_acr_sends_only_an_access_token() -> None:
    with Registry() as registry:
        registry.fault("^/v2/", challenged('Bearer realm="/oauth2/token",service="x.azurecr.io"', GOOD))
        tokens(registry, {"access_token": GOOD}, "^/oauth2/token$")
        with Opened(registry) as source:
            source.manifest("1.0")


@pytest.mark.parametrize(
    ("registry", "realm"),
    [
        ("quay.io", "quay.io/v2/auth"),
        ("ghcr.io", "ghcr.io/token"),
        ("public.ecr.aws", "public.ecr.aws/token/"),
        ("gcr.io", "gcr.io/v2/token"),
        ("eu.gcr.io", "eu.gcr.io/v2/token"),
        ("europe-docker.pkg.dev", "europe-docker.pkg.dev/v2/token"),
        ("me.azurecr.io", "me.azurecr.io/oauth2/token"),
        ("harbor.corp.example:8443", "harbor.corp.example:8443/service/token"),
        ("me.jfrog.io", "me.jfrog.io/v2/token"),
        ("registry.redhat.io", "registry.redhat.io/auth/realms/rhcc/protocol/redhat-docker-v2/auth"),
    ],
)
def test_most_have_their_auth_service_at_their_own_host(registry: str, realm: str) -> None:
    assert may_see_login(origin_of("https://" + registry), origin_of("https://" + realm))


def test_gitlab_has_its_auth_service_at_its_parent() -> None:
    assert may_see_login(origin_of("https://registry.gitlab.com"), origin_of("https://gitlab.com/jwt/auth"))
    own = origin_of("https://gitlab.corp.example:5050")  # where its packages put the registry
    assert may_see_login(own, origin_of("https://gitlab.corp.example/jwt/auth"))
    apart, service = origin_of("https://registry.corp.example"), origin_of("https://gitlab.corp.example/jwt/auth")
    assert not may_see_login(apart, service)
    assert may_see_login(apart, service, {"gitlab.corp.example"})


def test_harbor_has_dollars_in_names_and_ignores_ranges() -> None:
    login = Login("a file", "robot$ci", "s")
    with Registry() as registry:
        registry.fault("^/v2/.*manifests/none", error(404, "UNKNOWN", "artifact demo/shop:none not found"))
        registry.fault("^/v2/", challenged('Bearer realm="/service/token",service="harbor-registry"', GOOD), 1)
        tokens(registry, {"token": GOOD}, "^/service/token$")

        def whole(request: Request, normal: Normal) -> Response:
            return Response(200, {}, store().blobs[request.path.rpartition("/")[2]])

        registry.fault("/blobs/", whole)
        source = logged_in(registry, login)
        source.manifest("1.0")
        assert registry.authorizations("^/service/token$") == [basic("robot$ci", "s")]
        with pytest.raises(RegistryError, match="does not serve parts"):
            source.blob_range(first_layer(), 10, 10)
        with pytest.raises(NotFound, match="artifact demo/shop:none not found"):
            source.manifest("none")
        source.close()


def test_artifactory_has_no_content_length() -> None:
    with Registry() as registry:

        def unframed(request: Request, normal: Normal) -> Response:
            response = normal()
            return response._replace(headers=dict(response.headers, **{"Content-Length": ""}))

        registry.fault("^/v2/", unframed)
        with Opened(registry) as source:
            source.manifest("1.0")
            assert fetched(source, first_layer()) == registry.store.blobs[first_layer().digest]


def test_registry_k8s_io_redirects_manifests_to_a_host_that_challenges() -> None:
    with Registry(challenge=True) as regional, Registry() as registry:

        def archeio(request: Request, normal: Normal) -> Response:
            return redirect(regional.url + request.path)  # its query is lost

        registry.fault("^/v2/.", archeio)
        with Opened(registry) as source:
            source.manifest("1.0")
            fetched(source, first_layer())
        assert len(regional.asked("^/token$")) == 1
        assert set(registry.authorizations()) == {None}


def test_red_hat_sends_manifests_as_text_and_gzips_if_allowed() -> None:
    with Registry() as registry:

        def plain(request: Request, normal: Normal) -> Response:
            assert request.headers.get("accept-encoding") == "identity"
            response = normal()
            return response._replace(headers={"Content-Type": "text/plain; charset=utf-8"})

        registry.fault("^/v2/", plain)
        with Opened(registry) as source:
            document = source.manifest("1.0")
        assert json.loads(document.body.decode())["manifests"]


def test_red_hats_pulp_marks_layers_as_encoded() -> None:
    with Registry() as registry:
        registry.fault("/blobs/", with_headers(Content_Encoding="x-gzip"))
        with Opened(registry) as source:
            assert fetched(source, first_layer()) == registry.store.blobs[first_layer().digest]


def test_nvcr_io_has_its_auth_service_elsewhere() -> None:
    assert may_see_login(origin_of("https://nvcr.io"), origin_of("https://authn.nvidia.com/token"))
    assert not may_see_login(origin_of("https://nvcr.io"), origin_of("https://nvidia.example/token"))


@pytest.mark.parametrize("kind", ["none", "basic", "bearer"])
def test_zot_and_distribution_ask_in_every_way(kind: str) -> None:
    headers: Dict[str, str] = {"basic": 'Basic realm="zot"', "bearer": 'Bearer realm="/token",service="zot"'}
    with Registry() as registry:
        if kind != "none":

            def asks(request: Request, normal: Normal) -> Response:
                if request.headers.get("authorization") in (basic("u", "p"), "Bearer " + GOOD):
                    return normal()
                return Response(401, {"WWW-Authenticate": headers[kind]}, b"{}")

            registry.fault("^/v2/", asks)
            tokens(registry, {"token": GOOD})
        source = logged_in(registry, Login("a file", "u", "p"))
        source.manifest("1.0")
        assert fetched(source, first_layer())
        source.close()


def test_a_token_for_one_repository_is_not_shown_for_another() -> None:
    with Registry(challenge=True) as registry:
        with Opened(registry) as source:
            source.manifest("1.0")
        other = RegistrySource(parse_reference("{}/demo/other:1.0".format(registry.host)), Transport())
        with pytest.raises(LayerslayerError):
            other.manifest("1.0")
        other.close()
        assert registry.authorizations("demo/other")[0] is None
        assert NAME in SCOPE and layer_digests(store())
