from __future__ import annotations

import bz2
import gzip
import hashlib
import io
import lzma
from typing import Callable, List

import pytest

from layerslayer.errors import CorruptLayer, DigestMismatch, Unreachable
from layerslayer.layers.outcome import Report
from layerslayer.layers.stream import read_entries
from layerslayer.oci.descriptor import Descriptor

from ..support.tars import END, member

TAR = "application/vnd.oci.image.layer.v1.tar+gzip"
BODY = gzip.compress(member(b"a", b"x") + member(b"b") + END)


class Blob(io.BytesIO):
    """A readable that remembers being closed after the fact."""

    was_closed = False

    def close(self) -> None:
        self.was_closed = True
        super().close()


def described(body: bytes, media_type: str = TAR, size: int = -1) -> Descriptor:
    digest = "sha256:" + hashlib.sha256(body).hexdigest()
    return Descriptor(media_type, digest, len(body) if size < 0 else size, {})


def read(descriptor: Descriptor, body: bytes) -> tuple[List[str], Report]:
    report, blob = Report(descriptor), Blob(body)
    names = [entry.name for batch in read_entries(descriptor, lambda: blob, report) for entry in batch]
    assert blob.was_closed
    return names, report


def test_a_whole_layer() -> None:
    names, report = read(described(BODY), BODY)
    assert names == ["a", "b"]
    assert (report.complete, report.verified, report.entries, report.bytes_read) == (True, True, 2, len(BODY))
    assert (report.compression, report.uncompressed, report.notes) == ("gzip", 2560, [])


def test_an_empty_blob_is_an_empty_layer() -> None:
    names, report = read(described(b""), b"")
    assert (names, report.complete) == ([], True)


def test_a_wrong_digest_is_told_after_the_entries() -> None:
    other = gzip.compress(member(b"a", b"y") + member(b"b") + END)
    names, report = read(described(BODY)._replace(size=len(other)), other)
    assert names == ["a", "b"]
    assert isinstance(report.problem, DigestMismatch)
    assert not report.complete


@pytest.mark.parametrize("difference", [-5, 5])
def test_a_wrong_size_is_told(difference: int) -> None:
    _, report = read(described(BODY, size=len(BODY) + difference), BODY)
    assert isinstance(report.problem, DigestMismatch)
    assert not report.verified


def test_a_corrupt_header_is_told_and_what_came_before_is_listed() -> None:
    body = member(b"a") + b"?" * 512
    names, report = read(described(body), body)
    assert names == ["a"]
    assert isinstance(report.problem, CorruptLayer)
    assert report.problem.offset == 512


def test_what_is_no_tar_and_promised_none_is_opaque() -> None:
    body = b'{"predicate": {}}'
    names, report = read(described(body, "application/vnd.in-toto+json"), body)
    assert (names, report.opaque, report.problem, report.complete) == ([], True, None, True)
    _, report = read(described(body), body)
    assert isinstance(report.problem, CorruptLayer)


def test_a_tar_of_an_unknown_type_is_listed() -> None:
    names, report = read(described(BODY, "application/x-unknown"), BODY)
    assert (names, report.opaque, report.complete) == (["a", "b"], False, True)


def test_hidden_entries_and_trailing_bytes_are_noted() -> None:
    body = gzip.compress(member(b"a") + END + member(b"b") + END) + b"tail"
    names, report = read(described(body), body)
    assert names == ["a", "b"]
    assert len(report.notes) == 2
    assert report.complete


def test_a_source_that_fails_ends_the_reading() -> None:
    def fails() -> io.BytesIO:
        raise Unreachable("no.")

    report = Report(described(BODY))
    assert list(read_entries(described(BODY), fails, report)) == []
    assert isinstance(report.problem, Unreachable)


@pytest.mark.parametrize(("compress", "name"), [(lzma.compress, "xz"), (bz2.compress, "bzip2")])
def test_other_compressions_are_named(compress: Callable[[bytes], bytes], name: str) -> None:
    body = compress(member(b"a") + END)
    names, report = read(described(body), body)
    assert names == [] and not report.complete
    assert str(report.problem) == "the layer is compressed with {}, which is not read here.".format(name)


def test_one_of_a_kind_is_told_in_the_singular() -> None:
    body = gzip.compress(member(b"a") + END + member(b"b") + END) + b"x"
    notes = read(described(body), body)[1].notes
    assert notes[0].startswith("1 entry after") and notes[1].startswith("1 byte after the compressed stream belongs")
