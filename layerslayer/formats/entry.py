"""Entry: one member of a layer, as its tar headers state it.

Whiteouts follow OCI image-spec ``layer.md``, "Whiteouts".
"""

from __future__ import annotations

import posixpath
from typing import Mapping, NamedTuple, Optional, Union

WHITEOUT_PREFIX = ".wh."
OPAQUE = ".wh..wh..opq"
LONGEST = 65536  # characters of a name or target; no system takes paths of more than a few thousand


class Entry(NamedTuple):
    """A tar member. ``name`` and ``target`` are exactly the archive's, bytes that
    are not UTF-8 as lone surrogates (``surrogateescape``)."""

    name: str
    kind: str  # as ls -l shows it: - d l b c p, h for a hardlink, ? for an unknown type
    mode: int  # permission bits, setuid, setgid and sticky: 0..0o7777
    uid: int
    gid: int
    size: int  # bytes; of a sparse file its full size
    mtime: Union[int, float]  # seconds since 1970, UTC
    target: str  # of a symlink or hardlink, else ""
    uname: str
    gname: str
    device: Optional[Device]  # of b and c
    xattrs: Mapping[str, bytes]
    offset: int  # of its first header in the uncompressed tar, bytes
    hidden: bool  # stands after the end-of-archive marker, where most readers stop


class Device(NamedTuple):
    """The numbers of a device node."""

    major: int
    minor: int


def too_long(*texts: str) -> str:
    """Return what is wrong with an entry's texts, in words that complete "the header has"; empty for nothing."""
    longest = max(map(len, texts))
    return f"a text of {longest} characters, more than {LONGEST}" if longest > LONGEST else ""


def deletion(name: str) -> Optional[str]:
    """Return what a whiteout named ``name`` takes away from the layers below, or None.

    The answer reads ``dir/name``, or ``dir/*`` for an opaque directory. AUFS
    leftovers (``.wh..wh.*``) and whiteouts without a name delete nothing.
    """
    directory, base = posixpath.split(name.rstrip("/"))
    if not base.startswith(WHITEOUT_PREFIX):
        return None
    if base == OPAQUE:
        return posixpath.join(directory, "*")
    victim = base[len(WHITEOUT_PREFIX) :]
    if victim in ("", ".", "..") or victim.startswith(WHITEOUT_PREFIX):
        return None
    return posixpath.join(directory, victim)
