"""Logins and the hosts that a registry leads to: mirrors, auth services of others, storage that asks for more."""

from __future__ import annotations

from typing import Callable, Iterator, List, Tuple

import pytest

from ...support.registry import NAME
from ...support.registry.running import Ran, Runner
from ..watching import SECRETS, TOKEN, Keeper, Watched, shows
from ..ways import BY_NAME, User, Way

VERBS = [["peek"], ["get", "/etc/os-release", "-o", "got"], ["diff"]]
LOGINS = [name for name, way in BY_NAME.items() if way.kind in ("login", "refresh")]


@pytest.fixture(scope="module")
def servers() -> Iterator[Tuple[Keeper, Watched, Watched]]:
    """The registry, and two strangers that ask for logins: one plainly, one by its auth service."""
    with Keeper() as mine, Watched(tempt="basic") as plain, Watched("127.0.0.2", tempt="bearer") as bearer:
        yield mine, plain, bearer


@pytest.fixture
def world(servers: Tuple[Keeper, Watched, Watched]) -> Iterator[Tuple[Keeper, Watched, Watched]]:
    for server in servers:
        server.forget()
    yield servers
    servers[0].realm = servers[0].url + "/token"
    servers[0].storage = None


def asked(run: Runner, user: User, words: List[str], image: str, other: str, *more: str) -> Ran:
    """Run a verb over a batch of two images, ``diff`` over both."""
    (run.folder / "batch.txt").write_text("{}\n{}\n".format(image, other))
    images = [image, other] if words == ["diff"] else ["--batch", "batch.txt"]
    return run(words[0], *images, *words[1:], "-v", "-l", "log.txt", *more, *user.arguments, typed=user.typed)


def told(run: Runner, ran: Ran) -> bytes:
    return (ran.out + ran.err).encode() + (run.folder / "log.txt").read_bytes()


def as_the_hub(mine: Keeper, user: User, way: Way) -> str:
    """Make ``mine`` Docker Hub, and the user's login one for that; return an image."""
    user.monkeypatch.setattr("layerslayer.oci.reference._HUB_API", mine.host)
    user.host = "docker.io" if way.kind == "token" and "line" in way.name else "https://index.docker.io/v1/"
    way.give(user)
    return "docker.io/{}:1.0".format(NAME)


@pytest.mark.parametrize("words", VERBS, ids=lambda words: str(words[0]))
@pytest.mark.parametrize("name", BY_NAME)
def test_a_mirror(
    run: Runner,
    world: Tuple[Keeper, Watched, Watched],
    user_of: Callable[[str], User],
    name: str,
    words: List[str],
) -> None:
    """It is asked first, is somebody else, and is shown nothing that names no host nor what names another."""
    way, user = BY_NAME[name], user_of("")
    mine, plain, bearer = world
    image = as_the_hub(mine, user, way)
    mine.wants = way.wanted(plainly=words[0] == "peek")
    heard = b""
    for mirror in (plain, bearer):
        bearer.challenge = True
        ran = asked(run, user, words, image, "docker.io/{}@{}".format(NAME, _digest(mine)), "--mirror", mirror.host)
        assert ran.code == 0, ran.err
        assert mirror.requests and shows(mirror.heard, *SECRETS) == []
        heard += told(run, ran)
        if mirror is plain:
            assert shows(mine.heard, *way.secrets) == list(way.secrets) and mine.served
    assert shows(heard, *SECRETS) == []


@pytest.mark.parametrize("words", VERBS, ids=lambda words: str(words[0]))
def test_a_bare_token_of_the_hub(
    run: Runner, world: Tuple[Keeper, Watched, Watched], user_of: Callable[[str], User], words: List[str]
) -> None:
    """That of ``token.txt`` is Docker Hub's alone, whatever is named first, and not its mirror's either."""
    mine, plain, bearer = world
    user = user_of("")
    user.write("token.txt", TOKEN)
    user.monkeypatch.setattr("layerslayer.oci.reference._HUB_API", mine.host)
    mine.wants = "token"
    images = ["{}/{}:1.0".format(bearer.host, NAME), "index.docker.io/{}:1.0".format(NAME)]
    ran = asked(run, user, words, *images, "--mirror", plain.host)
    assert ran.code == 0 and plain.requests and bearer.requests, ran.err
    assert shows(mine.heard, *SECRETS) == [TOKEN] and mine.served
    assert shows(plain.heard + bearer.heard + told(run, ran), *SECRETS) == []


def _digest(mine: Keeper) -> str:
    return mine.store.tags[(NAME, "1.0")]


def test_a_mirror_that_is_the_first_registry_itself(
    run: Runner, world: Tuple[Keeper, Watched, Watched], user_of: Callable[[str], User]
) -> None:
    """As a registry it is shown the token that names it, as a mirror of the Hub it is not; in whichever order."""
    mine, plain, _ = world
    for first_is_mirrored in (True, False):
        mine.forget()
        user = user_of(mine.host)
        BY_NAME["a line of token.txt"].give(user)
        user.monkeypatch.setattr("layerslayer.oci.reference._HUB_API", plain.host)
        mine.wants = "token"
        images = ["docker.io/{}:1.0".format(NAME), "{}/{}:1.0".format(mine.host, NAME)]
        ran = asked(run, user, ["config"], *images[:: 1 if first_is_mirrored else -1], "--mirror", mine.host)
        assert ran.code == 3 and mine.served, ran.err


@pytest.mark.parametrize("elsewhere", ["another port", "another host"])
@pytest.mark.parametrize("name", LOGINS)
def test_an_auth_service_of_somebody_else(
    run: Runner, world: Tuple[Keeper, Watched, Watched], user_of: Callable[[str], User], name: str, elsewhere: str
) -> None:
    """It is asked anonymously, named in a warning, and shown the login only when the user says so."""
    way, (mine, plain, bearer) = BY_NAME[name], world
    user = user_of(mine.host)
    way.give(user)
    mine.wants = way.kind
    service = plain if elsewhere == "another port" else bearer
    mine.realm = service.url + "/token"
    image = "{}/{}:1.0".format(mine.host, NAME)
    ran = asked(run, user, ["diff"], image, image)
    assert ran.code == 2 and not mine.served  # the tokens are not its own
    assert "if you trust it, add --trust-realm " + service.host in ran.err
    assert service.requests and shows(service.heard + told(run, ran), *SECRETS) == []
    for trusted in (service.host, service.host.partition(":")[0]):
        service.forget()
        ran = asked(run, user, ["diff"], image, image, "--trust-realm", trusted)
        assert shows(service.heard, *way.secrets) == list(way.secrets)
        assert shows(told(run, ran), *SECRETS) == []


@pytest.mark.parametrize("name", BY_NAME)
def test_storage_that_asks_for_a_login(
    run: Runner, world: Tuple[Keeper, Watched, Watched], user_of: Callable[[str], User], name: str
) -> None:
    """Plainly, or by an auth service: it is shown nothing of the user's."""
    way, (mine, plain, bearer) = BY_NAME[name], world
    user = user_of(mine.host)
    way.give(user)
    mine.wants = way.wanted(False)
    image = "{}/{}:1.0".format(mine.host, NAME)
    for storage in (plain, bearer):
        mine.storage = storage
        ran = asked(run, user, ["peek"], image, image, "--platform", "linux/amd64")
        assert storage.requests and shows(storage.heard + told(run, ran), *SECRETS) == []
        assert ran.code == (2 if storage is plain else 0), ran.err
    assert shows(mine.heard, *way.secrets) == list(way.secrets) and mine.served
