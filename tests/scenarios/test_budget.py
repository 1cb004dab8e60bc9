"""--budget: never more of the layers on the wire than was allowed; what is known is shown; exit code 3."""

from __future__ import annotations

import json
import random
import re
from typing import Any, Dict, List

import pytest

from layerslayer.demo.image import Member, gzip_of, tar_of
from layerslayer.demo.registry import Request, Response
from layerslayer.layers.leap import throughput

from ..support import estargz_writer
from ..support.estargz_writer import estargz
from ..support.files import directory, file
from ..support.registry import NAME, Normal, Registry
from ..support.registry.faults import blobs_image, flipped, single_image
from ..support.registry.running import Ran, Runner
from ..support.registry.schema1 import schema1_image
from ..support.registry.sent import Wire, configs_of, layers_of

_RANDOM = random.Random(6)


def noise(size: int) -> bytes:
    return _RANDOM.getrandbits(8 * size).to_bytes(size, "little")


LOWER = [directory("etc/"), file("etc/motd", b"old\n"), file("lower", noise(300_000)), file("etc/late", b"late\n")]
MIDDLE = [file("etc/.wh.motd", b""), file("middle", noise(200_000)), file("srv/x", b"x\n")]
UPPER = [file("upper", noise(100_000)), file("end", b"end\n")]
LAYERS = [LOWER, MIDDLE, UPPER]
SIZES = [len(gzip_of(tar_of(layer))) for layer in LAYERS]
ALL = sum(SIZES)
VERBS: Dict[str, List[str]] = {
    "peek": ["peek", "IMAGE"],
    "ls": ["ls", "IMAGE", "/"],
    "tree": ["tree", "IMAGE"],
    "find": ["find", "IMAGE", "*"],
    "cat": ["cat", "IMAGE", "/etc/late"],
    "get": ["get", "IMAGE", "/etc/late", "end"],
    "deleted": ["deleted", "IMAGE"],
    "diff": ["diff", "IMAGE", "OTHER"],
    "save": ["save", "IMAGE"],
    "save as oci": ["save", "IMAGE", "--format", "oci"],
    "save as docker": ["save", "IMAGE", "--format", "docker-archive"],
}
CACHING = ("peek", "ls", "tree", "find", "cat", "get", "deleted", "diff")
IGNORED = re.compile(r"127\.0\.0\.1:\d+| in \d+ requests")


class Images:
    """A registry with the image, another with one that begins otherwise; both count what they send."""

    def __enter__(self) -> Images:
        self.registry = Registry(single_image(LAYERS)).__enter__()
        self.other = Registry(single_image([UPPER, MIDDLE])).__enter__()
        self.wires = [Wire(self.registry), Wire(self.other)]
        return self

    def __exit__(self, *details: object) -> None:
        self.registry.__exit__(*details)
        self.other.__exit__(*details)

    def words(self, verb: str) -> List[str]:
        places = {"IMAGE": self.registry.target, "OTHER": self.other.target}
        return [places.get(word, word) for word in VERBS[verb]]

    @property
    def sent(self) -> int:
        return sum(wire.layers for wire in self.wires)


def entries(ran: Ran) -> List[str]:
    return [line.split()[-1] for line in ran.out.splitlines() if line.startswith(("-", "d", "l", "h"))]


def footers(ran: Ran) -> List[str]:
    return [line for line in ran.out.splitlines() if line.startswith("= ")]


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("budget", [0, 1, 700, SIZES[2], SIZES[0], SIZES[0] + 1000, SIZES[0] + SIZES[2], ALL - 1000])
def test_no_verb_fetches_more(run: Runner, verb: str, budget: int) -> None:
    with Images() as images:
        cache = ["--no-cache"] if verb in CACHING else []
        ran = run(*images.words(verb), "--budget", str(budget), *cache)
        assert images.sent <= budget
    assert ran.code == 3
    assert "he budget of " in ran.err and "--budget" in ran.err and "Traceback" not in ran.err


@pytest.mark.parametrize("verb", VERBS)
def test_what_fits_is_as_without(run: Runner, verb: str) -> None:
    with Images() as images:
        free = run(*images.words(verb), "--cache-dir", "one") if verb in CACHING else run(*images.words(verb))
        before = images.sent
        more = ["--cache-dir", "two"] if verb in CACHING else ["-o", "elsewhere"] if "save" in verb else []
        # Of diff's two images, and of a file that is looked for, more than one image's layers are read.
        ran = run(*images.words(verb), *more, "--budget", str(2 * ALL))
        assert 0 < images.sent - before <= 2 * ALL
    assert ran.code == free.code in (0, 1)
    assert IGNORED.sub("", ran.out).replace("elsewhere", "downloads") == IGNORED.sub("", free.out)


def test_a_listing_shows_what_is_known_and_says_why_it_ends(run: Runner) -> None:
    with Images() as images:
        words = ["peek", images.registry.target, "--no-cache"]
        full = run(*words)
        ran = run(*words, "--budget", str(SIZES[0] + 1000))
        as_json = run(*words, "--budget", str(SIZES[0] + 1000), "--json")
    assert "the budget of {:.1f} KB is spent (raise it with --budget)".format((SIZES[0] + 1000) / 1000) in ran.err
    whole, part, nothing = footers(ran)
    assert whole == footers(full)[0] and whole.endswith("complete.")
    assert "read 1000 of {} bytes; digest NOT verified; INCOMPLETE: the budget of".format(SIZES[1]) in part
    assert nothing.startswith("= 0 entries; read 0 of")
    known = entries(ran)
    assert known == entries(full)[: len(known)] and len(LOWER) < len(known) < len(entries(full))
    items = [json.loads(line) for line in as_json.out.splitlines()]
    ends = [item for item in items if item["type"] == "layer_end"]
    assert [item["complete"] for item in ends] == [True, False, False]
    assert "budget" in ends[1]["problem"]
    assert (items[-1]["complete"], items[-1]["exit_code"]) == (False, 3)
    assert items[-1]["bytes_read"] == SIZES[0] + 1000


def test_layers_are_read_one_at_a_time_and_in_order(run: Runner) -> None:
    with Images() as images:
        run("peek", images.registry.target, "--budget", str(ALL), "-j", "8")
        asked = [request.path.rpartition("/")[2] for request in images.registry.asked("/blobs/")]
        assert asked[1:] == [layer["digest"] for layer in layers_of(images.registry)]


def test_a_part_is_asked_for_as_a_part(run: Runner) -> None:
    with Images() as images:
        run("peek", images.registry.target, "--budget", "1000")
        ranges = [request.headers.get("range") for request in images.registry.asked("/blobs/")]
    assert ranges == [None, "bytes=0-999"]  # the config, the layer that does not fit; no other


def whole(request: Request, normal: Normal) -> Response:
    """Answer as a server that does not know Range."""
    request.headers.pop("range", None)
    return normal()


def test_a_server_without_ranges_is_read_no_further(run: Runner) -> None:
    with Registry(single_image([LOWER])) as registry:
        registry.fault("/blobs/", whole)
        ran = run("peek", registry.target, "--budget", "100K")
    assert ran.code == 3
    assert entries(ran) == ["etc/", "etc/motd", "lower"]
    assert "read 102400 of {} bytes; digest NOT verified; INCOMPLETE".format(SIZES[0]) in ran.out


def test_what_a_break_makes_come_twice_is_paid_for_twice(run: Runner) -> None:
    def breaking(request: Request, normal: Normal) -> Response:
        made = whole(request, normal)
        if len(made.body) < 10_000:
            return made
        more = {"Content-Length": str(len(made.body))}
        return made._replace(headers=dict(made.headers, **more), body=made.body[:200_000])

    with Registry(single_image([LOWER])) as registry:
        words = ["peek", registry.target, "--budget", str(SIZES[0] + 100_000), "--no-cache"]
        assert run(*words).code == 0
        wire = Wire(registry, breaking)
        ran = run(*words)
    assert ran.code == 3 and "INCOMPLETE: the budget of" in ran.out
    assert entries(ran) == ["etc/", "etc/motd", "lower"]
    assert wire.layers == 400_000  # the second answer is dropped when it turns out to begin anew


def test_a_layer_that_arrives_damaged_is_read_twice_only_within_the_budget(run: Runner) -> None:
    for budget in (SIZES[0], 2 * SIZES[0]):
        with Registry(single_image([LOWER])) as registry:
            times = [1]

            def damaged(request: Request, normal: Normal, times: List[int] = times) -> Response:
                made = normal()
                if len(made.body) < 10_000 or not times:
                    return made
                times.pop()
                return made._replace(body=flipped(made.body))

            wire = Wire(registry, damaged)
            ran = run("peek", registry.target, "--budget", str(budget))
            assert wire.layers == budget
        assert ran.code == (2 if budget == SIZES[0] else 0)  # damage is no matter of the budget


def test_images_share_one_budget(run: Runner) -> None:
    with Images() as images:
        (run.folder / "list").write_text("{0}\n{0}\n".format(images.registry.target))
        batch = run("peek", "--batch", "list", "--budget", str(ALL + 500), "--no-cache")
        assert images.sent == ALL + 500
        diff = run("diff", images.registry.target, images.other.target, "--budget", str(ALL + 500), "--no-cache")
        assert images.sent == 2 * (ALL + 500)
    assert (batch.code, diff.code) == (3, 3)
    assert [line.endswith("complete.") for line in footers(batch)] == [True] * 3 + [False] * 3
    assert "what is shown may be no difference" in diff.err


def test_configs_are_free_unless_they_are_layers_too(run: Runner) -> None:
    with Registry(single_image([LOWER])) as registry:
        assert run("peek", registry.target, "--budget", str(SIZES[0])).code == 0
        document = json.loads(registry.store.manifests[registry.store.tags[(NAME, "1.0")]].body.decode())
        document["layers"] = [dict(document["config"], mediaType="application/json")] * 50
        body = json.dumps(document).encode()
        manifest = registry.store.manifests[registry.store.tags[(NAME, "1.0")]]
        registry.fault("/manifests/", Response(200, {"Content-Type": manifest.media_type}, body))
        wire = Wire(registry)
        ran = run("peek", registry.target, "--budget", "1000")
        assert sum(wire.sent.values()) <= 1000
        assert set(wire.sent) <= set(configs_of(registry))
    assert ran.code == 3


def test_save_does_not_begin_what_would_not_be_whole(run: Runner) -> None:
    with Images() as images:
        ran = run("save", images.registry.target, "--budget", str(SIZES[0] + SIZES[2]))
        assert images.sent == SIZES[0] + SIZES[2]
        again = run("save", images.registry.target, "--budget", str(SIZES[1]), "--json")
        assert images.sent == ALL
    assert (ran.code, again.code) == (3, 0)
    assert [line.split()[0] for line in ran.out.splitlines()] == ["saved", "saved"]
    assert "Layer 1 was not saved: " in ran.err and "would go beyond the budget of" in ran.err
    states = [json.loads(line).get("state") for line in again.out.splitlines()]
    assert states == ["kept", "saved", "kept", None]
    assert not list(run.folder.rglob(".layerslayer-*"))


def test_an_export_counts_what_is_missing_only(run: Runner) -> None:
    with Images() as images:
        words = ["save", images.registry.target, "--format", "oci", "--budget"]
        refused = run(*words, str(ALL - 1))
        assert images.sent == 0
        done = run(*words, str(ALL))
        assert images.sent == ALL
        again = run(*words, "0")
    assert [refused.code, done.code, again.code] == [3, 0, 0]


def test_cat_looks_from_the_top_down_as_far_as_the_budget_reaches(run: Runner) -> None:
    with Images() as images:
        target = images.registry.target
        assert run("cat", target, "end", "--budget", str(SIZES[2]), "--no-cache").out == "end\n"
        ran = run("cat", target, "/etc/late", "--budget", str(SIZES[2]), "--no-cache")
        absent = run("cat", target, "/nope", "--budget", str(ALL), "--no-cache")
    assert (ran.code, ran.out) == (3, "")
    assert "'/etc/late' was not got: layer 1 could not be read: the budget of" in ran.err
    assert absent.code == 1


def test_what_a_dropped_connection_did_not_bring_can_be_spent_again(run: Runner) -> None:
    body = noise(9_000_000)
    with Registry(single_image([[file("a", b"a\n"), file("x", body)]])) as registry:
        size = layers_of(registry)[0]["size"]
        # Nearly nothing is read for the first file; 8 MiB may have been under way.
        ran = run("get", registry.target, "a", "x", "--budget", str(size + 8_900_000), "--no-cache")
        short = run("get", registry.target, "a", "x", "--budget", str(size + 8_000_000), "--no-cache", "-o", "short")
    assert (ran.code, (run.folder / "carved/x").read_bytes() == body) == (0, True)
    assert (short.code, [path.name for path in (run.folder / "short").iterdir()]) == (3, ["a"])


def test_what_the_store_knows_costs_nothing(run: Runner) -> None:
    with Images() as images:
        run("tree", images.registry.target)
        before = images.sent
        ran = run("tree", images.registry.target, "--budget", "0")
        assert (ran.code, images.sent) == (0, before)
    assert "known from earlier" in ran.err


def test_layers_of_unknown_size_end_with_the_budget(run: Runner) -> None:
    with Registry(schema1_image([[Member("base")], [Member("top", body=noise(5000))]])) as registry:
        enough = run("peek", registry.target, "--budget", "20K", "--no-cache")
        ran = run("peek", registry.target, "--budget", "1000", "--no-cache")
    assert (enough.code, ran.code) == (0, 3)
    assert [line.endswith("complete.") for line in footers(ran)] == [True, False]


def test_an_image_of_this_machine_obeys_too(run: Runner) -> None:
    with Images() as images:
        run("save", images.registry.target, "--format", "oci-archive", "-o", "o")
    (path,) = (run.folder / "o").iterdir()
    ran = run("peek", "oci-archive:{}".format(path), "--budget", str(SIZES[0]))
    assert ran.code == 3
    assert [line.endswith("complete.") for line in footers(ran)] == [True, False, False]


# -- with --fast -------------------------------------------------------------------

BIG = noise(16_000_000).translate(bytes(value % 64 for value in range(256)))
LEAPING = [file("a", b"a\n"), file("big", BIG), file("b", b"b\n"), file("big2", BIG[:2_000_000]), file("c", b"c\n")]


@pytest.mark.parametrize("budget", [0, 1000, 200_000, 1_000_000, 2_000_000, 3_000_000])
def test_leaps_obey(run: Runner, budget: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(throughput, "_SHORT", 1e9)  # however busy this machine is, its line has no delay
    with Registry(single_image([LEAPING, UPPER])) as registry:
        full = run("peek", registry.target, "--fast")
        wire = Wire(registry)
        ran = run("peek", registry.target, "--fast", "--budget", str(budget))
        assert wire.layers <= budget
    known = entries(ran)
    assert full.code == 0 and set(known) <= set(entries(full))
    assert (ran.code == 3) == ("INCOMPLETE: " in ran.out) == ("budget" in ran.err)
    if budget >= 200_000:
        assert known[:2] == ["a", "big"]  # read before the first leap
    if ran.code == 3:
        assert "c" not in known  # what is not proved is not shown


def test_leaps_do_with_less_than_the_layer(run: Runner) -> None:
    with Registry(single_image([LEAPING])) as registry:
        size = layers_of(registry)[0]["size"]
        ran = run("peek", registry.target, "--fast", "--budget", str(size * 3 // 4))
    assert ran.code == 0 and "lengths add up" in ran.out


def test_indexes_obey(run: Runner) -> None:
    layer = estargz([estargz_writer.File("x", noise(400_000)), estargz_writer.File("y", b"y\n")], chunk=100_000)
    with Registry(blobs_image([layer.blob])) as registry:
        assert run("peek", registry.target, "--fast", "--budget", "20K").code == 0
        wire = Wire(registry)
        for words in (["peek"], ["ls"], ["cat", "x"], ["get", "x", "y"], ["get", "*"]):
            for budget in (0, 60, 20_000):
                wire.sent.clear()
                more = ["--no-cache"] if words != ["peek"] else []
                ran = run(words[0], registry.target, *words[1:], "--fast", "--budget", str(budget), *more)
                assert wire.layers <= budget
                assert ran.code == (0 if budget == 20_000 and words in (["peek"], ["ls"]) else 3), words
                assert "Traceback" not in ran.err


# -- words -------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["-1", "x", "", "1X", "inf", "nan", "1e400", "9999999999T"])
def test_what_is_no_size(run: Runner, text: str) -> None:
    for words in (["--peek-all", "-t", "x", "--budget", text], ["find", "x", "*", "--larger=" + text]):
        ran = run(*words)
        assert (ran.code, ran.out) == (2, "") and ran.err.startswith("Error: ") and "Traceback" not in ran.err


def test_units_are_those_of_the_other_flags(run: Runner) -> None:
    def told(text: str) -> Any:
        ran = run("--demo", "--peek-all", "--plan", "--json", "--budget", text)
        return json.loads(ran.out.splitlines()[-2])["budget"]

    assert [told(text) for text in ("0", "500", "64K", "1.5m", "2GB")] == [0, 500, 65536, 1572864, 2147483648]


@pytest.mark.parametrize(
    "words, told",
    [
        (["ls", "IMAGE", "/nope"], "has no path '/nope'"),
        (["find", "IMAGE", "nope"], "Nothing is found"),
        (["get", "IMAGE", "nope*"], "'nope*' was not got: no layer has it"),
        (["deleted", "IMAGE"], "No layer removes anything"),
        (["diff", "IMAGE", "OTHER"], "They do not differ"),
    ],
)
def test_a_no_that_rests_on_a_part_says_so(run: Runner, words: List[str], told: str) -> None:
    with Registry(single_image([LOWER])) as registry, Registry(single_image([LOWER])) as other:
        places = {"IMAGE": registry.target, "OTHER": other.target}
        words = [places.get(word, word) for word in words] + (["--full"] if words[0] == "diff" else [])
        assert told + "." in run(*words, "--no-cache").err
        assert told + " in what could be read." in run(*words, "--no-cache", "--budget", "10").err
