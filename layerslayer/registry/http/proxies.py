"""The proxies of the environment: which requests go by one, and what only they may see."""

from __future__ import annotations

import base64
from typing import Any, Dict, Optional, Set
from urllib.parse import unquote

import requests

from .origin import is_loopback, origin_of
from .redaction import secrets_in

# What is for this machine stays in it: a proxy would see it, secrets included. Go's programs have it so as well.
_PAST_PROXIES: Dict[str, Any] = {"http": None, "https": None, "all": None}


def proxies_for(url: str) -> Optional[Dict[str, Any]]:
    """Return the proxies of a request to ``url``, as ``requests`` has them; None for those of the environment."""
    return dict(_PAST_PROXIES) if is_loopback(origin_of(url).host) else None


def goes_by_one(url: str) -> bool:
    """Whether a request to ``url`` is sent to a proxy, or would be if that could be understood."""
    if proxies_for(url) is not None:
        return False
    try:
        return bool(requests.utils.select_proxy(url, requests.utils.get_environ_proxies(url)))
    except ValueError:
        return True


def shown_to_proxies() -> Set[str]:
    """Return the passwords that proxies are shown, in all the ways that one might say them again."""
    found: Set[str] = set()
    for address in requests.compat.getproxies().values():
        login = (address.partition("://")[2] or address).rpartition("@")[0]
        if login:
            pair = base64.b64encode(unquote(login).encode("utf-8", "surrogateescape")).decode()
            found.update(secrets_in({"Proxy-Authorization": "Basic " + pair, "X": login.partition(":")[2]}, {}))
    return found
