"""SOCI indexes: equal to the full walk when they are honest, one sentence when they are not."""

from __future__ import annotations

import struct
from typing import Any, Dict, List, Tuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from layerslayer.demo.image import gzip_of
from layerslayer.errors import CorruptLayer, LayerslayerError
from layerslayer.limits import LimitReached, Limits

from ...support import ztoc_writer as writer
from ...support.soci_layers import BODIES, HONEST, KINDS, LAYER, SECOND, TAR, Blob, changed, read


@pytest.mark.parametrize("span", [1 << 12, 1 << 14, 1 << 16, 1 << 30])
@pytest.mark.parametrize("kind", KINDS)
def test_an_honest_index_equals_the_full_walk(kind: str, span: int) -> None:
    body, write = KINDS[kind]
    blob = Blob(body)
    toc = blob.ztoc(write(body, span))
    assert [entry._replace(offset=0) for entry in toc.entries] == [entry._replace(offset=0) for entry in blob.full()]
    assert toc.compression == ("none" if body is TAR else "gzip") and toc.digests() == {} and toc.verified
    for index, entry in enumerate(toc.entries):
        assert entry.offset == -2 - index
        if entry.name in BODIES:
            blob.asked.clear()
            assert b"".join(toc.read_file(index, blob.range)) == BODIES[entry.name]
            assert len(blob.asked) <= (1 if entry.size else 0)
    for index in reversed(range(len(toc.entries))):
        if toc.entries[index].name in BODIES:
            assert b"".join(toc.read_file(index, blob.range)) == BODIES[toc.entries[index].name]


def with_file(number: int, **changes: Any) -> List[Dict[str, Any]]:
    files = [dict(item) for item in HONEST["files"]]
    files[number].update(changes)
    return files


LIES: Dict[str, Tuple[Dict[str, Any], str]] = {
    "another version": ({"version": "1.0"}, "unknown version"),
    "no version": ({"version": ""}, "unknown version"),
    "another size": ({"sizes": (len(LAYER) + 1, len(TAR))}, "another size"),
    "another compression": ({"algorithm": 3}, "unknown compression"),
    "a missing digest": ({"digests": HONEST["digests"][:-1]}, "digest for each span"),
    "a digest too many": ({"digests": [*HONEST["digests"], HONEST["digests"][0]]}, "digest for each span"),
    "no digest": ({"digests": []}, "digest for each span"),
    "a digest that is none": ({"digests": ["md5:x", *HONEST["digests"][1:]]}, "digest for each span"),
    "a wrong last span": ({"last": 999}, "digest for each span"),
    "a negative last span": ({"last": -1}, "digest for each span"),
    "no checkpoints": ({"zinfo": b""}, "cut off"),
    "checkpoints cut off": ({"zinfo": HONEST["zinfo"][:-1]}, "as many checkpoints"),
    "fewer than it says": ({"zinfo": changed(0, "i", 2**31 - 1)}, "as many checkpoints"),
    "a negative count": ({"zinfo": changed(0, "i", -1)}, "as many checkpoints"),
    "none at all": ({"zinfo": struct.pack("<iq", 0, 1)}, "as many checkpoints"),
    "a place before the layer": ({"zinfo": changed(12, "q", -1)}, "not in order"),
    "a place behind it": ({"zinfo": changed(SECOND, "q", 2**62)}, "not in order"),
    "places in disorder": ({"zinfo": changed(SECOND, "q", 3)}, "not in order"),
    "bits before the layer": ({"zinfo": changed(28, "B", 3, changed(12, "q", 0))}, "not in order"),
    "more bits than a byte has": ({"zinfo": changed(SECOND + 16, "B", 8)}, "not in order"),
    "a first output that is not": ({"zinfo": changed(20, "q", 5)}, "not in order"),
    "outputs in disorder": ({"zinfo": changed(SECOND + 8, "q", 2**62)}, "not in order"),
    "a negative output": ({"zinfo": changed(SECOND + 8, "q", -5)}, "not in order"),
    "an unknown type": ({"files": with_file(0, type="door")}, "unknown type"),
    "no name": ({"files": with_file(1, name="")}, "without a name"),
    "a negative size": ({"files": with_file(1, size=-1)}, "negative"),
    "a negative place": ({"files": with_file(0, offset=-1)}, "where it cannot be"),
    "a place before the one before": ({"files": with_file(2, offset=512)}, "where it cannot be"),
    "a place behind the tar": ({"files": with_file(-1, offset=len(TAR))}, "where it cannot be"),
    "a size beyond the tar": ({"files": with_file(-1, size=2**62)}, "where it cannot be"),
    "contents that overlap": ({"files": with_file(2, size=len(BODIES["words"]) + 2048)}, "where it cannot be"),
    "a negative device": ({"files": with_file(10, minor=-3)}, "negative"),
}


@pytest.mark.parametrize("name", LIES)
def test_a_lie_is_one_sentence(name: str) -> None:
    changes, sentence = LIES[name]
    with pytest.raises(CorruptLayer, match=sentence):
        Blob(LAYER).ztoc(writer.ztoc(**dict(HONEST, **changes)))


@pytest.mark.parametrize("step, whole", [(0, len(TAR)), (-1, len(TAR)), (1, len(TAR)), (2**62, len(TAR)), (4096, 1)])
def test_spans_that_do_not_make_up_a_plain_layer(step: int, whole: int) -> None:
    numbers = [writer.Number(2, "i"), writer.Number(step, "q"), writer.Number(whole, "q")]
    zinfo = writer.flatbuffer(writer.Table(numbers))
    body = writer.ztoc([], (len(TAR), len(TAR)), ["sha256:" + "0" * 64] * 3, zinfo, 2)
    with pytest.raises(CorruptLayer, match="do not make up"):
        Blob(TAR).ztoc(body)


def test_the_number_of_entries_is_bounded() -> None:
    with pytest.raises(LimitReached, match="too many entries; the limit is 5"):
        Blob(LAYER, limits=Limits(entries=5)).ztoc(writer.ztoc(**HONEST))


@pytest.mark.parametrize(
    "records",
    [{"GNU.sparse.major": b"1", "GNU.sparse.minor": b"0"}, {"SCHILY.realsize": b"9"}, {"SUN.holesdata": b" 0 9"}],
)
def test_where_a_sparse_file_is_cannot_be_told(records: Dict[str, bytes]) -> None:
    files = with_file(1, pax=records, size=2**40)
    blob = Blob(LAYER)
    toc = blob.ztoc(writer.ztoc(**dict(HONEST, files=files)))
    assert toc.entries[1].size == 2**40
    with pytest.raises(CorruptLayer, match="sparse"):
        read(toc, "etc/passwd", blob.range)
    assert read(toc, "words", blob.range) == BODIES["words"]


def test_the_algorithm_is_gzip_unless_it_is_stated() -> None:
    blob = Blob(LAYER)
    assert read(blob.ztoc(writer.ztoc(**HONEST, algorithm=None)), "more", blob.range) == BODIES["more"]


SMALL_TAR = TAR[: 512 * 5] + bytes(1024)
SMALL = gzip_of(SMALL_TAR)
SMALL_ZTOC = writer.ztoc_of(SMALL)


def taken_apart(body: bytes) -> None:
    """Read all that a ztoc of SMALL says; whatever is wrong ends in a sentence."""
    blob = Blob(SMALL)
    try:
        toc = blob.ztoc(body)
    except LayerslayerError:
        return
    for index, entry in enumerate(toc.entries):
        if entry.kind == "-":
            try:
                got = sum(len(piece) for piece in toc.read_file(index, blob.range))
            except LayerslayerError:
                continue
            assert got == entry.size


@settings(max_examples=300)
@given(st.lists(st.tuples(st.integers(0, len(SMALL_ZTOC) - 32769), st.integers(0, 255)), min_size=1, max_size=5))
def test_damage_never_breaks_the_program(changes: List[Tuple[int, int]]) -> None:
    window = SMALL_ZTOC.rindex(bytes(32768))
    body = bytearray(SMALL_ZTOC)
    for at, value in changes:
        body[at if at < window else at + 32768] = value  # not in the first window, which is all zeros and unused
    taken_apart(bytes(body))


@settings(max_examples=200)
@given(st.binary(max_size=300))
def test_any_bytes_never_break_the_program(body: bytes) -> None:
    taken_apart(body)


@settings(max_examples=200)
@given(st.data())
def test_any_checkpoints_and_files_never_break_the_program(data: st.DataObject) -> None:
    number = st.one_of(st.integers(-3, 2 * len(SMALL)), st.integers(-(2**63), 2**63 - 1))
    found = [
        writer.Checkpoint(data.draw(number), data.draw(number), data.draw(st.integers(0, 9)), bytes(32768))
        for _ in range(data.draw(st.integers(0, 3)))
    ]
    found = sorted(found) if data.draw(st.booleans()) else found
    zinfo = writer.checkpoints_blob(found, data.draw(st.booleans()) or not found)
    files = [
        {"name": "a", "type": data.draw(st.sampled_from(["reg", "dir", "char"])), "offset": data.draw(number),
         "size": data.draw(number), "linkname": "", "mode": data.draw(number), "uid": 0, "gid": 0, "uname": "",
         "gname": "", "mod_time": data.draw(st.text(max_size=5)), "major": 0, "minor": data.draw(number), "pax": {}}
        for _ in range(data.draw(st.integers(0, 3)))
    ]  # fmt: skip
    digests = [writer.digest(b"")] * max(len(found), 1)
    taken_apart(writer.ztoc(files, (len(SMALL), data.draw(number)), digests, zinfo))
