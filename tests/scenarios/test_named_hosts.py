"""Hosts that a user names: read as all addresses are, and refused in a sentence where nobody could mean them."""

from __future__ import annotations

from pathlib import Path
from typing import List

import pytest
import trustme

from ..support.registry import NAME, Registry, closed_port
from ..support.registry.running import Runner
from .test_certificates import authority, secured

__all__ = ["authority"]
pytestmark = pytest.mark.usefixtures("nobody")


@pytest.mark.parametrize(
    "host", ["127.1:5000", "0x7f.1", "2130706433:80", "0177.0.0.1", "1.2.3", "[:::]", "[1::2::3]:5000", "a.b:0",
             "a.b:99999", "a..b", "a.", "a\\b.c", "a@b.c", "a%2fb.c", "ⓔvil.example", "a_b.c"]
)  # fmt: skip
def test_a_registry_that_cannot_be_meant(run: Runner, host: str) -> None:
    ran = run("ls", host + "/a/b:1")
    assert ran.code == 2
    assert (
        ran.err.startswith("Error: '") and "is not an image reference: " in ran.err and len(ran.err.splitlines()) == 1
    )


@pytest.mark.parametrize("flag", ["--insecure", "--trust-realm"])
@pytest.mark.parametrize("host", ["", "https://a.example", "a.example/", "a\\b", "me a", "a:0", "127.1", "a b", "a."])
def test_a_host_of_a_flag_that_cannot_be_meant(run: Runner, flag: str, host: str) -> None:
    with Registry() as registry:
        ran = run("ls", registry.target, flag, host)
        assert registry.requests == []
    assert ran.code == 2
    assert ran.err == "Error: '{}' is not a host with an optional port: {} Write HOST[:PORT].\n".format(
        host, ran.err.partition("port: ")[2].partition(" Write")[0]
    )


@pytest.mark.parametrize("mirror", ["mymirror", "mymirror/proxy"])
def test_a_mirror_that_reads_as_a_part_of_a_name(run: Runner, mirror: str) -> None:
    ran = run("ls", "alpine", "--mirror", mirror)
    assert ran.code == 2
    assert ran.err.startswith("Error: 'mymirror' reads as a part of a repository's name, not as the host of a mirror.")
    assert "mymirror:443" in ran.err


@pytest.mark.parametrize("given", ["localhost:{}", "LOCALHOST:{}"])
def test_a_host_whose_certificate_is_not_checked(run: Runner, nobody: Path, authority: trustme.CA, given: str) -> None:
    with Registry() as registry:
        target = secured(registry, authority)
        port = registry.host.rpartition(":")[2]
        others: List[str] = ["localhost", "localhost:" + closed_port().rpartition(":")[2], "127.0.0.1:" + port]
        for other in others:
            assert run("peek", target, "--insecure", other).code == 2
        assert run("peek", "localhost:{}/{}:1.0".format(port, NAME), "--insecure", given.format(port)).code == 0
