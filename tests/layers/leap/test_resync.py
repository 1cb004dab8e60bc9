"""A landing says only what does not depend on the 32 KiB before it, and finds the first header or none at all."""

from __future__ import annotations

import random
import re
import zlib
from typing import Iterator, List, NamedTuple, Optional, Tuple

import pytest

from layerslayer.errors import CorruptLayer
from layerslayer.formats.entry import Entry
from layerslayer.formats.gzip.block_finder import Boundary, find_boundary, inflater_at
from layerslayer.formats.gzip.inflate import WINDOW
from layerslayer.formats.gzip.members import MemberStream
from layerslayer.layers.leap.resync import Doubtful, Resync

from ...support.leap_layers import COMPRESSORS, noise, skewed, tar
from ...support.tars import END, header, member, octal, pax, pieces, record, walk

NEAR = 64 * 1024  # bytes of output: nearer to a header nobody lands, if he can help it
HEAD = 10  # bytes of a gzip header


class Case(NamedTuple):
    """A place in a layer to land at: ``out`` bytes of the tar come before it."""

    plain: bytes
    rest: bytes  # of the blob
    boundary: Boundary  # in that
    out: int


def places(plain: bytes, blob: bytes, count: int = 8) -> Iterator[Case]:
    """Yield places all over a layer of one gzip member."""
    for number in range(count):
        rest = blob[HEAD + number * (len(blob) - HEAD) // count :]
        boundary = find_boundary(rest)
        if boundary is not None:
            engine, data = inflater_at(rest, boundary, 0)
            yield Case(plain, rest, boundary, len(plain) - len(engine.decompress(data)))


def resynced(case: Case, position: int, step: int = 20_000) -> Tuple[Resync, bytes]:
    """Land and go on until it is settled, or the end; return what is left of the blob as well. Raises Doubtful."""
    zeros, data = inflater_at(case.rest, case.boundary, 0)
    ones, _ = inflater_at(case.rest, case.boundary, 0xFF)
    resync = Resync(MemberStream(zeros), MemberStream(ones), position)
    for at in range(0, len(data), step):
        resync.feed(data[at : at + step])
        if resync.settled:
            return resync, data[at + step :]
    return resync, b""


def body_around(entries: List[Entry], plain: bytes, out: int) -> Optional[int]:
    """Return where the body ends that ``out`` is well inside of, and the next header begins."""
    starts = [entry.offset for entry in entries] + [len(plain.rstrip(b"\0")) + 511 & -512]
    following = next((start for start in starts if start >= out), None)
    return following if following is not None and following - out > NEAR else None


def holds(case: Case, position: int, entries: List[Entry], step: int) -> bool:
    """Whether a landing settled there; it must have found the truth then."""
    try:
        resync, rest = resynced(case, position, step)
    except (Doubtful, CorruptLayer):
        return False
    if resync.first is None:
        return False
    assert case.out + resync.first == position
    if not resync.settled:
        return False
    done = case.out + resync.stream.output
    after = b"".join(resync.stream.feed(rest))
    assert after == case.plain[done:]  # and nothing of it was guessed
    assert resync.entries + resync.walker.feed(after) == [item for item in entries if item.offset >= position]
    return True


@pytest.mark.parametrize("seed", range(12))
def test_the_first_header_or_none(seed: int) -> None:
    source = random.Random(seed)
    plain = tar(source, 1_500_000, depth=1)
    entries = walk(plain)
    blob = COMPRESSORS[source.choice(["level 1", "level 6", "little memory", "flushed", "stored"])](plain)
    for case in places(plain, blob):
        position = body_around(entries, plain, case.out)
        if position is not None:
            holds(case, position, entries, source.choice((999, 20_000, 300_000)))


def layer(*parts: bytes) -> Tuple[bytes, bytes, List[Entry]]:
    plain = b"".join(parts) + END
    return plain, COMPRESSORS["level 6"](plain), walk(plain)


BODIES = {"skewed": skewed(random.Random(1), 900_000), "noise": noise(random.Random(2), 700_000)}
BODIES["prose"] = b" ".join(BODIES["noise"][at : at + 7].hex().encode() for at in range(0, 500_000, 7))
LONG = b"n/" * 120
AFTER = {
    "a file": member(b"after", b"body"),
    "a directory": header(b"after/", kind=b"5"),
    "a long pax name": pax(record("path", "p/" * 150)) + member(b"short", b"body"),
    "a long GNU name": member(b"././@LongLink", LONG + b"\0", kind=b"L") + member(LONG[:100], b"body"),
    "two long GNU names": member(b"././@LongLink", LONG + b"\0", kind=b"K")
    + member(b"././@LongLink", LONG + b"\0", kind=b"L")
    + header(LONG[:100], kind=b"2", target=LONG[:100]),
    "another large file": member(b"after", noise(random.Random(3), 400_000)),
}


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("after", AFTER)
def test_what_comes_after_a_body_is_found(body: str, after: str) -> None:
    """In ordinary bodies it is found from most places, extended headers and all."""
    more = member(b"more", noise(random.Random(4), 100_000))
    plain, blob, entries = layer(member(b"large", BODIES[body]), AFTER[after], more)
    position = entries[1].offset
    found = [holds(case, position, entries, 20_000) for case in places(plain, blob) if 0 < case.out < position - NEAR]
    assert sum(found) > len(found) // 2 > 0 or body == "prose"  # there references reach back for long


def test_a_run_of_zeros_settles_nothing_and_claims_nothing() -> None:
    plain, blob, entries = layer(member(b"large", noise(random.Random(1), 90_000) + bytes(4_000_000)), AFTER["a file"])
    for case in places(plain, blob):
        if 0 < case.out < entries[1].offset - NEAR:
            holds(case, entries[1].offset, entries, 20_000)


@pytest.mark.parametrize("step", [1000, 100_000])
def test_zeros_at_the_end_are_counted(step: int) -> None:
    for padding in (0, 1, 512, 1024, 70_000):
        body = BODIES["noise"][:400_000]
        plain = header(b"large", octal(len(body), 12)) + body + b"\1" + bytes(padding)
        case = list(places(plain, COMPRESSORS["level 6"](plain)))[4]
        resync, _ = resynced(case, len(plain), step)
        assert (resync.first, resync.zeros) == (None, padding)
        assert resync.stream.ends == [(len(plain) - case.out, len(plain))]


def crafted(window: bytes, *parts: bytes) -> Tuple[bytes, bytes]:
    """Return a deflate stream of ``parts``, that refers back to ``window``, and what it is."""
    engine = zlib.compressobj(9, zlib.DEFLATED, -15, 8, zlib.Z_DEFAULT_STRATEGY, window)
    plain = b"".join(parts)
    return engine.compress(plain) + engine.flush(), plain


def land_in(stream: bytes, step: int = 5000) -> Resync:
    """Land at the very beginning of a stream."""
    engines = [zlib.decompressobj(-15, zdict=bytes((fill,)) * WINDOW) for fill in (0, 0xFF)]
    resync = Resync(MemberStream(engines[0]), MemberStream(engines[1]), 0)
    for piece in pieces(stream + bytes(8), step):
        resync.feed(piece)
    return resync


HIDDEN = header(b"hidden", octal(40_000, 12))
BODY = noise(random.Random(5), 40_448)  # the next header lies out of reach: it is certain
NEXT = member(b"next", noise(random.Random(6), 40_000))


def passes_over(stream: bytes, *places: int) -> bool:
    """Whether a landing takes another header for the first than one at ``places``, and is sure of it."""
    try:
        resync = land_in(stream)
    except Doubtful:
        return False
    return resync.first not in places and not (resync.doubted and resync.blind > max(places))


@pytest.mark.parametrize("known", [0, 100, 157, 255, 257, 262, 300, 480])
def test_a_header_of_unknown_bytes_is_never_passed_over(known: int) -> None:
    """Some of its bytes are copied from before the landing."""
    source = random.Random(known)
    filler = noise(source, 512 * 8)
    changed = bytes(byte ^ 0x55 for byte in HIDDEN[:known])  # so that those are no copy
    stream, plain = crafted(noise(source, WINDOW - 512) + changed + HIDDEN[known:], filler, HIDDEN, BODY, NEXT, END)
    assert [entry.name for entry in walk(plain[len(filler) :])] == ["hidden", "next"]
    assert not passes_over(stream, len(filler))


@pytest.mark.parametrize("chain", [1, 3, 40])
def test_unknown_bytes_are_unknown_however_often_they_are_copied(chain: int) -> None:
    source = random.Random(1)
    window = noise(source, WINDOW - 512) + HIDDEN
    filler = b"".join(window[-9000:] + noise(source, 512 * 4) for _ in range(chain))
    filler += bytes(-len(filler) % 512)
    stream, _ = crafted(window, filler, HIDDEN, BODY, NEXT, END)
    places = [match.start() for match in re.finditer(re.escape(HIDDEN), filler + HIDDEN)]
    assert len(places) == chain + 1
    assert not passes_over(stream, *places)


def test_certain_after_a_window_of_literals() -> None:
    stream, plain = crafted(noise(random.Random(3), WINDOW), noise(random.Random(4), 512 * 200), NEXT, END)
    resync = land_in(stream)
    assert resync.settled and resync.first == 512 * 200 and resync.blind <= WINDOW * 9
    assert [entry.name for entry in resync.entries + resync.walker.close()] == ["next"]
    assert resync.stream.output == len(plain)


# -- what two guesses read alike, and is not ------------------------------------


class Guess(MemberStream):
    """A stream of which this came out for one of two guesses."""

    def __init__(self, plain: bytes) -> None:
        super().__init__()
        self._plain = plain

    def feed(self, data: bytes) -> Iterator[bytes]:
        piece, self._plain = self._plain[: len(data)], self._plain[len(data) :]
        self.output += len(piece)
        yield piece


@pytest.mark.parametrize("kind", [b"x", b"g"])
@pytest.mark.parametrize("known", [True, False])
def test_records_whose_key_is_not_known_are_doubted(known: bool, kind: bytes) -> None:
    """Both guesses leave out what they do not know, so their entries are the same."""
    lead, after = noise(random.Random(1), 20_000), member(b"next", noise(random.Random(2), 40_000))
    guesses = [b"13 mtime=1.5\n"] * 2 if known else [b"13 mti%s=1.5\n" % (byte * 2) for byte in (b"\0", b"\xff")]
    unknown = zip((b"\0", b"\xff"), guesses)  # of what came before as well
    resync = Resync(*(Guess(lead[:9000] + byte + lead + pax(guess, kind) + after) for byte, guess in unknown), 0)
    if known:
        resync.feed(bytes(200_000))
        assert resync.settled
        return
    with pytest.raises(Doubtful):
        resync.feed(bytes(200_000))
