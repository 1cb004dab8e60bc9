"""Results as JSON Lines: one object a line, each with a ``type``; docs/json.md describes them.

Names are a stranger's bytes: ``path`` is text, with U+FFFD for what is not
UTF-8, and then ``path_base64`` holds the bytes themselves. ASCII only, so that
nothing in it can upset a terminal.
"""

from __future__ import annotations

import base64
import json
from typing import Any, Dict, Iterable, Iterator, List, Mapping, Optional

from ..errors import LayerslayerError
from ..escaping import raw_name
from ..formats.entry import Entry, deletion
from ..layers.outcome import IndexCheck, Report
from ..oci.descriptor import UNKNOWN_SIZE
from ..oci.image import Image, Layer
from ..user_input import without_login
from .renderer import Saved, Summary

KINDS = {
    "-": "file",
    "d": "directory",
    "l": "symlink",
    "h": "hardlink",
    "c": "character device",
    "b": "block device",
    "p": "fifo",
    "?": "unknown",
}
Object = Dict[str, Any]
_PIECE = 64 * 1024  # characters gathered of a long line


def line(item: Object) -> str:
    """Return an object as one line, with its newline."""
    return json.dumps(item, separators=(",", ":"), allow_nan=False) + "\n"


def line_pieces(item: Object) -> Iterator[str]:
    """Yield what ``line`` returns, without the newline, in pieces: of a large document it takes far less memory."""
    return joined(json.JSONEncoder(separators=(",", ":"), allow_nan=False).iterencode(item))


def joined(pieces: Iterable[str]) -> Iterator[str]:
    """Yield the same text in fewer pieces."""
    waiting: List[str] = []
    length = 0
    for piece in pieces:
        waiting.append(piece)
        length += 1 + len(piece)
        if length > _PIECE:
            yield "".join(waiting)
            waiting, length = [], 0
    yield "".join(waiting)


def put_text(item: Object, key: str, text: str) -> None:
    """Set ``key`` to a text without loss: ``key_base64`` too, where it is not UTF-8."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raw = raw_name(text)
        item[key] = raw.decode("utf-8", "replace")
        item[key + "_base64"] = base64.b64encode(raw).decode("ascii")
    else:
        item[key] = text


def entry_object(
    entry: Entry, layer: int, path: Optional[str] = None, size: Optional[int] = None, digest: Optional[bytes] = None
) -> Object:
    """Return an entry as an object.

    Args:
        entry: as the archive has it
        layer: the number of its layer; negative for none
        path: replaces the archive's
        size: replaces the archive's
        digest: the content's sha256
    """
    item: Object = {"type": "entry", "layer": layer}
    put_text(item, "path", entry.name if path is None else path)
    item.update(
        kind=KINDS[entry.kind],
        mode=f"{entry.mode:04o}",
        uid=entry.uid,
        gid=entry.gid,
        size=entry.size if size is None else size,
        mtime=entry.mtime,
    )
    for key, text in (("uname", entry.uname), ("gname", entry.gname), ("target", entry.target)):
        if text:
            put_text(item, key, text)
    if entry.device:
        item["device"] = list(entry.device)
    if entry.xattrs:
        _put_xattrs(item, entry.xattrs)
    if digest:
        item["sha256"] = digest.hex()
    victim = deletion(entry.name) if path is None else None
    if victim is not None:
        put_text(item, "deletes", victim)
    if entry.hidden:
        item["after_end_marker"] = True
    return item


def _put_xattrs(item: Object, xattrs: Mapping[str, bytes]) -> None:
    """Set ``xattrs``; and ``xattrs_base64`` for those whose names are not UTF-8, both name and value in base64."""
    item["xattrs"] = {}
    for name, value in xattrs.items():
        raw, encoded = raw_name(name), base64.b64encode(value).decode("ascii")
        shown = raw.decode("utf-8", "replace")
        item["xattrs"][shown] = encoded
        if shown != name:
            item.setdefault("xattrs_base64", {})[base64.b64encode(raw).decode("ascii")] = encoded


def entry_lines(entries: Iterable[Entry], layer: int) -> List[str]:
    """Return a line, without its newline, for each entry of a layer."""
    return [line(entry_object(entry, layer))[:-1] for entry in entries]


def layer_object(layer: Layer) -> Object:
    """Return what is known of a layer before it is read."""
    descriptor, step = layer.descriptor, layer.step
    item: Object = {"type": "layer", "layer": layer.number, "digest": descriptor.digest}
    item["size"] = descriptor.size if descriptor.size != UNKNOWN_SIZE else None
    item["media_type"] = descriptor.media_type
    if step:
        item.update(created=step.created, created_by=step.created_by or step.comment)
    return item


def layer_end_object(number: int, report: Report) -> Object:
    """Return how the reading of a layer went."""
    return {
        "type": "layer_end",
        "layer": number,
        "entries": report.entries,
        "bytes_read": report.bytes_read,
        "compression": report.compression,
        "verified": report.verified,
        "complete": report.complete,
        "tar": not report.opaque,
        "index": report.claimed or None,
        "lengths_add_up": True if report.leapt else None,
        "index_check": _check_object(report.index_check) if report.index_check is not None else None,
        "problem": str(report.problem) if report.problem else None,
        "notes": list(report.notes),
    }


def _check_object(check: IndexCheck) -> Object:
    return {
        "index": check.kind or None,
        "agrees": check.differences == 0 if check.compared else None,
        "differences": check.differences,
        "uncompared": check.uncompared,
        "bytes_read": check.bytes_read,
    }


def image_object(image: Image) -> Object:
    """Return what names an image."""
    return {
        "type": "image",
        "image": str(image.reference),
        "digest": image.document.digest,
        "platform": str(image.platform) if image.platform else None,
        "artifact_type": image.manifest.kind or None,
        "layers": len(image.layers),
        "size": image.size if image.size != UNKNOWN_SIZE else None,
    }


def summary_object(summary: Summary) -> Object:
    """Return the last object of a verb: completeness, cost, verification."""
    reports = summary.reports
    checks = [report.index_check for report in reports]
    read = sum(report.bytes_read for report in reports) + sum(check.bytes_read for check in checks if check)
    return {
        "type": "summary",
        "verb": summary.verb,
        "image": summary.image,
        "complete": all(report.complete for report in reports) and summary.exit_code in (0, 1),
        "verified": all(report.verified or report.checked for report in reports if not report.opaque),
        "lengths_add_up": True if any(report.leapt for report in reports) else None,
        "checked": sum(report.checked for report in reports),
        "bytes_read": read + summary.saved,
        "requests": summary.requests,
        "exit_code": summary.exit_code,
    }


def saved_object(saved: Saved, layer: Optional[Layer] = None) -> Object:
    """Return a file that was saved; ``layer`` None is for an image."""
    number, digest = (layer.number, layer.descriptor.digest) if layer is not None else (None, None)
    facts: Object = {"state": saved.state, "size": saved.size, "layer": number, "digest": digest}
    return text_object("saved", facts, path=saved.path)


def text_object(kind: str, facts: Optional[Object] = None, **texts: str) -> Object:
    """Return an object of a kind with ``facts``, then ``texts`` without loss (see ``put_text``)."""
    item: Object = {"type": kind, **(facts or {})}
    for key, text in texts.items():
        put_text(item, key, text)
    return item


def error_object(target: str, error: LayerslayerError) -> Object:
    """Return what went wrong with one image of several."""
    return {"type": "error", "image": without_login(target), "message": str(error), "hint": error.hint}
