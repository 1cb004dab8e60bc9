"""The bounds that a user may raise: each is one, is named in the help, and is the one that counts."""

from __future__ import annotations

import ast
import pickle
from functools import lru_cache
from typing import Dict, Iterator, List, Optional, Set, Tuple

import pytest

from layerslayer.errors import Action, LayerslayerError, Remedy
from layerslayer.formats.tar.reader import TarWalker
from layerslayer.limits import DEFAULT, MEANINGS, LimitReached, Limits, raising
from layerslayer.oci.json_document import load_object
from layerslayer.oci.manifest import parse_manifest

from .support.registry import Registry
from .support.registry.running import Runner
from .support.tars import header, octal
from .test_architecture import PACKAGE, modules, source_of


def test_each_has_a_meaning() -> None:
    assert Limits._fields == tuple(MEANINGS)


def test_they_are_a_value() -> None:
    assert Limits() == DEFAULT != Limits(entries=5)
    assert pickle.loads(pickle.dumps(Limits(path=9))) == Limits(path=9)
    with pytest.raises(AttributeError):
        DEFAULT.size = 1  # type: ignore[misc]


def test_the_help_names_them_all(run: Runner) -> None:
    told = " ".join(run("--help").out.split())
    assert ", ".join(MEANINGS) in told


def test_inflated_sizes() -> None:
    limits = Limits(size=300 * 2**20, ratio=10)
    limits.check_size(256 * 2**20, 1)  # any layer may have so much
    limits.check_size(300 * 2**20, 10**8)
    with pytest.raises(LimitReached, match="more than 314572800 bytes"):
        limits.check_size(300 * 2**20 + 1, 10**8)
    with pytest.raises(LimitReached, match="as a bomb does; the limit is 10 times"):
        limits.check_size(300 * 2**20, 1)


def test_documents() -> None:
    body = b'{"a": "' + b"a" * 100 + b'"}'
    with pytest.raises(LayerslayerError, match="larger than 100 bytes") as refused:
        load_object(body, "manifest", limits=Limits(document=100))
    assert refused.value.remedy == raising("document")
    assert load_object(body, "manifest", limits=Limits(document=200))


def test_layers_of_an_image() -> None:
    layer = b'{"mediaType": "a", "size": 1, "digest": "sha256:' + b"0" * 64 + b'"}'
    body = b'{"schemaVersion": 2, "config": ' + layer + b', "layers": [' + b",".join([layer] * 3) + b"]}"
    with pytest.raises(LayerslayerError, match="more than the 2 allowed") as refused:
        parse_manifest(body, "application/vnd.oci.image.manifest.v1+json", Limits(layers=2))
    assert refused.value.remedy == raising("layers")
    assert parse_manifest(body, "application/vnd.oci.image.manifest.v1+json", Limits(layers=3))


def test_extensions_in_a_tar() -> None:
    long_name = header(b"x", octal(2**20 + 1, 12), b"x")
    with pytest.raises(LayerslayerError) as refused:
        TarWalker().feed(long_name)
    assert refused.value.within == Remedy(Action.ALLOW_LONGER, "extension")
    assert TarWalker(limits=Limits(extension=2 * 2**20)).feed(long_name) == []


def test_windows_of_zstd() -> None:
    zstandard = pytest.importorskip("zstandard")
    from layerslayer.formats.decompress import Decompressor

    parameters = zstandard.ZstdCompressionParameters(window_log=21, compression_level=1)
    stream = zstandard.ZstdCompressor(compression_params=parameters).compressobj()  # of unknown size: has a window
    body = stream.compress(bytes(3 * 2**20)) + stream.flush()

    def inflated(limits: Limits) -> List[bytes]:
        return list(Decompressor(limits=limits).run(iter([body])))

    with pytest.raises(LayerslayerError) as refused:
        inflated(Limits(window=2**20))
    assert refused.value.within == raising("window")
    assert sum(map(len, inflated(Limits(window=2 * 2**20)))) == 3 * 2**20


def test_paths_of_a_merged_view(run: Runner) -> None:
    with Registry() as registry:
        whole = run("tree", registry.target)
        narrow = run("tree", registry.target, "--limit", "path=8")
    assert len(narrow.out) < len(whole.out)
    assert "(--limit path=NUMBER)" in narrow.err


# -- whoever reads is handed the limits of its caller ----------------------------
#
# Parameters called ``limits`` have defaults, for programs that need no others.
# Within the package each call passes them on: where one forgot, a raised limit
# would count in some places only.

Signature = Tuple[str, int]  # where it stands, and the place of ``limits`` among the arguments of a call


@lru_cache(maxsize=None)
def signatures() -> Dict[str, List[Signature]]:
    """Return what takes limits: functions and classes, by name."""
    found: Dict[str, List[Signature]] = {}
    for module in modules():
        for node in ast.walk(ast.parse(source_of(module))):
            if isinstance(node, ast.ClassDef):
                for item in node.body:
                    if isinstance(item, ast.FunctionDef):
                        name = node.name if item.name == "__init__" else item.name
                        _note(found, name, module, item, own=1)
            elif isinstance(node, ast.Module):
                for item in node.body:
                    if isinstance(item, ast.FunctionDef):
                        _note(found, item.name, module, item, own=0)
    return found


def _note(found: Dict[str, List[Signature]], name: str, module: str, function: ast.FunctionDef, own: int) -> None:
    names = [argument.arg for argument in function.args.args]
    place = names.index("limits") - own if "limits" in names else -1
    found.setdefault(name, []).append((module, place))


def forgotten(module: str, source: str, known: Dict[str, List[Signature]]) -> Iterator[str]:
    """Yield the calls of a module that pass no limits to what takes some."""
    tree = ast.parse(source)
    origins = _origins(module, tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name, place = _called(node, origins, known)
            passed = place is None or len(node.args) > place or any(word.arg == "limits" for word in node.keywords)
            if not passed:
                yield "{}:{} calls {} without limits".format(module, node.lineno, name)


def _origins(module: str, tree: ast.AST) -> Dict[str, str]:
    """Return the modules that names come from, or stand for: by ``from .a import b`` both a and a.b do for b."""
    found: Dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.level:
            home = module.split(".")[: -node.level]
            base = ".".join([*home, *([node.module] if node.module else [])])
            found.update((alias.name, base) for alias in node.names)
    return found


def _called(node: ast.Call, origins: Dict[str, str], known: Dict[str, List[Signature]]) -> Tuple[str, Optional[int]]:
    """Return the name of what is called, and where limits stand; None for what takes none, or could be several."""
    function, owner = node.func, ""
    if isinstance(function, ast.Attribute):
        name = function.attr
        if isinstance(function.value, ast.Name):
            owner = origins.get(function.value.id, "") and origins[function.value.id] + "." + function.value.id
    else:
        name = function.id if isinstance(function, ast.Name) else ""
        owner = origins.get(name, "")
    candidates = known.get(name, [])
    meant = [item for item in candidates if item[0] == owner] or candidates
    places: Set[int] = {place for _, place in meant}
    return name, places.pop() if len(places) == 1 and -1 not in places else None


@pytest.mark.parametrize("module", [name for name in modules() if ".demo" not in name])
def test_limits_are_handed_down(module: str) -> None:
    assert list(forgotten(module, source_of(module), signatures())) == []


@pytest.mark.parametrize(
    "source",
    [
        "from ..formats.tar.reader import TarWalker\nTarWalker(5)",
        "from ..oci.manifest import parse_manifest\nparse_manifest(b'', '')",
        "from .toc import estargz\nestargz.find(descriptor, open_range)",
        "from .leap.zstd_seek_table import find\nfind(fetcher)",
        "def f():\n    from ..formats.memory import Holding\n    return Holding(merged=False)",
    ],
)
def test_what_is_not_handed_down_is_noticed(source: str) -> None:
    assert len(list(forgotten(PACKAGE + ".layers.stream", source, signatures()))) == 1
