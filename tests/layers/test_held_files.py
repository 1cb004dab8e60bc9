"""Files held while their layer is read: their own bytes, of layers that were right only, and not without bound."""

from __future__ import annotations

import hashlib
from typing import Dict

import pytest

from layerslayer.demo.image import Member, tar_of
from layerslayer.filesystem.merge import read_contents
from layerslayer.filesystem.select import named_by
from layerslayer.formats.memory import Holding
from layerslayer.layers import held_files
from layerslayer.layers.access import LayerAccess
from layerslayer.layers.held_files import HeldFiles
from layerslayer.layers.open import open_layer
from layerslayer.oci.descriptor import Descriptor
from layerslayer.oci.image import Layer

from ..support.cached_layers import Collected, Served

BODIES = {"etc/a": b"a" * 700, "etc/b": b"", "opt/c": b"c" * 5000, "etc/d/e": b"e"}
TAR = tar_of([Member(name, body=body) for name, body in BODIES.items()])


def got(held: HeldFiles, blob: bytes = TAR) -> Dict[str, bytes]:
    """Read a layer that should be TAR, and return what of its files was held."""
    digest = "sha256:" + hashlib.sha256(TAR).hexdigest()
    layer = Layer(0, Descriptor("x.tar", digest, len(TAR), {}), None)
    reader = open_layer(LayerAccess(Served(blob)), layer)
    contents = read_contents(reader, Holding(), held.bodies(layer))
    sinks = {entry.offset: Collected() for entry in contents.entries}
    held.give(reader, sinks)
    return {entry.name: b"".join(sinks[entry.offset].pieces) for entry in contents.entries if sinks[entry.offset].ended}


@pytest.mark.parametrize("text, exact, names", [
    ("etc/*", False, ["etc/a", "etc/b", "etc/d/e"]), ("/etc", True, ["etc/a", "etc/b", "etc/d/e"]),
    ("c", False, ["opt/c"]), ("**", False, list(BODIES)), ("/", True, list(BODIES)), ("etc/[", False, []),
    ("etc/../opt", True, []),
])  # fmt: skip
def test_what_is_named_is_held(text: str, exact: bool, names: list[str]) -> None:
    assert got(HeldFiles(named_by([text], exact))) == {name: BODIES[name] for name in names}


def test_of_a_layer_that_is_not_right_nothing_is_given() -> None:
    assert got(HeldFiles(lambda name: True), TAR[:600] + b"x" + TAR[601:]) == {}


def test_not_more_is_held_than_there_is_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(held_files, "_MOST", 1000)
    assert sorted(got(HeldFiles(lambda name: True))) == ["etc/a", "etc/b", "etc/d/e"]


def test_a_full_disk_costs_the_files_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: object, place: int, data: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(held_files.TemporaryBytes, "write", full)
    assert got(HeldFiles(lambda name: True)) == {"etc/b": b""}
