"""--batch: its images share connections, and tokens where they are of one repository."""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any, List, Set

import pytest

from layerslayer.demo.image import Store

from ...support.files import BASE, file, objects, two_images
from ...support.logins import BASIC, SECRET, wants_login_for_tokens
from ...support.registry import NAME, Registry
from ...support.registry.faults import single_image
from ...support.registry.running import Ran, Runner

pytestmark = pytest.mark.usefixtures("nobody")

# Of a one-layer image the config and the layer are asked for at once, everything else one by one.
BUSIEST = 2


class Watched(Registry):
    """Knows how many connections it was asked on."""

    def __init__(self, content: Store, challenge: bool = True) -> None:
        super().__init__(content, challenge)
        self.connections: Set[int] = set()

    def _serve(self, handler: BaseHTTPRequestHandler) -> None:
        self.connections.add(handler.client_address[1])
        super()._serve(handler)


def images(repositories: List[str], tags: int) -> Store:
    """A store with images of one layer each, all of them different."""
    content = Store({}, {}, {})
    for repository in repositories:
        for number in range(tags):
            one = single_image([[file("etc/{}-{}".format(repository.replace("/", "-"), number))]])
            content.blobs.update(one.blobs)
            content.manifests.update(one.manifests)
            content.tags[repository, str(number)] = one.tags[NAME, "1.0"]
    return content


def batch(run: Runner, registry: Registry, *words: str, typed: str = "") -> Ran:
    names = ["{}/{}:{}".format(registry.host, *name) for name in registry.store.tags]
    (run.folder / "list").write_text("\n".join(names))
    return run(words[0], "--batch", "list", *words[1:], typed=typed)


def summaries(ran: Ran) -> List[Any]:
    return [item for item in map(json.loads, ran.out.splitlines()) if item["type"] == "summary"]


@pytest.mark.parametrize("repositories", [["one"], ["one", "two/three"]])
@pytest.mark.parametrize("verb", ["ls", "peek", "save"])
def test_ten_images_share_connections_and_tokens(verb: str, repositories: List[str], run: Runner) -> None:
    with Watched(images(repositories, 10 // len(repositories))) as registry:
        ran = batch(run, registry, verb)
        assert len(registry.connections) <= BUSIEST + 1
        scopes = [request.query["scope"][0] for request in registry.asked("/token")]
    assert ran.code == 0
    assert ran.out.count("== ") == 10
    assert sorted(scopes) == ["repository:{}:pull".format(name) for name in repositories]


def test_each_image_counts_its_own_requests(run: Runner) -> None:
    with Watched(images(["one"], 3)) as registry:
        ran = batch(run, registry, "ls", "--json")
        assert sum(item["requests"] for item in summaries(ran)) == len(registry.requests)
    # What the first needs more are the refusal and the token.
    assert [item["requests"] for item in summaries(ran)] == [5, 3, 3]


def test_two_images_at_a_time_count_theirs_too(run: Runner) -> None:
    with Watched(images(["one"], 3)) as registry:
        other = "{}/one:1".format(registry.host)
        ran = batch(run, registry, "diff", other, "--json")
        assert sum(item["requests"] for item in summaries(ran)) == len(registry.requests)
        assert len(registry.connections) <= 2 * (BUSIEST + 1)
    assert [item["exit_code"] for item in summaries(ran)] == [1, 0, 1]


def test_a_registry_that_is_not_there_costs_the_others_nothing(run: Runner) -> None:
    with Watched(images(["one"], 2)) as registry:
        (run.folder / "list").write_text("{0}/one:0\nlocalhost:1/x\n{0}/one:7\n{0}/one:1\n".format(registry.host))
        ran = run("ls", "--batch", "list", "/etc")
        assert len(registry.connections) <= BUSIEST + 1
    assert ran.code == 3
    assert [line.rpartition(" ")[2] for line in ran.out.splitlines() if line.startswith("L0")] == ["one-0", "one-1"]


def test_a_password_from_standard_input_is_for_all_of_them(run: Runner, nobody: Path) -> None:
    with Watched(images(["one", "two"], 1)) as registry:
        registry.fault("/token", wants_login_for_tokens)
        ran = batch(run, registry, "ls", "--username", "me", "--password-stdin", typed=SECRET)
        seen = {request.headers.get("authorization") for request in registry.asked("/token")}
    assert ran.code == 0, ran.err
    assert seen == {BASIC}


def test_a_login_of_one_repository_is_not_shown_for_another(run: Runner, nobody: Path) -> None:
    with Watched(images(["one", "two"], 1)) as registry:
        auths = {"{}/one".format(registry.host): {"auth": BASIC.partition(" ")[2]}}
        folder = nobody / ".config/containers"
        folder.mkdir(parents=True)
        (folder / "auth.json").write_text(json.dumps({"auths": auths}))
        batch(run, registry, "ls")
        seen = {request.query["scope"][0]: request.headers.get("authorization") for request in registry.asked("/token")}
    assert seen == {"repository:one:pull": BASIC, "repository:two:pull": None}


def test_batch_goes_on_after_a_failure(run: Runner) -> None:
    with Registry(single_image([BASE])) as registry:
        (run.folder / "list").write_text("# images\n{0}\n\n{0}x\n{0}\n".format(registry.target))
        ran = run("ls", "--batch", "list", "/etc")
        piped = run("ls", "--batch", "-", "/etc", "--json", typed=registry.target + "\nlocalhost:1/x\n")
        none = run("ls", "--batch", "-", typed="\n")
    assert ran.code == 3
    assert ran.out.count("etc/passwd") == 2 and ran.out.count("== ") == 3
    assert piped.code == 3 and [item["type"] for item in objects(piped)][-1] == "error"
    assert none.code == 2 and "names no image" in none.err


def test_a_batch_of_get_keeps_the_images_apart(run: Runner) -> None:
    content = two_images([[file("a", b"one")]], [[file("a", b"two")]])
    with Registry(content) as registry:
        targets = ["{}/demo/shop:{}".format(registry.host, tag) for tag in ("1.0", "2.0")]
        (run.folder / "list").write_bytes(b"\xef\xbb\xbf" + "\r\n".join(targets).encode())
        assert run("get", "--batch", "list", "a", "-o", "out").code == 0
        found = run("find", "--batch", "list", "a", "--json")
        differing = run("diff", "--batch", "list", targets[0])
    written = sorted((path.parent.name, path.read_text()) for path in (run.folder / "out").rglob("a"))
    assert written == [("1.0", "one"), ("2.0", "two")]
    assert [item["image"] for item in objects(found, "summary")] == targets
    assert differing.code == 1


def test_a_batch_that_finds_something_somewhere_has_found_it(run: Runner) -> None:
    with Registry(two_images([[file("a")]], [[file("b")]])) as registry:
        (run.folder / "list").write_text("{0}/demo/shop:1.0\n{0}/demo/shop:2.0\n".format(registry.host))
        codes = [run("find", "--batch", "list", name).code for name in ("a", "b", "c")]
    assert codes == [0, 0, 1]
