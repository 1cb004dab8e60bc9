"""Lists, documents and statements made to cost memory: what verbs take in all, as the operating system counts it."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import subprocess
import sys
import tracemalloc
from pathlib import Path
from typing import Any, Dict, Iterator, List, NamedTuple, Optional

import pytest

from layerslayer.demo.image import add_manifest
from layerslayer.demo.registry import Request, Response
from layerslayer.errors import InvalidDocument
from layerslayer.oci.descriptor import digest_of
from layerslayer.oci.media_types import OCI_INDEX, OCI_MANIFEST
from layerslayer.registry.http.origin import origin_of
from layerslayer.registry.listings import listed_tags

from ...support.registry import NAME, Normal, Registry
from ...support.registry.faults import single_image

pytestmark = pytest.mark.costly

MOST = 250 * 10**6  # bytes in all, with the interpreter
ROOT = Path(__file__).resolve().parents[3]
RUN = """
import sys
from layerslayer.cli.main import main
code = main(sys.argv[1:])
sys.stdout.flush()
with open("/proc/self/status") as status:
    peak = next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM"))
sys.stderr.write("peak={}".format(peak))
sys.exit(code)
"""
linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the peak is read from /proc")


class Ran(NamedTuple):
    code: int
    out: bytes
    err: str
    peak: int


def run(folder: Path, *words: str) -> Ran:
    around = dict(os.environ, PYTHONPATH=str(ROOT), LAYERSLAYER_CACHE_DIR=str(folder / "cache"))
    done = subprocess.run(
        [sys.executable, "-c", RUN, *words, "-q"], cwd=str(folder), env=around, capture_output=True, timeout=120
    )
    err, _, peak = done.stderr.decode("utf-8", "replace").rpartition("peak=")
    assert "Traceback" not in err
    return Ran(done.returncode, done.stdout, err, int(peak))


def zipped(body: bytes, kind: str, link: str = "") -> Response:
    headers = {"Content-Type": kind, "Content-Encoding": "gzip"}
    return Response(200, dict(headers, Link=link) if link else headers, gzip.compress(body, 1))


def filled(begin: bytes, item: bytes, end: bytes, size: int) -> bytes:
    """``size`` bytes at most of JSON that repeats an item."""
    return begin + item * ((size - len(begin) - len(end)) // len(item)) + end


PAGE = 16 * 2**20
PAGES: Dict[str, bytes] = {
    "lists": filled(b'{"tags":[', b"[],", b'"a"]}', PAGE),
    "objects": filled(b'{"tags":[', b"{},", b'"a"]}', PAGE),
    "pairs": filled(b'{"tags":[', b'{"":0},', b'"a"]}', PAGE),
    "texts": filled(b'{"tags":[', b'"ab",', b'"a"]}', PAGE),
    "nested": filled(b'{"tags":[', b"[[[[[[[[]]]]]]]],", b'"a"]}', PAGE),
    "wide": filled(b'{"tags":["a"],"x":"', "\U0001f600".encode(), b'"}', PAGE),
    "one wide letter": filled(b'{"tags":["a"],"x":"\xf0\x9f\x98\x80', b"a", b'"}', PAGE),
}


@linux
@pytest.mark.parametrize("case", PAGES)
def test_a_page_of_tags(tmp_path: Path, case: str) -> None:
    with Registry() as registry:
        registry.fault("/tags/list$", zipped(PAGES[case], "application/json"))
        ran = run(tmp_path, "tags", registry.target)
    assert ran.peak < MOST
    assert ran.code == 2 and "made to cost memory" in ran.err


class _Page:
    """An answer to one request for tags."""

    def __init__(self, body: bytes, link: str) -> None:
        self.headers, self.url = {"link": link}, "https://r.example/tags"
        self._body = body

    def read(self, limit: int) -> bytes:
        return self._body[: limit + 1]

    def quoted(self, words: str, limit: int) -> str:
        return words[:limit]


def paged(make: Any, warned: List[str]) -> Iterator[str]:
    def ask(path: str, headers: Optional[Dict[str, str]]) -> Any:
        number = int(path.partition("=")[2] or 0)
        return _Page(make(number), "</tags?p={}>; rel=next".format(number + 1))

    return listed_tags(ask, "/tags", origin_of("https://r.example/"), warned.append)


def test_unusable_names_are_not_kept() -> None:
    """A hundred pages of a megabyte, each with one tag and names that are none."""
    warned: List[str] = []

    def make(number: int) -> bytes:
        names = ["{}/{}".format(number, index) + "y" * 100000 for index in range(10)]
        return json.dumps({"tags": ["t{}".format(number), *names]}).encode()

    tracemalloc.start()
    try:
        tags = paged(make, warned)
        assert [next(tags) for _ in range(100)] == ["t{}".format(number) for number in range(100)]
        assert tracemalloc.get_traced_memory()[1] < 20 * 10**6
    finally:
        tracemalloc.stop()


def test_all_pages_together_are_bounded() -> None:
    more = b'],"x":"' + b"y" * (15 * 2**20) + b'"}'
    tags = paged(lambda number: b'{"tags":["%d"' % number + more, [])
    with pytest.raises(InvalidDocument, match="bytes in all"):
        assert sum(1 for _ in tags) < 20


def test_hundreds_of_thousands_of_honest_tags() -> None:
    """In pages of a thousand, as registries cut them; each is there before the next page is asked for."""
    asked: List[int] = []

    def make(number: int) -> bytes:
        asked.append(number)
        return json.dumps({"tags": ["v1.{}.{}-amd64".format(number, index) for index in range(1000)]}).encode()

    tags = paged(make, [])
    assert len({next(tags) for _ in range(200_000)}) == 200_000
    assert len(asked) == 200


def test_pages_that_bring_nothing_new() -> None:
    asked: List[int] = []

    def make(number: int) -> bytes:
        asked.append(number)
        return b'{"tags": ["a", "../b"]}'

    found: List[str] = []
    with pytest.raises(Exception, match="its last 8 pages brought nothing new"):
        found.extend(paged(make, []))
    assert (found, len(asked)) == (["a"], 9)


STATEMENT = 16 * 2**20 - 64
STATEMENTS: Dict[str, bytes] = {
    "lists": filled(b'{"a":[', b"[],", b"0]}", STATEMENT),
    "as dense as may be": filled(b'{"a":[' + b"[]," * 300_000 + b'"', b"a", b'"]}', STATEMENT),
    "invisible letters": filled(b'{"a":"', "\u202e".encode(), b'"}', STATEMENT // 4),
    "escapes": filled(b'{"a":"', b"\\u0001", b'"}', STATEMENT // 4),
}


def attested(payload: bytes, layers: int) -> Registry:
    """A registry with an image that a document refers to, whose layers are all ``payload``."""
    content = single_image([[]])
    subject = content.tags[(NAME, "1.0")]
    described = []
    for kind, blob in (("application/vnd.example+json", b"{}"), ("application/vnd.in-toto+json", payload)):
        content.blobs[digest_of(blob)] = blob
        described.append({"mediaType": kind, "digest": digest_of(blob), "size": len(blob)})
    document = {"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": described[0], "layers": described[1:] * layers}
    add_manifest(content, dict(document, subject={"mediaType": "x", "digest": subject, "size": 1}))
    registry = Registry(content)
    sent = zipped(payload, "application/octet-stream")

    def blob(request: Request, normal: Normal) -> Response:
        return sent if request.path.endswith(hashlib.sha256(payload).hexdigest()) else normal()

    registry.fault("/blobs/", blob)
    return registry


@linux
@pytest.mark.parametrize(
    ("case", "more"),
    [
        ("lists", "--payloads"),
        ("as dense as may be", "--json"),
        ("invisible letters", "--payloads"),
        ("invisible letters", "--json"),
        ("escapes", "--payloads"),
    ],
)
def test_statements(tmp_path: Path, case: str, more: str) -> None:
    with attested(STATEMENTS[case], 6 if "dense" in case else 1) as registry:
        ran = run(tmp_path, "referrers", registry.target, more)
    assert ran.code == 0
    assert ran.peak < MOST
    assert (b"made to cost memory" in ran.out) == (case == "lists")
    if "dense" in case:
        assert ran.out.count(b"bytes together") == 2  # the first four were read


@linux
def test_pages_of_referrers(tmp_path: Path) -> None:
    notes = json.dumps({"{:x}".format(number): "" for number in range(200_000)}).encode()
    form = b'{"schemaVersion":2,"manifests":[{"mediaType":"x","size":1,"digest":"sha256:%064x","annotations":%s}]}'

    def page(request: Request, normal: Normal) -> Response:
        number = int(request.query.get("p", ["0"])[0])
        body = form % (number, notes)
        return zipped(body, OCI_INDEX, "<?p={}>; rel=next".format(number + 1))

    with Registry(single_image([[]])) as registry:
        registry.fault("/referrers/", page)
        ran = run(tmp_path, "referrers", registry.target)
    assert ran.code == 2 and "list of referrers has more than" in ran.err
    assert ran.peak < MOST


DOCUMENT = 4 * 2**20
BASE = b'{"os":"linux","architecture":"amd64",'
CONFIGS: Dict[str, bytes] = {
    "labels": BASE + b'"config":{"Labels":{' + b",".join(b'"%x":""' % n for n in range(250_000)) + b"}}}",
    "invisible letters": filled(BASE + b'"config":{"Env":["A=', "\u202e".encode(), b'"]}}', DOCUMENT),
    "objects": filled(BASE + b'"x":[', b"{},", b"0]}", DOCUMENT),
    "steps": filled(BASE + b'"history":[{"empty_layer":true,"created_by":"RUN x', b"&& a ", b'"}]}', DOCUMENT),
}


DOCUMENTS = [
    ("config", "labels", ["--json"]),
    ("config", "invisible letters", []),
    ("config", "objects", []),
    ("history", "labels", []),
    ("history", "steps", ["--dockerfile"]),
    ("manifest", "labels", ["--json"]),
    ("manifest", "labels", ["--platform", "linux/amd64"]),
]


@linux
@pytest.mark.parametrize(("verb", "case", "more"), DOCUMENTS)
def test_documents(tmp_path: Path, verb: str, case: str, more: List[str]) -> None:
    """An index, a manifest and a config at once, each as costly as it may be."""
    content = single_image([[]])
    document = json.loads(content.manifests[content.tags[(NAME, "1.0")]].body.decode())
    config = CONFIGS[case]
    content.blobs[digest_of(config)] = config
    document["config"].update(digest=digest_of(config), size=len(config))
    document["annotations"] = {"{:x}".format(number): "" for number in range(200_000)}
    entry = add_manifest(content, document)
    entry.update(annotations=document["annotations"], platform={"os": "linux", "architecture": "amd64"})
    index = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [entry]}
    content.tags[(NAME, "1.0")] = add_manifest(content, index)["digest"]
    with Registry(content) as registry:
        ran = run(tmp_path, verb, registry.target, *more)
    assert ran.peak < MOST
    assert ran.code == 0 or "made to cost memory" in ran.err
