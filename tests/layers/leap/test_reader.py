"""--fast where a source does not do what leaping needs: the exact listing by a full reading and a note, or an error."""

from __future__ import annotations

import functools
import hashlib
import io
import random
from typing import BinaryIO, Callable, List, Optional

import pytest

from layerslayer.errors import DigestMismatch, RangeIgnored, Unreachable
from layerslayer.formats.entry import Entry
from layerslayer.formats.magic import ZSTD_MAGIC
from layerslayer.layers.access import LayerAccess
from layerslayer.layers.leap.reader import Leaps
from layerslayer.layers.open import open_layer
from layerslayer.layers.outcome import Report
from layerslayer.oci.descriptor import Descriptor
from layerslayer.oci.image import Layer
from layerslayer.oci.source import Document, Source

from ...support.leap_layers import COMPRESSORS, noise
from ...support.leap_walks import TYPE, program
from ...support.tars import END, member, pax, record, walk

Answer = Callable[[int, int, int], BinaryIO]  # the how-manieth request, start and length


@functools.lru_cache(maxsize=None)
def plain(names: bytes = b"a", count: int = 30) -> bytes:
    """A layer's tar; layers of other ``names`` have the same lengths."""
    files = b"".join(member(b"%s/%d" % (names, number), names * 300) for number in range(count))
    body = program(1, 5_000_000)
    return files + member(b"%s/lib.so" % names, body) + files + member(b"%s/x" % names, body[::-1]) + files + END


@functools.lru_cache(maxsize=None)
def blob(names: bytes = b"a", count: int = 30) -> bytes:
    return COMPRESSORS["level 1"](plain(names, count))


class Serving(Source):
    """One blob, whose parts are what ``answer`` gives."""

    def __init__(self, whole: bytes, answer: Optional[Answer] = None) -> None:
        self.whole = whole
        self.answer = answer or self.honest
        self.ranges: List[int] = []
        self.wholes = 0

    def honest(self, number: int, start: int, length: int) -> BinaryIO:
        return io.BytesIO(self.whole[start : start + length])

    def manifest(self, wanted: str, known: Optional[Descriptor] = None) -> Document:
        raise AssertionError("no manifest is asked for")

    def blob(self, descriptor: Descriptor) -> BinaryIO:
        self.wholes += 1
        return io.BytesIO(self.whole)

    def blob_range(self, descriptor: Descriptor, start: int, length: int) -> BinaryIO:
        self.ranges.append(length)
        return self.answer(len(self.ranges), start, length)

    def requests_made(self) -> int:
        return len(self.ranges) + self.wholes

    def close(self) -> None:
        return


class Willing(Leaps):
    """Leaps through small layers, too."""

    def applies_to(self, layer: Layer) -> bool:
        return True


class Listed:
    """What --fast makes of a layer."""

    def __init__(
        self, source: Serving, digest_of: Optional[bytes] = None, size: Optional[int] = None, stated: str = ""
    ) -> None:
        body = digest_of if digest_of is not None else source.whole
        digest = "sha256:" + hashlib.sha256(body).hexdigest()
        kind = TYPE.replace("gzip", "zstd") if body.startswith(ZSTD_MAGIC) else TYPE
        self.layer = Layer(0, Descriptor(stated or kind, digest, len(body) if size is None else size, {}), None)
        self.report = Report(self.layer.descriptor)
        self.leaps = Willing(source)
        reader = open_layer(LayerAccess(source, leaps=self.leaps), self.layer, self.report)
        self.entries: List[Entry] = [entry for batch in reader.entries() for entry in batch]

    def in_full(self, expected: bytes) -> bool:
        """Whether it is the exact listing, from all of the bytes, verified."""
        report = self.report
        return (
            self.entries == walk(expected) and report.entries == len(self.entries)
            and report.complete and report.verified and not report.leapt
        )  # fmt: skip


def test_an_honest_source_is_leapt_in() -> None:
    source = Serving(blob())
    listed = Listed(source)
    report = listed.report
    assert listed.entries == walk(plain())
    assert report.leapt and report.complete and not report.verified and report.notes == [] and report.problem is None
    assert (report.entries, report.uncompressed, report.compression) == (92, len(plain()), "gzip")
    assert report.bytes_read == sum(source.ranges) < len(blob()) * 0.8 and source.wholes == 0


def test_what_was_noted_before_a_leap_is_told() -> None:
    whole = pax(record("path", "evil"), b"g") + plain()
    listed = Listed(Serving(COMPRESSORS["level 1"](whole)))
    assert listed.report.leapt and listed.entries == walk(whole)
    assert listed.report.notes == ["global pax headers were ignored, as container runtimes do"]


def test_what_a_file_holds_is_not_noted() -> None:
    """A body that ends in members, a global header among them, where a resync begins before those."""
    inner = pax(record("path", "evil"), b"g") + member(b"inner", b"x" * 512)
    for size in (2_000_000, 3_000_000, 4_000_000):
        body = program(1, size)
        whole = (
            member(b"first", b"1") + member(b"large", body + bytes(-len(body) % 512) + inner) + member(b"next") + END
        )
        listed = Listed(Serving(COMPRESSORS["level 1"](whole)))
        assert listed.entries == walk(whole) and listed.report.notes == []


@pytest.mark.parametrize("first", [1, 2, 6, 15])
def test_a_source_that_ignores_ranges(first: int) -> None:
    """At once, or from some request on: read in full, and said so."""

    def answer(number: int, start: int, length: int) -> BinaryIO:
        if number >= first:
            raise RangeIgnored("The server sent something else.")
        return source.honest(number, start, length)

    source = Serving(blob(), answer)
    listed = Listed(source)
    assert listed.in_full(plain())
    assert listed.report.notes == ["read in full after all: the server does not serve parts of it"]
    assert source.wholes == 1 and listed.report.bytes_read >= len(blob())


@pytest.mark.parametrize("first", [1, 2, 6, 15])
def test_a_source_that_is_gone(first: int) -> None:
    def answer(number: int, start: int, length: int) -> BinaryIO:
        if number >= first:
            raise Unreachable("No answer.")
        return source.honest(number, start, length)

    source = Serving(blob(), answer)
    listed = Listed(source)
    assert isinstance(listed.report.problem, Unreachable) and not listed.report.complete
    assert listed.entries == walk(plain())[: len(listed.entries)]
    assert listed.report.entries == len(listed.entries) and source.wholes == 0


def lying(other: bytes, first: int) -> Answer:
    return lambda number, start, length: io.BytesIO((other if number >= first else blob())[start : start + length])


@pytest.mark.parametrize("first", [1, 2, 4, 7, 11])
@pytest.mark.parametrize("other", ["noise", "zeros", "shifted", "reversed", "shorter"])
def test_other_bytes_from_some_request_on(other: str, first: int) -> None:
    """Never another listing: the whole is read, or what was shown already is said to be of another layer."""
    good = blob()
    bad = {"noise": noise(random.Random(1), len(good)), "zeros": bytes(len(good)), "shifted": good[7:] + good[:7],
           "reversed": good[::-1], "shorter": good[:9000]}[other]  # fmt: skip
    listed = Listed(Serving(good, lying(bad, first)))
    report = listed.report
    if report.leapt:  # samples only were lied about, which decide nothing
        assert listed.entries == walk(plain())
    elif report.problem is None:
        assert listed.in_full(plain()) and (report.notes or first == 1)
    else:
        assert isinstance(report.problem, DigestMismatch) and not report.complete


@pytest.mark.parametrize("count", [30, 29, 0, 31, 60])
@pytest.mark.parametrize("last", [1, 2, 3, 8])
def test_another_layer_at_first(count: int, last: int) -> None:
    """Whose entries were shown, more than there are or fewer: it says so, or at least that all is unverified."""
    other = blob(b"b", count)

    def answer(number: int, start: int, length: int) -> BinaryIO:
        data = other if number <= last else source.whole
        return io.BytesIO(data[start : start + length].ljust(length, b"\0"))

    source = Serving(blob())
    source.answer = answer
    listed = Listed(source)
    report = listed.report
    if report.problem is None and not report.leapt:
        assert listed.entries == walk(plain()) and report.verified
    else:
        assert not report.verified or not report.complete
        assert len(listed.entries) == 92 or not report.complete


def test_more_was_shown_than_there_is() -> None:
    """The parts are of another layer, and the whole, which holds, ends before so many entries."""
    small = COMPRESSORS["stored"](member(b"only", noise(random.Random(1), len(blob()))) + END)
    source = Serving(small[: len(small)])

    def answer(number: int, start: int, length: int) -> BinaryIO:
        if number > 1:
            raise RangeIgnored("The server sent something else.")
        return io.BytesIO(blob()[start : start + length])

    source.answer = answer
    listed = Listed(source)
    assert len(listed.entries) > 1
    assert isinstance(listed.report.problem, DigestMismatch) and not listed.report.complete


def test_a_source_that_lies_all_along_is_never_verified() -> None:
    """It may show another layer that adds up, and says that its digest was not verified; in full, it is refused."""
    source = Serving(blob(b"b"))
    listed = Listed(source, digest_of=blob(b"a").ljust(len(blob(b"b")), b"\0")[: len(blob(b"b"))])
    assert listed.entries == walk(plain(b"b"))
    assert listed.report.leapt and not listed.report.verified
    source.answer = lambda number, start, length: io.BytesIO(b"")
    broken = Listed(source, digest_of=noise(random.Random(1), len(source.whole)))
    assert isinstance(broken.report.problem, DigestMismatch) and not broken.report.complete
