"""``HttpHeaders`` of Docker's ``config.json``: what Docker passes on of them to registries.

The setting is for the daemon, which hands only headers that begin with
``X-Meta-`` on to a registry; so it is here. They may be secret: for the
registry itself only, and never logged.
"""

from __future__ import annotations

import os
import re
from typing import Dict, Mapping

from ...errors import LocalFileError
from .auth_files import parse
from .lookup import docker_config, read_small

_NAME = re.compile(r"x-meta-[a-z0-9-]{1,100}", re.IGNORECASE)
_VALUE = re.compile(r"[\x20-\x7e]{0,4096}")


def meta_headers(environment: Mapping[str, str] = os.environ) -> Dict[str, str]:
    """Return the headers for registries; none where the file cannot be used, which the search for logins reports."""
    file = docker_config(environment)
    try:
        body = read_small(file)
        stated = parse(body, file).get("HttpHeaders") if body.strip() else None
    except LocalFileError:
        return {}
    if not isinstance(stated, dict):
        return {}
    return {
        name: value
        for name, value in stated.items()
        if _NAME.fullmatch(name) and isinstance(value, str) and _VALUE.fullmatch(value)
    }
