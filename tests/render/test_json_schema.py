"""What every verb writes with --json is what docs/json.schema.json says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, List

import jsonschema
import pytest

from ..support.files import BASE, UPPER, file, link
from ..support.registry import Registry
from ..support.registry.faults import single_image
from ..support.registry.running import Runner

SCHEMA = json.loads((Path(__file__).resolve().parents[2] / "docs/json.schema.json").read_text(encoding="utf-8"))
VALIDATOR = jsonschema.Draft7Validator(SCHEMA)

COMMANDS = [
    ["peek", "IMAGE"],
    ["ls", "IMAGE", "/etc"],
    ["ls", "IMAGE", "/nope"],
    ["tree", "IMAGE"],
    ["find", "IMAGE", "*"],
    ["deleted", "IMAGE"],
    ["get", "IMAGE", "/etc", "odd*"],
    ["get", "IMAGE", "/etc/passwd"],
    ["diff", "IMAGE", "OTHER"],
    ["ls", "--batch", "list"],
    ["find", "--everywhere", "passwd"],
    ["find", "--everywhere", "--larger", "1"],
    ["cache"],
    ["cache", "clear"],
    ["tree", "oci:nowhere"],
    ["find", "IMAGE", "*["],
    ["diff", "IMAGE", "OTHER", "/nope"],
    ["save", "IMAGE"],
    ["save", "IMAGE", "--format", "oci"],
    ["tags", "IMAGE"],
    ["referrers", "DEMO"],
    ["history", "IMAGE"],
    ["config", "IMAGE"],
    ["manifest", "IMAGE"],
    ["config", "DEMO", "--platform", "all"],
    ["history", "DEMO", "--platform", "all"],
    ["manifest", "DEMO"],
    ["peek", "IMAGE", "--plan"],
    ["peek", "IMAGE", "--budget", "300"],
    ["cat", "DEMO", "/etc/passwd", "--plan", "--budget", "60K"],
    ["diff", "IMAGE", "OTHER", "--plan"],
    ["save", "DEMO", "--platform", "all", "--plan"],
]


def check(line: str) -> Any:
    """Return the object of a line that the schema allows."""
    item = json.loads(line)
    definition = "entry" if item["type"] == "removed" else item["type"]
    part = dict(SCHEMA, **{"$ref": "#/definitions/" + definition})
    part.pop("oneOf")
    jsonschema.Draft7Validator(part).validate(item)  # names what is wrong better than "no branch fits"
    VALIDATOR.validate(item)
    return item


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_the_output_of_every_verb_fits(run: Runner, words: List[str]) -> None:
    odd = [file("odd\udcff"), link("odd-link", "caf\udce9")]
    content = single_image([BASE, [*UPPER, *odd]])
    with Registry(content) as registry, Registry(
        single_image([BASE, [file("etc/passwd")]])
    ) as other, Registry() as demo:
        (run.folder / "list").write_text("{}\nlocalhost:1/x\n".format(registry.target))
        run("ls", registry.target)
        places = {"IMAGE": registry.target, "OTHER": other.target, "DEMO": demo.target}
        ran = run(*[places.get(word, word) for word in words], "--json")
    items = [check(line) for line in ran.out.splitlines()]
    assert items[-1]["type"] in ("summary", "error")
    assert ran.out.isascii()


def test_the_schema_is_strict() -> None:
    good = {"type": "file", "layer": 1, "size": 2, "path": "a", "written": "b"}
    VALIDATOR.validate(good)
    for bad in (dict(good, more=1), {"type": "file"}, {"type": "nothing"}, dict(good, size="2")):
        with pytest.raises(jsonschema.ValidationError):
            VALIDATOR.validate(bad)
