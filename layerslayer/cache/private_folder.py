"""The cache's folder, which nobody else on this machine may have a hand in.

What a stranger put there would be believed: it could hide a file behind
"verified". So the folder and its files must be the user's own, and no link;
both are closed to others. No other user may be able to put another folder in
its place, either. Where files have no such owners (Windows), only links are recognised.
"""

from __future__ import annotations

import os
import stat
import sys
from typing import Iterator, Sequence

# Cygwin makes owners and permissions up; on Android applications are users, and their folders the system's.
_MADE_UP = sys.platform in ("cygwin", "msys", "android") or hasattr(sys, "getandroidapilevel")
_OWNERS = hasattr(os, "geteuid") and not _MADE_UP
_WITHOUT = "; this run does without a cache. Name a folder of your own"


class NotOurs(Exception):
    """Somebody else owns what is there, or could change it. The text is a sentence without its end."""

    def __init__(self, text: str) -> None:
        super().__init__(text + _WITHOUT)


def default_folder() -> str:
    """Return where caches go on this platform, or ``LAYERSLAYER_CACHE_DIR``; nothing where no home is known."""
    chosen = os.environ.get("LAYERSLAYER_CACHE_DIR")
    if chosen:
        return chosen
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or os.path.expanduser("~\\AppData\\Local")
    elif sys.platform == "darwin":
        base = os.path.join(_home(), "Library", "Caches")
    else:
        base = os.environ.get("XDG_CACHE_HOME", "")
        if not os.path.isabs(base):  # which is to be passed over (XDG Base Directory Specification)
            base = os.path.join(_home(), ".cache")
    return os.path.join(base, "layerslayer") if os.path.isabs(base) else ""


def _home() -> str:
    home = os.environ.get("HOME")
    if not home:
        try:
            import pwd

            home = pwd.getpwuid(os.geteuid()).pw_dir
        except (ImportError, KeyError):
            home = ""
    return home if os.path.isabs(home) else ""


def own_folder(path: str, files: Sequence[str]) -> None:
    """Make the folder at ``path`` (absolute, real parents) the user's own.

    ``files`` are the names that belong in there. It is closed to others, unless
    it holds more than those: then nobody else may write in it. Raises NotOurs
    and OSError.
    """
    _make(path)
    found = os.lstat(path)
    if not stat.S_ISDIR(found.st_mode):
        raise NotOurs("the cache folder {} is {}".format(path, "a link" if _is_link(found) else "no folder"))
    if not _OWNERS:
        return
    if found.st_uid != os.geteuid():
        raise NotOurs("the cache folder {} belongs to another user".format(path))
    if stat.S_IMODE(found.st_mode) & 0o077 and not found.st_mode & stat.S_ISVTX and not _holds_more(path, files):
        found = _closed(path, 0o700)
    if _others_write(found):
        raise NotOurs("the cache folder {} can be written to by other users".format(path))


def own_file(path: str) -> bool:
    """Close a file to others, if it is there; return whether they could have written it. Raises NotOurs and OSError."""
    try:
        found = os.lstat(path)
    except FileNotFoundError:
        return False
    if not stat.S_ISREG(found.st_mode):
        raise NotOurs("the cache's file {} is {}".format(path, "a link" if _is_link(found) else "no file"))
    if not _OWNERS:
        return False
    if found.st_uid != os.geteuid():
        raise NotOurs("the cache's file {} belongs to another user".format(path))
    if found.st_nlink > 1:
        return True  # by its other name; that one is none of ours, and keeps its permissions
    closed = found if stat.S_IMODE(found.st_mode) == 0o600 else _closed(path, 0o600)
    if _others_write(closed):
        raise NotOurs("the cache's file {} can be written to by other users".format(path))
    return _others_write(found)


def _closed(path: str, mode: int) -> os.stat_result:
    """Give what is ours these permissions, where the disk has any; return what it then has."""
    try:
        os.chmod(path, mode)
    except OSError:
        pass
    return os.lstat(path)


def _make(path: str) -> None:
    """Make a folder and what is missing above it, below folders that only the user and the system can change."""
    above = list(_above(path))[::-1]
    for folder in above:
        if not os.path.lexists(folder):
            _mkdir(folder)
        if _OWNERS:
            _refuse_shared(folder, path)
    _mkdir(path)


def _mkdir(path: str) -> None:
    try:
        os.mkdir(path, 0o700)
    except FileExistsError:
        pass  # it is looked at afterwards


def _above(path: str) -> Iterator[str]:
    parent = os.path.dirname(path)
    while parent != path:
        yield parent
        path, parent = parent, os.path.dirname(parent)


def _refuse_shared(folder: str, path: str) -> None:
    """Raises NotOurs where another user could put another folder at ``path``, below ``folder``."""
    found = os.lstat(folder)
    if not stat.S_ISDIR(found.st_mode):
        raise NotADirectoryError(20, "Not a directory")
    # Who owns the root of all has it all; in a name space of users of its own that is not always 0.
    owner = found.st_uid in (0, os.geteuid(), os.lstat(os.sep).st_uid)
    if not owner or (_others_write(found) and not found.st_mode & stat.S_ISVTX):
        raise NotOurs("other users can change {}, which the cache folder {} is in".format(folder, path))


def _others_write(found: os.stat_result) -> bool:
    return bool(found.st_mode & 0o002 or (found.st_mode & 0o020 and not _is_private(found.st_gid)))


def _is_private(gid: int) -> bool:
    """Whether a group is that of the user alone, as many systems give each."""
    try:
        import grp
        import pwd

        user, group = pwd.getpwuid(os.geteuid()), grp.getgrgid(gid)
    except (ImportError, KeyError):
        return False
    return user.pw_gid == gid and group.gr_name == user.pw_name and set(group.gr_mem) <= {user.pw_name}


def _holds_more(path: str, files: Sequence[str]) -> bool:
    with os.scandir(path) as entries:
        return any(entry.name not in files for entry in entries)


def _is_link(found: os.stat_result) -> bool:
    return stat.S_ISLNK(found.st_mode)
