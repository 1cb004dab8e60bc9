"""Which hosts lead to this machine or its own network. Pure.

Only what the name itself shows counts here; what a name resolves to is for
whoever opens the connection to check.

What is special is read off IANA's registries of special-purpose addresses
(RFC 6890, RFC 8190) as a whole: what they call globally reachable (sinks of
AS112, anycast of relays) is nobody's registry either. The tables stand here,
as those of Python's ``ipaddress`` change with its version.
"""

from __future__ import annotations

import re
from functools import lru_cache

from ...oci.host import ANY_CASE, IPV4, NUMERIC, is_ipv6

TYPE_CHECKING = False  # as type checkers read it; most references name no address, and need no ``ipaddress``
if TYPE_CHECKING:
    from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
    from typing import Iterator, Optional, Tuple, Union

    IP = Union[IPv4Address, IPv6Address]

# Last parts of names that networks have for themselves (RFC 6761, RFC 8375, ICANN's "name collisions").
_LOCAL_NAMES = ("localhost", "local", "internal", "intranet", "lan", "home", "localdomain", "corp", "private", "svc")
_SPECIAL = (
    "0.0.0.0/8",  # this network
    "10.0.0.0/8",  # private use
    "100.64.0.0/10",  # shared within a carrier's network
    "127.0.0.0/8",  # loopback
    "169.254.0.0/16",  # link-local
    "172.16.0.0/12",  # private use
    "192.0.0.0/24",  # assigned to protocols
    "192.0.2.0/24",  # documentation
    "192.31.196.0/24",  # AS112
    "192.52.193.0/24",  # relays of AMT
    "192.88.99.0/24",  # relays of 6to4
    "192.168.0.0/16",  # private use
    "192.175.48.0/24",  # AS112
    "198.18.0.0/15",  # benchmarks
    "198.51.100.0/24",  # documentation
    "203.0.113.0/24",  # documentation
    "224.0.0.0/4",  # multicast
    "240.0.0.0/4",  # reserved, broadcast
    # Of IPv6 only 2000::/3 is given out at all; within that:
    "2001::/23",  # assigned to protocols: Teredo, benchmarks, AMT, AS112, ORCHID, drones
    "2001:db8::/32",  # documentation
    "2620:4f:8000::/48",  # AS112
    "3fff::/20",  # documentation
)
_GIVEN_OUT = "2000::/3"
# Where clouds have their machines' secrets: on the link most often; AWS, Google, Alibaba, Oracle, Azure elsewhere too.
_SECRETS = (
    "169.254.0.0/16",
    "fe80::/10",
    "fd00:ec2::254/128",
    "fd20:ce::254/128",
    "100.100.100.200/32",
    "192.0.0.192/32",
    "168.63.129.16/32",
)
_SECRETS_BY_NAME = ("metadata.google.internal", "metadata.goog", "instance-data.ec2.internal", "instance-data")
_LOOPBACK = re.compile(r"localhost|127(?:\.[0-9]{1,3}){3}|::1|\[::1\]", ANY_CASE)


def is_loopback(host: str) -> bool:
    """Whether a host (without port) is this machine by name or literal."""
    return bool(_LOOPBACK.fullmatch(host))


def is_inside(host: str) -> bool:
    """Whether ``host`` (no port, an IPv6 address with or without brackets) is loopback, private,
    link-local or otherwise not of the public internet, by literal or by name."""
    name = host.strip("[]").lower()
    address = _address(name)
    if address is None:
        bare = name.rstrip(".")
        if ":" in name or NUMERIC.fullmatch(name):
            return True  # an unusual spelling of an address hides something, whatever it is
        return "." not in bare or bare.rpartition(".")[2] in _LOCAL_NAMES or ("." + bare).endswith(".home.arpa")
    return not _is_public(address)


def is_on_the_link(host: str) -> bool:
    """Whether ``host`` is where clouds have their machines' secrets: link-local, an address or name of their own."""
    name = host.strip("[]").lower()
    address = _address(name)
    if address is None:
        return name.rstrip(".") in _SECRETS_BY_NAME
    return any(_is_among(item, _SECRETS) for item in (address, *_carried(address)))


def _address(name: str) -> Optional[IP]:
    """Return the address that a name without brackets is the usual spelling of, if any; its zone is left out."""
    from ipaddress import IPv4Address, IPv6Address

    name = name.partition("%")[0]
    if IPV4.fullmatch(name):
        return IPv4Address(name)
    return IPv6Address(name) if is_ipv6(name) else None


def _is_public(address: IP) -> bool:
    if address.version == 6:
        if _is_translated(int(address)):
            return all(_is_public(item) for item in _carried(address))
        if not _is_among(address, (_GIVEN_OUT,)):
            return False
    return not _is_among(address, _SPECIAL)


def _is_translated(value: int) -> bool:
    """Whether an IPv6 address stands for the IPv4 address within it: mapped, NAT64 (RFC 6052), 6to4.

    That of 64:ff9b:1::/48 (RFC 8215) stands where its network has it, so nobody else can know.
    """
    return value >> 32 in (0xFFFF, 0x64FF9B << 64) or value >> 112 == 0x2002


def _carried(address: IP) -> Iterator[IPv4Address]:
    """Yield the IPv4 addresses that an IPv6 address may stand for, by any of the ways to write one into it."""
    from ipaddress import IPv4Address

    if address.version == 4:
        return
    value, low = int(address), int(address) & 0xFFFFFFFF
    if value >> 32 in (0, 0xFFFF, 0xFFFF0000, 0x64FF9B << 64) or value >> 80 == 0x64FF9B0001:
        yield IPv4Address(low)  # compatible, mapped, translated (RFC 2765), NAT64
    elif value >> 112 == 0x2002:
        yield IPv4Address(value >> 80 & 0xFFFFFFFF)
    elif value >> 96 == 0x20010000:  # Teredo: its server, and the client's with all bits turned (RFC 4380, 4)
        yield IPv4Address(value >> 64 & 0xFFFFFFFF)
        yield IPv4Address(low ^ 0xFFFFFFFF)


def _is_among(address: IP, ranges: Tuple[str, ...]) -> bool:
    return any(address.version == network.version and address in network for network in _networks(ranges))


@lru_cache(maxsize=8)
def _networks(ranges: Tuple[str, ...]) -> Tuple[Union[IPv4Network, IPv6Network], ...]:
    from ipaddress import ip_network

    return tuple(ip_network(item) for item in ranges)
