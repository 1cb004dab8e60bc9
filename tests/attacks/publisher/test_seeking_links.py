"""cat and get of a path whose links lead on and on, or whose name stands everywhere, from the top layer down."""

from __future__ import annotations

import tarfile
from typing import List

import pytest

from layerslayer.demo.image import Member
from layerslayer.filesystem.lookup import MAX_SOUGHT, FileLookup
from layerslayer.filesystem.node import IMPLIED_ENTRY
from layerslayer.filesystem.path_resolution import Absent, Stated, Unclear, Watch
from layerslayer.formats.entry import Entry
from layerslayer.formats.tar.bodies import Sink
from layerslayer.layers.access import LayerAccess

from ...filesystem.test_lookup import Collected, image
from ...support.overlaid import entry
from ...support.registry import Registry
from ...support.registry.faults import single_image
from ...support.registry.running import Runner
from .cpu import seconds

LONGEST = 8.0  # seconds of the processor; a second is usual


def no_sink(entry: Entry) -> Sink:
    return Collected()


def chain(count: int) -> List[Member]:
    links = [Member("l{}".format(n), tarfile.SYMTYPE, target="l{}".format(n + 1)) for n in range(count)]
    return [*links, Member("l{}".format(count), body=b"here")]


def test_a_chain_of_links_does_not_read_a_layer_for_each() -> None:
    source, layers = image(chain(39))
    assert isinstance(FileLookup(LayerAccess(source), layers).seek("l0", no_sink), Unclear)  # the merged view tells
    assert len(source.opened) <= MAX_SOUGHT + 1


def test_a_circle_of_links_is_told_at_once() -> None:
    links = [Member("a", tarfile.SYMTYPE, target="b"), Member("b", tarfile.SYMTYPE, target="a")]
    source, layers = image(links)
    found = FileLookup(LayerAccess(source), layers).seek("a", no_sink)
    assert isinstance(found, Absent) and "circle" in found.reason
    assert len(source.opened) <= 3


@pytest.mark.parametrize("count, code", [(5, 0), (12, 0), (39, 0), (41, 1)])
def test_where_a_chain_leads_is_given_all_the_same(run: Runner, count: int, code: int) -> None:
    with Registry(single_image([chain(count)])) as registry:
        ran = run("cat", registry.target, "l0", "-q")
    assert (ran.code, ran.out) == (code, "" if code else "here")


def watched(entries: List[Entry]) -> Watch:
    watch = Watch("x", "x", Stated(), None, (0, 0))
    watch.note(entries)
    watch.see(entries)
    return watch


def test_a_name_that_stands_in_very_many_deep_directories() -> None:
    entries = [entry("{}/".format(n) + "a/" * 2000 + "x") for n in range(3000)]
    made: List[Watch] = []
    assert seconds(lambda: made.append(watched(entries)), LONGEST, 2) < LONGEST
    assert made[0].unclear


def test_names_that_honest_images_repeat_are_no_reason_to_ask_all_layers() -> None:
    entries = [entry("app/node_modules/package-{}/lib/dist/x".format(n)) for n in range(3000)]
    assert not watched(entries).unclear


def test_very_many_links_of_one_name() -> None:
    entries = [entry("d/", "d"), *(entry("x", "l", target="d/../" * 800 + "y") for _ in range(5000))]
    watch = watched(entries)
    assert seconds(lambda: watched(entries), LONGEST, 2) < LONGEST
    assert watch.link is not None and watch.link.path == "y"


def test_a_target_that_is_longer_than_paths_may_be_only_the_merged_view_tells_of() -> None:
    watch = watched([entry("x", "l", target="./" * 500_000 + "y")])
    assert watch.link is not None and watch.link.path is None


def test_where_there_is_no_room_for_what_layers_state_nothing_is_said_for_sure() -> None:
    stated = Stated(lambda memory: False)
    watch = Watch("d/x", "d/x", stated, None, (1, 0))
    watch.begin(1)
    directories = [IMPLIED_ENTRY._replace(name="other/{}".format(number) * 20, offset=0) for number in range(2000)]
    watch.note([*directories, IMPLIED_ENTRY._replace(name="d/", offset=0)])
    file = IMPLIED_ENTRY._replace(name="d/x", kind="-", offset=512)
    watch.note([file])
    watch.see([file])
    assert watch.unclear and len(stated._found) < 2000  # all layers together tell
