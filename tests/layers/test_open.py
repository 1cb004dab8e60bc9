"""One layer by the ways that there are: what one gave out stays, the next goes on behind it, or is refused."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import BinaryIO, List, Optional, Tuple

import pytest

from layerslayer.demo.image import Member, tar_of
from layerslayer.errors import DigestMismatch
from layerslayer.formats.entry import Device, Entry
from layerslayer.layers.access import LayerAccess
from layerslayer.layers.cached import KnownLayers
from layerslayer.layers.open import Reading, open_layer
from layerslayer.layers.outcome import Report
from layerslayer.layers.reader import GivenOut
from layerslayer.oci.descriptor import Descriptor
from layerslayer.oci.image import Layer
from layerslayer.oci.source import Document, Source

from ..support.caches import Opened, entry

RIGHT = tar_of([Member("a", body=b"1" * 3000), Member("b", body=b"2")])


class Serving(Source):
    """Gives one blob after the other, whatever is asked for."""

    def __init__(self, *blobs: bytes) -> None:
        self.left = list(blobs)

    def manifest(self, wanted: str, known: Optional[Descriptor] = None) -> Document:
        raise AssertionError("no manifest is asked for")

    def blob(self, descriptor: Descriptor) -> BinaryIO:
        return io.BytesIO(self.left.pop(0))

    def blob_range(self, descriptor: Descriptor, start: int, length: int) -> BinaryIO:
        raise AssertionError("no part is asked for")

    def requests_made(self) -> int:
        return 0

    def close(self) -> None:
        return


LAYER = Layer(0, Descriptor("x.tar", "sha256:" + hashlib.sha256(RIGHT).hexdigest(), len(RIGHT), {}), None)
BROKEN = RIGHT[:3000] + b"x" + RIGHT[3001:]  # in a body


def read(*blobs: bytes) -> Tuple[List[str], Report]:
    source = Serving(*blobs)
    reader = open_layer(LayerAccess(source), LAYER, reading=Reading(again=True))
    names = [item.name for batch in reader.entries() for item in batch]
    assert not source.left
    return names, reader.report


def test_a_layer_that_is_right_is_read_once() -> None:
    names, report = read(RIGHT)
    assert names == ["a", "b"] and report.complete and report.notes == []


def test_what_arrived_damaged_is_read_once_more_and_nothing_shown_twice() -> None:
    names, report = read(BROKEN, RIGHT)
    assert names == ["a", "b"] and report.verified
    assert report.notes == ["it arrived damaged and was read twice"]
    assert report.bytes_read == len(RIGHT)


@pytest.mark.parametrize("first, second", [(BROKEN, BROKEN), (BROKEN, RIGHT[:1024])])
def test_a_second_reading_that_is_not_right_changes_nothing(first: bytes, second: bytes) -> None:
    names, report = read(first, second)
    assert names == ["a", "b"]
    assert isinstance(report.problem, DigestMismatch) and not report.complete


def test_a_reading_that_begins_with_other_entries_is_refused() -> None:
    lying = tar_of([Member("a", body=b"1" * 3000, mode=0o777), Member("b", body=b"2")])
    names, report = read(lying, RIGHT)
    assert names == ["a", "b"] and not report.complete and report.notes == []


@pytest.mark.parametrize("field, value", [
    ("name", "y"), ("kind", "d"), ("mode", 1), ("uid", 1), ("gid", 2), ("size", 2), ("mtime", 0.5), ("target", "t"),
    ("uname", "u"), ("gname", "g"), ("device", Device(1, 2)), ("xattrs", {"k": b"v"}), ("offset", 512),
    ("hidden", True), ("uid", 2**2000),
])  # fmt: skip
def test_entries_that_differ_anywhere_are_others(field: str, value: object) -> None:
    one, other, same = GivenOut(), GivenOut(), GivenOut()
    one.add([entry("x"), entry("z")])
    other.add([entry("x")._replace(**{field: value}), entry("z")])  # type: ignore[arg-type]
    same.add([entry("x")])
    same.add([entry("z")])
    assert one.state() == same.state() != other.state() and one.count == same.count == 2


def test_texts_do_not_run_into_one_another() -> None:
    one, other = GivenOut(), GivenOut()
    one.add([entry("ab"), entry("c")])
    other.add([entry("a"), entry("bc")])
    assert one.state() != other.state()


def test_what_was_read_and_verified_is_known_then(tmp_path: Path) -> None:
    opened = Opened(tmp_path)

    access = LayerAccess(Serving(RIGHT), KnownLayers(lambda: opened.store))
    first: List[Entry] = [item for batch in open_layer(access, LAYER).entries() for item in batch]
    reader = open_layer(access, LAYER)
    second = [item for batch in reader.entries() for item in batch]
    assert first == second and reader.report.remembered and reader.report.complete
    assert reader.digests[first[1].offset] == hashlib.sha256(b"2").digest()
