"""The laws of the house, read off the source: who may import whom, who may print.

``offences`` is itself tried on small planted sources, so that a law that
catches nothing is noticed.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Iterator, List, Set

import pytest

import layerslayer

PACKAGE = "layerslayer"
FOLDER = Path(layerslayer.__file__).parent
VALUES = (
    "errors",
    "limits",
    "digests",
    "local_reference",
    "reference",
    "media_types",
    "documents",
    "descriptors",
    "schema1",
    "manifest",
    "config",
    "instructions",
    "addresses",
    "origins",
    "redaction",
    "platforms",
    "entries",
    "nodes",
    "filesystem",
    "overlay",
    "patterns",
    "picking",
    "differences",
    "index_differences",
    "escaping",
    "typed",
)
# What a value room may have of the standard library: nothing that reaches outside the process.
PURE = {
    "__future__", "abc", "base64", "binascii", "bisect", "codecs", "collections", "dataclasses", "datetime", "enum",
    "functools", "hashlib", "heapq", "ipaddress", "itertools", "json", "math", "operator", "posixpath", "re", "string",
    "struct",
    "typing", "unicodedata", "urllib.parse", "warnings",
}  # fmt: skip
LIGHT = ("arguments", "errors", "typed")  # what the words of the command line need; every call loads it
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


def offences(module: str, source: str, is_package: bool = False) -> List[str]:
    """Return a sentence for each law that the source, standing in for ``module``, breaks."""
    tree = ast.parse(source)
    names = imports(module, tree, is_package)
    room = module[len(PACKAGE) + 1 :]
    top = room.partition(".")[0]
    return [*_import_offences(room, top, names), *_output_offences(room, tree), *_value_offences(room, names, tree)]


def _import_offences(room: str, top: str, names: Set[str]) -> Iterator[str]:
    forbidden: List[str] = []
    if top == "layers":
        forbidden += inside("sources", "transport", "auth", "credentials", "console", "commands")
    if top == "sources":
        forbidden += inside("layers")
    if top == "views":
        forbidden += inside("console", "commands", "sources", "transport", "auth")
    if top == "arguments":  # which every command line loads, whatever it asks for
        allowed = {PACKAGE, PACKAGE + ".__version__", *touches(names, *inside(*LIGHT))}
        forbidden += [name for name in names - allowed if name.startswith(PACKAGE)]
    if room != "__main__":
        forbidden += inside("cli", "__main__")
    if top != "transport":
        forbidden += ["requests", "urllib3", "urllib.request", "http.client"]
    if room in ("transport", "transport.unix_socket"):  # which daemons' images load, without the HTTP library
        forbidden += ["requests", "urllib3"]
    if top != "arguments":
        forbidden += ["argparse", "optparse", "getopt"]
    if room not in ("console", "progress"):
        forbidden += ["rich"]
    forbidden += ["importlib", "logging"]  # imports and output by the back door
    for name in touches(names, *forbidden):
        yield "{} imports {}".format(room, name)


def _output_offences(room: str, tree: ast.AST) -> Iterator[str]:
    if room in ("console", "tee"):
        return
    allowed = {"stdout"} if room == "cli" else set()
    for name in sorted(streams(tree) - allowed):
        yield "{} touches sys.{}".format(room, name)
    for name in sorted(calls(tree) & {"print", "input", "breakpoint", "__import__"}):
        yield "{} uses {}".format(room, name)


def _value_offences(room: str, names: Set[str], tree: ast.AST) -> Iterator[str]:
    if room not in VALUES:
        return
    allowed = [*PURE, *inside(*VALUES), *(["platform"] if room == "platforms" else [])]
    for name in sorted(names - set(touches(names, *allowed)) - {PACKAGE}):
        yield "{} imports {}".format(room, name)
    for name in sorted(calls(tree) & {"open", "exec", "eval"}):
        yield "{} uses {}".format(room, name)


@pytest.mark.parametrize("module", modules())
def test_every_room_keeps_the_laws(module: str) -> None:
    path = FOLDER.joinpath(*module.split(".")[1:])
    assert offences(module, source_of(module), path.is_dir()) == []


def test_the_rooms_that_the_laws_name_exist() -> None:
    known = set(modules())
    for room in (
        *VALUES,
        "transport",
        "auth",
        "console",
        "tee",
        "cli",
        "layers.tar",
        "sources.registry",
        "views.steps",
    ):
        assert PACKAGE + "." + room in known
    for room in ("sending", "connections", "answers", "failures"):
        name = PACKAGE + ".transport." + room
        assert "requests" in imports(name, ast.parse(source_of(name)))
    parsers = PACKAGE + ".arguments.parsers"
    assert "argparse" in imports(parsers, ast.parse(source_of(parsers)))
    assert streams(ast.parse(source_of(PACKAGE + ".console"))) >= {"stdout", "stderr"}


PLANTED = [
    ("layers.tar", "from ..sources.base import Source", "layers.tar imports layerslayer.oci.source"),
    ("layers.tar", "from .. import sources", "layers.tar imports layerslayer.sources"),
    ("layers.tar", "def f():\n    import layerslayer.registry.http", "layers.tar imports layerslayer.registry.http"),
    ("layers.tar", "from ..auth import BearerAuth", "layers.tar imports layerslayer.registry.auth.bearer"),
    ("layers.tar", "import requests.adapters", "layers.tar imports requests.adapters"),
    ("sources.registry", "from ..layers import tar", "sources.registry imports layerslayer.formats.tar.reader"),
    ("sources.registry", "from requests import Session", "sources.registry imports requests"),
    ("transport.unix_socket", "import requests", "transport.unix_socket imports requests"),
    ("transport", "from urllib3 import connection", "transport imports urllib3"),
    ("docker_transport", "import requests", "docker_transport imports requests"),
    ("auth", "import http.client", "auth imports http.client"),
    ("auth", "import urllib3", "auth imports urllib3"),
    ("auth", "from urllib.request import urlopen", "auth imports urllib.request"),
    ("commands.peek", "from ..cli import main", "commands.peek imports layerslayer.cli.main"),
    ("commands.peek", "from .. import cli", "commands.peek imports layerslayer.cli.main"),
    ("commands.peek", "from rich.text import Text", "commands.peek imports rich.text"),
    ("commands.peek", "import argparse", "commands.peek imports argparse"),
    ("arguments.flags", "from ..reference import is_tag", "arguments.flags imports layerslayer.oci.reference"),
    ("commands.peek", "import sys\nsys.stdout.write('x')", "commands.peek touches sys.stdout"),
    ("commands.peek", "from sys import stderr as e", "commands.peek touches sys.stderr"),
    ("commands.peek", "import sys as s\ns.__stdout__.write('x')", "commands.peek touches sys.__stdout__"),
    ("commands.peek", "say = print", "commands.peek uses print"),
    ("commands.peek", "x = input('?')", "commands.peek uses input"),
    ("commands.peek", "x = __import__('requests')", "commands.peek uses __import__"),
    ("commands.peek", "import importlib", "commands.peek imports importlib"),
    ("cli", "import sys\nsys.stderr.write('x')", "cli touches sys.stderr"),
    ("cli", "print('x')", "cli uses print"),
    ("views.listing", "from ..console import Console", "views.listing imports layerslayer.cli.console"),
    ("views.listing", "from ..commands.session import Session", "views.listing imports layerslayer.cli.session"),
    ("views.listing", "from ..sources.base import Source", "views.listing imports layerslayer.oci.source"),
    ("views.listing", "from ..transport import redacted", "views.listing imports layerslayer.registry.http"),
    ("manifest", "import os", "manifest imports os"),
    ("manifest", "from os import path", "manifest imports os"),
    ("manifest", "import io, socket", "manifest imports socket"),
    ("manifest", "import subprocess", "manifest imports subprocess"),
    ("manifest", "import platform", "manifest imports platform"),
    ("manifest", "from .writing import NewFile", "manifest imports layerslayer.export.atomic_file"),
    ("manifest", "import zstandard", "manifest imports zstandard"),
    ("manifest", "x = open('f').read()", "manifest uses open"),
]


@pytest.mark.parametrize("room, source, offence", PLANTED, ids=["{}: {}".format(*item[:2]) for item in PLANTED])
def test_a_planted_offence_is_caught(room: str, source: str, offence: str) -> None:
    assert offence in offences(PACKAGE + "." + room, source)


INNOCENT = [
    ("transport.sending", "import requests, urllib3"),
    ("transport.unix_socket", "import http.client"),
    ("arguments.parsers", "import argparse"),
    ("cli", "import sys\nsys.stdout.fileno()"),
    ("console", "import sys\nprint(sys.stdin.readline(), file=sys.stderr)"),
    ("progress", "from rich.progress import Progress"),
    ("__main__", "from layerslayer.cli.main import run"),
    ("platforms", "import platform as machine\nfrom .errors import UsageError"),
    ("manifest", "from __future__ import annotations\nfrom .digests import digest_problem\nimport json"),
    ("layers.reading", "from ..entries import Entry\nfrom .tar import TarWalker"),
    ("sources.registry", "from ..transport.client import Transport"),
    ("commands.peek", "class C:\n    def print(self): ...\nC().print()"),
]


@pytest.mark.parametrize("room, source", INNOCENT, ids=[item[0] for item in INNOCENT])
def test_what_is_allowed_is_not_called_an_offence(room: str, source: str) -> None:
    assert offences(PACKAGE + "." + room, source) == []


def test_relative_imports_are_resolved() -> None:
    tree = ast.parse("from . import a\nfrom .b import c\nfrom .. import d\nfrom ..e.f import g\nimport h.i")
    assert imports("p.q.r", tree) == {"p.q", "p.q.a", "p.q.b", "p.q.b.c", "p", "p.d", "p.e.f", "p.e.f.g", "h.i"}
    assert imports("p.q", ast.parse("from . import a"), is_package=True) == {"p.q", "p.q.a"}


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
    rooms = [path.stem for path in FOLDER.glob("*.py") if not path.stem.startswith("_")]
    rooms += [path.parent.name + "/" for path in FOLDER.glob("*/__init__.py")]
    assert sorted(named) == sorted([*rooms, "layers/leap/"])
