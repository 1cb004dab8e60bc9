"""A batch over hundreds of registries, where the system allows few open files."""

from __future__ import annotations

import os
import selectors
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Iterator, List

import pytest

from ...support.files import file
from ...support.registry import NAME, Registry
from ...support.registry.faults import redirect, single_image

resource = pytest.importorskip("resource", reason="no limit of open files here")
if sys.platform != "linux":
    pytest.skip("only Linux answers at every 127.0.x.y", allow_module_level=True)

ROOT = Path(__file__).resolve().parents[3]
FILES = 64  # that the program may have open
REGISTRIES = 150  # each would hold one connection at least

RUN = """
import os, resource, sys, threading
most = [0]
def watch():
    while True:
        most[0] = max(most[0], len(os.listdir("/proc/self/fd")) - 1)
        over.wait(0.002)
over = threading.Event()
resource.setrlimit(resource.RLIMIT_NOFILE, ({files}, {files}))
from layerslayer.cli.main import main
threading.Thread(target=watch, daemon=True).start()
code = main(sys.argv[1:])
sys.stdout.flush()
sys.stderr.write("most=%d\\n" % most[0])
sys.exit(code)
"""


class Everywhere(Registry):
    """A registry that answers at ``count`` addresses of this machine."""

    def __init__(self, count: int, *arguments: object) -> None:
        super().__init__(*arguments)  # type: ignore[arg-type]
        port = self._server.server_address[1]
        self.hosts: List[str] = []
        self._over = threading.Event()
        self._selector = selectors.DefaultSelector()
        for number in range(2, count + 2):
            address = "127.0.{}.{}".format(number // 250 + 1, number % 250 + 1)
            listener = socket.socket()
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((address, port))
            listener.listen(16)
            self._selector.register(listener, selectors.EVENT_READ)
            self.hosts.append("{}:{}".format(address, port))

    def __enter__(self) -> Everywhere:
        super().__enter__()
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *details: object) -> None:
        self._over.set()
        super().__exit__(*details)
        for key in list(self._selector.get_map().values()):
            key.fileobj.close()  # type: ignore[union-attr]

    def _accept(self) -> None:
        while not self._over.is_set():
            for key, _ in self._selector.select(0.1):
                try:
                    self._server.process_request(*key.fileobj.accept())  # type: ignore[union-attr]
                except OSError:
                    return


@pytest.fixture
def many_files() -> Iterator[None]:
    """For the servers."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 4096)), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    around = dict(os.environ, PYTHONPATH=str(ROOT), LAYERSLAYER_CACHE_DIR=str(folder / "cache"))
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy"):
        around.pop(name, None)
    return subprocess.run(
        [sys.executable, "-c", RUN.format(files=FILES), *words],
        cwd=str(folder),
        env=around,
        capture_output=True,
        text=True,
        timeout=200,
    )


def test_a_batch_over_many(tmp_path: Path, many_files: None) -> None:
    content = single_image([[file("etc/a")], [file("etc/b")]])
    with Everywhere(REGISTRIES, content) as registry:
        (tmp_path / "list").write_text("\n".join("{}/{}:1.0".format(host, NAME) for host in registry.hosts))
        ran = run(tmp_path, "ls", "--batch", "list", "--no-cache", "-q")
    assert ran.returncode == 0, ran.stderr[-2000:]
    assert ran.stdout.count("etc") >= REGISTRIES
    assert int(ran.stderr.rpartition("most=")[2]) < FILES


@pytest.mark.parametrize("more", [[], ["--fast"]])
def test_an_image_whose_every_layer_is_elsewhere(tmp_path: Path, many_files: None, more: List[str]) -> None:
    """As many jobs as may be asked for, each with another storage host."""
    content = single_image([[file("etc/{}".format(number))] for number in range(REGISTRIES)])
    with Everywhere(REGISTRIES, content) as registry:
        numbers = {digest: number for number, digest in enumerate(sorted(content.blobs))}

        def away(request, normal):  # type: ignore[no-untyped-def]
            if request.headers["host"] != registry.host:
                return normal()
            number = numbers[request.path.rpartition("/")[2]] % REGISTRIES
            return redirect("http://{}{}".format(registry.hosts[number], request.path))

        registry.fault("/blobs/", away)
        ran = run(tmp_path, "peek", registry.target, "-j", "64", "-q", *more)
        assert ran.returncode == 0, ran.stderr[-2000:]
        assert ran.stdout.count("complete") == REGISTRIES
        assert int(ran.stderr.rpartition("most=")[2]) < FILES
        ran = run(tmp_path, "save", registry.target, "-j", "64", "-q")
        assert ran.returncode == 0, ran.stderr[-2000:]
