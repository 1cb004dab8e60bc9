"""The laws of the house, read off the source: which room may import which, who may print.

``offences`` is itself tried on small planted sources, so that a law that
catches nothing is noticed.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Dict, Iterator, List, Set

import pytest

import layerslayer

PACKAGE = "layerslayer"
FOLDER = Path(layerslayer.__file__).parent

# -- which room may import which ------------------------------------------------

BASE = {"errors", "escaping", "limits", "parallel", "user_input", "_version"}
BASE_MAY_IMPORT: Dict[str, Set[str]] = {"errors": {"user_input"}, "limits": {"errors"}}
# Each room may import those named here, and the base; nobody imports the command line.
MAY_IMPORT: Dict[str, Set[str]] = {
    "oci": set(),
    "formats": {"oci"},
    "cache": {"oci", "formats"},
    "registry": {"oci"},
    "sources": {"oci", "formats", "cache", "registry"},
    "layers": {"oci", "formats", "cache"},
    "filesystem": {"oci", "formats", "layers"},
    "analysis": {"oci", "formats", "layers", "filesystem"},
    "export": {"oci", "formats", "layers", "filesystem", "sources"},
    "render": {"oci", "formats", "layers", "filesystem", "analysis"},
    "demo": {"oci"},
}
LIBRARY = {"oci", "formats", "cache", "registry", "sources", "layers", "filesystem", "analysis", "export"}
MAY_IMPORT["api"] = LIBRARY
MAY_IMPORT["cli"] = LIBRARY | {"api", "render", "demo"}
MOST_FILES, MOST_FOLDERS = 9, 13  # in the package's root

# -- what reaches outside the process -------------------------------------------

PURE_ROOMS = ("errors", "limits", "escaping", "user_input", "oci", "formats", "filesystem")
PURE = (
    *("analysis.diff", "analysis.toc_diff", "registry.link_header", "registry.auth.challenges"),
    *("registry.http.origin", "registry.http.private_networks", "registry.http.redaction"),
)
IMPURE = ("filesystem.lookup", "filesystem.merge")  # of the pure rooms
# What they may have of the standard library: nothing that reaches outside the process.
HARMLESS = {
    "__future__", "abc", "array", "base64", "binascii", "bisect", "codecs", "collections", "dataclasses", "datetime",
    "enum", "functools", "hashlib", "heapq", "ipaddress", "itertools", "json", "math", "operator", "posixpath", "re",
    "string", "struct", "sys", "threading", "typing", "unicodedata", "urllib.parse", "warnings", "zlib",
}  # fmt: skip
HARMLESS_IN = {"oci.platforms": ["platform"], "formats": ["isal", "zstandard", "layerslayer.parallel"]}
LIGHT = (
    "cli.arguments",
    "cli.exit_codes",
    "errors",
    "user_input",
    "_version",
)  # what words need; every call of the program loads it
STREAMS = {"stdin", "stdout", "stderr", "__stdin__", "__stdout__", "__stderr__"}


def modules() -> List[str]:
    """Return the dotted name of every module of the package."""
    names = []
    for path in sorted(FOLDER.rglob("*.py")):
        parts = [PACKAGE, *path.relative_to(FOLDER).with_suffix("").parts]
        names.append(".".join(parts[:-1] if parts[-1] == "__init__" else parts))
    return names


def source_of(module: str) -> str:
    path = FOLDER.joinpath(*module.split(".")[1:])
    file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    return file.read_text(encoding="utf-8")


def imports(module: str, tree: ast.AST, is_package: bool = False) -> Set[str]:
    """Return the absolute dotted names that a module imports anywhere; of ``from a import b`` both a and a.b."""
    found: Set[str] = set()
    home = module.split(".")
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                up = home[: len(home) - node.level + (1 if is_package else 0)]
                base = ".".join([*up, *([node.module] if node.module else [])])
            found.add(base)
            found.update(base + "." + alias.name for alias in node.names)
    return found


def touches(names: Set[str], *rooms: str) -> List[str]:
    """Return which of the ``names`` are one of the rooms, or inside of it."""
    return sorted(name for name in names if any(name == room or name.startswith(room + ".") for room in rooms))


def inside(*rooms: str) -> List[str]:
    return [PACKAGE + "." + room for room in rooms]


def calls(tree: ast.AST) -> Set[str]:
    """Return the plain names that are used: ``print``, ``input``, ``open`` ..."""
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}


def streams(tree: ast.AST) -> Set[str]:
    """Return which of the process's streams a module names: ``sys.stdout``, ``from sys import stderr`` ..."""
    found: Set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in STREAMS:
            found.add(node.attr)
        elif isinstance(node, ast.ImportFrom) and node.module == "sys":
            found.update(alias.name for alias in node.names if alias.name in STREAMS)
    return found


def rooms_above(module: str, names: Set[str]) -> Set[str]:
    """Return the rooms that a module imports though it may not."""
    room = module.partition(".")[0]
    if room in ("", "__main__"):
        return set()
    allowed = BASE_MAY_IMPORT.get(room, set()) if room in BASE else MAY_IMPORT[room] | BASE | {room}
    imported = {name.split(".")[1] for name in touches(names, PACKAGE) if name != PACKAGE}
    return imported - allowed


def offences(module: str, source: str, is_package: bool = False) -> List[str]:
    """Return a sentence for each law that the source, standing in for ``module``, breaks."""
    tree = ast.parse(source)
    names = imports(module, tree, is_package)
    name = module[len(PACKAGE) + 1 :]
    found = ["{} imports the room {}".format(name, room) for room in sorted(rooms_above(name, names))]
    return [*found, *_import_offences(name, names), *_output_offences(name, tree), *_purity_offences(name, names, tree)]


def _import_offences(module: str, names: Set[str]) -> Iterator[str]:
    forbidden: List[str] = []
    if touches({module}, "cli.arguments"):  # which every command line loads, whatever it asks for
        allowed = {PACKAGE, *touches(names, *inside(*LIGHT))}
        forbidden += [name for name in names - allowed if name.startswith(PACKAGE)]
    if module != "__main__":
        forbidden += inside("cli.main", "__main__")
    if not touches({module}, "registry.http"):
        forbidden += ["requests", "urllib3", "urllib.request", "http.client"]
    if module in ("registry.http", "registry.http.unix_socket"):  # which daemons' images load, without the HTTP library
        forbidden += ["requests", "urllib3"]
    if not touches({module}, "cli.arguments"):
        forbidden += ["argparse", "optparse", "getopt"]
    if module not in ("cli.console", "cli.progress"):
        forbidden += ["rich"]
    forbidden += ["logging"] if module == "cli.commands" else ["importlib", "logging"]  # imports by the back door
    for name in touches(names, *forbidden):
        yield "{} imports {}".format(module, name)


def _output_offences(module: str, tree: ast.AST) -> Iterator[str]:
    if module == "cli.streams":
        return
    allowed = {"stdout"} if module == "cli.main" else set()
    for name in sorted(streams(tree) - allowed):
        yield "{} touches sys.{}".format(module, name)
    for name in sorted(calls(tree) & {"print", "input", "breakpoint", "__import__"}):
        yield "{} uses {}".format(module, name)


def _purity_offences(module: str, names: Set[str], tree: ast.AST) -> Iterator[str]:
    if module in IMPURE or not touches({module}, *PURE_ROOMS, *PURE):
        return
    allowed = [*HARMLESS, *inside(*PURE_ROOMS, *PURE)]
    allowed += [name for room, more in HARMLESS_IN.items() if touches({module}, room) for name in more]
    impure = touches(names, *inside(*IMPURE))
    for name in sorted((names - {PACKAGE} - set(touches(names, *allowed))) | set(impure)):
        yield "{} imports {}".format(module, name)
    for name in sorted(calls(tree) & {"open", "exec", "eval"}):
        yield "{} uses {}".format(module, name)


@pytest.mark.parametrize("module", modules())
def test_every_module_keeps_the_laws(module: str) -> None:
    path = FOLDER.joinpath(*module.split(".")[1:])
    assert offences(module, source_of(module), path.is_dir()) == []


def test_the_modules_that_the_laws_name_exist() -> None:
    known = set(modules())
    named = {*BASE, *MAY_IMPORT, *PURE_ROOMS, *PURE, *IMPURE, *HARMLESS_IN, *LIGHT} - {"api"}
    assert {PACKAGE + "." + name for name in named} <= known
    for module in ("sender", "connections", "response", "failures"):
        name = PACKAGE + ".registry.http." + module
        assert "requests" in imports(name, ast.parse(source_of(name)))
    parsers = PACKAGE + ".cli.arguments.parsers"
    assert "argparse" in imports(parsers, ast.parse(source_of(parsers)))
    assert streams(ast.parse(source_of(PACKAGE + ".cli.streams"))) >= {"stdin", "stdout", "stderr"}
    assert PACKAGE + ".cli.main" in known


def test_no_room_imports_one_that_imports_it() -> None:
    below: Set[str] = set()
    for room, may in MAY_IMPORT.items():  # in order, from the ground up
        assert may <= below | {"api"} if room == "cli" else may <= below
        below.add(room)


PLANTED = [
    ("errors", "from .limits import bound", "errors imports the room limits"),
    ("errors", "from .oci import digest", "errors imports the room oci"),
    ("escaping", "from . import limits", "escaping imports the room limits"),
    ("oci.image", "from ..formats.entry import Entry", "oci.image imports the room formats"),
    ("formats.tar.reader", "from ...layers import stream", "formats.tar.reader imports the room layers"),
    ("cache.rows", "from ..layers.outcome import Report", "cache.rows imports the room layers"),
    ("registry.repository", "from ..formats.tar import reader", "registry.repository imports the room formats"),
    ("registry.http.client", "from ... import sources", "registry.http.client imports the room sources"),
    ("sources.budget", "from ..layers.open import Contents", "sources.budget imports the room layers"),
    ("layers.stream", "from ..sources import files", "layers.stream imports the room sources"),
    ("layers.leap.reader", "from ... import registry", "layers.leap.reader imports the room registry"),
    ("layers.stream", "def f():\n    import layerslayer.registry.http", "layers.stream imports the room registry"),
    ("filesystem.overlay", "from ..export.sinks import Sink", "filesystem.overlay imports the room export"),
    ("analysis.cost", "from ..cache import Store", "analysis.cost imports the room cache"),
    ("export.download", "from ..render import listing", "export.download imports the room render"),
    ("render.listing", "from ..cli.console import Console", "render.listing imports the room cli"),
    ("render.listing", "from ..sources.local import open_local", "render.listing imports the room sources"),
    ("render.listing", "from ..registry.http.redaction import redacted", "render.listing imports the room registry"),
    ("demo.registry", "from ..formats.tar import reader", "demo.registry imports the room formats"),
    ("api", "from .cli.session import Session", "api imports the room cli"),
    ("sources.local", "from .. import __version__", "sources.local imports the room __version__"),
    ("layers.stream", "import requests.adapters", "layers.stream imports requests.adapters"),
    ("registry.repository", "from requests import Session", "registry.repository imports requests"),
    ("registry.http.unix_socket", "import requests", "registry.http.unix_socket imports requests"),
    ("registry.http", "from urllib3 import connection", "registry.http imports urllib3"),
    ("registry.httpx", "import requests", "registry.httpx imports requests"),
    ("registry.auth.bearer", "import http.client", "registry.auth.bearer imports http.client"),
    ("registry.auth.bearer", "from urllib.request import urlopen", "registry.auth.bearer imports urllib.request"),
    ("cli.commands.peek", "from ..main import main", "cli.commands.peek imports layerslayer.cli.main"),
    ("cli.commands.peek", "from .. import main", "cli.commands.peek imports layerslayer.cli.main"),
    ("cli.commands.peek", "from rich.text import Text", "cli.commands.peek imports rich.text"),
    ("cli.commands.peek", "import argparse", "cli.commands.peek imports argparse"),
    ("cli.arguments.flags", "from ...oci import tag", "cli.arguments.flags imports layerslayer.oci"),
    ("cli.commands.peek", "import sys\nsys.stdout.write('x')", "cli.commands.peek touches sys.stdout"),
    ("cli.commands.peek", "from sys import stderr as e", "cli.commands.peek touches sys.stderr"),
    ("cli.commands.peek", "import sys as s\ns.__stdout__.write('x')", "cli.commands.peek touches sys.__stdout__"),
    ("cli.commands.peek", "say = print", "cli.commands.peek uses print"),
    ("cli.commands.peek", "x = input('?')", "cli.commands.peek uses input"),
    ("cli.commands.peek", "x = __import__('requests')", "cli.commands.peek uses __import__"),
    ("cli.commands.peek", "import importlib", "cli.commands.peek imports importlib"),
    ("cli.main", "import sys\nsys.stderr.write('x')", "cli.main touches sys.stderr"),
    ("cli.main", "print('x')", "cli.main uses print"),
    ("cli.console", "import sys\nsys.stderr.write('x')", "cli.console touches sys.stderr"),
    ("oci.manifest", "import os", "oci.manifest imports os"),
    ("oci.manifest", "from os import path", "oci.manifest imports os"),
    ("oci.manifest", "import io, socket", "oci.manifest imports socket"),
    ("oci.manifest", "import platform", "oci.manifest imports platform"),
    ("oci.manifest", "import zstandard", "oci.manifest imports zstandard"),
    ("oci.manifest", "x = open('f').read()", "oci.manifest uses open"),
    ("formats.tar.reader", "import subprocess", "formats.tar.reader imports subprocess"),
    ("filesystem.overlay", "import os", "filesystem.overlay imports os"),
    ("filesystem.tree", "from . import lookup", "filesystem.tree imports layerslayer.filesystem.lookup"),
    ("filesystem.tree", "from ..layers import stream", "filesystem.tree imports layerslayer.layers.stream"),
    ("registry.link_header", "import requests", "registry.link_header imports requests"),
]


@pytest.mark.parametrize("module, source, offence", PLANTED, ids=["{}: {}".format(*item[:2]) for item in PLANTED])
def test_a_planted_offence_is_caught(module: str, source: str, offence: str) -> None:
    assert offence in offences(PACKAGE + "." + module, source, module == "registry.http")


def test_an_offence_is_planted_in_every_room() -> None:
    caught = {module.partition(".")[0] for module, _, offence in PLANTED if "imports the room" in offence}
    assert caught >= set(MAY_IMPORT) - {"cli"}  # which may import all


INNOCENT = [
    ("registry.http.sender", "import requests, urllib3"),
    ("registry.http.unix_socket", "import http.client"),
    ("cli.arguments.parsers", "import argparse"),
    ("cli.arguments.flags", "from ..._version import __version__"),
    ("cli.commands", "from importlib import import_module"),
    ("cli.main", "import sys\nsys.stdout.fileno()"),
    ("cli.streams", "import sys\nprint(sys.stdin.readline(), file=sys.stderr)"),
    ("cli.progress", "from rich.progress import Progress"),
    ("__main__", "from layerslayer.cli.main import run"),
    ("oci.platforms", "import platform as machine\nfrom ..errors import UsageError"),
    ("oci.manifest", "from __future__ import annotations\nfrom .digest import digest_problem\nimport json"),
    ("formats.zstd.stream", "import zstandard\nfrom ...parallel import wait_for_turn"),
    ("layers.stream", "from ..formats.entry import Entry\nfrom ..cache import Store"),
    ("registry.repository", "from .http.client import Transport\nfrom ..oci.source import Source"),
    ("cli.commands.peek", "class C:\n    def print(self): ...\nC().print()"),
]


@pytest.mark.parametrize("module, source", INNOCENT, ids=[item[0] for item in INNOCENT])
def test_what_is_allowed_is_not_called_an_offence(module: str, source: str) -> None:
    assert offences(PACKAGE + "." + module, source) == []


def test_relative_imports_are_resolved() -> None:
    tree = ast.parse("from . import a\nfrom .b import c\nfrom .. import d\nfrom ..e.f import g\nimport h.i")
    assert imports("p.q.r", tree) == {"p.q", "p.q.a", "p.q.b", "p.q.b.c", "p", "p.d", "p.e.f", "p.e.f.g", "h.i"}
    assert imports("p.q", ast.parse("from . import a"), is_package=True) == {"p.q", "p.q.a"}


def test_the_root_has_few_files_and_folders() -> None:
    assert len(list(FOLDER.glob("*.py"))) <= MOST_FILES
    assert len(list(FOLDER.glob("*/__init__.py"))) <= MOST_FOLDERS


def test_every_room_is_shipped() -> None:
    """What setup is told to install: each folder with modules in it."""
    listed = (
        (FOLDER.parent / "pyproject.toml").read_text(encoding="utf-8").partition("\npackages = [")[2].partition("]")
    )
    folders = {path.parent.relative_to(FOLDER.parent).parts for path in FOLDER.rglob("__init__.py")}
    assert sorted(".".join(parts) for parts in folders) == sorted(re.findall('"(.+?)"', listed[0]))


def test_every_room_stands_once_in_the_plan() -> None:
    """The table of CONTRIBUTING.md, where a stranger looks for the place to change."""
    plan = (FOLDER.parent / "CONTRIBUTING.md").read_text(encoding="utf-8")
    first_cells = re.findall(r"^\| (`[^|]+`) \|", plan, re.MULTILINE)
    named = [name for cell in first_cells for name in re.findall("`([^`]+)`", cell)]
    rooms = [path.name for path in FOLDER.glob("*.py") if not path.stem.startswith("_")]
    rooms += [path.parent.name + "/" for path in FOLDER.glob("*/__init__.py")]
    assert sorted(named) == sorted(rooms)
