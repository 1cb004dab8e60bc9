"""--fast with SOCI indexes: found, believed, said so; where one cannot be used, that is said and the layer read."""

from __future__ import annotations

import json
import random
import re
import tarfile
from typing import Any, Callable, Dict, List

import pytest

from layerslayer.demo.image import Member, Store, add_manifest, gzip_of, tar_of
from layerslayer.demo.registry import Request, Response, error
from layerslayer.layers.outcome import Report
from layerslayer.layers.toc.discovery import Claims
from layerslayer.oci.descriptor import digest_of
from layerslayer.sources.resolve import find_candidates, open_image

from ..support import ztoc_writer as writer
from ..support.estargz_writer import File, estargz
from ..support.registry import NAME, Opened, Registry
from ..support.registry.faults import blobs_image
from ..support.registry.layouts import layout_files, write_folder
from ..support.registry.running import Ran, Runner
from ..support.registry.soci_images import V1, V2, soci_image

_NOISE = random.Random(5).getrandbits(8_000_000).to_bytes(1_000_000, "little")
TEXT = _NOISE.translate(bytes(range(64)) * 4)
MEMBERS = [
    Member("etc/", tarfile.DIRTYPE, 0o755),
    Member("etc/passwd", body=b"root\n"),
    Member("text", body=TEXT),
    Member("etc/link", tarfile.SYMTYPE, 0o777, target="passwd"),
    Member("etc/hard", tarfile.LNKTYPE, target="etc/passwd"),
    Member("end", mode=0o755, body=b"the end\n"),
]
TAR = tar_of(MEMBERS)
LAYER = gzip_of(TAR)
SPAN = 1 << 18
CHECKPOINTS = writer.checkpoints(LAYER, SPAN)
DIGESTS = writer.span_digests(LAYER, CHECKPOINTS)


def ztoc(**changes: Any) -> bytes:
    """The layer's ztoc, honest but for the changes."""
    parts: Dict[str, Any] = {
        "files": writer.metadata(TAR), "sizes": (len(LAYER), len(TAR)), "digests": DIGESTS,
        "zinfo": writer.checkpoints_blob(CHECKPOINTS),
    }  # fmt: skip
    return writer.ztoc(**dict(parts, **changes))


ZTOC = ztoc()
TOP = gzip_of(tar_of([Member("etc/.wh.hard"), Member("top", body=b"top\n")]))  # too small to be worth an index


def entries(ran: Ran) -> List[str]:
    return [line for line in ran.out.splitlines() if line[:1] in "-dlh"]


def last_note(ran: Ran) -> str:
    return next(line for line in ran.out.splitlines() if line.startswith("="))


STORES: Dict[str, Callable[[], Store]] = {
    "v2": lambda: soci_image([(LAYER, ZTOC), (TOP, None)], V2),
    "v1 by the referrers API": lambda: soci_image([(LAYER, ZTOC), (TOP, None)], V1),
    "v1 by the tag for referrers": lambda: soci_image([(LAYER, ZTOC), (TOP, None)], V1, api=False),
}
KINDS = {"v2": "SOCI v2", "v1 by the referrers API": "SOCI v1", "v1 by the tag for referrers": "SOCI v1"}


def served(name: str) -> Registry:
    registry = Registry(STORES[name]())
    if "tag" in name:
        registry.fault("/referrers/", error(404, "UNSUPPORTED", "no such endpoint"))
    return registry


@pytest.mark.parametrize("name", STORES)
def test_a_fast_listing_equals_the_full_one_and_reads_no_layer(name: str, run: Runner) -> None:
    with served(name) as registry:
        full = run("-t", registry.target, "--peek-all", "--no-cache")
        before = len(registry.requests)
        fast = run("-t", registry.target, "--peek-all", "--fast")
        requests = registry.requests[before:]
        as_json = run("peek", registry.target, "--fast", "--json", "--layer", "0")
    assert entries(fast) == entries(full) != []
    assert fast.code == 0
    claim = "digest NOT verified; as the publisher's index claims ({}).".format(KINDS[name])
    assert last_note(fast) == "= 6 entries; read {} of {} bytes; {}".format(len(ZTOC), len(LAYER), claim)
    assert not any(digest_of(LAYER) in request.path for request in requests)
    # The manifest, the config, the index, the ztoc, the small layer; what lists the referrers.
    assert len(requests) == {"v2": 5, "v1 by the referrers API": 6, "v1 by the tag for referrers": 7}[name]
    end, summary = [json.loads(line) for line in as_json.out.splitlines()][-2:]
    assert end["index"] == KINDS[name] and end["compression"] == "gzip" and end["notes"] == []
    assert summary["bytes_read"] == len(ZTOC) and not summary["verified"] and summary["complete"]


@pytest.mark.parametrize("name", STORES)
def test_files_come_from_their_spans(name: str, run: Runner) -> None:
    with served(name) as registry:
        for path, body in (("/etc/link", "root\n"), ("end", "the end\n"), ("top", "top\n")):
            assert run("cat", registry.target, path, "--fast").out == body
        asked = [request.headers.get("range", "") for request in registry.asked(digest_of(LAYER))]
        assert len(asked) == 2 and all(asked)  # each file in one part of the layer
        got = run("get", registry.target, "text", "/etc", "--fast", "-o", "out")
    assert got.code == 0
    assert (run.folder / "out/text").read_bytes() == TEXT
    assert (run.folder / "out/etc/passwd").read_bytes() == b"root\n"
    assert not (run.folder / "out/etc/hard").exists()  # deleted by the upper layer
    assert "claims ({})".format(KINDS[name]) in got.err


@pytest.mark.parametrize("name", STORES)
def test_only_what_the_manifest_names_is_called_verified(name: str) -> None:
    with served(name) as registry, Opened(registry) as source:
        reference = source.reference
        image = open_image(source, reference, find_candidates(source, reference).items[0])
        index = Claims(source, image).index_of(image.layers[0], Report(image.layers[0].descriptor))
    assert index is not None and index.verified == (name == "v2")


def test_an_index_that_is_used_twice_is_fetched_once(run: Runner) -> None:
    with served("v2") as registry:
        ran = run("get", registry.target, "/etc", "text", "--layer", "0", "--fast", "--json", "-o", "out")
        assert len(registry.asked(digest_of(ZTOC))) == 1
        ranges = [request.headers["range"] for request in registry.asked(digest_of(LAYER))]
    fetched = sum(int(last) - int(first) + 1 for first, last in (each[6:].split("-") for each in ranges))
    assert json.loads(ran.out.splitlines()[-1])["bytes_read"] == len(ZTOC) + fetched


def test_files_are_fetched_as_they_stand_in_the_tar(run: Runner) -> None:
    noise = random.Random(2).getrandbits(8 * 300_000).to_bytes(300_000, "big")
    bodies = {"c": b"1", "a": b"2", "noise": noise, "b": b"3"}
    layer = gzip_of(tar_of([Member(name, body=body) for name, body in bodies.items()]))
    with Registry(soci_image([(layer, writer.ztoc_of(layer, 1 << 17))])) as registry:
        assert run("get", registry.target, "?", "--fast", "-o", "out").code == 0
        assert len(registry.asked(digest_of(layer))) == 2  # one for c and a
    assert [(run.folder / "out" / name).read_bytes() for name in "abc"] == [b"2", b"3", b"1"]


def test_a_zstd_layer_has_none(run: Runner) -> None:
    with Registry(blobs_image([TEXT], "application/vnd.oci.image.layer.v1.tar+zstd")) as registry:
        run("peek", registry.target, "--fast")
        assert not registry.asked("/referrers/")


def test_an_index_is_looked_for_only_where_the_search_gets_to(run: Runner) -> None:
    with served("v2") as registry:
        assert run("cat", registry.target, "top", "--fast").out == "top\n"
        assert not registry.asked(digest_of(ZTOC)) and not registry.asked(digest_of(LAYER))


def test_without_fast_nobody_looks_for_it(run: Runner) -> None:
    with served("v1 by the referrers API") as registry:
        assert run("ls", registry.target, "/").code == 0
        assert not registry.asked("/referrers/") and not registry.asked(digest_of(ZTOC))


@pytest.mark.parametrize("verb", [["ls"], ["tree"], ["find", "*"]])
def test_other_verbs_take_it_too(verb: List[str], run: Runner) -> None:
    with served("v2") as registry:
        full = run(verb[0], registry.target, *verb[1:], "--no-cache")
        before = len(registry.asked(digest_of(LAYER)))
        fast = run(verb[0], registry.target, *verb[1:], "--fast", "--no-cache")
        assert len(registry.asked(digest_of(LAYER))) == before
    assert fast.out == full.out and fast.code == 0
    assert "listed as the publisher's index claims (SOCI v2)" in fast.err


def test_what_an_index_claims_is_not_kept(run: Runner) -> None:
    with served("v2") as registry:
        run("tree", registry.target, "--fast")
        assert "known from earlier" not in run("tree", registry.target).err
        assert "known from earlier" in run("tree", registry.target, "--fast").err


def test_a_layer_that_is_not_compressed(run: Runner) -> None:
    plain = writer.plain_ztoc_of(TAR, SPAN)
    with Registry(soci_image([(TAR, plain)], media_type="application/vnd.oci.image.layer.v1.tar")) as registry:
        fast = run("peek", registry.target, "--fast", "--json")
        assert run("cat", registry.target, "text", "--fast").out.encode() == TEXT
    end = json.loads(fast.out.splitlines()[-2])
    assert end["index"] == "SOCI v2" and end["compression"] == "none" and end["entries"] == len(MEMBERS)


def test_an_image_in_a_layout_on_the_disk(run: Runner) -> None:
    store = STORES["v2"]()
    write_folder(run.folder / "layout", layout_files(store, [("1.0", store.tags[NAME, "1.0"])]))
    assert run("cat", "oci:layout:1.0", "end", "--fast").out == "the end\n"
    assert "claims (SOCI v2)" in run("ls", "oci:layout:1.0", "--fast").err


def test_the_layers_own_table_goes_first_when_the_manifest_states_it(run: Runner) -> None:
    noise = random.Random(1).getrandbits(8 * len(LAYER)).to_bytes(len(LAYER), "big")
    own = estargz([File("own", b"x"), File("noise", noise)])
    store = soci_image([(own.blob, ZTOC)])
    document = json.loads(store.manifests[store.tags[NAME, "1.0"]].body.decode())
    document["layers"][0]["annotations"] = {"containerd.io/snapshot/stargz/toc.digest": own.toc_digest}
    store.tags[NAME, "1.0"] = add_manifest(store, document)["digest"]
    with Registry(store) as registry:
        assert "claims (eStargz)" in last_note(run("peek", registry.target, "--fast"))
        assert not registry.asked(digest_of(ZTOC))


# -- what cannot be used ----------------------------------------------------


def without(store: Store, what: str) -> Store:
    """The store without a blob or manifest of that digest."""
    store.blobs.pop(what, None)
    store.manifests.pop(what, None)
    return store


def annotated(store: Store, value: str) -> Store:
    document = json.loads(store.manifests[store.tags[NAME, "1.0"]].body.decode())
    document["annotations"] = {"com.amazon.soci.index-digest": value}
    store.tags[NAME, "1.0"] = add_manifest(store, document)["digest"]
    return store


def index_digest(store: Store) -> str:
    document = json.loads(store.manifests[store.tags[NAME, "1.0"]].body.decode())
    return str(document["annotations"]["com.amazon.soci.index-digest"])


UNUSABLE: Dict[str, Any] = {
    "the index is gone": (lambda: without(STORES["v2"](), index_digest(STORES["v2"]())), "has no image"),
    "the ztoc is gone": (lambda: without(STORES["v2"](), digest_of(ZTOC)), "does not have the blob"),
    "the digest is none": (lambda: annotated(STORES["v2"](), "\x1b[31mx"), "no usable digest"),
    "the index is an image": (
        lambda: (lambda store: annotated(store, store.tags[NAME, "1.0"]))(soci_image([(LAYER, None)], V1)),
        "is no SOCI index",
    ),
    "the ztoc is of another layer": (lambda: soci_image([(LAYER, ztoc(sizes=(7, 7)))]), "another size"),
    "the ztoc is none": (lambda: soci_image([(LAYER, b"\xff" * 5000)]), "corrupt FlatBuffers"),
    "the ztoc is larger than the layer": (lambda: soci_image([(LAYER, ZTOC + LAYER)]), "more than they spare"),
}  # fmt: skip


@pytest.mark.parametrize("name", UNUSABLE)
def test_what_cannot_be_used_is_a_note_and_the_layer_is_read(name: str, run: Runner) -> None:
    make, reason = UNUSABLE[name]
    with Registry(make()) as registry:
        peeked = run("peek", registry.target, "--fast", "--layer", "0")
        listed = run("ls", registry.target, "/etc", "--fast", "--no-cache", "--layer", "0")
        got = run("cat", registry.target, "end", "--fast", "--no-cache", "--layer", "0")
    assert peeked.code == listed.code == got.code == 0
    assert re.search(r"digest verified; complete; NOTE: its index is not used: .*({})".format(reason), peeked.out)
    assert "\x1b[31m" not in peeked.out + listed.err
    assert re.search(r"Layer 0: its index is not used: .*({})".format(reason), listed.err)
    assert listed.err.count("is not used") == got.err.count("is not used") == 1
    assert got.out == "the end\n"


def test_a_failing_list_of_referrers_is_a_note(run: Runner) -> None:
    with served("v1 by the referrers API") as registry:
        registry.fault("/referrers/", error(403, "DENIED", "not for you"))
        ran = run("peek", registry.target, "--fast")
    assert ran.code == 0 and "digest verified; complete; NOTE: its index is not used" in ran.out


def test_ordinary_images_cost_two_requests_and_no_note(run: Runner) -> None:
    with Registry(blobs_image([LAYER])) as registry:
        registry.fault("/referrers/", error(404, "UNSUPPORTED", "no such endpoint"))
        ran = run("peek", registry.target, "--fast")
        paths = [request.path for request in registry.requests]
    assert ran.code == 0 and "NOTE" not in ran.out and "verified; complete" in ran.out
    assert len(paths) == 6  # manifest, config, referrers, their tag, the layer's end, the layer


def test_a_referrer_of_another_kind_is_not_taken_for_one(run: Runner) -> None:
    with Registry(soci_image([(LAYER, ZTOC)], "application/vnd.amazon.soci.prefetch.v1+json")) as registry:
        ran = run("peek", registry.target, "--fast")
    assert ran.code == 0 and "verified; complete." in ran.out and "NOTE" not in ran.out


WRONG = "sha256:" + "0" * 64


def test_a_span_with_another_digest_is_not_used_and_the_layer_is_read(run: Runner) -> None:
    digests = [WRONG] * len(DIGESTS)
    with Registry(soci_image([(LAYER, ztoc(digests=digests)), (TOP, None)])) as registry:
        cat = run("cat", registry.target, "end", "--fast")
        got = run("get", registry.target, "/etc", "text", "--fast", "-o", "out", "--no-cache")
    assert cat.out == "the end\n" and cat.code == got.code == 0
    for ran in (cat, got):
        assert ran.err.count("Layer 0: its index is not used: a span of the layer has another digest") == 1
    assert (run.folder / "out/text").read_bytes() == TEXT
    assert (run.folder / "out/etc/passwd").read_bytes() == b"root\n"
    assert sorted(path.name for path in (run.folder / "out").rglob("*")) == ["etc", "passwd", "text"]


def test_what_was_printed_before_a_wrong_span_is_not_printed_again(run: Runner) -> None:
    digests = [*DIGESTS[:2], WRONG, *DIGESTS[3:]]
    with Registry(soci_image([(LAYER, ztoc(digests=digests))])) as registry:
        cat = run("cat", registry.target, "text", "--fast")
        got = run("get", registry.target, "text", "--fast", "-o", "out")
    assert cat.code == 2 and "another digest" in cat.err
    assert TEXT.startswith(cat.out.encode()) and len(cat.out) < len(TEXT)
    assert got.code == 0 and (run.folder / "out/text").read_bytes() == TEXT


def test_a_registry_that_serves_no_parts(run: Runner) -> None:
    with served("v2") as registry:

        def whole(request: Request, normal: Callable[[], Response]) -> Response:
            request.headers.pop("range", None)
            return normal()

        registry.fault("/blobs/", whole)
        listed = run("peek", registry.target, "--fast", "--layer", "0")
        cat = run("cat", registry.target, "end", "--fast")
        got = run("get", registry.target, "/etc", "--fast", "-o", "out", "--no-cache")
    assert "claims (SOCI v2)" in listed.out  # the ztoc is a blob of its own
    assert cat.out == "the end\n" and cat.code == got.code == 0
    assert "does not serve parts" in cat.err and "does not serve parts" in got.err
    assert (run.folder / "out/etc/passwd").read_bytes() == b"root\n"


def test_an_index_that_names_other_files_than_the_tar_has(run: Runner) -> None:
    files = writer.metadata(TAR)
    files[1] = dict(files[1], name="etc/shadow", size=4)
    with Registry(soci_image([(LAYER, ztoc(files=files))])) as registry:
        fast = run("ls", registry.target, "/etc", "--fast", "--no-cache")
        full = run("ls", registry.target, "/etc", "--no-cache")
        verified = run("cat", registry.target, "etc/passwd", "--fast", "--verify", "--no-cache")
    assert "shadow" in fast.out and "shadow" not in full.out
    assert "publisher's index claims" in fast.err and "digests NOT all verified" in fast.err
    assert verified.out == "root\n" and "digests verified" in verified.err  # read from the layer itself
