"""The forms of results: each is a whole one, and prints nothing by itself."""

from __future__ import annotations

import inspect
import json
from typing import Any, Dict, Set, Type

import pytest

from layerslayer.errors import NotFound
from layerslayer.oci.image import Layer
from layerslayer.render.json_renderer import ErrorRenderer, JsonRenderer
from layerslayer.render.renderer import Renderer, Saved, Summary
from layerslayer.render.style import COLOR
from layerslayer.render.text import TextRenderer

from ..support.images import made_image

METHODS = {name for name, _ in inspect.getmembers(Renderer, inspect.isfunction) if not name.startswith("_")}
# What a form need not show: where the other one has no place for it.
NOT_IN: Dict[Type[Renderer], Set[str]] = {
    TextRenderer: {"image", "layers", "error", "summary"},
    JsonRenderer: {"heading", "batch_item", "cost"},
    ErrorRenderer: METHODS - {"error"},
}
ERROR = NotFound("no such image", "See what there is.")


@pytest.mark.parametrize("form", NOT_IN)
def test_a_form_shows_all_but_what_it_has_no_place_for(form: Type[Renderer]) -> None:
    assert {name for name in METHODS if getattr(form, name) is not getattr(Renderer, name)} == METHODS - NOT_IN[form]


def test_the_interface_is_the_form_that_shows_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    for name in METHODS:
        method: Any = getattr(Renderer(), name)
        made = method(*(None for _ in inspect.signature(method).parameters))
        assert not (made([]) if callable(made) else made if isinstance(made, str) else list(made))
    assert capsys.readouterr() == ("", "")


def test_remote_text_leaves_escaped() -> None:
    text = TextRenderer(COLOR)
    assert text.tag("a\x1b[2Jb") == "a\\x1b[2Jb\n"
    assert text.batch_item("h/\x9b") == "\x1b[1m== h/\\u009b\x1b[0m\n"
    assert json.loads(JsonRenderer().tag("a\x1b[2Jb")) == {"type": "tag", "tag": "a\x1b[2Jb"}


def test_a_login_that_was_typed_is_not_repeated() -> None:
    for shown in (TextRenderer().batch_item("joe:secret@h/a"), JsonRenderer().error("joe:secret@h/a", ERROR)):
        assert "secret" not in shown and "h/a" in shown


def test_what_was_saved() -> None:
    layer: Layer = made_image({}, [3]).layers[0]
    digest = layer.descriptor.digest
    assert TextRenderer().saved_layer(layer, Saved("f/a.tar", "kept", 1500)) == (
        "kept  f/a.tar  1.5 KB, already there, digest verified\n"
    )
    item = {"type": "saved", "state": "saved", "size": 3, "layer": 0, "digest": digest, "path": "p\ufffd"}
    told = json.loads(JsonRenderer().saved_layer(layer, Saved("p\udcff", "saved", 3)))
    assert told == {**item, "path_base64": "cP8="}
    assert json.loads(JsonRenderer().saved_image(Saved("p", "saved", 3), "")) == {
        **item, "layer": None, "digest": None, "path": "p",
    }  # fmt: skip


def test_a_summary_counts_what_was_saved() -> None:
    summary = json.loads(JsonRenderer().summary(Summary("save", "h/a", (), 2, 0, 77)))
    assert (summary["bytes_read"], summary["requests"], summary["complete"]) == (77, 2, True)
