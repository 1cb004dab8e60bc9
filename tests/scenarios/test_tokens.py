"""token.txt: whom it is for, and that nobody else sees it."""

from __future__ import annotations

import pytest

from ..support.registry import SCOPE, Registry, seen_by
from ..support.registry.running import Runner

MINE = "MINE-user-token-0123456789"
PEEK = ("--peek-all", "--platform", "linux/amd64", "-t")


def test_token_txt_is_announced_and_sent_to_its_host(run: Runner) -> None:
    with Registry(challenge=True) as registry:
        registry._tokens[MINE] = SCOPE
        (run.folder / "token.txt").write_text("{} {}\n".format(registry.host, MINE))
        ran = run(*PEEK, registry.target, "-v", "-l", "log.txt")
        assert set(registry.authorizations()) == {"Bearer " + MINE}
    assert ran.code == 0
    assert ran.err.count("Using the token for {} from token.txt.".format(registry.host)) == 1
    assert MINE not in ran.out + ran.err + (run.folder / "log.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("line", [MINE, "ghcr.io " + MINE, "localhost " + MINE], ids=["the Hub's", "ghcr.io", "port"])
def test_a_token_of_another_host_is_not_sent(run: Runner, line: str) -> None:
    with Registry(challenge=True) as registry:
        (run.folder / "token.txt").write_text("# mine\n" + line + "\n")
        ran = run(*PEEK, registry.target, "-v")
        assert MINE not in seen_by(registry)
    assert ran.code == 0
    owner = "docker.io" if " " not in line else line.partition(" ")[0]
    assert "token.txt holds a token for {}; it is not sent to {}.".format(owner, registry.host) in ran.err
    assert MINE not in ran.err


def test_a_token_file_is_for_the_registry_of_the_image(run: Runner) -> None:
    with Registry(challenge=True) as registry:
        registry._tokens[MINE] = SCOPE
        (run.folder / "mine.txt").write_text("Bearer " + MINE)
        (run.folder / "token.txt").write_text(registry.host + " WRONG")
        ran = run(*PEEK, registry.target, "--token-file", "mine.txt")
        assert set(registry.authorizations()) == {"Bearer " + MINE}
        (run.folder / "mine.txt").write_text("ghcr.io " + MINE)
        refused = run(*PEEK, registry.target, "--token-file", "mine.txt")
    assert (ran.code, refused.code, refused.out) == (0, 2, "")
    assert "holds no token for " + registry.host in refused.err
    assert MINE not in ran.err + refused.err


def test_a_refused_token_is_told_and_an_anonymous_one_serves(run: Runner) -> None:
    with Registry(challenge=True) as registry:
        (run.folder / "token.txt").write_text("{} {}\n".format(registry.host, MINE))
        ran = run(*PEEK, registry.target, "-v", "-j", "8")
        assert registry.authorizations("^/token") == [None]
    assert ran.code == 0
    assert ran.err.count("refused the token from token.txt") == 1
    assert not [secret for secret in (MINE, *registry.issued) if secret in ran.out + ran.err]


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"a b c d\n", b"\x00" * 70000], ids=["BOM", "words", "large"])
def test_a_token_txt_that_makes_no_sense_is_no_obstacle(run: Runner, content: bytes) -> None:
    with Registry() as registry:
        (run.folder / "token.txt").write_bytes(content)
        ran = run(*PEEK, registry.target)
    assert ran.code == 0
    assert "a b c" not in ran.err
