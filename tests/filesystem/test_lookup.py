"""Seeking one file top-down finds what the merged view, built from everything, has there."""

from __future__ import annotations

import hashlib
import io
import posixpath
import tarfile
from typing import BinaryIO, Callable, Dict, Iterable, Iterator, List, Optional, Union
from unittest import mock

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from layerslayer.demo.image import Member, tar_of
from layerslayer.filesystem.lookup import File, FileLookup
from layerslayer.filesystem.node import Node, walk
from layerslayer.filesystem.overlay import Tree
from layerslayer.filesystem.path_resolution import Unclear
from layerslayer.formats.entry import Entry
from layerslayer.formats.tar.bodies import Sink
from layerslayer.layers import stream
from layerslayer.layers.access import LayerAccess
from layerslayer.oci.descriptor import Descriptor
from layerslayer.oci.image import Layer
from layerslayer.oci.source import Document, Source

from ..support.tars import walk as tar_entries


class InMemory(Source):
    """Blobs by digest."""

    def __init__(self, blobs: Dict[str, bytes]) -> None:
        self.blobs = blobs
        self.opened: List[str] = []

    def manifest(self, wanted: str, known: Optional[Descriptor] = None) -> Document:
        raise AssertionError("no manifest is asked for")

    def blob(self, descriptor: Descriptor) -> BinaryIO:
        self.opened.append(descriptor.digest)
        return io.BytesIO(self.blobs[descriptor.digest])

    def blob_range(self, descriptor: Descriptor, start: int, length: int) -> BinaryIO:
        return io.BytesIO(self.blobs[descriptor.digest][start : start + length])

    def requests_made(self) -> int:
        return len(self.opened)

    def close(self) -> None:
        return


class Collected(Sink):
    def __init__(self) -> None:
        self.body = b""

    def write(self, data: Union[bytes, memoryview]) -> None:
        self.body += bytes(data)

    def end(self) -> None:
        return


def image(*members: List[Member]) -> tuple[InMemory, List[Layer]]:
    blobs, layers = {}, []
    for number, layer in enumerate(members):
        body = tar_of(layer)
        digest = "sha256:" + hashlib.sha256(body).hexdigest()
        blobs[digest] = body
        layers.append(Layer(number, Descriptor("application/x.tar", digest, len(body), {}), None))
    return InMemory(blobs), layers


def sought(source: Source, layers: List[Layer], path: str) -> Optional[bytes]:
    sinks: List[Collected] = []

    def new_sink(entry: Entry) -> Sink:
        sinks.append(Collected())
        return sinks[-1]

    found = FileLookup(LayerAccess(source), layers).seek(path, new_sink)
    assert not (sinks and isinstance(found, Unclear))  # it may have been printed already
    return UNCLEAR if isinstance(found, Unclear) else sinks[-1].body if isinstance(found, File) else None


UNCLEAR = b"only the merged view can tell"


class Unhurried:
    """In place of a thread that reads ahead: what it would make, made when it is taken."""

    def __init__(self, make: Callable[[], Iterable[bytes]], *_: object) -> None:
        self._made = iter(make())

    def __iter__(self) -> Iterator[bytes]:
        return self._made

    def close(self) -> None:
        return


class Contradicted(Tree):
    """Notes whether a layer takes away what it wrote itself, by whatever name: a stream cannot know."""

    contradicted = False

    def _remove(self, node: Node, number: int, how: str) -> None:
        self.contradicted |= any(below.layer == number for _, below in walk(node, ""))
        super()._remove(node, number, how)


class Merged:
    """What the merged view, built from everything, has at a path."""

    def __init__(self, source: InMemory, layers: List[Layer]) -> None:
        self._tree = Contradicted()
        self._bodies: Dict[tuple[int, int], bytes] = {}
        for layer in layers:
            plain = source.blobs[layer.descriptor.digest]
            entries = tar_entries(plain)
            self._tree.apply(layer.number, entries)
            for entry in entries:
                self._bodies[layer.number, entry.offset] = plain[entry.offset + 512 :][: entry.size]
        assume(not self._tree.contradicted and not self._tree.unsafe)

    def content(self, path: str) -> Optional[bytes]:
        node = self._tree.find(path, follow=True)
        content = node.content if node is not None else None
        if content is None or content[1].kind != "-":
            return None
        return self._bodies[content[0], content[1].offset]


NAMES = st.sampled_from(["a", "b", "c", "d/a", "d/b", "d/e/a", "e/a"])
DIRECTORY_NAMES = st.sampled_from(["d", "e", "d/e"])
FILES = st.builds(lambda name, body: Member(name, body=body), NAMES, st.binary(max_size=3))
LINKS = st.builds(
    lambda name, target: Member(name, tarfile.SYMTYPE, target=target),
    st.one_of(NAMES, NAMES, DIRECTORY_NAMES),
    st.sampled_from(["a", "/a", "d", "../a", "d/e", "/d/b", "b", "nowhere", "../../d/a", "e", "d/e/../a"]),
)
HARD = st.builds(lambda name, target: Member(name, tarfile.LNKTYPE, target=target), NAMES, NAMES)
WHITEOUTS = st.builds(
    lambda name: Member(name), st.sampled_from([".wh.a", ".wh.d", "d/.wh.a", "d/.wh..wh..opq", ".wh.b", "d/.wh.e"])
)
DIRECTORIES = st.builds(
    lambda name: Member(name + "/", tarfile.DIRTYPE, 0o755), st.sampled_from(["d", "e", "d/e", "a"])
)


def _distinct(members: List[Member]) -> List[Member]:
    """A layer without two entries of one name, and without children of what is no directory: a stream cannot know."""
    taken: Dict[str, Member] = {}
    hard = {member.name for member in members if member.kind == tarfile.LNKTYPE}
    # Directories come before what is in them, targets before their links.
    for member in sorted(members, key=lambda member: (member.kind != tarfile.DIRTYPE, member.kind == tarfile.LNKTYPE)):
        if member.kind != tarfile.LNKTYPE or member.target not in hard:
            taken.setdefault(member.name.rstrip("/"), member)
    return [
        member
        for name, member in taken.items()
        if not any(name.startswith(other + "/") and taken[other].kind != tarfile.DIRTYPE for other in taken)
    ]


LAYER = st.lists(st.one_of(FILES, FILES, LINKS, HARD, WHITEOUTS, DIRECTORIES), max_size=6).map(_distinct)


def _through_a_file(layers: List[List[Member]]) -> bool:
    """Whether a layer writes through a symlink to what is, in some layer, no directory: no runtime unpacks that."""
    every = [member for layer in layers for member in layer]
    plain = {member.name for member in every if member.kind not in (tarfile.SYMTYPE, tarfile.DIRTYPE)}
    links = {
        member.name
        for member in every
        if member.kind == tarfile.SYMTYPE
        and posixpath.normpath(posixpath.join("/", posixpath.dirname(member.name), member.target))[1:] in plain
    }
    return any(member.name.startswith(link + "/") for member in every for link in links)


# The same examples every time, as what is left of such layers would be found now and then (docs/reliability.md).
@settings(max_examples=250, deadline=None, derandomize=True)
@given(st.lists(LAYER, min_size=1, max_size=4))
def test_seeking_agrees_with_the_merged_view(members: List[List[Member]]) -> None:
    assume(not _through_a_file(members))
    source, layers = image(*members)
    merged = Merged(source, layers)
    with mock.patch.object(stream, "Ahead", Unhurried):  # a thread for each layer takes longer than all else
        for path in ("a", "b", "d/a", "d/b", "d/e/a", "e/a"):
            assert sought(source, layers, path) in (UNCLEAR, merged.content(path)), path


def test_a_hardlink_to_a_symlink_counts_its_way_from_where_it_stands() -> None:
    way = Member("d/e/a", tarfile.SYMTYPE, target="../a")
    linked = Member("b/c/a", tarfile.LNKTYPE, target="d/e/a")
    directories = [Member(name + "/", tarfile.DIRTYPE, 0o755) for name in ("b", "b/c")]
    members = [Member("d/a", body=b"there"), way, linked, Member("b/a", body=b"here")]
    assert sought(*image(directories + members), "b/c/a") == b"here"
    assert sought(*image(members), "b/c/a") == UNCLEAR  # b may yet be a symlink


def folder(name: str) -> Member:
    return Member(name + "/", tarfile.DIRTYPE, 0o755)


def test_a_directory_in_place_of_a_symlink_leads_nowhere_else() -> None:
    low = [folder("usr"), Member("usr/x", body=b"x"), Member("lib", tarfile.SYMTYPE, target="usr")]
    assert sought(*image(low, [folder("lib"), Member("lib/y", body=b"y")]), "lib/x") is None
    assert sought(*image(low, [folder("usr"), Member("usr/y", body=b"y")]), "lib/x") == b"x"


def test_a_file_that_a_layer_writes_through_a_symlink_is_not_missed() -> None:
    low = [folder("usr"), Member("usr/x", body=b"old"), Member("lib", tarfile.SYMTYPE, target="usr")]
    for upper in ([Member("lib/x", body=b"new")], [Member("lib/.wh.x")]):
        assert sought(*image(low, upper), "usr/x") == UNCLEAR
    assert sought(*image(low, [folder("etc"), Member("etc/x", body=b"other")]), "usr/x") == b"old"


def test_a_way_up_behind_what_may_be_a_symlink_is_unclear() -> None:
    low = [folder("u/v"), folder("u"), Member("u/x", body=b"x"), Member("x", body=b"other"), folder("d")]
    link = Member("l", tarfile.SYMTYPE, target="u/v")
    assert sought(*image([*low, link], [Member("y", tarfile.SYMTYPE, target="l/../x")]), "y") == UNCLEAR
    assert sought(*image([*low, Member("d/y", tarfile.SYMTYPE, target="../x")]), "d/y") == b"other"


def test_nothing_below_the_layer_that_has_it_is_opened() -> None:
    source, layers = image([Member("x", body=b"low")], [Member("x", body=b"high")])
    assert sought(source, layers, "x") == b"high"
    assert source.opened == [layers[1].descriptor.digest]


def test_a_layer_that_was_read_whole_is_not_read_again() -> None:
    source, layers = image(
        [Member("x", body=b"low"), Member("l", tarfile.SYMTYPE, target="x")], [Member("y", body=b"high")]
    )
    assert sought(source, layers, "l") == b"low"
    assert source.opened.count(layers[1].descriptor.digest) == 1


def test_of_two_files_of_one_name_the_last_is_written_alone() -> None:
    """Where both pass in one piece; what is printed cannot be taken back."""
    source, layers = image([Member("x", body=b"first"), Member("x", body=b"last")])
    sinks: List[Collected] = []

    def new_sink(entry: Entry) -> Sink:
        sinks.append(Collected())
        return sinks[-1]

    assert isinstance(FileLookup(LayerAccess(source), layers).seek("x", new_sink), File)
    assert [sink.body for sink in sinks] == [b"last"]
