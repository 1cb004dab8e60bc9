"""The verbs, one row each: its words, its help, its flags, the function that does it, and what is true of it.

A new verb is a row here and a function in ``cli.commands``, which is loaded when the verb runs.
"""

from __future__ import annotations

from collections import namedtuple

from ..exit_codes import ExitCode
from .flags import depth, fast_flag, folder_flag, format_flag, kinds, size

TYPE_CHECKING = False  # as type checkers read it; importing typing for --help would cost a tenth of it
if TYPE_CHECKING:
    from typing import Any, Dict

_ANY = 1000  # words


class Verb(
    namedtuple(  # not typing.NamedTuple, see above
        "_Row",
        "function gist words least most flags needs_image reads_layers all_platforms needs_config "
        "top_down to_stdout second_image mixed_answer",
        defaults=["", 0, 0, (), True, False, False, True, False, False, False, None],
    )
):
    """One verb.

    function (str): what does it, as ``MODULE.NAME`` in ``cli.commands``; takes a Session, returns an ExitCode
    gist (str): what it does, for the list of verbs
    words (str): what follows the image, for the usage line
    least, most (int): how many such words there are
    flags: functions that add the verb's own flags to a group
    needs_image (bool): an IMAGE, or --demo or --batch in its place, comes first
    reads_layers (bool): so --plan and --budget say something
    all_platforms (bool): may look at several images, as --platform all names them
    needs_config (bool): an image whose config cannot be used is refused
    top_down (bool): reads layers one after the other from the top, and only as far as a file
    to_stdout (bool): ``-o -`` gives standard output to the files it gets
    second_image (bool): its first word is an image, too
    mixed_answer (Optional[ExitCode]): of a batch in which some images say yes and some no; None for PARTIAL
    """

    __slots__ = ()


def verify_toc_flag(group: Any) -> None:
    group.add_argument(
        "--verify", action="store_true", help="with --fast: read the layers too, and show how their indexes differ"
    )


def _verify_flag(group: Any) -> None:
    group.add_argument("--verify", action="store_true", help="read the layer to its end, to verify its digest")


def _downloads_flag(group: Any) -> None:
    folder_flag(group, "downloads")


def _carved_flag(group: Any) -> None:
    folder_flag(group, "carved")


def _stdout(group: Any) -> None:
    group.set_defaults(output_dir="-")  # as with the flag of get


def _depth_flag(group: Any) -> None:
    group.add_argument("--depth", metavar="N", type=depth, help="show so many levels (sums count all)")


def _find_flags(group: Any) -> None:
    group.add_argument("--everywhere", action="store_true", help="no IMAGE: search every layer read before")
    group.add_argument("--regex", action="store_true", help="the patterns are regular expressions on /PATH")
    group.add_argument("--type", dest="kinds", metavar="f|d|l", type=kinds, help="files, directories or links only")
    group.add_argument("--larger", metavar="SIZE", type=size, default=-1, help="larger than SIZE: 500, 64K, 10M, 1G")


def _full_flag(group: Any) -> None:
    group.add_argument("--full", action="store_true", help="read the layers that both images begin with too")


def _dockerfile_flag(group: Any) -> None:
    group.add_argument("--dockerfile", action="store_true", help="as a readable Dockerfile")


def _payloads_flag(group: Any) -> None:
    group.add_argument("--payloads", action="store_true", help="show statements and SBOMs in full")


VERBS: Dict[str, Verb] = {
    "peek": Verb(
        "peek.peek_all",
        "list what is in each layer, as --peek-all",
        flags=(verify_toc_flag, fast_flag),
        reads_layers=True,
        all_platforms=True,
        needs_config=False,
        mixed_answer=ExitCode.NO,
    ),
    "save": Verb(
        "save.save_all",
        "download the layers, as --save-all",
        flags=(_downloads_flag, format_flag),
        reads_layers=True,
        all_platforms=True,
    ),
    "ls": Verb(
        "ls.ls",
        "list one directory of the file system that the layers make",
        words="[PATH]",
        most=1,
        flags=(fast_flag,),
        reads_layers=True,
        needs_config=False,
    ),
    "tree": Verb(
        "ls.tree",
        "show that file system as a tree, with sizes summed",
        words="[PATH]",
        most=1,
        flags=(_depth_flag, fast_flag),
        reads_layers=True,
        needs_config=False,
    ),
    "find": Verb(
        "find.find",
        "find paths, and the layers that have them, live or deleted",
        words="GLOB...",
        most=_ANY,
        flags=(_find_flags, fast_flag),
        reads_layers=True,
        needs_config=False,
        mixed_answer=ExitCode.DONE,
    ),
    "get": Verb(
        "get.get",
        "write files, globs or directories to this machine's disk",
        words="PATH...",
        least=1,
        most=_ANY,
        flags=(_carved_flag, _verify_flag, fast_flag),
        reads_layers=True,
        needs_config=False,
        top_down=True,
        to_stdout=True,
    ),
    "cat": Verb(
        "get.cat",
        "write one file to standard output",
        words="PATH",
        least=1,
        most=1,
        flags=(_stdout, _verify_flag, fast_flag),
        reads_layers=True,
        needs_config=False,
        top_down=True,
        to_stdout=True,
    ),
    "deleted": Verb(
        "deleted.deleted",
        "list what later layers removed and can still be had",
        flags=(fast_flag,),
        reads_layers=True,
        needs_config=False,
    ),
    "diff": Verb(
        "diff.diff",
        "compare two images' file systems",
        words="IMAGE2 [PATH]",
        least=1,
        most=2,
        flags=(_full_flag,),
        reads_layers=True,
        needs_config=False,
        second_image=True,
        mixed_answer=ExitCode.NO,
    ),
    "history": Verb(
        "metadata.history",
        "list the build steps, with the layers they made",
        flags=(_dockerfile_flag,),
        all_platforms=True,
    ),
    "config": Verb(
        "metadata.config",
        "show how the image is run: user, command, environment, ports, labels",
        all_platforms=True,
    ),
    "manifest": Verb("metadata.manifest", "print the manifest or index as the registry has it"),
    "tags": Verb("repository.tags", "list a repository's tags", all_platforms=True),
    "referrers": Verb(
        "repository.referrers",
        "show attestations, SBOMs and signatures attached to the image",
        flags=(_payloads_flag,),
    ),
    "cache": Verb(
        "cache.cache",
        "show or clear what is remembered of layers read before",
        words="[show|clear]",
        most=1,
        needs_image=False,
    ),
}
# Without a verb. It begins with one layer, and asks before each that follows.
CONVERSATION = Verb("interactive.interactive", "ask for everything", needs_config=False)
