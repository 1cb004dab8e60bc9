from __future__ import annotations

import pytest

from layerslayer.addresses import is_inside

INSIDE = [
    "127.0.0.1", "127.9.9.9", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "169.254.169.254",
    "100.64.0.1", "0.0.0.0", "255.255.255.255", "224.0.0.1", "192.0.2.1", "198.18.0.1", "::1", "[::1]", "::",
    "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "ff02::1", "2001:db8::1", "::ffff:127.0.0.1",
    "::ffff:10.0.0.1", "2002:7f00:1::", "127.1", "0x7f.1", "0x7f000001", "2130706433", "0177.0.0.1", "127.0.0.1.",
    "8.8.8", "134744072", "localhost", "LOCALHOST", "localhost.", "a.localhost", "printer.local",
    "metadata.google.internal", "registry", "nas.lan", "x.home",
]  # fmt: skip
OUTSIDE = [
    "8.8.8.8", "1.1.1.1", "172.32.0.1", "[2606:4700::1111]", "2606:4700::1111", "example.com", "mcr.microsoft.com",
    "example.com.", "1e100.net", "10.example.com", "127.0.0.1.example.com", "local.example.com",
]  # fmt: skip


@pytest.mark.parametrize("host", INSIDE)
def test_the_inside_is_known_by_its_name(host: str) -> None:
    assert is_inside(host)


@pytest.mark.parametrize("host", OUTSIDE)
def test_the_outside_is_not_taken_for_it(host: str) -> None:
    assert not is_inside(host)
