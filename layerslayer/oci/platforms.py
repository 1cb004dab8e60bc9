"""Normalise, match and choose a platform.

Names follow GOOS/GOARCH; the normalisation and the order of preference are
those of containerd's ``platforms``: a machine also runs what is older.
"""

from __future__ import annotations

import platform as machine
import re
from typing import List, Optional, Sequence, Tuple

from ..errors import UsageError
from .descriptor import Platform

_ARCHITECTURES = {
    "x86_64": "amd64",
    "x86-64": "amd64",
    "aarch64": "arm64",
    "i386": "386",
    "i486": "386",
    "i586": "386",
    "i686": "386",
    "x86": "386",
    "armhf": "arm",
    "armel": "arm",
    "armv7l": "arm",
    "armv6l": "arm",
    "loongarch64": "loong64",
}
_IMPLIED_VARIANTS = {"armhf": "v7", "armv7l": "v7", "armel": "v6", "armv6l": "v6"}
_OSES = {"macos": "darwin"}
_PART = re.compile(r"[A-Za-z0-9_.-]+")
_VARIANT = re.compile(r"v([0-9]{1,4})(?:\.[0-9]{1,4})?")


def normalise(platform: Platform) -> Platform:
    """Return ``platform`` with canonical names, and implied variants dropped or filled."""
    os = platform.os.lower()
    architecture = platform.architecture.lower()
    variant = platform.variant.lower() or _IMPLIED_VARIANTS.get(architecture, "")
    architecture = _ARCHITECTURES.get(architecture, architecture)
    if variant.isdigit():
        variant = "v" + variant
    if architecture == "arm":
        variant = variant or "v7"
    elif (architecture, variant) in (("arm64", "v8"), ("amd64", "v1")):
        variant = ""
    return platform._replace(os=_OSES.get(os, os), architecture=architecture, variant=variant)


def parse_platform(text: str) -> Platform:
    """Parse ``os/arch[/variant]``. Raises UsageError."""
    parts = text.split("/")
    if not 2 <= len(parts) <= 3 or not all(_PART.fullmatch(part) for part in parts):
        raise UsageError(f"'{text}' is not a platform.", "Write os/arch[/variant], for example linux/arm64, or all.")
    return Platform(parts[0], parts[1], parts[2] if len(parts) == 3 else "")


def this_machine() -> Platform:
    """Return linux on this machine's architecture."""
    return normalise(Platform("linux", machine.machine() or "amd64"))


def _level(variant: str) -> Optional[int]:
    match = _VARIANT.fullmatch(variant)
    return int(match.group(1)) if match else None


def preference(wanted: Platform, offered: Platform, strict: bool) -> Optional[int]:
    """Return how well ``offered`` serves ``wanted``: 0 is best, None not at all.

    ``strict`` keeps to the architecture that was asked for; otherwise one that
    the same machine runs as well (386 on amd64, arm on arm64) comes last.
    """
    asked_variant = wanted.variant
    want, have = normalise(wanted), normalise(offered)
    if want.os != have.os:
        return None
    if want.architecture == have.architecture:
        if have.variant == want.variant:
            return 0
        have_level, want_level = _level(have.variant), _level(want.variant)
        if want.architecture == "arm64":
            have_level, want_level = have_level or 8, want_level or 8
        elif want.architecture == "amd64":
            have_level, want_level = have_level or 1, want_level or 1
        if have_level is not None and want_level is not None and have_level <= want_level:
            return 1 + want_level - have_level
        return None if asked_variant else 50  # no variant asked for: any, rather than none
    if not strict and (want.architecture, have.architecture) in (("amd64", "386"), ("arm64", "arm")):
        return 100 - (_level(have.variant) or 0)
    return None


def best(wanted: Platform, offered: Sequence[Optional[Platform]], strict: bool) -> Optional[int]:
    """Return the position in ``offered`` of the best match; the first among equals."""
    ranked: List[Tuple[int, int]] = []
    for position, candidate in enumerate(offered):
        rank = preference(wanted, candidate, strict) if candidate else None
        if rank is not None:
            ranked.append((rank, position))
    return min(ranked)[1] if ranked else None
