"""Whose what names no host is: the first registry that is named, and what counts as the same one."""

from __future__ import annotations

from typing import List

import pytest

from layerslayer.oci.reference import parse_reference
from layerslayer.registry.credentials.unscoped import Given


def owns(named: str, image: str, plain_http: bool = False) -> bool:
    given = Given(plain_http)
    given.name(named)
    return given.owns(parse_reference(image))


SAME = [
    ("reg.example/a", "reg.example/b:1"),
    ("reg.example/a", "REG.example/a"),
    ("Reg.Example:443/a", "reg.example/a"),
    ("reg.example:0443/a", "reg.example/a"),
    ("alpine", "docker.io/me/app"),
    ("me/app", "index.docker.io/alpine"),
    ("registry-1.docker.io/me/app", "alpine"),
    ("docker://reg.example/a", "reg.example/a"),
    ("localhost:5000/a", "LOCALHOST:5000/a"),
    ("[::1]:5000/a", "[::1]:5000/b"),
    ("reg.example/A:bad tag", "reg.example/a"),
    ("https://reg.example/a", "reg.example/a"),
    ("https://me:pass@reg.example/a", "reg.example/a"),
    ("reg.example./a", "reg.example/a"),
    ("Alpine", "alpine"),
    ("alpine:bad tag", "alpine"),
]
OTHER = [
    ("reg.example/a", "reg.example:5000/a"),
    ("reg.example:5000/a", "reg.example/a"),
    ("reg.example:80/a", "reg.example/a"),
    ("reg.example/a", "sub.reg.example/a"),
    ("reg.example/a", "example/a"),
    ("reg.example/a", "reg.example.evil/a"),
    ("localhost:5000/a", "127.0.0.1:5000/a"),
    ("127.0.0.1:5000/a", "127.0.0.2:5000/a"),
    ("127.0.0.1:5000/a", "127.0.0.1:5001/a"),
    ("alpine", "registry.hub.docker.com/library/alpine"),
    ("alpine", "reg.example/a"),
    ("Alpine", "reg.example/a"),
    ("re g.example/a", "reg.example/a"),
    ("https://", "reg.example/a"),
]


@pytest.mark.parametrize(("named", "image"), SAME)
def test_the_same_registry(named: str, image: str) -> None:
    assert owns(named, image)


@pytest.mark.parametrize(("named", "image"), OTHER)
def test_another_registry(named: str, image: str) -> None:
    assert not owns(named, image)


def test_plain_http_has_another_usual_port() -> None:
    assert owns("reg.example:80/a", "reg.example/a", plain_http=True)
    assert not owns("reg.example:443/a", "reg.example/a", plain_http=True)


def test_nobody_was_named() -> None:
    given = Given()
    said: List[str] = []
    for text in ("oci:layout:1.0", "docker-daemon:reg.example/a", "oci-archive:", "!!!", "", "no image at all"):
        given.name(text)
    assert not given.owns(parse_reference("reg.example/a")) and not given.owns(parse_reference("alpine"))
    given.tell_once("--username", parse_reference("reg.example/a"), said.append)
    assert said == []


def test_the_first_decides_and_others_are_told_once() -> None:
    given = Given()
    said: List[str] = []
    for text in ("!!!", "one.example/a", "two.example/a", "one.example/b"):
        given.name(text)
    assert given.owns(parse_reference("one.example/b")) and given.several
    for image in ("two.example/a", "two.example/b", "one.example/a"):
        given.tell_once("--username", parse_reference(image), said.append)
    assert said == ["--username is for one.example, the registry named first; it is not shown to two.example."]


def test_one_registry_alone() -> None:
    given = Given()
    for text in ("one.example/a", "ONE.example/b", "oci:layout"):
        given.name(text)
    assert not given.several
