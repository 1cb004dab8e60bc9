"""Nothing that an image holds makes a verb take more than 250 MB, by the operating system's figure, or 10 s.

``every_verb`` tells what each verb takes with each image; here are the ways in
which an image is held, one process an image.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from ...hostile.images import ALL, by_name
from ...support.registry import Registry
from ..measuring import beyond, measured_all
from .every_verb import every, few
from .heavy import HEAVY, heavy

try:
    import zstandard  # noqa: F401
except ImportError:
    READABLE = [name for name in HEAVY if "windows" not in name and "bombs" not in name]
else:
    READABLE = list(HEAVY)
pytestmark = pytest.mark.costly
# What an image is aimed at; the others are tried in all ways, and one with every verb. ``every_verb`` tries all.
WHOLE = "a table of empty objects"
AIMED_AT = {
    "listings that wait": ("peek",),
    "windows of 128 MiB": ("peek", "ls"),
    "windows that end in damage": ("peek",),
    "tables of many entries": ("peek", "ls"),
    "directories that are implied": ("ls", "diff"),
    "paths that links make long": ("deleted",),
    "a damaged layer": ("ls",),
    "names of directories": ("cat",),
    "paths of wide letters": ("ls", "deleted", "diff", "cat"),
    "many small bombs": ("ls",),
    "owners that differ": ("ls", "cat"),
    "global headers": ("peek",),
    "thousands of records": ("peek", "ls"),
    "targets of a megabyte": ("ls", "deleted"),
}
BOMBS = [name for name in ALL if "bomb" in name]


@pytest.mark.parametrize("name", READABLE)
def test_no_verb_takes_more(tmp_path: Path, name: str) -> None:
    with Registry(heavy(name)) as registry:
        lines = (every if name == WHOLE else few)(registry.target)
        lines = [line for line in lines if line[0] in AIMED_AT.get(name, (line[0],))]
        if "table" in name and name != WHOLE:  # which who reads the layer never looks at
            lines = [line for line in lines if "--fast" in line][:2]
        costs = measured_all(lines, tmp_path)
    heavy.cache_clear()
    told = {" ".join(line): beyond(cost) for line, cost in zip(lines, costs)}
    assert {line: words for line, words in told.items() if words} == {}


@pytest.mark.parametrize("begin", range(0, len(ALL), 30))
def test_hostile_images_are_laid_out_and_compared_within_bounds(tmp_path: Path, begin: int) -> None:
    names = [name for name in list(ALL)[begin : begin + 30] if name not in BOMBS]
    registries = [Registry(by_name(name)) for name in names]
    try:
        lines = []
        for registry in registries:
            registry.__enter__()
            target = registry.target
            lines += [["diff", target, target, "--full", "-q", "--no-cache"], ["peek", target, "-q", "--fast"]]
        costs = measured_all(lines, tmp_path)
    finally:
        for registry in registries:
            registry.__exit__(None, None, None)
    told = {names[number // 2]: beyond(cost) for number, cost in enumerate(costs)}
    assert {name: words for name, words in told.items() if words} == {}
