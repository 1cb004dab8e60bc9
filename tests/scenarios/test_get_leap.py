"""get and cat with --fast of layers without an index: the bytes that they write without it, from fewer."""

from __future__ import annotations

import functools
import io
import json
import random
import re
import tarfile
from typing import Any, Callable, Dict, Iterator, List, Optional, Tuple

import pytest

from layerslayer.demo.registry import Request, Response
from layerslayer.layers.leap import gzip_reader, reader

from ..support.leap_layers import COMPRESSORS, SMALL, layer, noise
from ..support.leap_walks import program
from ..support.registry import Normal, Registry
from ..support.registry.faults import altered, blobs_image, flipped
from ..support.registry.running import Ran, Runner
from ..support.tars import END, header, member, octal

MANY, MORE = (
    b"".join(member(b"%s/%d" % (folder, number), b"file %d\n" % number * 90) for number in range(90))
    for folder in (b"srv", b"var")
)
LIB = program(1, 3_000_000)
HOLES = (octal(0, 12) + octal(512, 12)).ljust(97, b"\0") + octal(9999, 12)
LOW = COMPRESSORS["level 6"](
    member(b"etc/name", b"low\n") + member(b"usr/low.so", LIB[::-1]) + member(b"usr/lower", b"lower\n")
    + member(b"usr/gone", b"gone\n") + header(b"opt/", kind=b"5") + member(b"opt/old", b"old\n") + END
)  # fmt: skip
TOP = COMPRESSORS["level 6"](
    b"".join(header(folder, kind=b"5") for folder in (b"srv/", b"var/", b"usr/", b"etc/"))
    + member(b"etc/early", b"early\n") + MANY
    + member(b"usr/one.so", LIB) + member(b"usr/between", b"between\n")
    + member(b"usr/two.bin", noise(random.Random(2), 2_500_000))
    + header(b"usr/link", kind=b"2", target=b"between") + header(b"usr/hard", kind=b"1", target=b"etc/early")
    + member(b"usr/.wh.gone") + member(b"opt/.wh..wh..opq") + header(b"usr/dir/", kind=b"5")
    + member(b"usr/dir/in", b"in\n") + member(b"usr/late", b"first\n") + member(b"usr/late", b"late\n")
    + header(b"usr/holes", octal(512, 12), b"S", tail=HOLES) + bytes(512) + MORE + END
)  # fmt: skip
BOTH = (TOP, LOW)
LEAPT = re.compile("; (1 layer|2 layers) listed by leaping, lengths add up; digests NOT all verified.$")


@pytest.fixture
def registry() -> Iterator[Registry]:
    with Registry(blobs_image([LOW, TOP])) as served:
        yield served


def spent(registry: Registry) -> int:
    """Return how many bytes of layers were asked for so far."""
    total = 0
    for request in registry.asked("/blobs/"):
        part = re.fullmatch(r"bytes=(\d+)-(\d+)", request.headers.get("range", ""))
        body = registry.store.blobs[request.path.rsplit("/", 1)[1]]
        if body in BOTH:
            total += int(part.group(2)) - int(part.group(1)) + 1 if part else len(body)
    return total


def last(ran: Ran) -> str:
    return ran.err.splitlines()[-1]


@pytest.mark.parametrize("verb", ["cat", "get -o -"])
@pytest.mark.parametrize("path, body", [("usr/late", b"late\n"), ("/usr/link", b"between\n"), ("usr/dir/in", b"in\n")])
def test_a_late_file_costs_a_part_of_its_layer(
    run: Runner, registry: Registry, verb: str, path: str, body: bytes
) -> None:
    first, *rest = verb.split()
    ran = run(first, registry.target, path, "--fast", *rest)
    assert (ran.code, ran.out.encode()) == (0, body)
    assert LEAPT.search(last(ran))
    assert spent(registry) < 0.8 * len(TOP)


def test_an_early_file_costs_what_a_stream_does(run: Runner, registry: Registry) -> None:
    ran = run("cat", registry.target, "etc/early", "--fast")
    assert (ran.code, ran.out) == (0, "early\n")
    assert last(ran).endswith("; digests NOT all verified.") and "leap" not in last(ran)
    assert spent(registry) <= 600_000


def test_a_file_of_the_layer_below(run: Runner, registry: Registry) -> None:
    """That a layer has it not must be proved before the next is asked."""
    ran = run("cat", registry.target, "usr/lower", "--fast")
    assert (ran.code, ran.out) == (0, "lower\n") and LEAPT.search(last(ran))
    assert spent(registry) < 0.85 * (len(TOP) + len(LOW))


@pytest.mark.parametrize("path", ["usr/gone", "opt/old", "nope", "usr/dir"])
def test_what_is_not_there_is_told_as_without(run: Runner, registry: Registry, path: str) -> None:
    fast = run("cat", registry.target, path, "--fast")
    plain = run("cat", registry.target, path)
    assert (fast.code, fast.out) == (plain.code, plain.out) == (1, "")
    assert fast.err.splitlines()[-2] == plain.err.splitlines()[-2]
    assert LEAPT.search(last(fast)) and "digests verified" in last(plain)


def test_a_sparse_file_is_refused_as_without(run: Runner, registry: Registry) -> None:
    ran = run("cat", registry.target, "usr/holes", "--fast")
    assert ran.code == 2 and "'usr/holes' was not got: it is stored as a sparse file." in ran.err


def test_several_paths_share_what_was_fetched(run: Runner, registry: Registry) -> None:
    paths = ["usr/late", "etc/early", "srv/7", "usr/link", "usr/hard", "usr/two.bin", "var/89", "usr/lower"]
    ran = run("get", registry.target, *paths, "--fast", "-o", "out")
    assert ran.code == 0 and len(ran.out.splitlines()) == 8
    assert (run.folder / "out/usr/two.bin").read_bytes() == noise(random.Random(2), 2_500_000)
    assert (run.folder / "out/usr/hard").read_bytes() == b"early\n"
    assert (run.folder / "out/var/89").read_bytes() == b"file 89\n" * 90
    assert spent(registry) < 1.05 * (len(TOP) + len(LOW))


def test_a_directory_is_not_leapt_through_twice(run: Runner, registry: Registry) -> None:
    ran = run("get", registry.target, "usr/dir", "--fast", "-o", "out")
    assert ran.code == 0 and (run.folder / "out/usr/dir/in").read_bytes() == b"in\n"
    assert spent(registry) < len(TOP) + len(LOW)  # listed once, and the file from the middle
    assert "2 layers listed by leaping" in ran.err


def test_json_says_what_it_is_worth(run: Runner, registry: Registry) -> None:
    late = json.loads(run("get", registry.target, "usr/late", "--fast", "--json").out.splitlines()[-1])
    cost = spent(registry)
    early = json.loads(run("get", registry.target, "etc/early", "--fast", "--json").out.splitlines()[-1])
    assert (late["complete"], late["verified"], late["lengths_add_up"]) == (True, False, True)
    assert late["bytes_read"] == pytest.approx(cost, abs=200)
    assert (early["verified"], early["lengths_add_up"]) == (False, None)


@pytest.mark.parametrize("paths", [["usr/l*"], ["usr/between", "usr/dir"], ["etc/*", "nope*"], ["srv/1", "usr/[tb]*"]])
def test_a_few_files_of_a_glob_are_not_streamed(run: Runner, registry: Registry, paths: List[str]) -> None:
    fast = run("get", registry.target, *paths, "--fast", "-o", "fast", "--no-cache")
    cost = spent(registry)
    plain = run("get", registry.target, *paths, "-o", "plain", "--no-cache")
    assert fast.code == plain.code and cost <= 1.05 * (len(TOP) + len(LOW))
    both = [
        {str(item.relative_to(folder)): item.read_bytes() for item in folder.rglob("*") if item.is_file()}
        for folder in (run.folder / "fast", run.folder / "plain")
    ]
    assert both[0] == both[1] != {}


def test_what_was_leapt_through_is_not_kept(run: Runner, registry: Registry) -> None:
    run("cat", registry.target, "usr/late", "--fast")
    assert "known" not in last(run("cat", registry.target, "usr/late"))


def test_what_is_known_is_not_leapt_through(run: Runner, registry: Registry) -> None:
    assert run("tree", registry.target).code == 0
    before = spent(registry)
    ran = run("cat", registry.target, "usr/late", "--fast")
    assert ran.out == "late\n" and "its checksum holds" in last(ran)
    assert spent(registry) - before < len(TOP) // 2


def test_verify_reads_all(run: Runner, registry: Registry) -> None:
    ran = run("cat", registry.target, "usr/late", "--fast", "--verify")
    assert ran.out == "late\n" and "digests verified" in last(ran)


def whole_only(request: Request, normal: Normal) -> Response:
    request.headers.pop("range", None)
    return normal()


def parts_from(
    number: int, change: Callable[[Request, Normal], Response], parts: Optional[List[Request]] = None
) -> Any:
    """Another answer from the how-manieth request for a part on."""
    parts = [] if parts is None else parts

    def answer(request: Request, normal: Normal) -> Response:
        if "range" not in request.headers:
            return normal()
        parts.append(request)
        return change(request, normal) if len(parts) >= number else normal()

    return answer


@pytest.mark.parametrize("path", ["usr/late", "usr/two.bin", "usr/one.so", "etc/early"])
@pytest.mark.parametrize("number", [1, 2, 6, 14, 30])
def test_a_registry_that_serves_no_parts_any_more(run: Runner, registry: Registry, number: int, path: str) -> None:
    plain = run("get", registry.target, path, "-o", "plain", "--no-cache")
    parts: List[Request] = []
    registry.fault("/blobs/", parts_from(number, whole_only, parts))
    ran = run("get", registry.target, path, "--fast", "-o", "out")
    assert [plain.code, ran.code] == [0, 0]
    assert (run.folder / "out" / path).read_bytes() == (run.folder / "plain" / path).read_bytes()
    if len(parts) > number:  # else it was the last that was asked for, perhaps ahead and for nothing
        assert "ayer 1: read in full after all: the server does not serve parts of it" in ran.err


@pytest.mark.parametrize("number", [1, 12, 30, 33, 36, 40])
def test_a_registry_that_serves_no_parts_of_a_directory_any_more(run: Runner, registry: Registry, number: int) -> None:
    registry.fault("/blobs/", parts_from(number, whole_only))
    ran = run("get", registry.target, "usr", "--fast", "-o", "out")
    assert ran.code == 3 and "it is stored as a sparse file" in ran.err
    assert (run.folder / "out/usr/one.so").read_bytes() == LIB
    assert (run.folder / "out/usr/two.bin").read_bytes() == noise(random.Random(2), 2_500_000)
    assert (run.folder / "out/usr/late").read_bytes() == b"late\n"
    assert (run.folder / "out/usr/low.so").read_bytes() == LIB[::-1]


@pytest.mark.parametrize("verb", ["cat", "get"])
@pytest.mark.parametrize("change", [flipped, lambda body: body[::-1], lambda body: bytes(len(body))])
@pytest.mark.parametrize("number", [1, 2, 5, 9, 16])
def test_a_registry_that_serves_other_bytes(
    run: Runner, registry: Registry, number: int, change: Callable[[bytes], bytes], verb: str
) -> None:
    """Nothing is printed or named that is not the file."""
    registry.fault("/blobs/", parts_from(number, altered(change)))
    ran = run(verb, registry.target, "usr/late", "--fast")
    if verb == "cat":
        assert (ran.code, ran.out) == (0, "late\n")
    else:
        assert ran.code == 0 and (run.folder / "carved/usr/late").read_bytes() == b"late\n"


MANY_SMALL, OTHERS = (
    COMPRESSORS["stored"](b"".join(member(b"etc/%d" % number, unit * 900) for number in range(2000)) + END)
    for unit in (b"a", b"b")
)


def test_no_digest_vouches_for_bytes_that_were_fetched_anew(run: Runner) -> None:
    """The layer was read to its end and verified; what then comes for a file of its beginning may be other bytes."""
    served = bytearray(len(MANY_SMALL))

    def others_anew(request: Request, normal: Normal) -> Response:
        if "range" not in request.headers:  # the config
            return normal()
        start, end = (int(number) for number in request.headers["range"][len("bytes=") :].split("-"))
        anew = all(served[start : end + 1])
        served[start : end + 1] = b"1" * (end + 1 - start)
        return normal()._replace(body=OTHERS[start : end + 1]) if anew else normal()

    with Registry(blobs_image([MANY_SMALL])) as registry:
        registry.fault("/blobs/", others_anew)
        ran = run("get", registry.target, "nope", "etc/3", "--fast", "--no-cache", "--json", "-o", "out")
    assert (run.folder / "out/etc/3").read_bytes() == b"b" * 900
    assert json.loads(ran.out.splitlines()[-1])["verified"] is False


@pytest.mark.parametrize("paths, worth", [
    (["nope"], "; digests verified."),
    (["nope", "etc/1999", "etc/199?"], "; digests verified."),  # its bytes are at hand still
    (["nope", "etc/3"], "lengths add up; digests NOT all verified."),
    (["etc/3?"], "lengths add up; digests NOT all verified."),
    (["etc/*"], "; digests verified."),  # read in full for them
])  # fmt: skip
def test_what_was_read_in_full_after_all_is_verified(run: Runner, paths: List[str], worth: str) -> None:
    with Registry(blobs_image([MANY_SMALL])) as registry:
        ran = run("get", registry.target, *paths, "--fast", "-o", "out", "--no-cache")
    assert last(ran).endswith(worth)
    assert {item.read_bytes() for item in (run.folder / "out").rglob("*") if item.is_file()} <= {b"a" * 900}


def test_a_large_file_that_breaks_off_is_not_printed_in_part(run: Runner, registry: Registry) -> None:
    """It comes whole by the plain way then, once."""
    registry.fault("/blobs/", parts_from(33, altered(flipped)))
    ran = run("get", registry.target, "usr/one.so", "--fast", "-o", "out")
    assert ran.code == 0 and (run.folder / "out/usr/one.so").read_bytes() == LIB


@pytest.mark.parametrize("budget", ["100K", "500K", "1M"])
def test_a_budget_ends_it(run: Runner, registry: Registry, budget: str) -> None:
    ran = run("cat", registry.target, "usr/lower", "--fast", "--budget", budget)
    assert (ran.code, ran.out) == (3, "") and "--budget" in ran.err
    assert spent(registry) <= int(budget[:-1]) * 1024 ** ("KM".index(budget[-1]) + 1)
    assert run("cat", registry.target, "usr/lower", "--fast").out == "lower\n"


def test_small_layers_are_streamed(run: Runner) -> None:
    small = COMPRESSORS["level 6"](MANY + member(b"etc/motd", b"hello\n") + END)
    with Registry(blobs_image([small])) as registry:
        ran = run("cat", registry.target, "etc/motd", "--fast")
        assert ran.out == "hello\n" and not any("range" in item.headers for item in registry.asked("/blobs/"))


def test_other_layers_than_gzip_are_streamed_without_a_word(run: Runner) -> None:
    tar = MANY + member(b"lib.so", LIB) + member(b"last", b"last\n") + END
    with Registry(blobs_image([tar], "application/vnd.oci.image.layer.v1.tar")) as registry:
        ran = run("cat", registry.target, "last", "--fast")
    assert (ran.code, ran.out) == (0, "last\n") and "in full" not in ran.err


# -- every path of random images ---------------------------------------------


def whited_out(seed: int, below: bytes) -> bytes:
    """A layer that removes some of what is below, and links to some."""
    chance, out = random.Random(seed), io.BytesIO()
    with tarfile.open(fileobj=io.BytesIO(below)) as lower:
        names = [name for name in lower.getnames() if "\udcff" not in name]
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for number, name in enumerate(chance.sample(names, len(names) // 6)):
            folder, _, base = name.rpartition("/")
            archive.addfile(tarfile.TarInfo("{}/.wh.{}".format(folder, base)))
            link = tarfile.TarInfo("links/{}".format(number))
            link.type, link.linkname = tarfile.SYMTYPE, "../" + chance.choice(names)
            archive.addfile(link)
            if number % 8 == 0:
                info = tarfile.TarInfo("big/{}".format(number))
                info.size = chance.randrange(100_000, 900_000)
                archive.addfile(info, io.BytesIO(program(number, info.size)))
    return COMPRESSORS["level 6"](out.getvalue())


def paths_of(run: Runner, registry: Registry) -> List[str]:
    items = [json.loads(line) for line in run("peek", registry.target, "--json", "-q", "--no-color").out.splitlines()]
    names = {item["path"] for item in items if item["type"] == "entry" and item["kind"] != "directory"}
    # Longer ones this machine's disk does not take, with or without.
    return sorted(name for name in names if ".wh." not in name and len(name.encode()) < 250 and name.isprintable())


@pytest.mark.parametrize("seed", [11, 24, 37, 55])
def test_every_path_of_random_images(run: Runner, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    monkeypatch.setattr(reader, "_WORTH_IT", 0)
    monkeypatch.setattr(gzip_reader, "GzipWalk", functools.partial(gzip_reader.GzipWalk, settings=SMALL))
    below = layer(seed, 1_000_000, 3_000_000)[1]
    with Registry(blobs_image([below, whited_out(seed, below), layer(seed + 1, 1_000_000, 3_000_000)[1]])) as registry:
        paths = paths_of(run, registry)
        assert len(paths) > 6
        chance = random.Random(seed)
        asked: List[Tuple[str, ...]] = [
            tuple(chance.sample(paths, len(paths))),
            *((path,) for path in chance.sample(paths, 6)),
        ]
        leapt_through = 0
        for number, each in enumerate(asked):
            results: Dict[str, Any] = {}
            for way in ("--fast", "--plain"):
                folder = "{}{}".format(way[2:], number)
                more = ["--fast"] if way == "--fast" else []
                ran = run("get", registry.target, *each, "-o", folder, "--no-cache", *more)
                told = sorted(line for line in ran.err.splitlines() if "was not got" in line)
                files = [item for item in (run.folder / folder).rglob("*") if item.is_file()]
                written = {str(item.relative_to(run.folder / folder)): item.read_bytes() for item in files}
                results[way] = (ran.code, told, written)
                leapt_through += "by leaping" in ran.err
            assert results["--fast"] == results["--plain"]
        assert leapt_through
