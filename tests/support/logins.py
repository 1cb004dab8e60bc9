"""A user's logins as other tools keep them, and registries that want one."""

from __future__ import annotations

import base64
import json
from pathlib import Path

from layerslayer.demo.registry import Request, Response

from .registry import Normal

SECRET = "correct-horse-battery"
BASIC = "Basic " + base64.b64encode(b"me:" + SECRET.encode()).decode()


def log_in(home: Path, host: str, **entry: str) -> None:
    entry = entry or {"auth": base64.b64encode(b"me:" + SECRET.encode()).decode()}
    (home / ".docker").mkdir()
    (home / ".docker" / "config.json").write_text(json.dumps({"auths": {host: entry}}))


def wants_basic(request: Request, normal: Normal) -> Response:
    if request.headers.get("authorization") == BASIC:
        return normal()
    return Response(401, {"WWW-Authenticate": 'Basic realm="here"'}, b"{}")


def wants_login_for_tokens(request: Request, normal: Normal) -> Response:
    return normal() if request.headers.get("authorization") == BASIC else Response(401, {}, b"{}")
