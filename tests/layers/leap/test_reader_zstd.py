"""--fast on zstd layers: by their frames where there are several, else as ever, and no byte is asked for twice."""

from __future__ import annotations

import functools
import io
import random
from typing import BinaryIO, List

import pytest

from layerslayer.errors import DigestMismatch, MissingBinding, RangeIgnored
from layerslayer.oci.source import Source

from ...support.frames_writer import cut, frame, framed, seekable
from ...support.leap_layers import noise
from ...support.tars import END, member, walk
from .test_reader import Listed, Serving

pytest.importorskip("zstandard")


@functools.lru_cache(maxsize=None)
def plain() -> bytes:
    files = b"".join(member(b"a/%d" % number, b"a" * 300) for number in range(30))
    body = noise(random.Random(1), 1_500_000)
    return files + member(b"a/lib.so", body) + files + member(b"a/x", body[::-1]) + files + END


@functools.lru_cache(maxsize=None)
def blob() -> bytes:
    return seekable(plain(), 150_000)


def test_frames_are_leapt_over() -> None:
    source = Serving(blob())
    listed = Listed(source)
    report = listed.report
    assert listed.entries == walk(plain())
    assert report.leapt and report.complete and not report.verified and report.notes == [] and report.problem is None
    assert (report.entries, report.uncompressed, report.compression) == (92, len(plain()), "zstd")
    assert report.bytes_read == sum(source.ranges) < len(blob()) * 0.4 and source.wholes == 0


@pytest.mark.parametrize(
    "whole", [frame(plain()), frame(plain(), sized=False), framed(cut(plain(), 150_000), False)[0]]
)
def test_one_frame_or_sizes_that_are_not_known(whole: bytes) -> None:
    """Read as a stream, verified; what was looked at first is not asked for again, but for the last nine bytes."""
    source = Serving(whole)
    listed = Listed(source)
    assert listed.in_full(plain()) and listed.report.notes == [] and listed.report.compression == "zstd"
    assert source.wholes == 0 and sum(source.ranges) == listed.report.bytes_read == len(whole) + 9
    assert len(source.ranges) == 3


def test_a_table_that_cannot_be_true_is_a_word() -> None:
    source = Serving(blob() + blob()[-1000:])
    listed = Listed(source)
    assert listed.report.notes == ["its seek table is not used: the seek table is not where it is said to be"] or (
        listed.report.notes[0].startswith("its seek table is not used: the frames of the seek table")
    )
    assert listed.entries == walk(plain())


@pytest.mark.parametrize("first", [1, 2, 3, 5])
@pytest.mark.parametrize("whole", ["frames", "one"])
def test_a_source_that_ignores_ranges(first: int, whole: str) -> None:
    def answer(number: int, start: int, length: int) -> BinaryIO:
        if number >= first:
            raise RangeIgnored("The server sent something else.")
        return source.honest(number, start, length)

    source = Serving(blob() if whole == "frames" else frame(plain()), answer)
    listed = Listed(source)
    if first > len(source.ranges):
        assert listed.in_full(plain()) and whole == "one"
        return
    assert listed.in_full(plain()) and source.wholes == 1
    word = "read in full after all: the server does not serve parts of it"
    assert listed.report.notes == ([word] if whole == "frames" or first < 3 else [])


@pytest.mark.parametrize("first", [1, 2, 3, 4, 7])
@pytest.mark.parametrize("kind", ["noise", "zeros", "shifted"])
@pytest.mark.parametrize("whole", ["frames", "one"])
def test_other_bytes_from_some_request_on(kind: str, first: int, whole: str) -> None:
    good = blob() if whole == "frames" else frame(plain())
    bad = {"noise": noise(random.Random(1), len(good)), "zeros": bytes(len(good)), "shifted": good[7:] + good[:7]}[kind]

    def answer(number: int, start: int, length: int) -> BinaryIO:
        return io.BytesIO((bad if number >= first else good)[start : start + length])

    listed = Listed(Serving(good, answer))
    report = listed.report
    if report.leapt:
        assert listed.entries == walk(plain())
    elif report.problem is None:
        assert listed.in_full(plain())
    else:
        assert isinstance(report.problem, DigestMismatch) and not report.complete


def test_no_binding(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is said without --fast."""
    source: Source = Serving(blob())
    monkeypatch.setitem(__import__("sys").modules, "zstandard", None)
    listed = Listed(source)  # type: ignore[arg-type]
    assert isinstance(listed.report.problem, MissingBinding) and not listed.report.complete
    notes: List[str] = listed.report.notes
    assert notes == []
