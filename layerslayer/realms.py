"""Whom a registry's login may be shown: the auth services that are the registry's own. Pure.

The realm comes from the server: an attacker who can answer for a registry, or
who names an image of his own, would otherwise collect logins (CVE-2026-33540).
"""

from __future__ import annotations

from typing import AbstractSet

from .origins import Origin, is_loopback

_PAIRS = frozenset(
    (
        ("registry-1.docker.io", "auth.docker.io"),
        ("registry.gitlab.com", "gitlab.com"),
        ("nvcr.io", "authn.nvidia.com"),
    )
)


def may_see_login(registry: Origin, realm: Origin, trusted: AbstractSet[str] = frozenset()) -> bool:
    """Whether the auth service ``realm`` is shown the login for ``registry``; ``trusted`` hosts always are.

    It is the registry's own host, a host below it, its parent domain, or one of
    the known pairs; and https, or on this machine.
    """
    if not carries_secrets(realm):
        return False
    here, there = registry.host.lower(), realm.host.lower()
    parent = here.partition(".")[2]
    own = there == here or there.endswith("." + here) or ("." in parent and there == parent and not _is_number(here))
    return own or (here, there) in _PAIRS or there in trusted


def carries_secrets(origin: Origin) -> bool:
    """Whether secrets may travel there: over https, or within this machine."""
    return origin.scheme == "https" or is_loopback(origin.host)


def _is_number(host: str) -> bool:
    return host.replace(".", "").isdigit()
