"""The verbs: what follows the image on the command line, and the flags that each has, its own and those of several.

A new verb begins here, and goes on in ``commands``.
"""

from __future__ import annotations

from .flags import depth, folder_flag, format_flag, kinds, size

TYPE_CHECKING = False  # as type checkers read it; importing typing for --help would cost a tenth of it
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, Tuple

_ANY = 1000  # words

# Verb: what follows the image, how many such words at least and at most, what it does.
VERBS: Dict[str, Tuple[str, int, int, str]] = {
    "peek": ("", 0, 0, "list what is in each layer, as --peek-all"),
    "save": ("", 0, 0, "download the layers, as --save-all"),
    "ls": ("[PATH]", 0, 1, "list one directory of the file system that the layers make"),
    "tree": ("[PATH]", 0, 1, "show that file system as a tree, with sizes summed"),
    "find": ("GLOB...", 0, _ANY, "find paths, and the layers that have them, live or deleted"),
    "get": ("PATH...", 1, _ANY, "write files, globs or directories to this machine's disk"),
    "cat": ("PATH", 1, 1, "write one file to standard output"),
    "deleted": ("", 0, 0, "list what later layers removed and can still be had"),
    "diff": ("IMAGE2 [PATH]", 1, 2, "compare two images' file systems"),
    "history": ("", 0, 0, "list the build steps, with the layers they made"),
    "config": ("", 0, 0, "show how the image is run: user, command, environment, ports, labels"),
    "manifest": ("", 0, 0, "print the manifest or index as the registry has it"),
    "tags": ("", 0, 0, "list a repository's tags"),
    "referrers": ("", 0, 0, "show attestations, SBOMs and signatures attached to the image"),
    "cache": ("[show|clear]", 0, 1, "show or clear what is remembered of layers read before"),
}
NO_IMAGE = ("cache",)
FAST = ("peek", "ls", "tree", "find", "get", "cat", "deleted")
COSTLY = ("peek", "save", "ls", "tree", "find", "get", "cat", "deleted", "diff")  # which read layers
NO_PLATFORM_ALL = ("ls", "tree", "find", "get", "cat", "deleted", "diff", "manifest", "referrers")


def check_flag(group: Any) -> None:
    group.add_argument(
        "--verify", action="store_true", help="with --fast: read the layers too, and show how their indexes differ"
    )


def _save(group: Any) -> None:
    folder_flag(group, "downloads")
    format_flag(group)


def _tree(group: Any) -> None:
    group.add_argument("--depth", metavar="N", type=depth, help="show so many levels (sums count all)")


def _find(group: Any) -> None:
    group.add_argument("--everywhere", action="store_true", help="no IMAGE: search every layer read before")
    group.add_argument("--regex", action="store_true", help="the patterns are regular expressions on /PATH")
    group.add_argument("--type", dest="kinds", metavar="f|d|l", type=kinds, help="files, directories or links only")
    group.add_argument("--larger", metavar="SIZE", type=size, default=-1, help="larger than SIZE: 500, 64K, 10M, 1G")


def _get(group: Any) -> None:
    folder_flag(group, "carved")
    _verify(group)


def _history(group: Any) -> None:
    group.add_argument("--dockerfile", action="store_true", help="as a readable Dockerfile")


def _referrers(group: Any) -> None:
    group.add_argument("--payloads", action="store_true", help="show statements and SBOMs in full")


def _verify(group: Any) -> None:
    group.add_argument("--verify", action="store_true", help="read the layer to its end, to verify its digest")


def _diff(group: Any) -> None:
    group.add_argument("--full", action="store_true", help="read the layers that both images begin with too")


OWN_FLAGS: Dict[str, Callable[[Any], None]] = {
    "peek": check_flag,
    "save": _save,
    "tree": _tree,
    "find": _find,
    "get": _get,
    "cat": _verify,
    "diff": _diff,
    "history": _history,
    "referrers": _referrers,
}
