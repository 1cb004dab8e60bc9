"""Layers of more than 4 GiB, uncompressed: their length is stated modulo 2**32 only."""

from __future__ import annotations

import random
import struct
import zlib

import pytest

from layerslayer.formats.gzip.fast_inflate import FAST
from layerslayer.layers.leap import segments
from layerslayer.layers.leap.settings import Settings

from ...support.leap_layers import COMPRESSORS, SMALL, noise
from ...support.leap_walks import Leapt, compared, program
from ...support.tars import END, header, member, octal

CHUNK = 16 << 20
FAR = 300 * CHUNK  # bytes of zeros
HARD = noise(random.Random(3), 6_000_000)  # so that the layer as a whole is no bomb
BEFORE, AFTER = noise(random.Random(1), 300_000), noise(random.Random(2), 900_000)


def far() -> bytes:
    """A layer with a file of 5 GiB, nearly all of it zeros, between two that are worth a leap."""
    engine = zlib.compressobj(1, zlib.DEFLATED, -15)
    size = len(BEFORE) + FAR + len(AFTER)
    end = (
        bytes(-size % 512)
        + member(b"after", HARD)
        + member(b"later")
        + header(b"link", kind=b"2", target=b"after")
        + END
    )
    head = member(b"first", b"1") + member(b"before", HARD) + header(b"sparse", octal(size, 12))
    parts = [engine.compress(head + BEFORE), engine.flush(zlib.Z_FULL_FLUSH)]
    zeros = engine.compress(bytes(CHUNK)) + engine.flush(zlib.Z_FULL_FLUSH)  # refers to nothing before it
    parts += [zeros] * (FAR // CHUNK)
    parts.append(engine.compress(AFTER + end) + engine.flush())
    stated = (len(head) + size + len(end)) % 2**32
    return b"\x1f\x8b\x08" + bytes(6) + b"\3" + b"".join(parts) + struct.pack("<II", 0, stated)


@pytest.mark.skipif(not FAST, reason="takes long without isal")
def test_five_gigabytes() -> None:
    """The zeros are read: that takes less than finding out where they end. The others are not."""
    found = Leapt(far())
    assert found.error is None and found.walk.proved and found.walk.leaps == 2 and found.share < 0.8
    assert [(entry.name, entry.size) for entry in found.entries] == [
        ("first", 1), ("before", len(HARD)), ("sparse", len(BEFORE) + FAR + len(AFTER)), ("after", len(HARD)),
        ("later", 0), ("link", 0),
    ]  # fmt: skip
    assert found.walk.last.position == found.entries[-1].offset + 512 + len(END) > 2**32
    assert found.entries[-1].offset == found.entries[-2].offset + 512


LARGE = member(b"large", program(1, 6_000_000)) + member(b"a") + member(b"b", noise(random.Random(2), 900_000)) + END


@pytest.mark.parametrize("modulus", [2**16, 2**20, 2**22])
@pytest.mark.parametrize("settings", [Settings(), SMALL])
def test_lengths_far_beyond_what_can_be_stated(
    monkeypatch: pytest.MonkeyPatch, settings: Settings, modulus: int
) -> None:
    """As if lengths were stated modulo less, so that it takes but megabytes to go beyond.

    A gap might hold so much more, for all that is known of it; so it is read.
    """
    monkeypatch.setattr(segments, "MODULUS", modulus)
    found = compared(COMPRESSORS["level 6"](LARGE), settings)
    assert found.walk.leaps and found.walk.proved and found.walk.whole
    found = compared(COMPRESSORS["members"](LARGE), settings)
    assert found.walk.proved
