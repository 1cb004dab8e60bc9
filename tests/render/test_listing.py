from __future__ import annotations

import stat

import pytest

from layerslayer.errors import CorruptLayer
from layerslayer.formats.entry import Device, Entry
from layerslayer.layers.outcome import Report
from layerslayer.oci.config import Step
from layerslayer.oci.descriptor import Descriptor
from layerslayer.oci.image import Layer
from layerslayer.render.listing import Listing, layer_footer, layer_header, permissions, timestamp
from layerslayer.render.style import COLOR

ENTRY = Entry("etc/passwd", "-", 0o644, 0, 0, 1494, 1767225600, "", "", "", None, {}, 0, False)
DESCRIPTOR = Descriptor("application/vnd.oci.image.layer.v1.tar", "sha256:" + "a" * 64, 100, {})


def line(**changes: object) -> str:
    (text,) = Listing().lines([ENTRY._replace(**changes)])
    return text


@pytest.mark.parametrize("mode", [0, 0o644, 0o755, 0o4755, 0o4644, 0o2755, 0o2640, 0o1777, 0o1776, 0o7777])
def test_permissions_are_those_of_ls(mode: int) -> None:
    assert permissions("-", mode) == stat.filemode(stat.S_IFREG | mode)
    assert permissions("d", mode) == stat.filemode(stat.S_IFDIR | mode)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "1970-01-01 00:00"), (-1, "1969-12-31 23:59"), (1.5, "1970-01-01 00:00"), (10**30, "@" + str(10**30))],
)
def test_timestamps(seconds: float, text: str) -> None:
    assert timestamp(seconds) == text


def test_lines() -> None:
    assert line() == "-rw-r--r-- 0/0        1494 2026-01-01 00:00 etc/passwd"
    assert line(kind="l", target="x").endswith(" etc/passwd -> x")
    assert " 8,1 " in line(kind="b", device=Device(8, 1))
    assert line(name="etc/.wh.motd").endswith("etc/.wh.motd  [deletes etc/motd]")
    assert line(name="etc/.wh..wh..opq").endswith("[deletes etc/*]")
    assert line(hidden=True).endswith("  [after the end marker]")


@pytest.mark.parametrize("evil", ["\x1b[31m", "\x9b", "\n", "\r", "\u202e", "\u200b", "\u2028", "\udcff", "\x00"])
def test_nothing_remote_reaches_the_terminal_raw(evil: str) -> None:
    text = line(name="n" + evil, target="t" + evil, kind="l") + line(name=".wh." + evil)
    header = layer_header(Layer(0, DESCRIPTOR, Step("", "RUN " + evil, "", 0)))
    report = Report(DESCRIPTOR._replace(media_type=evil))
    report.opaque = True
    assert evil not in text + header + layer_footer(report)


def test_colours_are_the_only_escapes() -> None:
    (text,) = Listing(COLOR).lines([ENTRY._replace(kind="d", name="\x1b[1mdir/")])
    assert text.count("\x1b") == 2
    assert "\\x1b[1mdir/" in text


def test_the_footer_says_how_far_to_trust() -> None:
    report = Report(DESCRIPTOR)
    report.entries, report.bytes_read, report.verified, report.ended = 2, 100, True, True
    assert layer_footer(report) == "= 2 entries; read 100 bytes; digest verified; complete."
    report.problem, report.verified, report.bytes_read = CorruptLayer("tar", 512, "bad"), False, 60
    assert layer_footer(report) == (
        "= 2 entries; read 60 of 100 bytes; digest NOT verified; INCOMPLETE: corrupt tar data at offset 512: bad."
    )
