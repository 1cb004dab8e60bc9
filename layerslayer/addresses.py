"""Hosts as URLs write them: whether they lead to this machine or its own network. Pure.

Only what the name itself tells counts here; what a name resolves to is for
whoever opens the connection to check.
"""

from __future__ import annotations

import ipaddress
import re

_LOCAL_NAMES = ("localhost", "local", "internal", "intranet", "lan", "home", "localdomain")
_AWS = ipaddress.ip_address("fd00:ec2::254")
# What getaddrinfo takes for an IPv4 address: 127.1, 0x7f.1, 2130706433, 0177.0.0.1.
_NUMERIC = re.compile(r"(?:0x[0-9a-f]*|[0-9]+)(?:\.(?:0x[0-9a-f]*|[0-9]+)){0,3}\.?", re.IGNORECASE)


def is_inside(host: str) -> bool:
    """Whether ``host`` (no port, an IPv6 address with or without brackets) is loopback, private,
    link-local or otherwise not of the public internet, by literal or by name."""
    name = host.strip("[]").lower()
    address = _address(name)
    if address is None:
        bare = name.rstrip(".")
        # An unusual spelling of an address hides something, whatever it is.
        return bool(_NUMERIC.fullmatch(name)) or "." not in bare or bare.rpartition(".")[2] in _LOCAL_NAMES
    mapped = getattr(address, "ipv4_mapped", None) or getattr(address, "sixtofour", None)
    return _is_special(address) or (mapped is not None and _is_special(mapped))


def is_on_the_link(host: str) -> bool:
    """Whether ``host`` is an address where clouds have their machines' secrets: link-local, or AWS' own for IPv6."""
    address = _address(host.strip("[]"))
    if address is None:
        return False
    address = getattr(address, "ipv4_mapped", None) or address
    return address.is_link_local or address == _AWS


def _address(name: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Return the address that a name without brackets is the usual spelling of, if any."""
    try:
        return ipaddress.ip_address(name.partition("%")[0])
    except ValueError:
        return None


def _is_special(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    return not address.is_global or address.is_multicast or address.is_reserved
