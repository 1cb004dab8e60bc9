"""The in-process registry of the tests: the demo's, with faults scripted by path.

Everything stays on loopback. ``faults`` holds ready-made answers.
"""

from __future__ import annotations

import os
import re
import socket
import threading
from http.server import BaseHTTPRequestHandler
from typing import Callable, List, Optional, Union

from layerslayer.cli.remedies import told
from layerslayer.demo.image import Store
from layerslayer.demo.registry import DemoRegistry, Request, Response
from layerslayer.demo.shop import demo_store
from layerslayer.oci.reference import parse_reference
from layerslayer.registry.credentials import UserToken
from layerslayer.registry.http.client import Transport
from layerslayer.registry.repository import Access, RegistrySource

# A proxy of the surroundings must not see the tests' requests.
os.environ["NO_PROXY"] = os.environ["no_proxy"] = "127.0.0.1,localhost"

NAME = "demo/shop"
SCOPE = "repository:demo/shop:pull"
STALL = "X-Stall"  # a response header: keep the connection open and silent after the body
RAW = "X-Raw"  # a response header: the body is all that goes on the wire; "keep" the connection, or "close" it

Normal = Callable[[], Response]
Answer = Union[Response, Callable[[Request, Normal], Response]]

_DEMO = demo_store()


def store() -> Store:
    """Return a copy of the demo's store that a test may change."""
    return Store(dict(_DEMO.blobs), dict(_DEMO.manifests), dict(_DEMO.tags))


class _Fault:
    def __init__(self, path: str, answer: Answer, times: int) -> None:
        self.path = re.compile(path)
        self.answer = answer
        self.left = times


class Registry(DemoRegistry):
    """A registry whose answers can be scripted; the first fault that fits a path wins."""

    def __init__(self, content: Optional[Store] = None, challenge: bool = False) -> None:
        super().__init__(content or store(), challenge)
        self._faults: List[_Fault] = []
        self._fault_lock = threading.Lock()
        self._released = threading.Event()

    def __enter__(self) -> Registry:
        super().__enter__()
        return self

    def __exit__(self, *details: object) -> None:
        self._released.set()
        super().__exit__(*details)

    def fault(self, path: str, answer: Answer, times: int = 10**9) -> None:
        """Answer requests whose path contains the pattern ``path`` with ``answer``, ``times`` times."""
        self._faults.append(_Fault(path, answer, times))

    def respond(self, request: Request) -> Response:
        def normal() -> Response:
            return DemoRegistry.respond(self, request)

        for fault in self._faults:
            with self._fault_lock:
                if not fault.path.search(request.path) or fault.left <= 0:
                    continue
                fault.left -= 1
            return fault.answer if isinstance(fault.answer, Response) else fault.answer(request, normal)
        return normal()

    def send(self, handler: BaseHTTPRequestHandler, response: Response) -> None:
        if RAW in response.headers:
            handler.wfile.write(response.body)
            handler.close_connection = response.headers[RAW] == "close"
            return
        if STALL not in response.headers:
            super().send(handler, response)
            return
        handler.send_response(response.status)
        for name, value in response.headers.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(response.body)
        self._released.wait(60)
        handler.close_connection = True

    @property
    def issued(self) -> List[str]:
        """The tokens given out so far."""
        return list(self._tokens)

    def revoke(self) -> None:
        """Forget all tokens."""
        self._tokens.clear()

    def asked(self, path: str) -> List[Request]:
        """The requests whose path contains the pattern ``path``."""
        return [request for request in self.requests if re.search(path, request.path)]

    def authorizations(self, path: str = "") -> List[Optional[str]]:
        """The Authorization header, or None, of each request to ``path``."""
        return [request.headers.get("authorization") for request in self.asked(path)]

    @property
    def target(self) -> str:
        return "{}/{}:1.0".format(self.host, NAME)


class Opened:
    """A RegistrySource of a registry; as a context it is closed at the end."""

    def __init__(self, registry: DemoRegistry, token: str = "", timeout: float = 20.0) -> None:
        self.warnings: List[str] = []
        self.log: List[str] = []
        self.transport = Transport(timeout=timeout, log=self.log.append)
        reference = parse_reference("{}/{}:1.0".format(registry.host, NAME))
        given = UserToken(token, "token.txt") if token else None
        self.source = RegistrySource(
            reference, self.transport, Access(given), lambda words: self.warnings.append(told(words))
        )

    def __enter__(self) -> RegistrySource:
        return self.source

    def __exit__(self, *_: object) -> None:
        self.source.close()


class Silent:
    """A port that accepts connections and never says a word."""

    def __enter__(self) -> Silent:
        self._socket = socket.socket()
        self._socket.bind(("127.0.0.1", 0))
        self._socket.listen(16)
        self.host = "127.0.0.1:{}".format(self._socket.getsockname()[1])
        self.url = "http://" + self.host
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()


_KEPT: List[socket.socket] = []


def closed_port() -> str:
    """Return ``127.0.0.1:PORT`` where nothing listens, nor will: the port stays taken until the process ends."""
    _KEPT.append(socket.socket())
    _KEPT[-1].bind(("127.0.0.1", 0))
    return "127.0.0.1:{}".format(_KEPT[-1].getsockname()[1])


def seen_by(registry: DemoRegistry) -> str:
    """All that a registry was sent, as one text to search for secrets."""
    return "\n".join("{} {} {}".format(item.path, item.query, item.headers) for item in registry.requests)
