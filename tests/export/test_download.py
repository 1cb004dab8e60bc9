from __future__ import annotations

import hashlib
import io
import os
from pathlib import Path
from typing import BinaryIO, Callable, List, Optional

import pytest

from layerslayer.errors import ConnectionLost, DigestMismatch, LocalFileError, RangeIgnored
from layerslayer.export.atomic_file import NewFile, discard_unfinished
from layerslayer.export.download import output_folder, present, save_blob
from layerslayer.export.names import image_parts, safe_component, suffix_of
from layerslayer.export.output_folder import Folder, Root, opened
from layerslayer.export.partial_file import PartialFile
from layerslayer.export.transfer import BlobTransfer
from layerslayer.oci.descriptor import Descriptor
from layerslayer.oci.reference import parse_reference, parse_target

BODY = b"body of a blob"


def folder(path: Path) -> Folder:
    return opened(Root(str(path)))


DESCRIPTOR = Descriptor("application/x", "sha256:" + hashlib.sha256(BODY).hexdigest(), len(BODY), {})


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("1.0", "1.0"),
        ("con", "_con"),
        ("NUL.txt", "_NUL.txt"),
        ("a.", "a._"),
        ("..", "_.._"),
        ("a:b", "a_b"),
        ("", "_"),
        ("com1", "_com1"),
    ],
)
def test_names_are_safe_everywhere(text: str, name: str) -> None:
    assert safe_component(text) == name


@pytest.mark.parametrize(
    ("reference", "folder"),
    [
        ("moby/buildkit:latest", "moby_buildkit/latest"),
        ("alpine", "library_alpine/latest"),
        ("ghcr.io/user/app:1.2", "ghcr.io_user_app/1.2"),
        ("localhost:5000/a", "localhost_5000_a/latest"),
        ("[::1]:5000/a", "1_5000_a/latest"),
        ("a@sha256:" + "b" * 64, "library_a/sha256-" + "b" * 64),
        ("oci:/some/dir:1.0", "oci_dir/1.0"),
        ("oci-archive:C:\\some\\file.tar", "oci-archive_file.tar/image"),
        ("docker-archive:f.tar:x/y:1", "docker-archive_f.tar/x_y-1"),
        ("docker-daemon:x/y:1", "docker-daemon_x_y_1/image"),
        ("oci:..:..", "oci_.._/_.._"),
    ],
)
def test_where_an_image_goes(reference: str, folder: str) -> None:
    assert "/".join(image_parts(parse_target(reference))) == folder


def test_platforms_are_kept_apart() -> None:
    assert image_parts(parse_reference("a"), "linux/arm/v7")[-2:] == ("latest", "linux_arm_v7")


@pytest.mark.parametrize(
    ("head", "media_type", "suffix"),
    [
        (b"\x1f\x8b\x08\x00", "application/vnd.oci.image.layer.v1.tar", ".tar.gz"),
        (b"\x28\xb5\x2f\xfd", "application/vnd.oci.image.layer.v1.tar+gzip", ".tar.zst"),
        (b"", "application/vnd.oci.image.layer.v1.tar+gzip", ".tar"),
        (b"{}", "application/vnd.in-toto+json", ".blob"),
        (b"\x1f\x8b\x08\x00", "application/x", ".gz"),
        (bytes(257) + b"ustar" + bytes(250), "", ".tar"),
    ],
)
def test_the_content_names_the_suffix(head: bytes, media_type: str, suffix: str) -> None:
    assert suffix_of(head, media_type) == suffix


def test_a_blob_is_saved_and_found_again(tmp_path: Path) -> None:
    path = save_blob(folder(tmp_path), "0_x", None, DESCRIPTOR, BlobTransfer(lambda: io.BytesIO(BODY)))
    assert Path(path).read_bytes() == BODY
    assert present(folder(tmp_path), "0_x", DESCRIPTOR) == os.path.basename(path)
    Path(path).write_bytes(b"body of a blot")
    assert present(folder(tmp_path), "0_x", DESCRIPTOR) is None


@pytest.mark.parametrize("body", [b"another body!!", b"short", BODY + b"longer"])
def test_what_does_not_match_leaves_nothing(body: bytes, tmp_path: Path) -> None:
    with pytest.raises(DigestMismatch):
        save_blob(folder(tmp_path), "0_x", None, DESCRIPTOR, BlobTransfer(lambda: io.BytesIO(body)))
    assert os.listdir(str(tmp_path)) == []


def test_unfinished_files_can_be_discarded_from_outside(tmp_path: Path) -> None:
    file = NewFile(folder(tmp_path))
    file.write(b"half")
    assert len(os.listdir(str(tmp_path))) == 1
    discard_unfinished()
    assert os.listdir(str(tmp_path)) == []
    with pytest.raises(LocalFileError):
        file.keep("whole")


def test_a_file_in_the_way_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(LocalFileError):
        output_folder(Root(str(tmp_path / "file" / "sub")))
    (tmp_path / "sub" / "0_x.blob").mkdir(parents=True)
    with pytest.raises(LocalFileError):
        save_blob(folder(tmp_path / "sub"), "0_x", ".blob", DESCRIPTOR, BlobTransfer(lambda: io.BytesIO(BODY)))
    assert os.listdir(str(tmp_path / "sub")) == ["0_x.blob"]


def rest_of(body: bytes) -> Callable[[int], BinaryIO]:
    return lambda start: io.BytesIO(body[start:])


def part_of(tmp_path: Path, content: bytes) -> Path:
    path = tmp_path / ".layerslayer-{}.part".format(DESCRIPTOR.hex[:32])
    path.write_bytes(content)
    return path


def refused(start: int) -> BinaryIO:
    raise RangeIgnored("no parts here")


@pytest.mark.parametrize(
    ("there", "rest", "opened"),
    [
        (BODY[:5], rest_of(BODY), 0),
        (BODY, rest_of(BODY), 0),
        (BODY[:5], refused, 1),
        (b"wrong", rest_of(BODY), 1),
        (BODY + b"more", rest_of(BODY), 1),
        (b"", rest_of(BODY), 1),
    ],
    ids=["the rest", "all there", "no parts", "damaged", "too long", "empty"],
)
def test_an_earlier_beginning(
    tmp_path: Path, there: bytes, rest: Optional[Callable[[int], BinaryIO]], opened: int
) -> None:
    part = part_of(tmp_path, there)
    calls: List[int] = []

    def whole() -> BinaryIO:
        calls.append(1)
        return io.BytesIO(BODY)

    counted: List[int] = []
    path = save_blob(folder(tmp_path), "0_x", ".blob", DESCRIPTOR, BlobTransfer(whole, rest, counted.append))
    assert Path(path).read_bytes() == BODY
    assert (len(calls), sum(counted), part.exists()) == (opened, len(BODY), False)


def test_the_rest_is_asked_for_once_the_beginning_is_hashed(tmp_path: Path) -> None:
    """Or what arrives while a large beginning is hashed would be lost with a run that is ended then."""
    part_of(tmp_path, BODY[:5])
    counted: List[int] = []
    known: List[int] = []

    def rest(start: int) -> BinaryIO:
        known.append(sum(counted))
        return io.BytesIO(BODY[start:])

    save_blob(
        folder(tmp_path), "0_x", ".blob", DESCRIPTOR, BlobTransfer(lambda: io.BytesIO(BODY), rest, counted.append)
    )
    assert known == [5]


def test_nothing_is_kept_that_nobody_goes_on_with(tmp_path: Path) -> None:
    class Breaking(io.BytesIO):
        def read(self, count: Optional[int] = -1) -> bytes:
            piece = super().read(5)
            if not piece:
                raise ConnectionLost("it broke.")
            return piece

    with pytest.raises(ConnectionLost):
        save_blob(folder(tmp_path), "0_x", ".blob", DESCRIPTOR, BlobTransfer(lambda: Breaking(BODY[:10])))
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(ConnectionLost):
        save_blob(
            folder(tmp_path), "0_x", ".blob", DESCRIPTOR, BlobTransfer(lambda: Breaking(BODY[:10]), open_rest=refused)
        )
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [BODY[:10]]


def test_what_is_in_the_way_of_a_beginning_is_left_alone(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_bytes(b"mine")
    part = tmp_path / ".layerslayer-{}.part".format(DESCRIPTOR.hex[:32])
    part.symlink_to(target)
    save_blob(folder(tmp_path), "0_x", ".blob", DESCRIPTOR, BlobTransfer(lambda: io.BytesIO(BODY), open_rest=refused))
    assert target.read_bytes() == b"mine"
    assert part.is_symlink()


def test_two_at_a_time_do_not_share_a_beginning(tmp_path: Path) -> None:
    with PartialFile(folder(tmp_path), DESCRIPTOR) as first, PartialFile(folder(tmp_path), DESCRIPTOR) as second:
        first.write(BODY)
        second.write(BODY)
        assert len(list(tmp_path.iterdir())) == 2
        second.keep("b")
        first.keep("a")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]
