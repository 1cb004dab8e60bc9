"""No promise without its test: what the documents say is kept by a test names one that is there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Dict, List, NamedTuple, Set, Tuple

import pytest

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = ("docs/threat-model.md", "docs/reliability.md")
LEAST = {"docs/threat-model.md": 50, "docs/reliability.md": 60}  # promises
NAMED = re.compile(r"`([^`]+)`")
COLUMN = "kept by"


class Promise(NamedTuple):
    """A row of a table."""

    text: str
    kept_by: str


def promises(text: str) -> List[Promise]:
    """Return the rows of all tables that have a column "kept by"; that is their last."""
    found: List[Promise] = []
    columns = 0
    for line in text.splitlines():
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] if line.startswith("|") else []
        if not cells:
            columns = 0
        elif cells[-1] == COLUMN:
            columns = len(cells)
        elif columns and set(line) - set("|-: "):
            found.append(Promise(" ".join(cells[:-1]), cells[-1]))
            assert len(cells) == columns, line
    return found


def there() -> Tuple[Set[str], str]:
    """Return the names of all tests and their files, and their text."""
    names: Set[str] = set()
    texts: List[str] = []
    for path in [*sorted((ROOT / "tests").rglob("*.py")), *sorted((ROOT / "fuzz").glob("*.py"))]:
        text = path.read_text(encoding="utf-8")
        names.add(path.name)
        names.update(re.findall(r"^\s*def (test_\w+)", text, re.MULTILINE))
        texts.append(text)
    return names, "\n".join(texts)


NAMES, TEXT = there()


def missing(kept_by: str) -> List[str]:
    """Return what of a cell is neither a test nor a case of one. A case may end in ``...``."""
    cited = NAMED.findall(kept_by)
    tests = [name for name in cited if name.startswith("test_")]
    cases = [name for name in cited if not name.startswith("test_")]
    absent = [name for name in tests if name not in NAMES]
    absent += [name for name in cases if re.sub(r"[ ,]*\.\.\.$", "", name) not in TEXT]
    return absent if cited else ["nothing"]


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_promise_names_a_test_that_is_there(name: str) -> None:
    rows = promises((ROOT / name).read_text(encoding="utf-8"))
    assert len(rows) >= LEAST[name]
    wrong: Dict[str, List[str]] = {row.text: missing(row.kept_by) for row in rows if missing(row.kept_by)}
    assert wrong == {}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_test_that_is_named_elsewhere_is_there(name: str) -> None:
    cited = re.findall(r"`(test_\w+(?:\.py)?)`", (ROOT / name).read_text(encoding="utf-8"))
    assert sorted(set(cited) - NAMES) == []


def test_a_promise_without_a_test_is_noticed() -> None:
    table = "| promise | kept by |\n|---|---|\n| a | `{}` |\n| b | nobody |\n"
    rows = promises(table.format("test_a_promise_without_a_test_is_noticed"))
    assert [missing(row.kept_by) for row in rows] == [[], ["nothing"]]
    gone = "test_that_is_" + "not_there"
    assert missing("`{}`, `{}`".format(gone, "test_docs_promises.py")) == [gone]
    assert missing("`{}`".format("a case that is " + "nowhere")) != []
    assert promises("| a | b |\n|---|---|\n| c | d |\n") == []


def test_both_can_be_found() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for name in ("docs/threat-model.md", "SECURITY.md"):
        assert "]({})".format(name) in readme
