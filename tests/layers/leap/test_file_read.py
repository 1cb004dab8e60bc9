"""The bytes of files that a leaping walk went past: the tar's own, however the walk came there."""

from __future__ import annotations

import functools
import gzip
import io
import random
import zlib
from typing import BinaryIO, Dict, Iterator, List, Optional, Sequence, Union
from unittest import mock

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from layerslayer.errors import CorruptLayer
from layerslayer.formats.entry import Entry
from layerslayer.formats.tar.bodies import Bodies, Sink
from layerslayer.formats.tar.reader import TarWalker
from layerslayer.layers.leap import file_read, resume_points
from layerslayer.layers.leap.file_read import read_body
from layerslayer.layers.leap.gzip_walk import GzipWalk
from layerslayer.layers.leap.range_fetcher import Fetcher
from layerslayer.layers.leap.settings import Settings

from ...support.leap_layers import COMPRESSORS, SMALL, layer, noise, tar
from ...support.leap_walks import Plain, descriptor_of, program
from ...support.tars import END, header, member, octal


class Taken(Sink):
    """A body, or why there is none."""

    def __init__(self) -> None:
        self.body = b""
        self.places: List[int] = []
        self.said: Optional[str] = None

    def begin(self, place: int) -> None:
        self.places.append(place)

    def write(self, data: Union[bytes, memoryview]) -> None:
        assert self.said is None
        self.body += bytes(data)

    def end(self) -> None:
        self.said = "whole"

    def refuse(self, reason: str) -> None:
        self.said = reason


def plain_bodies(data: bytes) -> Dict[int, Taken]:
    """Return what a plain walk of the tar has of every regular file, by the entry's offset."""
    found: Dict[int, Taken] = {}

    def choose(entry: Entry) -> Sink:
        return found.setdefault(entry.offset, Taken())

    walker, bodies = TarWalker(), Bodies(choose)
    walker.bodies = bodies.starts
    bodies.take(0, data, walker.feed(data))
    return found


class Walk:
    """A walk that files are read of."""

    def __init__(self, blob: bytes, settings: Settings = SMALL) -> None:
        self.blob = blob
        self.served = blob

        def part(start: int, length: int) -> BinaryIO:
            assert start >= 0 and length > 0 and start + length <= len(blob)
            return io.BytesIO(self.served[start : start + length])

        self.fetcher = Fetcher(part, len(blob))
        self.walk = GzipWalk(descriptor_of(blob), self.fetcher, settings, returning=True)
        self.entries: List[Entry] = []
        self.batches = self.walk.run()

    def to_the_end(self) -> Walk:
        for batch in self.batches:
            self.entries += batch
        return self

    def until(self, name: str) -> Entry:
        """Go on until one of that name is sure."""

        def sought(entries: Sequence[Entry]) -> bool:
            return any(entry.name == name for entry in entries)

        self.walk.sought = sought
        for batch in self.batches:
            self.entries += batch
            if sought(batch):
                break
        return next(entry for entry in self.entries if entry.name == name)

    def read(self, entry: Entry) -> Taken:
        taken = Taken()
        read_body(self.walk, entry, taken)
        return taken


def assert_all_read(blob: bytes, data: bytes, order: random.Random) -> Walk:
    """Read every file of a layer that was leapt through, in some order."""
    plain = plain_bodies(data)
    walk = Walk(blob).to_the_end()
    files = [entry for entry in walk.entries if entry.kind == "-"]
    assert sorted(entry.offset for entry in files) == sorted(plain)
    listing = walk.fetcher.spent
    order.shuffle(files)
    for entry in files:
        taken, there = walk.read(entry), plain[entry.offset]
        assert (taken.said, taken.body, taken.places) == (there.said, there.body, there.places)
    assert walk.fetcher.distinct <= len(blob) and listing <= len(blob)
    return walk


SEEDS = range(302, 314)


@functools.lru_cache(maxsize=None)
def hard(seed: int) -> bytes:
    return layer(seed, 1_500_000, 5_000_000)[1]


@functools.lru_cache(maxsize=None)
def leaps_in(seed: int) -> int:
    """Read all files of a layer; return how often it was leapt in."""
    return assert_all_read(hard(seed), gzip.decompress(hard(seed)), random.Random(seed)).walk.leaps


@functools.lru_cache(maxsize=None)
def landings_in(seed: int) -> int:
    """Do so with no more than one inflater kept, so that most files begin at a landing; return how many did."""
    found = []
    resynced = file_read._resynced

    def noted(*arguments: object) -> object:
        start = resynced(*arguments)  # type: ignore[arg-type]
        found.append(start is not None)
        return start

    with mock.patch.object(resume_points, "_MOST", 1), mock.patch.object(file_read, "_resynced", noted):
        assert_all_read(hard(seed), gzip.decompress(hard(seed)), random.Random(seed))
    return sum(found)


@pytest.mark.parametrize("seed", SEEDS)
def test_files_of_hard_layers(seed: int) -> None:
    leaps_in(seed)


def test_they_were_leapt_through() -> None:
    assert sum(map(leaps_in, SEEDS)) > 5


@pytest.mark.parametrize("seed", SEEDS)
def test_with_few_marks_files_are_landed_before(seed: int) -> None:
    """What came before a landing is unknown."""
    landings_in(seed)


def test_they_were_landed_before() -> None:
    assert sum(map(landings_in, SEEDS)) > 10


@settings(max_examples=10)
@given(st.integers(0, 2**32))
def test_files_of_any_hard_layer(seed: int) -> None:
    blob = layer(seed)[1]
    assume(Plain(blob).report.problem is None)  # some break off within a body of zeros
    assert_all_read(blob, gzip.decompress(blob), random.Random(seed))


FILES = b"".join(member(b"etc/%d" % number, noise(random.Random(number), 900)) for number in range(40))
MORE = b"".join(member(b"opt/%d" % number, noise(random.Random(-number), 900)) for number in range(40))
PLAIN = (
    FILES + member(b"lib/one.so", program(1, 4_000_000)) + member(b"between", b"words " * 900)
    + member(b"lib/two.so", program(2, 4_000_000)) + member(b"late", b"late") + MORE + END
)  # fmt: skip
BLOB = COMPRESSORS["level 6"](PLAIN)


def stream_to(name: str) -> int:
    """Return how many bytes of the blob a stream takes that ends with this file, about."""
    walker, at, engine = TarWalker(), 0, zlib.decompressobj(31)
    while True:
        entries = walker.feed(engine.decompress(BLOB[at : at + 4096]))
        at += 4096
        if any(entry.name == name for entry in entries):
            return at


def test_a_file_before_the_first_leap_ends_the_walk() -> None:
    walk = Walk(BLOB, Settings())
    assert walk.read(walk.until("etc/7")).body == noise(random.Random(7), 900)
    assert walk.fetcher.spent <= 2 * Settings().chunk and not walk.walk.leaps


def test_gaps_before_a_file_are_read_where_the_rest_is_more() -> None:
    """It is as sure then as a stream is, and costs as much."""
    walk = Walk(BLOB, Settings())
    assert walk.read(walk.until("between")).body == b"words " * 900
    assert walk.walk.leaps and walk.walk.whole and not walk.walk.proved
    assert walk.fetcher.again == 0
    assert walk.fetcher.spent <= stream_to("between") + 600_000 < len(BLOB)


def test_the_rest_is_leapt_through_where_the_gaps_are_more() -> None:
    walk = Walk(BLOB, Settings())
    assert walk.read(walk.until("late")).body == b"late"
    assert walk.walk.proved and not walk.walk.whole
    assert walk.fetcher.again == 0 and walk.fetcher.spent < 0.8 * stream_to("late")


def test_what_is_sought_is_not_leapt_over_where_more_comes_behind_it() -> None:
    large = program(4, 6_000_000)
    before = FILES + member(b"lib/one.so", program(1, 4_000_000)) + 8 * MORE + member(b"lib/large.so", large)
    after = member(b"lib/two.so", program(2, 9_000_000)) + MORE + END
    walk = Walk(COMPRESSORS["level 6"](before + after), Settings())
    assert walk.read(walk.until("lib/large.so")).body == large
    assert walk.walk.leaps == 1 and walk.walk.whole
    assert walk.fetcher.again == 0
    assert walk.fetcher.spent < len(COMPRESSORS["level 6"](before)) + 200_000


def test_a_walk_goes_on_for_the_next_file() -> None:
    walk = Walk(BLOB, Settings())
    for name, body in (("etc/3", noise(random.Random(3), 900)), ("between", b"words " * 900), ("late", b"late")):
        assert walk.read(walk.until(name)).body == body
    assert walk.read(walk.until("lib/one.so")).body == program(1, 4_000_000)
    assert walk.fetcher.distinct <= len(BLOB)


def test_a_large_file_that_was_leapt_over() -> None:
    """Of what the walk fetched of it nothing is fetched again; nor is it kept on the disk once more."""
    walk = Walk(BLOB, Settings()).to_the_end()
    spent = walk.fetcher.spent
    two = next(entry for entry in walk.entries if entry.name == "lib/two.so")
    assert walk.read(two).body == program(2, 4_000_000)
    assert walk.fetcher.again == 0 and walk.fetcher.spent - spent < len(BLOB) // 2


def test_a_large_file_that_was_read_is_not_fetched_once_more_for_the_digest() -> None:
    """All of the layer was fetched by then, but not all is at hand still."""
    large = noise(random.Random(9), 5_000_000)
    walk = Walk(COMPRESSORS["level 6"](FILES + member(b"large", large) + MORE + END), Settings())
    assert walk.read(walk.until("large")).body == large
    walk.to_the_end()
    assert walk.fetcher.distinct > 0.95 * len(walk.blob) and walk.fetcher.again < 600_000  # samples
    assert walk.walk.proved and not walk.walk.verifier.verified


def test_a_file_within_a_file_is_never_taken_for_one() -> None:
    """A tar in a body has the path that is sought; landings find its headers first."""
    inner = tar(random.Random(5), 900_000) + member(b"etc/passwd", b"the inner one\n") + END
    data = member(b"first", b"1") + member(b"box.tar", program(3, 2_500_000) + inner * 3) + FILES
    data += member(b"etc/passwd", b"the true one\n") + END
    for compress in (COMPRESSORS["level 1"], COMPRESSORS["level 6"], COMPRESSORS["flushed"]):
        walk = Walk(compress(data))
        assert walk.read(walk.until("etc/passwd")).body == b"the true one\n"


def test_sparse_files_are_refused() -> None:

    sparse = header(
        b"holes", octal(512, 12), b"S", tail=(octal(0, 12) + octal(512, 12)).ljust(97, b"\0") + octal(9999, 12)
    )
    data = FILES + member(b"lib.so", program(1, 3_000_000)) + sparse + bytes(512) + member(b"last", b"x") + END
    walk = Walk(COMPRESSORS["level 6"](data), Settings()).to_the_end()
    holes = next(entry for entry in walk.entries if entry.name == "holes")
    assert walk.read(holes).said == "it is stored as a sparse file"


@pytest.mark.parametrize("name", ["etc/7", "between", "late", "lib/two.so"])
def test_other_bytes_than_were_listed(name: str) -> None:
    """What comes for a file that is not at hand any more is another layer's: it is no body."""
    other = COMPRESSORS["level 6"](PLAIN.replace(b"etc/", b"ETC/")[: len(PLAIN) // 2] + END)
    walk = Walk(BLOB, Settings()).to_the_end()
    entry = next(entry for entry in walk.entries if entry.name == name)
    walk.fetcher.forget(0, len(BLOB))
    walk.served = other[1000:].ljust(len(BLOB), b"\1")
    with pytest.raises(CorruptLayer):
        walk.read(entry)


def test_another_entry_than_was_listed() -> None:
    walk = Walk(BLOB, Settings()).to_the_end()
    late = next(entry for entry in walk.entries if entry.name == "late")
    for wrong in (late._replace(size=5), late._replace(offset=late.offset - 512), late._replace(name="early")):
        with pytest.raises(CorruptLayer):
            walk.read(wrong)


def test_where_two_guesses_differ_it_is_read_from_further_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that is a copy of what came 20 KB before it is not known right after a landing in between."""
    differed: List[int] = []

    class Noted(Exception):
        def __init__(self) -> None:
            differed.append(1)

    before = program(1, 3_000_000)
    data = FILES + member(b"lib.so", before)
    engine = zlib.compressobj(6, zlib.DEFLATED, 31, 1)  # little memory: small blocks
    begin = engine.compress(data)
    place = len(begin + engine.copy().flush())
    copy = before[-20_000:]
    rest = engine.compress(member(b"copy", copy) + MORE + END) + engine.flush()
    walk = Walk(begin + rest).to_the_end()
    starts = file_read._starts

    def nearer(walk: GzipWalk, offset: int) -> Iterator[file_read.Start]:
        for back in range(2_000, 40_000, 2_000):
            resynced = file_read._resynced(walk, walk.segments[-1], place - back, offset)
            if resynced is not None:
                yield resynced
        yield from starts(walk, offset)

    monkeypatch.setattr(file_read, "_Unknown", Noted)
    monkeypatch.setattr(file_read, "_starts", nearer)
    entry = next(entry for entry in walk.entries if entry.name == "copy")
    assert walk.read(entry).body == copy
    assert differed


def test_what_is_forgotten_makes_room() -> None:
    walk = Walk(BLOB, Settings())
    spool = walk.fetcher._cache
    for at in range(0, 40 * 65536, 65536):
        walk.fetcher.read(at, at + 65536)
        walk.fetcher.forget(0, at)
    assert spool._end <= 3 * 65536


def test_few_inflaters_are_kept_however_long_the_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resume_points, "_MOST", 4)
    walk = Walk(BLOB).to_the_end()
    kept = [mark for segment in walk.walk.segments for mark in segment.resume_points if mark.stream is not None]
    assert 2 <= len(kept) <= 4
    assert walk.read(next(entry for entry in walk.entries if entry.name == "late")).body == b"late"
