"""Hosts as references and URLs write them: which everyone reads alike. Pure."""

from __future__ import annotations

import re

ANY_CASE = re.IGNORECASE | re.ASCII  # of ASCII: else U+017F would be an s, and U+212A a k
# What getaddrinfo takes for an IPv4 address: 127.1, 0x7f.1, 2130706433, 0177.0.0.1. And what looks like one.
NUMERIC = re.compile(r"(?:0x[0-9a-f]*|[0-9]+)(?:\.(?:0x[0-9a-f]*|[0-9]+))*\.?", ANY_CASE)
_BYTE = r"(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
IPV4 = re.compile(rf"{_BYTE}(?:\.{_BYTE}){{3}}")
_IPV6 = re.compile(r"[0-9a-f:]{2,39}(?:(?<=:)" + IPV4.pattern + ")?", ANY_CASE)
_NAME = re.compile(r"[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*", ANY_CASE)
_MAX_NAME = 253  # characters (RFC 1035, 2.3.4)


def host_problem(host: str) -> str:
    """Return why a text is no host that everyone reads alike; nothing when it is one.

    A host is a name of ASCII letters, digits, ``-`` and ``_`` without a dot at
    its end, an IPv4 address of four decimal numbers, or an IPv6 address in
    brackets without a zone (RFC 3986, 3.2.2, without what is percent-encoded).
    """
    if host.startswith("["):
        return "" if host.endswith("]") and is_ipv6(host[1:-1]) else "its brackets hold an unreadable address"
    if not host:
        return "it names no host"
    if NUMERIC.fullmatch(host):
        return "" if IPV4.fullmatch(host) else "it hides an IPv4 address, perhaps of a private network"
    return "" if len(host) <= _MAX_NAME and _NAME.fullmatch(host) else "its host is no name that can be looked up"


def is_ipv6(text: str) -> bool:
    """Whether a text is an IPv6 address, without brackets and without a zone."""
    from ipaddress import IPv6Address

    try:
        return bool(_IPV6.fullmatch(text) and IPv6Address(text))
    except ValueError:
        return False
