"""A login for the proxy itself (``http://me:password@proxy``): no output has it, whatever the proxy says."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Iterator, List

import pytest

from ...support.registry.running import Runner
from ..wire import Wire, whole

USER, PASSWORD = "pxuser", "hunter2/of px"
PAIR = "{}:{}".format(USER, PASSWORD)
LOGIN = "pxuser:hunter2%2Fof%20px"
NAMES = ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy", "NO_PROXY", "no_proxy"]


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)


def echoing(path: str) -> Iterator[bytes]:
    """Say it in every way that is quoted."""
    said = "{0} | {1} | {2} | {3}".format(PAIR, PASSWORD, LOGIN, base64.b64encode(PAIR.encode()).decode())
    body = json.dumps({"errors": [{"code": "DENIED", "message": said}]}).encode()
    yield whole(body, 'Warning: 299 - "{}"'.format(said), "Docker-Content-Digest: sha256:" + said, status=403)


def told(run: Runner, *words: str) -> List[str]:
    ran = run(*words, "-v", "-l", "log.txt", "--json", "--retries", "0")
    assert ran.code == 2
    return [ran.out, ran.err, Path("log.txt").read_text(encoding="utf-8")]


def test_a_proxy_that_says_its_password(run: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    with Wire(echoing) as proxy:
        monkeypatch.setenv("HTTP_PROXY", "http://{}@{}".format(LOGIN, proxy.host))
        said = told(run, "ls", "--plain-http", "reg.test/demo/shop:1.0")
        assert proxy.asked == ["http://reg.test/v2/demo/shop/manifests/1.0"]
    assert "DENIED: REDACTED | REDACTED | " in said[1]
    for text in said:
        assert PASSWORD not in text and LOGIN not in text and base64.b64encode(PAIR.encode()).decode() not in text


@pytest.mark.parametrize(
    "address",
    ["http://{}@127.0.0.1:9", "{}@127.0.0.1:9", "http://{}@h:x", "http://{}@[::1", "ftp://{}@h", "http://{}@h:99999",
     "socks5://{}@127.0.0.1:9", "http://{}@ho\\st:80", "http://{}\udcff@127.0.0.1:9", "://{}"],
)  # fmt: skip
@pytest.mark.parametrize("name", ["HTTPS_PROXY", "ALL_PROXY"])
def test_a_proxy_that_cannot_be_used(run: Runner, monkeypatch: pytest.MonkeyPatch, name: str, address: str) -> None:
    monkeypatch.setenv(name, address.format(LOGIN))
    said = told(run, "ls", "reg.test/demo/shop:1.0")
    assert "The proxy on the way to reg.test cannot be used. Check HTTPS_PROXY, HTTP_PROXY and NO_PROXY." in said[1]
    assert all("hunter2" not in text for text in said)
