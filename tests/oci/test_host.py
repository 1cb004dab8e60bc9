"""Hosts that everyone reads alike; those that not everyone does are in tests/attacks/registry/test_two_readers.py."""

from __future__ import annotations

import pytest

from layerslayer.oci.host import host_problem


@pytest.mark.parametrize(
    "host",
    ["a", "a.b", "A-b.c_d", "127.0.0.1", "255.255.255.255", "[::]", "[::1]", "[1:2:3:4:5:6:7::]", "[::ffff:1.2.3.4]",
     "[64:ff9b::1.2.3.4]", "a" * 63 + ".b", "1.example"],
)  # fmt: skip
def test_hosts_that_everyone_reads_alike(host: str) -> None:
    assert host_problem(host) == ""
