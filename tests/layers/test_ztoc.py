"""SOCI indexes: equal to the full walk when they are honest, one sentence when they are not."""

from __future__ import annotations

import io
import random
import struct
import tarfile
import zlib
from typing import Any, Callable, Dict, List, Tuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from layerslayer import limits
from layerslayer.demo.image import gzip_of
from layerslayer.errors import CorruptLayer, DigestMismatch, LayerslayerError
from layerslayer.layers import spans
from layerslayer.layers.claimed import OpenRange
from layerslayer.layers.ztoc import Ztoc

from . import blobs
from . import ztoc_writer as writer

_RANDOM = random.Random(11)
_WORDS = [bytes(_RANDOM.randrange(97, 123) for _ in range(_RANDOM.randrange(2, 9))) for _ in range(300)]


def words(count: int) -> bytes:
    return b" ".join(_RANDOM.choice(_WORDS) for _ in range(count))


def noise(count: int) -> bytes:
    return bytes(_RANDOM.randrange(256) for _ in range(count))


BODIES: Dict[str, bytes] = {
    "etc/passwd": b"root:x:0:0\n",
    "words": words(14_000),
    "noise": noise(40_000),
    "empty": b"",
    "more": words(20_000),
    "zeros": bytes(100_000),
    "last": words(9_000),
}


def tar() -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:

        def add(name: str, kind: bytes, body: bytes = b"", **more: Any) -> None:
            info = tarfile.TarInfo(name)
            info.type, info.size, info.mtime, info.uname = kind, len(body), 1700000000, "root"
            for key, value in more.items():
                setattr(info, key, value)
            archive.addfile(info, io.BytesIO(body))

        add("etc/", tarfile.DIRTYPE, mode=0o755)
        for name, body in BODIES.items():
            add(name, tarfile.REGTYPE, body, mode=0o4755, mtime=1700000000.5)
        add("bin", tarfile.SYMTYPE, linkname="usr/bin", uid=1000, gid=70000)
        add("hard", tarfile.LNKTYPE, linkname="words")
        add("null", tarfile.CHRTYPE, devmajor=1, devminor=3)
        add("n" * 180 + "\udcff\u00fc", tarfile.REGTYPE, b"x")
        add("caps", tarfile.REGTYPE, b"y", pax_headers={"SCHILY.xattr.security.capability": "\x01\x02"})
    return out.getvalue()


def fine(body: bytes) -> bytes:
    """Return gzip of blocks of 128 symbols each."""
    engine = zlib.compressobj(9, zlib.DEFLATED, 31, 1)
    return engine.compress(body) + engine.flush()


TAR = tar()
LAYER = fine(TAR)
MEMBERS = b"".join(gzip_of(TAR[at : at + 60_000]) for at in range(0, len(TAR), 60_000))


class Blob(blobs.Blob):
    def __init__(self, body: bytes) -> None:
        super().__init__(body, "application/vnd.oci.image.layer.v1.tar")

    def ztoc(self, body: bytes) -> Ztoc:
        return Ztoc("SOCI v2", body, self.descriptor, True)


KINDS: Dict[str, Tuple[bytes, Callable[[bytes, int], bytes]]] = {
    "gzip": (LAYER, writer.ztoc_of),
    "gzip of large blocks": (gzip_of(TAR), writer.ztoc_of),
    "gzip, the first checkpoint left out": (LAYER, lambda body, span: writer.ztoc_of(body, span, False)),
    "gzip of many members": (MEMBERS, writer.ztoc_of),
    "not compressed": (TAR, writer.plain_ztoc_of),
}


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


@pytest.mark.parametrize("kind", KINDS)
def test_spans_too_large_to_be_held_are_read_as_they_come(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spans, "MAX_HELD", 20_000)
    body, write = KINDS[kind]
    for span in (1 << 14, 1 << 30):
        blob = Blob(body)
        toc = blob.ztoc(write(body, span))
        for name in (*BODIES, *reversed(list(BODIES))):
            assert read(toc, name, blob.range) == BODIES[name]
            assert len(toc._spans._held[1]) <= 20_000


def test_files_that_stand_together_cost_one_request() -> None:
    for body, write in KINDS.values():
        blob = Blob(body)
        toc = blob.ztoc(write(body, 1 << 16))
        for name in BODIES:
            assert read(toc, name, blob.range) == BODIES[name]
        fetched = sum(length for _, length in blob.asked)
        assert len(blob.asked) < len(BODIES) and fetched <= len(body) + 10  # a byte may be in two spans


def test_only_the_spans_of_a_file_are_fetched() -> None:
    for body, write in KINDS.values():
        blob = Blob(body)
        toc = blob.ztoc(write(body, 1 << 14))
        names = [entry.name for entry in toc.entries]
        list(toc.read_file(names.index("etc/passwd"), blob.range))
        list(toc.read_file(names.index("last"), blob.range))
        assert blob.asked[0][0] + blob.asked[0][1] < len(body) // 3
        assert blob.asked[1][0] > len(body) // 2


def test_spans_begin_inside_of_bytes() -> None:
    found = writer.checkpoints(LAYER, 1 << 12)
    assert len(found) > 8 and any(item.bits for item in found)  # which bits is zlib's choice; see test_inflate_at


def parts(span: int = 1 << 14) -> Dict[str, Any]:
    """The honest parts of a ztoc of LAYER, as ``writer.ztoc`` takes them."""
    found = writer.checkpoints(LAYER, span)
    return {
        "files": writer.metadata(TAR),
        "sizes": (len(LAYER), len(TAR)),
        "digests": writer.span_digests(LAYER, found),
        "zinfo": writer.checkpoints_blob(found, True, span),
    }


HONEST = parts()


def changed(place: int, kind: str, value: int, blob: bytes = HONEST["zinfo"]) -> bytes:
    body = bytearray(blob)
    struct.pack_into("<" + kind, body, place, value)
    return bytes(body)


def with_file(number: int, **changes: Any) -> List[Dict[str, Any]]:
    files = [dict(item) for item in HONEST["files"]]
    files[number].update(changes)
    return files


SECOND = 12 + 32785  # where the second checkpoint's record stands
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


def test_the_number_of_entries_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(limits.current, "entries", 5)
    with pytest.raises(limits.LimitReached, match="limit entries"):
        Blob(LAYER).ztoc(writer.ztoc(**HONEST))


def read(toc: Ztoc, name: str, open_range: OpenRange) -> bytes:
    index = [entry.name for entry in toc.entries].index(name)
    return b"".join(toc.read_file(index, open_range))


def test_a_span_with_another_digest_gives_nothing() -> None:
    digests = [*HONEST["digests"][:1], "sha256:" + "0" * 64, *HONEST["digests"][2:]]
    blob = Blob(LAYER)
    toc = blob.ztoc(writer.ztoc(**dict(HONEST, digests=digests)))
    assert read(toc, "etc/passwd", blob.range) == BODIES["etc/passwd"]  # in a span of its own
    index = [entry.name for entry in toc.entries].index("words")
    pieces = toc.read_file(index, blob.range)
    got = b""
    with pytest.raises(DigestMismatch, match="a span of the layer"):
        for piece in pieces:
            got += piece
    assert BODIES["words"].startswith(got) and len(got) < len(BODIES["words"])


def test_a_layer_that_was_changed_on_its_way_is_told() -> None:
    toc = Blob(LAYER).ztoc(writer.ztoc(**HONEST))
    for at in range(20, len(LAYER), len(LAYER) // 23):
        blob = Blob(LAYER[:at] + bytes([LAYER[at] ^ 1]) + LAYER[at + 1 :])
        wrong = 0
        for name, body in BODIES.items():
            try:
                assert read(toc, name, blob.range) == body
            except DigestMismatch:
                wrong += 1
        assert wrong


def test_digests_of_other_algorithms_count_too() -> None:
    import hashlib

    found = writer.checkpoints(LAYER, 1 << 30)
    digests = ["sha512:" + hashlib.sha512(LAYER[found[0].place :]).hexdigest()]
    blob = Blob(LAYER)
    zinfo = writer.checkpoints_blob(found)
    toc = blob.ztoc(writer.ztoc(HONEST["files"], HONEST["sizes"], digests, zinfo))
    assert read(toc, "last", blob.range) == BODIES["last"]


def honest_digests(zinfo: bytes) -> List[str]:
    count = struct.unpack_from("<i", zinfo)[0]
    found = [writer.Checkpoint(*struct.unpack_from("<qqB", zinfo, 12 + 32785 * number), b"") for number in range(count)]
    return writer.span_digests(LAYER, found)


@pytest.mark.parametrize(
    "zinfo",
    [
        changed(SECOND + 16, "B", 1 + HONEST["zinfo"][SECOND + 16] % 7),  # another bit to begin at
        changed(SECOND, "q", struct.unpack_from("<q", HONEST["zinfo"], SECOND)[0] + 3),  # another byte
        changed(SECOND + 8, "q", struct.unpack_from("<q", HONEST["zinfo"], SECOND + 8)[0] + 9),  # another place
    ],
)
def test_checkpoints_that_are_no_boundaries_break_nothing(zinfo: bytes) -> None:
    blob = Blob(LAYER)
    toc = blob.ztoc(writer.ztoc(**dict(HONEST, zinfo=zinfo, digests=honest_digests(zinfo))))
    for name, body in BODIES.items():
        try:
            assert len(read(toc, name, blob.range)) == len(body)
        except CorruptLayer:
            pass


def test_spans_that_hold_less_than_said_are_told() -> None:
    files = [*HONEST["files"]]
    files[-1] = dict(files[-1], offset=len(TAR) + 512, size=10)
    blob = Blob(LAYER)
    toc = blob.ztoc(writer.ztoc(**dict(HONEST, files=files, sizes=(len(LAYER), len(TAR) + 9999))))
    with pytest.raises(CorruptLayer, match="less than it says"):
        read(toc, "caps", blob.range)


def test_a_file_beyond_a_plain_layer_is_told() -> None:
    files = writer.metadata(TAR)
    files[-1] = dict(files[-1], offset=len(TAR) + 512, size=10)
    honest = writer.plain_ztoc_of(TAR, 1 << 30)
    zinfo = writer.flatbuffer(
        writer.Table([writer.Number(2, "i"), writer.Number(1 << 30, "q"), writer.Number(len(TAR), "q")])
    )
    blob = Blob(TAR)
    assert read(blob.ztoc(honest), "caps", blob.range) == b"y"
    toc = blob.ztoc(writer.ztoc(files, (len(TAR), 2 * len(TAR)), [writer.digest(TAR)], zinfo, 2))
    with pytest.raises(CorruptLayer, match="less than it says"):
        read(toc, "caps", blob.range)


def test_a_blob_that_ends_early_is_told() -> None:
    toc = Blob(LAYER).ztoc(writer.ztoc(**HONEST))
    with pytest.raises(DigestMismatch):
        read(toc, "last", lambda start, length: io.BytesIO(LAYER[start : start + length - 5]))


def test_a_span_too_large_to_be_held_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spans, "MAX_SPAN", 1000)
    blob = Blob(LAYER)
    with pytest.raises(CorruptLayer, match="larger than 1000"):
        read(blob.ztoc(writer.ztoc(**HONEST)), "words", blob.range)
    assert not blob.asked


def test_a_bomb_in_a_span_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "_FREE", 100_000)
    monkeypatch.setitem(limits.current, "size", 200_000)
    blob = Blob(LAYER)
    found = writer.checkpoints(LAYER, 1 << 30)
    zinfo = writer.checkpoints_blob(found)
    toc = blob.ztoc(writer.ztoc(HONEST["files"], HONEST["sizes"], writer.span_digests(LAYER, found), zinfo))
    for held in (spans.MAX_HELD, 0):
        monkeypatch.setattr(spans, "MAX_HELD", held)
        with pytest.raises(limits.LimitReached):
            read(toc, "last", blob.range)


def test_where_a_sparse_file_is_cannot_be_told() -> None:
    files = with_file(1, pax={"GNU.sparse.major": b"1", "GNU.sparse.minor": b"0"}, size=2**40)
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
