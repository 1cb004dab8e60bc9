"""Images of this machine, as skopeo writes them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from layerslayer.errors import InvalidReference
from layerslayer.oci.local_reference import TRANSPORTS, LocalReference
from layerslayer.oci.reference import parse_reference, parse_target

HEX = "0123456789abcdef" * 4
DIGEST = "sha256:" + HEX

LOCAL = [
    ("oci:dir", ("oci", "dir", None, None)),
    ("oci:dir:tag", ("oci", "dir", "tag", None)),
    ("oci:/a/dir:docker.io/x/y:1", ("oci", "/a/dir", "docker.io/x/y:1", None)),
    ("oci:dir@" + DIGEST, ("oci", "dir", None, DIGEST)),
    ("oci:a:b@" + DIGEST, ("oci", "a:b", None, DIGEST)),
    ("oci:me@home:tag", ("oci", "me@home", "tag", None)),
    ("oci:C:\\dir:tag", ("oci", "C:\\dir", "tag", None)),
    ("oci:c:/dir", ("oci", "c:/dir", None, None)),
    ("oci:c:tag", ("oci", "c", "tag", None)),
    ("oci:5000/app", ("oci", "5000/app", None, None)),
    ("oci-archive:file.tar:1", ("oci-archive", "file.tar", "1", None)),
    ("docker-archive:C:\\f.tar:localhost:5000/x:1", ("docker-archive", "C:\\f.tar", "localhost:5000/x:1", None)),
    ("docker-archive:f.tar:@1", ("docker-archive", "f.tar", "@1", None)),
    ("docker-daemon:alpine:3", ("docker-daemon", "alpine:3", None, None)),
    ("docker-daemon:" + DIGEST, ("docker-daemon", DIGEST, None, None)),
    ("docker-daemon:x@" + DIGEST, ("docker-daemon", "x@" + DIGEST, None, None)),
]


@pytest.mark.parametrize(("text", "parts"), LOCAL, ids=[item[0] for item in LOCAL])
def test_local_images(text: str, parts: tuple) -> None:
    target = parse_target(text)
    assert isinstance(target, LocalReference) and tuple(target) == parts
    assert str(target) == text
    assert target.wanted == (parts[3] or parts[2] or "")


def test_an_image_of_the_daemon_is_one_not_all_tags() -> None:
    assert str(parse_target("docker-daemon:localhost:5000/x")) == "docker-daemon:localhost:5000/x:latest"


@pytest.mark.parametrize("text", ["alpine", "localhost:5000/x:1", "ocis:5000/x", "docker-archiver/x"])
def test_any_other_image_is_at_a_registry(text: str) -> None:
    assert parse_target(text) == parse_target("docker://" + text) == parse_reference(text)


@pytest.mark.parametrize(
    "text",
    [
        "oci:",
        "oci::tag",
        "oci:dir:",
        "oci:dir@sha256:12",
        "docker-archive:f@" + DIGEST,
        "docker-daemon:",
        "docker-daemon:UPPER",
        "oci:" + "x" * 5000,
        "oci:a\0b",
        "docker://",
        "docker://https://x/y",
    ],
)
def test_what_names_no_image(text: str) -> None:
    with pytest.raises(InvalidReference):
        parse_target(text)


@given(st.text(max_size=60))
def test_any_text_is_a_local_image_or_a_sentence(text: str) -> None:
    for transport in TRANSPORTS:
        try:
            target = parse_target(transport + ":" + text)
        except InvalidReference as error:
            assert error.reason
        else:
            assert parse_target(str(target)) == target


@pytest.mark.parametrize(
    ("text", "name"),
    [("oci:/a/b/:t", "b"), ("oci:C:\\a\\b", "b"), ("oci:.", "."), ("oci:/", ""), ("docker-daemon:a/b:1", "a/b:1")],
)
def test_what_a_local_place_is_called(text: str, name: str) -> None:
    target = parse_target(text)
    assert isinstance(target, LocalReference) and target.name == name
