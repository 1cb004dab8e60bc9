"""A small read-only OCI registry on a loopback port, inside the process.

Speaks what pulling needs: manifests by tag and digest, blobs with single
ranges, tags in pages, referrers, and the bearer-token challenge. Tests derive from DemoRegistry and
override ``respond`` to script faults.
"""

from __future__ import annotations

import json
import re
import secrets
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Dict, List, NamedTuple, Optional, Tuple
from urllib.parse import parse_qs, urlsplit

from ..oci.media_types import OCI_INDEX
from .image import Store

_PATH = re.compile(
    r"/v2/(?P<repository>[a-z0-9._/-]+)/"
    r"(?:(?P<kind>manifests|blobs|referrers)/(?P<wanted>[A-Za-z0-9._:+-]+)|tags/list)"
)
_RANGE = re.compile(r"bytes=(\d+)-(\d*)")


class Request(NamedTuple):
    """What came in; header names are lower case."""

    path: str
    query: Dict[str, List[str]]
    headers: Dict[str, str]


class Response(NamedTuple):
    """What goes out. A Content-Length header is added unless one is given."""

    status: int
    headers: Dict[str, str]
    body: bytes = b""


def error(status: int, code: str, message: str, headers: Optional[Dict[str, str]] = None) -> Response:
    """Return an error as distribution-spec "Error Codes" has it."""
    body = json.dumps({"errors": [{"code": code, "message": message}]}).encode()
    return Response(status, dict(headers or {}, **{"Content-Type": "application/json"}), body)


class DemoRegistry:
    """Serves ``store`` while used as a context; ``host`` is ``127.0.0.1:PORT``.

    ``requests`` keeps what came in, for tests.
    """

    def __init__(self, store: Store, challenge: bool = True) -> None:
        self.store = store
        self.challenge = challenge
        self.requests: List[Request] = []
        self._tokens: Dict[str, str] = {}  # token -> scope
        registry = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_GET(self) -> None:
                registry._serve(self)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128  # connections at once; with -j 64 the default of 5 costs seconds

            def handle_error(self, request: Any, client_address: Any) -> None:
                pass  # a client that leaves early is no news

        self._server = Server(("127.0.0.1", 0), Handler)
        self.host = "127.0.0.1:{}".format(self._server.server_address[1])
        self.url = "http://" + self.host

    def __enter__(self) -> DemoRegistry:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _serve(self, handler: BaseHTTPRequestHandler) -> None:
        parts = urlsplit(handler.path)
        headers = {name.lower(): value for name, value in handler.headers.items()}
        request = Request(parts.path, parse_qs(parts.query), headers)
        self.requests.append(request)
        self.send(handler, self.respond(request))

    def send(self, handler: BaseHTTPRequestHandler, response: Response) -> None:
        """Put a response on the wire. A body shorter than its stated length cuts the connection."""
        handler.send_response(response.status)
        headers = dict(response.headers)
        length = headers.setdefault("Content-Length", str(len(response.body)))
        if not length:
            del headers["Content-Length"]  # tests: the end of the connection is the end of the body
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(response.body)
        if length != str(len(response.body)):
            handler.close_connection = True
            handler.connection.shutdown(socket.SHUT_RDWR)

    def respond(self, request: Request) -> Response:
        """Answer a request."""
        if request.path == "/token":
            return self.token(request)
        match = _PATH.fullmatch(request.path)
        repository = match.group("repository") if match else ""
        if self.challenge and not self.allowed(request, repository):
            return self.challenged(repository)
        if request.path == "/v2/":
            return Response(200, {}, b"{}")
        if not match:
            return error(404, "UNSUPPORTED", "no such endpoint")
        if match.group("kind") == "manifests":
            return self.manifest(repository, match.group("wanted"))
        if match.group("kind") == "referrers":
            return self.referrers(match.group("wanted"))
        if match.group("kind") is None:
            return self.tags(repository, request)
        return self.blob(match.group("wanted"), request)

    def token(self, request: Request) -> Response:
        """Issue a token for the scope asked for."""
        token = secrets.token_urlsafe(24)
        self._tokens[token] = " ".join(request.query.get("scope", []))
        return Response(
            200, {"Content-Type": "application/json"}, json.dumps({"token": token, "expires_in": 300}).encode()
        )

    def allowed(self, request: Request, repository: str) -> bool:
        """Whether the request bears a token for the repository."""
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        return kind == "Bearer" and self._tokens.get(token) == "repository:{}:pull".format(repository)

    def challenged(self, repository: str) -> Response:
        """Answer 401 and say where a token is to be had."""
        scope = ',scope="repository:{}:pull"'.format(repository) if repository else ""
        challenge = 'Bearer realm="{}/token",service="{}"{}'.format(self.url, self.host, scope)
        return error(401, "UNAUTHORIZED", "authentication required", {"WWW-Authenticate": challenge})

    def manifest(self, repository: str, wanted: str) -> Response:
        """Answer with a manifest by tag or digest."""
        digest = wanted if ":" in wanted else self.store.tags.get((repository, wanted), "")
        stored = self.store.manifests.get(digest)
        if stored is None:
            return error(404, "MANIFEST_UNKNOWN", "manifest unknown")
        return Response(200, {"Content-Type": stored.media_type, "Docker-Content-Digest": digest}, stored.body)

    def tags(self, repository: str, request: Request) -> Response:
        """Answer with the tags of a repository after ``last``, ``n`` of them if that is asked."""
        tags = sorted(tag for name, tag in self.store.tags if name == repository)
        if not tags:
            return error(404, "NAME_UNKNOWN", "repository name not known to registry")
        last, n = (request.query.get(key, [""])[0] for key in ("last", "n"))
        left = [tag for tag in tags if tag > last]
        shown = left[: int(n)] if n.isdecimal() and n.isascii() else left
        headers = {"Content-Type": "application/json"}
        if 0 < len(shown) < len(left):
            headers["Link"] = '</v2/{}/tags/list?last={}&n={}>; rel="next"'.format(repository, shown[-1], n)
        return Response(200, headers, json.dumps({"name": repository, "tags": shown}).encode())

    def referrers(self, digest: str) -> Response:
        """Answer with an index of the manifests whose subject is ``digest``."""
        found = []
        for own, stored in self.store.manifests.items():
            document = json.loads(stored.body.decode())
            if (document.get("subject") or {}).get("digest") == digest:
                entry = {"mediaType": stored.media_type, "digest": own, "size": len(stored.body)}
                kind = document.get("artifactType") or (document.get("config") or {}).get("mediaType", "")
                found.append(dict(entry, artifactType=kind))
        body = json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": found}).encode()
        return Response(200, {"Content-Type": OCI_INDEX}, body)

    def blob(self, digest: str, request: Request) -> Response:
        """Answer with a blob, or one range of it."""
        body = self.store.blobs.get(digest)
        if body is None:
            return error(404, "BLOB_UNKNOWN", "blob unknown")
        headers = {
            "Content-Type": "application/octet-stream",
            "Accept-Ranges": "bytes",
            "Docker-Content-Digest": digest,
        }
        wanted = _RANGE.fullmatch(request.headers.get("range", ""))
        if not wanted:
            return Response(200, headers, body)
        first, last = _bounds(wanted.group(1), wanted.group(2), len(body))
        if first > last:
            return Response(416, {"Content-Range": "bytes */{}".format(len(body))})
        headers["Content-Range"] = "bytes {}-{}/{}".format(first, last, len(body))
        return Response(206, headers, body[first : last + 1])


def _bounds(first: str, last: str, length: int) -> Tuple[int, int]:
    return int(first), min(int(last) if last else length - 1, length - 1)
