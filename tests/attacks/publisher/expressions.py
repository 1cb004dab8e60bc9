"""Every regular expression of the package, found where it stands, with the ways it is used."""

from __future__ import annotations

import ast
import importlib
import re
from pathlib import Path
from typing import Any, Dict, Iterator, List, NamedTuple, Pattern, Set, Tuple, Union

import layerslayer

ROOT = Path(layerslayer.__file__).parent
MAKERS = {"compile", "match", "fullmatch", "search", "sub", "subn", "split", "findall", "finditer"}
Text = Union[str, bytes]


class Expression(NamedTuple):
    """``key`` is ``module:NAME``, or ``module:the expression`` of one that has no name; ``uses`` are methods."""

    key: str
    pattern: Pattern[Any]
    uses: Tuple[str, ...]


def expressions() -> List[Expression]:
    """Return all expressions, those of ``--regex`` and of globs apart, which are made of what a user types."""
    found: List[Expression] = []
    for path in sorted(ROOT.rglob("*.py")):
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        tree = ast.parse(path.read_text(encoding="utf-8"))
        if name in ("__main__",) or "re" not in _imported(tree):
            continue
        found += _of_module(name, tree)
    return found


def unaccounted() -> List[str]:
    """Return the calls that make an expression of anything but constants of their module."""
    return [
        "{}:{}".format(name, call.lineno)
        for path in sorted(ROOT.rglob("*.py"))
        for name in [".".join(path.relative_to(ROOT).with_suffix("").parts)]
        for call in _calls(ast.parse(path.read_text(encoding="utf-8")))
        if name != "__main__" and _made_of(call, name) is None
    ]


def _of_module(name: str, tree: ast.Module) -> Iterator[Expression]:
    module = importlib.import_module("layerslayer." + name if name != "__init__" else "layerslayer")
    uses = _uses(tree)
    for variable, value in sorted(vars(module).items()):
        if isinstance(value, re.Pattern):
            yield Expression("{}:{}".format(name, variable), value, tuple(sorted(uses.get(variable, {"fullmatch"}))))
    for call in _calls(tree):
        pattern = _made_of(call, name)
        if pattern is not None and isinstance(call.func, ast.Attribute) and call.func.attr != "compile":
            yield Expression("{}:{}".format(name, pattern.pattern), pattern, (call.func.attr,))


def _imported(tree: ast.Module) -> Set[str]:
    return {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}


def _calls(tree: ast.Module) -> Iterator[ast.Call]:
    """Yield the calls of ``re.compile`` and the like."""
    for node in ast.walk(tree):
        called = node.func if isinstance(node, ast.Call) else None
        if isinstance(node, ast.Call) and isinstance(called, ast.Attribute) and called.attr in MAKERS:
            yield from [node] if isinstance(called.value, ast.Name) and called.value.id == "re" else []


def _made_of(call: ast.Call, name: str) -> Any:
    """Return the pattern a call makes; None where that depends on more than its module's constants."""
    module = importlib.import_module("layerslayer." + name if name != "__init__" else "layerslayer")
    try:
        text = eval(compile(ast.Expression(call.args[0]), name, "eval"), dict(vars(module)))
        return re.compile(text, re.DOTALL if "DOTALL" in ast.dump(call) else 0)
    except NameError:
        return None


def _uses(tree: ast.Module) -> Dict[str, Set[str]]:
    """Return the methods of each name that are those of a pattern."""
    uses: Dict[str, Set[str]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.attr in MAKERS:
            uses.setdefault(node.value.id, set()).add(node.attr)
    return uses


def used(pattern: Pattern[Any], how: str, text: Text) -> None:
    """Use a pattern on a text."""
    if how in ("sub", "subn"):
        getattr(pattern, how)(text[:0], text)
    elif how == "finditer":
        for _ in pattern.finditer(text):
            pass
    else:
        getattr(pattern, how)(text)
