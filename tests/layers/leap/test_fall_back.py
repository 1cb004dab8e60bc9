"""--fast on layers that are nothing to leap in, or broken: what a full reading says, and nothing else."""

from __future__ import annotations

import random

import pytest

from layerslayer.errors import CorruptLayer, DigestMismatch
from layerslayer.layers.leap.reader import Leaps
from layerslayer.oci.descriptor import UNKNOWN_SIZE, Descriptor
from layerslayer.oci.image import Layer

from ...support.leap_layers import COMPRESSORS, noise
from ...support.leap_walks import TYPE, Plain
from ...support.tars import END, header, member, walk
from .test_reader import Listed, Serving, blob, plain

MANY = b"".join(header(b"d%d/" % number, kind=b"5") + member(b"d%d/f" % number, b"body" * 99) for number in range(900))


def test_a_plain_tar() -> None:
    assert Listed(Serving(plain())).in_full(plain())


def test_zstd() -> None:
    zstandard = pytest.importorskip("zstandard")
    source = Serving(zstandard.ZstdCompressor().compress(plain()))
    listed = Listed(source)
    assert listed.in_full(plain()) and listed.report.compression == "zstd" and listed.report.notes == []
    assert source.wholes == 0 and sum(source.ranges) == len(source.whole) + 9  # where a seek table's footer would be


def test_zstd_that_is_said_to_be_gzip() -> None:
    zstandard = pytest.importorskip("zstandard")
    source = Serving(zstandard.ZstdCompressor().compress(plain()))
    listed = Listed(source, stated=TYPE)
    assert listed.in_full(plain()) and listed.report.notes == []
    assert source.wholes == 0 and sum(source.ranges) == listed.report.bytes_read == len(source.whole) + 9


def test_small_files_only() -> None:
    """There is nothing to leap over: it is read once, in parts, and verified."""
    source = Serving(COMPRESSORS["level 6"](MANY + END))
    assert Listed(source).in_full(MANY + END)
    assert sum(source.ranges) == len(source.whole) and source.wholes == 0


@pytest.mark.parametrize("size, kind, worth", [
    (100, TYPE, False), (100_000_000, TYPE, True), (UNKNOWN_SIZE, TYPE, False),
    (100_000_000, "application/vnd.oci.image.layer.v1.tar+zstd", True),
    (100_000_000, "application/vnd.in-toto+json", False),
])  # fmt: skip
def test_which_layers_are_worth_it(size: int, kind: str, worth: bool) -> None:
    descriptor = Descriptor(kind, "sha256:" + "0" * 64, size, {})
    assert Leaps(Serving(b"")).applies_to(Layer(0, descriptor, None)) == worth


def test_another_digest_where_all_was_read() -> None:
    body = COMPRESSORS["level 6"](MANY + END)
    listed = Listed(Serving(body), digest_of=noise(random.Random(1), len(body)))
    assert isinstance(listed.report.problem, DigestMismatch) and not listed.report.complete
    assert listed.entries == walk(MANY + END)


@pytest.mark.parametrize("part", [1, 3, 6, 9])
def test_a_layer_that_breaks_off(part: int) -> None:
    """Its digest holds, it was pushed like that: the entries before the break, and the error of a full reading."""
    listed = Listed(Serving(blob()[: len(blob()) * part // 10]))
    assert isinstance(listed.report.problem, CorruptLayer) and not listed.report.complete
    assert listed.entries == walk(plain())[: len(listed.entries)] and listed.report.entries == len(listed.entries)


@pytest.mark.parametrize("off", [1, 512, 10**6])
def test_a_trailer_that_does_not_add_up(off: int) -> None:
    stated = int.from_bytes(blob()[-4:], "little") + off
    broken = blob()[:-4] + stated.to_bytes(4, "little")
    listed = Listed(Serving(broken))
    assert isinstance(listed.report.problem, CorruptLayer) and not listed.report.leapt
    assert listed.entries == Plain(broken).entries


@pytest.mark.parametrize("size", [-1000, 1000])
def test_a_descriptor_that_states_another_size(size: int) -> None:
    listed = Listed(Serving(blob()), size=len(blob()) + size)
    assert listed.report.problem is not None and not listed.report.complete
