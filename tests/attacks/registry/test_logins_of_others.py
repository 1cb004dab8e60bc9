"""A login that is one registry's, in every way of giving it, and runs that meet other registries too.

Each way x each verb that takes two images or a batch: the registry it is for is
shown it; other registries, the storage it leads to and the log are not.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import Callable, Iterator, List, NamedTuple

import pytest

from ...support.registry import NAME
from ...support.registry.running import Ran, Runner
from ..watching import BASIC, SECRETS, Keeper, Watched, shows
from ..ways import BY_NAME, NAMELESS, WAYS, User, Way

PATH = "/etc/os-release"
# What follows the verb, with --batch in place of the image.
VERBS = {
    "peek": [],
    "save": ["-o", "saved"],
    "ls": ["/etc"],
    "tree": ["/etc"],
    "find": ["*release"],
    "get": [PATH, "-o", "got"],
    "cat": [PATH],
    "deleted": [],
    "diff": [],
    "history": [],
    "config": [],
    "manifest": [],
    "tags": [],
    "referrers": [],
}


class World(NamedTuple):
    """``mine`` is the registry that has the login, and keeps its blobs at ``storage``; the others ask for it too."""

    mine: Keeper
    plain: Watched
    bearer: Watched
    storage: Watched

    @property
    def strangers(self) -> List[Watched]:
        return [self.plain, self.bearer, self.storage]

    def image(self, registry: Watched) -> str:
        return "{}/{}:1.0".format(registry.host, NAME)


@pytest.fixture(scope="module")
def servers() -> Iterator[World]:
    with ExitStack() as stack:
        mine, plain, bearer, storage = (
            stack.enter_context(server)
            for server in (
                Keeper(),
                Watched(tempt="basic"),
                Watched("127.0.0.2", tempt="bearer"),
                Watched(name="localhost", tempt="bearer"),
            )
        )
        mine.storage = storage
        yield World(mine, plain, bearer, storage)


@pytest.fixture
def world(servers: World) -> World:
    for server in (servers.mine, *servers.strangers):
        server.forget()
    return servers


def check(world: World, way: Way, ran: Ran, run: Runner) -> None:
    for stranger in world.strangers:
        assert shows(stranger.heard, *SECRETS) == [], ran.err
        assert stranger.requests or stranger is world.storage
    assert shows(world.mine.heard, *way.secrets) == list(way.secrets) and world.mine.served, ran.err
    written = [item.read_bytes() for item in run.folder.glob("log*.txt")]
    assert shows(b"".join([ran.out.encode(), ran.err.encode(), *written]), *SECRETS) == []


def in_a_batch(run: Runner, user: User, verb: str, *images: str) -> Ran:
    (run.folder / "batch.txt").write_text("\n".join(images))
    words = [verb, *VERBS[verb], "--batch", "batch.txt", "-v", "-l", "log.txt", *user.arguments]
    if verb == "diff":
        words.insert(1, images[0])
    return run(*words, typed=user.typed)


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("name", BY_NAME)
def test_a_batch_over_several(run: Runner, world: World, user_of: Callable[[str], User], name: str, verb: str) -> None:
    way, user = BY_NAME[name], user_of(world.mine.host)
    way.give(user)
    world.mine.wants = way.wanted(plainly=len(verb) % 2 == 0)
    order = [world.mine, world.plain, world.bearer, world.mine]
    if way.named and len(verb) % 3 == 0:
        order = order[1:]  # then it need not come first
    ran = in_a_batch(run, user, verb, *(world.image(item) for item in order))
    assert ran.code == 3, ran.err
    assert ran.err.count("wants a user name and password") == 1
    check(world, way, ran, run)


@pytest.mark.parametrize("plan", [False, True], ids=["diff", "plan"])
@pytest.mark.parametrize("name", BY_NAME)
def test_two_images(run: Runner, world: World, user_of: Callable[[str], User], name: str, plan: bool) -> None:
    way, user = BY_NAME[name], user_of(world.mine.host)
    way.give(user)
    world.mine.wants = way.wanted(plan)
    codes = []
    for number, stranger in enumerate((world.plain, world.bearer)):
        pair = [world.image(world.mine), world.image(stranger)]
        more = ["--plan"] if plan else ["--full"]
        ran = run("diff", *pair, *more, "-v", "-l", "log{}.txt".format(number), *user.arguments, typed=user.typed)
        codes.append(ran.code)
    assert codes == [2, 0], ran.err
    check(world, way, ran, run)


@pytest.mark.parametrize("name", [way.name for way in WAYS if way.named])
def test_the_second_of_two_images(run: Runner, world: World, user_of: Callable[[str], User], name: str) -> None:
    """What names its host goes by it, wherever that stands."""
    way, user = BY_NAME[name], user_of(world.mine.host)
    way.give(user)
    world.mine.wants = way.wanted(False)
    pair = [world.image(world.bearer), world.image(world.mine)]
    ran = run("diff", *pair, "--full", "-v", "-l", "log.txt", *user.arguments, typed=user.typed)
    assert ran.code == 0, ran.err
    world.plain.requests.append(None)  # type: ignore[arg-type] # which has no part in this
    check(world, way, ran, run)


@pytest.mark.parametrize("name", [name for name in BY_NAME if "stdin" not in name])
def test_a_conversation(run: Runner, world: World, user_of: Callable[[str], User], name: str) -> None:
    """The first image that is typed is not there, the second is another's, and so is the third."""
    way, user = BY_NAME[name], user_of(world.mine.host)
    way.give(user)
    world.mine.wants = way.wanted(True)
    absent = "{}/{}:none".format(world.mine.host, NAME)
    typed = [absent, world.image(world.plain), world.image(world.bearer), "0", "0,3", "y", "n", ""]
    ran = run("-v", "-l", "log.txt", *user.arguments, typed="\n".join(typed))
    assert ran.code == 0, ran.err
    check(world, way, ran, run)


FIRST_LINES = {
    "a failing one": "{mine}/demo/none:1",
    "one that is no reference": "{mine}/Demo/SHOP:1.0",
    "a URL": "https://{mine}/demo/shop",
    "an image of this machine": "oci:nowhere:1.0\n{mine}/demo/shop:1.0",
    "one of a daemon, by another's name": "docker-daemon:{other}/demo/shop:1.0\n{mine}/demo/shop:1.0",
    "a note": "# {other}/demo/shop\n\n{mine}/demo/shop:1.0",
    "nonsense": "!!! ???\n{mine}/demo/shop:1.0",
}


@pytest.mark.parametrize("case", FIRST_LINES)
@pytest.mark.parametrize("name", NAMELESS)
def test_the_first_registry_named(
    run: Runner, world: World, user_of: Callable[[str], User], name: str, case: str
) -> None:
    """It need not be the first line, and need not answer; a mistake in its line makes it nobody else's."""
    way, user = BY_NAME[name], user_of(world.mine.host)
    way.give(user)
    world.mine.wants = way.wanted(True)
    lines = FIRST_LINES[case].format(mine=world.mine.host, other=world.plain.host).split("\n")
    lines += [world.image(item) for item in (world.plain, world.bearer, world.mine)]
    ran = in_a_batch(run, user, "config", *lines)
    assert ran.code == 3, ran.err
    check(world, way, ran, run)


@pytest.mark.parametrize("name", NAMELESS)
def test_docker_hub_named_by_mistake(run: Runner, world: World, user_of: Callable[[str], User], name: str) -> None:
    """ "Ubuntu" cannot be asked for, but is meant for Docker Hub: nobody else gets its login."""
    way, user = BY_NAME[name], user_of(world.mine.host)
    way.give(user)
    world.mine.wants = way.wanted(True)
    ran = in_a_batch(run, user, "config", "Ubuntu", world.image(world.bearer), world.image(world.mine))
    assert shows(world.bearer.heard + world.mine.heard, *SECRETS) == []
    said = "is for docker.io, the registry named first; it is not shown to " + world.mine.host
    assert said in ran.err or "holds a token for docker.io; it is not sent to " + world.mine.host in ran.err


@pytest.mark.parametrize("name", NAMELESS)
def test_what_is_first_on_this_machine(run: Runner, world: World, user_of: Callable[[str], User], name: str) -> None:
    """``diff oci:DIR MINE``: the first *registry* has it; and the other way round."""
    way, user = BY_NAME[name], user_of(world.mine.host)
    way.give(user)
    world.mine.wants = way.wanted(True)
    saved = run("save", world.image(world.mine), "--format", "oci", "-o", "here", *user.arguments, typed=user.typed)
    assert saved.code == 0, saved.err
    folder = next(iter((run.folder / "here").glob("*.oci")))
    local = "oci:here/{}:1.0".format(folder.name)
    for pair in ([local, world.image(world.mine)], [world.image(world.mine), local]):
        world.mine.forget()
        ran = run("diff", *pair, "--full", "--no-cache", *user.arguments, typed=user.typed)
        assert ran.code == 0, ran.err
        assert shows(world.mine.heard, *way.secrets) == list(way.secrets)


def test_a_second_registry_has_its_own_login(run: Runner, world: World, user_of: Callable[[str], User]) -> None:
    """--username is for the first; what a tool keeps for the second is used for that."""
    user = user_of(world.mine.host)
    user.write(".docker/config.json", user.auths())
    world.mine.wants = "basic"
    pair = [world.image(world.bearer), world.image(world.mine)]
    ran = run("diff", *pair, "--full", "--username", "somebody", "--password-stdin", typed="for the first")
    assert ran.code == 0, ran.err
    assert BASIC in world.mine.authorizations() and shows(world.mine.heard, "somebody", "for the first") == []
    assert (
        "--username is for {}, the registry named first; it is not shown to {}".format(
            world.bearer.host, world.mine.host
        )
        in ran.err
    )
