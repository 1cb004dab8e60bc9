"""Tags and referrers, from registries that page, lie and lack the endpoint."""

from __future__ import annotations

import json
from typing import Any, Dict, List, Optional

import pytest

from layerslayer.demo.image import add_manifest
from layerslayer.demo.registry import Request, Response, error
from layerslayer.errors import InvalidDocument, LayerslayerError, NotFound, RegistryError, Unauthorized, UsageError
from layerslayer.oci.media_types import OCI_INDEX, OCI_MANIFEST
from layerslayer.oci.source import Source
from layerslayer.registry import pagination as paging
from layerslayer.registry.http.origin import origin_of
from layerslayer.registry.pagination import next_page

from ..support.registry import NAME, Normal, Opened, Registry
from ..support.registry.faults import HTML, redirect

TAGS = "/tags/list$"
URL = "https://r.example/v2/a/tags/list?n=2"
ORIGIN = origin_of(URL)


def page(tags: Any, link: str = "") -> Response:
    headers = {"Content-Type": "application/json"}
    return Response(200, dict(headers, Link=link) if link else headers, json.dumps({"tags": tags}).encode())


@pytest.mark.parametrize(
    ("link", "path"),
    [
        ("", None),
        ('</v2/a/tags/list?last=b&n=2>; rel="next"', "/v2/a/tags/list?last=b&n=2"),
        ("<https://r.example/x?y>; rel=next", "/x?y"),
        ("<https://r.example:443/x>;rel=NEXT", "/x"),
        ("<?last=b>; rel=next", "/v2/a/tags/list?last=b"),
        ("<more>; rel=next", "/v2/a/tags/more"),
        ('</p>; rel="prev", </n,m>; title="a, b"; rel="last next"', "/n,m"),
        ("</p>; rel=prev", None),
        ("</p>; rel=nextish", None),
        ('</p>; rel="nextish"', None),
        ('</p>; title="rel=next"', None),
        ("</p#frag>; rel=next", "/p"),
        ("no link at all; rel=next", None),
        ("<https://r.example>; rel=next", "/"),
    ],
)
def test_the_next_page(link: str, path: Optional[str]) -> None:
    assert next_page(link, URL, ORIGIN) == path


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/x",
        "http://r.example/x",
        "https://r.example:444/x",
        "//evil.example/x",
        "https://user:pass@r.example/x",
        "https://[::1/x",
        "file:///etc/passwd",
        "https://r.example:99999999/x",
    ],
)
def test_a_next_page_elsewhere_is_not_followed(target: str) -> None:
    with pytest.raises(RegistryError):
        next_page("<{}>; rel=next".format(target), URL, ORIGIN)


@pytest.mark.parametrize("challenge", [False, True], ids=["open", "token"])
@pytest.mark.parametrize(("n", "requests"), [(0, 1), (1, 5), (2, 3), (5, 1), (9, 1)])
def test_all_pages_are_read_in_order(challenge: bool, n: int, requests: int) -> None:
    with Registry(challenge=challenge) as registry, Opened(registry) as source:
        for tag in ("2.0", "latest", "a", "B"):
            registry.store.tags[(NAME, tag)] = "sha256:" + "0" * 64
        registry.store.tags[("other/name", "z")] = "sha256:" + "0" * 64
        assert list(source.tags(n)) == ["1.0", "2.0", "B", "a", "latest"]
        asked = [item for item in registry.asked(TAGS) if item.headers.get("authorization") or not challenge]
        assert len(asked) == requests
        assert [item.query.get("n") for item in asked] == [[str(n)] if n else None] * requests


def test_tags_come_before_the_last_page_is_asked_for() -> None:
    with Registry() as registry, Opened(registry) as source:
        registry.store.tags[(NAME, "2.0")] = ""
        tags = source.tags(1)
        assert next(tags) == "1.0"
        assert len(registry.asked(TAGS)) == 1


@pytest.mark.parametrize(
    ("body", "tags"),
    [
        (b'{"tags": null}', []),
        (b"{}", []),
        (b'{"tags": ["a", "a", 3, null, "b"], "manifest": {"sha256:x": {"tag": []}}, "child": []}', ["a", "b"]),
    ],
)
def test_what_registries_make_of_a_list(body: bytes, tags: List[str]) -> None:
    with Registry() as registry, Opened(registry) as source:
        registry.fault(TAGS, Response(200, {"Content-Type": "text/plain"}, body))
        assert list(source.tags()) == tags


def test_names_that_can_be_no_tags_are_left_out_and_told() -> None:
    with Registry() as registry:
        opened = Opened(registry)
        with opened as source:
            registry.fault(TAGS, page(["a", "\x1b[31m", "../x", "", "b"]))
            assert list(source.tags()) == ["a", "b"]
    assert opened.warnings == ["3 names that can be no tags were left out of the list"]


REFUSED = {
    "other host": (page(["a"], "<http://evil.example/v2/x>; rel=next"), RegistryError, "goes on at evil.example"),
    "itself": (page(["a"], "</v2/{}/tags/list>; rel=next".format(NAME)), RegistryError, "circles"),
    "html": (Response(200, {}, HTML), InvalidDocument, "not valid JSON"),
    "no list": (page("abc"), InvalidDocument, "not a list"),
    "404": (error(404, "NAME_UNKNOWN", "unknown"), NotFound, "no list of tags of 127.0.0.1"),
    "403": (error(403, "DENIED", "no"), Unauthorized, "refused"),
    "400": (error(400, "UNSUPPORTED", "n is too large"), RegistryError, "the list of tags of .*/demo/shop"),
    "500": (Response(500, {}, HTML), RegistryError, "answered 500"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_list_that_cannot_be_had_whole(case: str) -> None:
    answer, kind, said = REFUSED[case]
    with Registry() as registry, Opened(registry) as source:
        registry.fault(TAGS, answer)
        with pytest.raises(kind, match=said):
            list(source.tags())


def test_pages_without_end_are_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paging, "MAX_PAGES", 7)

    def more(request: Request, normal: Normal) -> Response:
        number = int(request.query.get("p", ["0"])[0])
        return page(["t{}".format(number)], "<?p={}>; rel=next".format(number + 1))

    with Registry() as registry, Opened(registry) as source:
        registry.fault(TAGS, more)
        found = []
        with pytest.raises(RegistryError, match="more than 7 pages"):
            found.extend(source.tags())  # what came before the error is kept by extend
        assert len(registry.asked(TAGS)) == 7
        assert found == ["t{}".format(number) for number in range(7)]


def test_the_token_does_not_go_where_a_list_is_redirected_to() -> None:
    with Registry(challenge=True) as registry, Registry() as other, Opened(registry) as source:

        def away(request: Request, normal: Normal) -> Response:
            return redirect(other.url + "/elsewhere") if request.headers.get("authorization") else normal()

        registry.fault(TAGS, away)
        other.fault("/elsewhere", page(["a"], "</more>; rel=next"))
        with pytest.raises(RegistryError, match="not followed"):
            list(source.tags())
        assert other.authorizations() == [None]


def referrer(registry: Registry, subject: str, number: int = 0) -> Dict[str, Any]:
    empty = {"mediaType": "application/vnd.oci.empty.v1+json", "digest": "sha256:" + "0" * 64, "size": 2}
    document = {"schemaVersion": 2, "mediaType": OCI_MANIFEST, "artifactType": "application/x-{}".format(number)}
    document.update(config=empty, layers=[], subject={"mediaType": OCI_MANIFEST, "digest": subject, "size": 9})
    return add_manifest(registry.store, document)


def subject_of(registry: Registry) -> str:
    return registry.store.tags[(NAME, "1.0")]


def fallback_tag(registry: Registry) -> str:
    return subject_of(registry).replace(":", "-")


def digests(source: Source, subject: str) -> List[str]:
    return [entry.digest for entry in source.referrers(subject)]


def test_referrers_by_the_endpoint() -> None:
    with Registry(challenge=True) as registry, Opened(registry) as source:
        assert source.referrers(subject_of(registry)) == ()
        made = referrer(registry, subject_of(registry))
        referrer(registry, "sha256:" + "1" * 64)
        (found,) = source.referrers(subject_of(registry))
        assert (found.digest, found.artifact_type) == (made["digest"], "application/x-0")
        assert not registry.asked("/manifests/")


def test_an_index_of_referrers_that_is_sent_as_plain_json() -> None:
    with Registry() as registry, Opened(registry) as source:
        made = referrer(registry, subject_of(registry))
        body = json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [made]}).encode()
        registry.fault("/referrers/", Response(200, {"Content-Type": "application/json"}, body))
        assert digests(source, subject_of(registry)) == [made["digest"]]
        assert not registry.asked("/manifests/")


def test_referrers_in_pages() -> None:
    with Registry() as registry, Opened(registry) as source:
        made = [referrer(registry, subject_of(registry), number) for number in range(3)]

        def paged(request: Request, normal: Normal) -> Response:
            number = int(request.query.get("p", ["0"])[0])
            body = json.dumps({"schemaVersion": 2, "manifests": made[number : number + 2]}).encode()
            link = {"Link": "<?p={}>; rel=next".format(number + 1)} if number < 2 else {}
            return Response(200, dict(link, **{"Content-Type": OCI_INDEX + "; charset=utf-8"}), body)

        registry.fault("/referrers/", paged)
        assert digests(source, subject_of(registry)) == [item["digest"] for item in made]


NO_ENDPOINT = {
    "404": Response(404, {}, b"404 page not found"),
    "400": error(400, "UNSUPPORTED", "no"),
    "405": Response(405, {}, b""),
    "406": Response(406, {}, b""),
    "html": Response(200, {"Content-Type": "text/html"}, HTML),
    "json": Response(200, {"Content-Type": "application/json"}, b"{}"),
    "no json": Response(200, {"Content-Type": "application/json"}, b"<html>"),
    "another's json": Response(200, {"Content-Type": "application/json"}, b'{"mediaType": "x", "manifests": []}'),
}


@pytest.mark.parametrize("case", NO_ENDPOINT)
def test_without_the_endpoint_the_tag_is_asked_for(case: str) -> None:
    with Registry() as registry, Opened(registry) as source:
        registry.fault("/referrers/", NO_ENDPOINT[case])
        assert source.referrers(subject_of(registry)) == ()
        made = referrer(registry, subject_of(registry))
        index = add_manifest(registry.store, {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [made]})
        registry.store.tags[(NAME, fallback_tag(registry))] = index["digest"]
        assert digests(source, subject_of(registry)) == [made["digest"]]


def test_the_tag_is_cut_as_the_specification_says() -> None:
    with Registry() as registry, Opened(registry) as source:
        registry.fault("/referrers/", Response(404, {}, b""))
        source.referrers("sha512:" + "b" * 128)
        assert registry.asked("/manifests/")[0].path.endswith("/manifests/sha512-" + "b" * 64)


def test_a_tag_that_is_no_index_refers_to_nothing() -> None:
    with Registry() as registry, Opened(registry) as source:
        registry.fault("/referrers/", Response(404, {}, b""))
        registry.store.tags[(NAME, fallback_tag(registry))] = referrer(registry, subject_of(registry))["digest"]
        assert source.referrers(subject_of(registry)) == ()


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (Response(500, {}, b""), RegistryError),
        (Response(403, {}, b""), Unauthorized),
        (Response(200, {"Content-Type": OCI_INDEX}, b"["), InvalidDocument),
        (Response(200, {"Content-Type": OCI_INDEX}, b'{"manifests": [{"digest": "sha256:../x"}]}'), InvalidDocument),
    ],
    ids=["500", "403", "broken", "bad digest"],
)
def test_a_broken_endpoint_is_no_missing_one(answer: Response, kind: type[LayerslayerError]) -> None:
    with Registry() as registry, Opened(registry) as source:
        registry.fault("/referrers/", answer)
        with pytest.raises(kind):
            source.referrers(subject_of(registry))
        assert not registry.asked("/manifests/")


@pytest.mark.parametrize("second", ["404", "html"])
def test_a_second_page_that_fails_is_not_hidden(second: str) -> None:
    def half(request: Request, normal: Normal) -> Response:
        if "p" in request.query:
            return NO_ENDPOINT[second]
        return normal()._replace(headers={"Content-Type": OCI_INDEX, "Link": "<?p=1>; rel=next"})

    with Registry() as registry, Opened(registry) as source:
        registry.fault("/referrers/", half)
        with pytest.raises((RegistryError, NotFound)):
            source.referrers(subject_of(registry))


def test_a_source_without_tags_says_so() -> None:
    class Bare(Source):
        def manifest(self, wanted: str, known: Any = None) -> Any:
            raise NotFound("no")

        def blob(self, descriptor: Any) -> Any:
            raise NotFound("no")

        def blob_range(self, descriptor: Any, start: int, length: int) -> Any:
            raise NotFound("no")

        def requests_made(self) -> int:
            return 0

        def close(self) -> None:
            pass

    with pytest.raises(UsageError):
        Bare().tags()
    assert Bare().referrers("sha256:" + "0" * 64) == ()
