"""Which form results take is decided in one place."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Type

import pytest

import layerslayer
from layerslayer.cli.console import Console
from layerslayer.cli.options import Options
from layerslayer.cli.results import renderer_for
from layerslayer.render.json_renderer import ErrorRenderer, JsonRenderer
from layerslayer.render.renderer import Renderer
from layerslayer.render.text import TextRenderer

COMMAND_LINE = Path(layerslayer.__file__).parent / "cli"


@pytest.mark.parametrize(
    "options, form",
    [
        (Options("peek"), TextRenderer),
        (Options("peek", json=True), JsonRenderer),
        (Options("", json=True), JsonRenderer),
        (Options("cat", output_dir="-"), TextRenderer),
        (Options("cat", output_dir="-", json=True), ErrorRenderer),
        (Options("get", output_dir="-", json=True), ErrorRenderer),
        (Options("get", output_dir="-", json=True, plan=True), JsonRenderer),
        (Options("get", output_dir="there", json=True), JsonRenderer),
    ],
)
def test_the_form_is_what_the_options_ask_for(options: Options, form: Type[Renderer]) -> None:
    assert type(renderer_for(options, Console())) is form


def test_nothing_else_asks_which_form_it_is() -> None:
    asking = {
        path.name
        for path in COMMAND_LINE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and node.attr == "json"
    }
    assert asking == {"results.py"}
