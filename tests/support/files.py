"""Layers of small files, and what a run wrote as JSON Lines."""

from __future__ import annotations

import json
import tarfile
from typing import Any, Dict, List

from layerslayer.demo.image import Member, Store

from .registry import Registry
from .registry.faults import single_image
from .registry.running import Ran


def directory(name: str) -> Member:
    return Member(name, tarfile.DIRTYPE, 0o755)


def file(name: str, body: bytes = b"x\n", mode: int = 0o644) -> Member:
    return Member(name, body=body, mode=mode)


def link(name: str, target: str, kind: bytes = tarfile.SYMTYPE) -> Member:
    return Member(name, kind, 0o777, target=target)


BASE = [
    link("bin", "usr/bin"),
    directory("etc/"),
    file("etc/motd", b"old\n"),
    file("etc/passwd", b"root\n"),
    directory("usr/bin/"),
    file("usr/bin/tool", b"#!tool\n", 0o4755),
    link("usr/bin/sh", "tool"),
    link("etc/hard", "etc/passwd", tarfile.LNKTYPE),
    link("loop", "loop"),
    link("escape", "../../../../etc/passwd"),
    file("big", bytes(3_000_000)),
]
UPPER = [file("etc/.wh.motd", b""), file("etc/passwd", b"root\nme\n"), file("srv/new", b"new\n")]


def objects(ran: Ran, kind: str = "") -> List[Dict[str, Any]]:
    found = [json.loads(line) for line in ran.out.splitlines()]
    return [item for item in found if not kind or item["type"] == kind]


USR = [
    directory("usr/"),
    directory("usr/lib/"),
    link("lib", "usr/lib"),
    file("lib/foo", b"foo\n"),
    file("usr/lib/bar", b"bar\n"),
]


def two_images(first: List[List[Member]], second: List[List[Member]]) -> Store:
    """A store with two images, tagged 1.0 and 2.0."""
    content = single_image(first)
    other = single_image(second)
    content.blobs.update(other.blobs)
    content.manifests.update(other.manifests)
    content.tags[("demo/shop", "2.0")] = other.tags[("demo/shop", "1.0")]
    return content


def digests_of(registry: Registry, tag: str) -> List[str]:
    """The digests of an image's layers, in order."""
    manifest = registry.store.manifests[registry.store.tags[("demo/shop", tag)]]
    return [layer["digest"] for layer in json.loads(manifest.body.decode())["layers"]]
