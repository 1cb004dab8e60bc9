"""Whom a registry's login may be shown: the auth services that are the registry's own. Pure.

The realm comes from the server: an attacker who can answer for a registry, or
who names an image of his own, would otherwise collect logins (CVE-2026-33540).
Another port may be another user's of the same machine, and a parent domain may
be shared with strangers (``me.github.io``), so neither counts as the registry's own.
"""

from __future__ import annotations

import re
from typing import AbstractSet, Set

from ..http.origin import Origin, is_loopback

_USUAL = 443
_PAIRS = frozenset(
    (
        ("registry-1.docker.io", "auth.docker.io"),
        ("registry.gitlab.com", "gitlab.com"),
        ("nvcr.io", "authn.nvidia.com"),
    )
)
# Below these anybody has a name of his own, so what is below them is not theirs. publicsuffix.org has them all;
# here are those that serve files, and that somebody may take for a registry.
_SHARED = {
    "aliyuncs.com", "amazonaws.com", "amazonaws.com.cn", "appspot.com", "azurecontainer.io", "azurecr.io",
    "azurefd.net", "azurewebsites.net", "b-cdn.net", "backblazeb2.com", "cloudapp.azure.com", "cloudapp.net",
    "cloudflarestorage.com", "cloudfront.net", "digitaloceanspaces.com", "duckdns.org", "dyndns.org", "eu.org",
    "fastly.net", "firebaseapp.com", "fly.dev", "github.dev", "github.io", "githubusercontent.com", "gitlab.io",
    "gitpod.io", "glitch.me", "googleapis.com", "googleusercontent.com", "herokuapp.com", "hf.space", "jfrog.io",
    "linodeobjects.com", "loca.lt", "myqcloud.com", "netlify.app", "ngrok-free.app", "ngrok.app", "ngrok.dev",
    "ngrok.io", "nip.io", "no-ip.org", "ondigitalocean.app", "onrender.com", "pages.dev", "pkg.dev", "r2.dev",
    "railway.app", "readthedocs.io", "repl.co", "replit.app", "run.app", "sslip.io", "surge.sh", "trycloudflare.com",
    "vercel.app", "wasabisys.com", "web.app", "windows.net", "workers.dev",
}  # fmt: skip
_STORES = ("aliyuncs.com", "amazonaws.com", "amazonaws.com.cn", "googleapis.com", "windows.net")  # at any depth
_BELOW_A_COUNTRY = re.compile(r"(?:ac|co|com|edu|go|gob|gov|info|ltd|me|net|ne|nom|or|org|plc|sch)\.[a-z]{2}")


def may_see_login(registry: Origin, realm: Origin, trusted: AbstractSet[str] = frozenset()) -> bool:
    """Whether the auth service ``realm`` is shown the login for ``registry``.

    It is the registry's own host or one below it, on the registry's port or
    443, or one of the known pairs; or ``trusted`` names it, as ``HOST`` or as
    ``HOST:PORT``. And it is https, or on this machine.
    """
    if not carries_secrets(realm):
        return False
    here, there = registry.host.lower(), realm.host.lower()
    if not trusted.isdisjoint(_names_of(realm)):
        return True
    if realm.port not in (registry.port, _USUAL):
        return False
    below = there.endswith("." + here) and not _is_number(here) and not is_shared(here)
    return there == here or below or ((here, there) in _PAIRS and realm.port == _USUAL)


def is_shared(host: str) -> bool:
    """Whether strangers have hosts below this one: a public suffix, as far as they are known here.

    A host of one word is one too: what is below a registry called ``dev`` may be anybody's.
    """
    if "." not in host or host in _SHARED or _BELOW_A_COUNTRY.fullmatch(host):
        return True
    return any(host.endswith("." + store) for store in _STORES)


def carries_secrets(origin: Origin) -> bool:
    """Whether secrets may travel there: over https, or within this machine."""
    return origin.scheme == "https" or is_loopback(origin.host)


def _names_of(realm: Origin) -> Set[str]:
    """Return what a user may call an auth service: its host, which is all its ports, or host and port."""
    host = f"[{realm.host}]" if ":" in realm.host else realm.host
    names = (realm.host, host, f"{host}:{realm.port}")
    return {name.lower() for name in names}


def _is_number(host: str) -> bool:
    return ":" in host or host.replace(".", "").isdigit()
