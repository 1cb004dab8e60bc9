"""The bounds that a user may raise: each is one, is named in the help, and is the one that counts."""

from __future__ import annotations

from typing import List

import pytest

from layerslayer import limits
from layerslayer.errors import LayerslayerError, UsageError
from layerslayer.formats.tar.reader import TarWalker
from layerslayer.oci.json_document import load_object
from layerslayer.oci.manifest import parse_manifest

from .support.registry import Registry
from .support.registry.running import Runner
from .support.tars import header, octal


@pytest.fixture(autouse=True)
def own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "current", dict(limits.current))


@pytest.mark.parametrize(("text", "value"), [("window=2G", 2 * 2**30), ("layers=5", 5), ("path=9k", 9 * 1024)])
def test_a_number_may_have_a_unit(text: str, value: int) -> None:
    limits.set_limit(text)
    assert limits.bound(text.partition("=")[0]) == value


@pytest.mark.parametrize("text", ["", "size", "size=", "size=0", "size=-1", "size=1X", "colour=1", "size=\u0661"])
def test_what_is_no_limit(text: str) -> None:
    with pytest.raises(UsageError):
        limits.set_limit(text)


def test_the_help_names_them_all(run: Runner) -> None:
    told = " ".join(run("--help").out.split())
    assert ", ".join(limits.MEANINGS) in told


def test_documents() -> None:
    body = b'{"a": "' + b"a" * 100 + b'"}'
    limits.set_limit("document=100")
    with pytest.raises(LayerslayerError, match="larger than 100 bytes") as refused:
        load_object(body, "manifest")
    assert "--limit document=NUMBER" in refused.value.hint
    limits.set_limit("document=200")
    assert load_object(body, "manifest")


def test_layers_of_an_image() -> None:
    layer = b'{"mediaType": "a", "size": 1, "digest": "sha256:' + b"0" * 64 + b'"}'
    body = b'{"schemaVersion": 2, "config": ' + layer + b', "layers": [' + b",".join([layer] * 3) + b"]}"
    limits.set_limit("layers=2")
    with pytest.raises(LayerslayerError, match="more than the 2 allowed") as refused:
        parse_manifest(body, "application/vnd.oci.image.manifest.v1+json")
    assert "--limit layers=NUMBER" in refused.value.hint
    limits.set_limit("layers=3")
    assert parse_manifest(body, "application/vnd.oci.image.manifest.v1+json")


def test_extensions_in_a_tar() -> None:
    long_name = header(b"x", octal(2**20 + 1, 12), b"x")
    with pytest.raises(LayerslayerError, match="--limit extension=NUMBER"):
        TarWalker().feed(long_name)
    limits.set_limit("extension=2M")
    assert TarWalker().feed(long_name) == []


def test_windows_of_zstd() -> None:
    zstandard = pytest.importorskip("zstandard")
    from layerslayer.formats.decompress import Decompressor

    parameters = zstandard.ZstdCompressionParameters(window_log=21, compression_level=1)
    stream = zstandard.ZstdCompressor(compression_params=parameters).compressobj()  # of unknown size: has a window
    body = stream.compress(bytes(3 * 2**20)) + stream.flush()

    def inflated() -> List[bytes]:
        return list(Decompressor().run(iter([body])))

    limits.set_limit("window=1M")
    with pytest.raises(LayerslayerError, match="--limit window=NUMBER"):
        inflated()
    limits.set_limit("window=2M")
    assert sum(map(len, inflated())) == 3 * 2**20


def test_paths_of_a_merged_view(run: Runner) -> None:
    with Registry() as registry:
        whole = run("tree", registry.target)
        narrow = run("tree", registry.target, "--limit", "path=8")
    assert len(narrow.out) < len(whole.out)
    assert "(--limit path=NUMBER)" in narrow.err
