from __future__ import annotations

import ipaddress
from typing import List, Tuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from layerslayer.registry.http.private_networks import is_inside, is_loopback, is_on_the_link

INSIDE = [
    "127.0.0.1", "127.9.9.9", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "169.254.169.254",
    "100.64.0.1", "0.0.0.0", "255.255.255.255", "224.0.0.1", "192.0.2.1", "198.18.0.1", "::1", "[::1]", "::",
    "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "ff02::1", "2001:db8::1", "::ffff:127.0.0.1",
    "::ffff:10.0.0.1", "2002:7f00:1::", "127.1", "0x7f.1", "0x7f000001", "2130706433", "0177.0.0.1", "127.0.0.1.",
    "8.8.8", "134744072", "localhost", "LOCALHOST", "localhost.", "a.localhost", "printer.local",
    "metadata.google.internal", "registry", "nas.lan", "x.home", "nas.home.arpa", "git.corp", "a.b.private",
    "vault.default.svc", "::ffff:0177.0.0.1", "0X7F.0.0.1", "08.8.8.8",
]  # fmt: skip
OUTSIDE = [
    "8.8.8.8", "1.1.1.1", "172.32.0.1", "[2606:4700::1111]", "2606:4700::1111", "example.com", "mcr.microsoft.com",
    "example.com.", "1e100.net", "10.example.com", "127.0.0.1.example.com", "local.example.com",
    "corp.example", "athome.arpa",
]  # fmt: skip
# IANA's registries of special-purpose addresses, row by row, and what else nobody has of the public internet.
SPECIAL: List[Tuple[str, str]] = [
    ("0.0.0.0/8", "this network"),
    ("0.0.0.0/32", "this host"),
    ("10.0.0.0/8", "private use"),
    ("100.64.0.0/10", "shared address space"),
    ("127.0.0.0/8", "loopback"),
    ("169.254.0.0/16", "link-local"),
    ("172.16.0.0/12", "private use"),
    ("192.0.0.0/24", "protocol assignments"),
    ("192.0.0.0/29", "IPv4 service continuity"),
    ("192.0.0.8/32", "dummy address"),
    ("192.0.0.9/32", "port control anycast"),
    ("192.0.0.10/32", "TURN anycast"),
    ("192.0.0.170/31", "NAT64 discovery"),
    ("192.0.2.0/24", "TEST-NET-1"),
    ("192.31.196.0/24", "AS112"),
    ("192.52.193.0/24", "AMT"),
    ("192.88.99.0/24", "6to4 relays"),
    ("192.168.0.0/16", "private use"),
    ("192.175.48.0/24", "AS112 direct delegation"),
    ("198.18.0.0/15", "benchmarks"),
    ("198.51.100.0/24", "TEST-NET-2"),
    ("203.0.113.0/24", "TEST-NET-3"),
    ("224.0.0.0/4", "multicast"),
    ("240.0.0.0/4", "reserved"),
    ("255.255.255.255/32", "broadcast"),
    ("::1/128", "loopback"),
    ("::/128", "unspecified"),
    ("::/96", "IPv4-compatible"),
    ("::ffff:0:0:0/96", "IPv4-translated"),
    ("64:ff9b:1::/48", "local translation"),
    ("100::/64", "discard only"),
    ("100:0:0:1::/64", "dummy prefix"),
    ("2001::/23", "protocol assignments"),
    ("2001::/32", "Teredo"),
    ("2001:1::1/128", "port control anycast"),
    ("2001:1::2/128", "TURN anycast"),
    ("2001:1::3/128", "DNS-SD anycast"),
    ("2001:2::/48", "benchmarks"),
    ("2001:3::/32", "AMT"),
    ("2001:4:112::/48", "AS112"),
    ("2001:10::/28", "ORCHID"),
    ("2001:20::/28", "ORCHIDv2"),
    ("2001:30::/28", "drones"),
    ("2001:db8::/32", "documentation"),
    ("2620:4f:8000::/48", "AS112 direct delegation"),
    ("3fff::/20", "documentation"),
    ("5f00::/16", "segment routing"),
    ("4000::/3", "not given out"),
    ("e000::/4", "not given out"),
    ("fc00::/7", "unique local"),
    ("fe80::/10", "link-local"),
    ("fec0::/10", "site-local"),
    ("ff00::/8", "multicast"),
]
# In front of an IPv4 address these stand for it: what is inside there is inside here.
CARRIERS = [
    ("mapped", 0xFFFF << 32, 0),
    ("translated", 0x64FF9B << 96, 0),
    ("6to4", 0x2002 << 112, 80),
]


@pytest.mark.parametrize("host", INSIDE)
def test_the_inside_is_known_by_its_name(host: str) -> None:
    assert is_inside(host)


@pytest.mark.parametrize("host", OUTSIDE)
def test_the_outside_is_not_taken_for_it(host: str) -> None:
    assert not is_inside(host)


@pytest.mark.parametrize(("network", "purpose"), SPECIAL, ids=[item[0] for item in SPECIAL])
def test_no_special_purpose_is_public(network: str, purpose: str) -> None:
    found = ipaddress.ip_network(network)
    for address in (found[0], found[-1], found[found.num_addresses // 2]):
        assert is_inside(str(address)), purpose
        assert is_inside("[{}]".format(address)), purpose


@pytest.mark.parametrize(
    "host",
    ["1.0.0.0", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.0",
     "169.253.255.255", "169.255.0.0", "172.15.255.255", "191.255.255.255", "192.0.1.0", "192.0.3.0", "192.88.98.255",
     "192.167.255.255", "192.169.0.0", "198.17.255.255", "198.20.0.0", "203.0.112.255", "203.0.114.0",
     "223.255.255.255", "2000::", "2001:200::", "2001:db7:ffff::", "2001:db9::", "2400::1", "2620:4f:7fff::",
     "2620:4f:8001::", "2a00:1450::1", "3ffe:ffff::", "3fff:1000::"],
)  # fmt: skip
def test_what_stands_right_beside_is_public(host: str) -> None:
    assert not is_inside(host)


@given(st.integers(0, 2**32 - 1))
def test_who_carries_an_address_is_where_that_is(value: int) -> None:
    inner = str(ipaddress.IPv4Address(value))
    for name, prefix, shift in CARRIERS:
        outer = str(ipaddress.IPv6Address(prefix | value << shift))
        assert is_inside(outer) == is_inside(inner), name
        assert is_on_the_link(outer) == is_on_the_link(inner), name


@given(st.integers(0, 2**128 - 1))
def test_of_ipv6_only_what_is_given_out_is_public(value: int) -> None:
    if value >> 125 != 1 and value >> 32 not in (0xFFFF, 0x64FF9B << 64):
        assert is_inside(str(ipaddress.IPv6Address(value)))


@pytest.mark.parametrize(
    "host",
    ["169.254.169.254", "[fe80::1]", "fe80::a9fe:a9fe%eth0", "fd00:ec2::254", "fd20:ce::254", "100.100.100.200",
     "192.0.0.192", "168.63.129.16", "::ffff:169.254.169.254", "::ffff:a9fe:a9fe", "64:ff9b::a9fe:a9fe",
     "64:ff9b:1::a9fe:a9fe", "::169.254.169.254", "2002:a9fe:a9fe::1", "2001:0:a9fe:a9fe::1",
     "2001:0:808:808::5601:5601", "metadata.google.internal", "Metadata.goog."],
)  # fmt: skip
def test_where_clouds_keep_secrets(host: str) -> None:
    assert is_on_the_link(host)


@pytest.mark.parametrize(
    "host", ["10.0.0.1", "127.0.0.1", "8.8.8.8", "fd00::1", "example.com", "", "[::1", "2852039166"]
)
def test_where_they_do_not(host: str) -> None:
    assert not is_on_the_link(host)


def test_loopback_is_known_by_its_usual_names_only() -> None:
    assert all(map(is_loopback, ("localhost", "LocalHost", "127.0.0.1", "127.255.0.1", "::1", "[::1]")))
    assert not any(
        map(
            is_loopback,
            ("127.1", "127.٠.0.1", "localhost.", "localhost.evil", "127.0.0.1.evil", "::2", "0", "localho\u017ft"),
        )
    )
