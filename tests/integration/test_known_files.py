"""Files out of the middle of layers that real tools compressed, from a real registry server."""

from __future__ import annotations

import json
import re
import tarfile
from pathlib import Path
from typing import Callable, Dict, List

import pytest

from .tools import Registry, gzip_members, layerslayer, need, run

pytestmark = pytest.mark.integration

_TYPE = "application/vnd.oci.image.layer.v1.tar"


def _by(*command: str) -> Callable[[bytes], bytes]:
    def compressed(body: bytes) -> bytes:
        need(command[0])
        return run(*command, input=body).stdout

    return compressed


_SHAPES: Dict[str, Callable[[bytes], bytes]] = {
    "gzip": _by("gzip", "-9", "-c"),
    "pigz": _by("pigz", "-p", "4", "-b", "128", "-c"),
    "members": lambda body: gzip_members(body, 40),
    "plain": lambda body: body,
}


@pytest.mark.parametrize("shape", sorted(_SHAPES))
def test_late_files_of_a_known_layer_cost_next_to_nothing(shape: str, registry: Registry, rootfs: Path) -> None:
    registry.put_image("known/" + shape, "1", [_SHAPES[shape](rootfs.read_bytes())], _TYPE)
    image = "{}/known/{}:1".format(registry.host, shape)
    assert layerslayer("tree", image, "-q").returncode == 0
    with tarfile.open(str(rootfs), "r:") as archive:
        files: List[tarfile.TarInfo] = [item for item in archive if item.isreg() and not item.sparse and item.size]
        for member in files[-200::40]:
            body = archive.extractfile(member)
            done = layerslayer("cat", image, member.name)
            assert body is not None and done.stdout == body.read(), done.stderr
            told = done.stderr.decode("utf-8", "replace")
            assert int(re.findall(r"in (\d+) request", told)[0]) <= 3 and "checksum holds" in told
    several = layerslayer("get", image, *(item.name for item in files[-60:-50]), "--json", "-o", str(rootfs) + shape)
    summary = json.loads(several.stdout.splitlines()[-1].decode())
    assert summary["checked"] == 10 and summary["bytes_read"] < 12_000_000
