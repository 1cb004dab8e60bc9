"""What the command line asked for, whichever verb it is."""

from __future__ import annotations

from typing import NamedTuple, Optional, Sequence, Tuple

from ..limits import DEFAULT, Limits
from .arguments.verbs import CONVERSATION, VERBS, Verb

ALL_PLATFORMS = "all"
STDOUT = "-"  # in place of an output folder


class Options(NamedTuple):
    """The command line, parsed; defaults as documented there."""

    verb: str = ""
    target: Optional[str] = None
    platform: Optional[str] = None
    layers: Tuple[str, ...] = ()
    output_dir: Optional[str] = None
    default_dir: str = "downloads"  # where output goes if the user does not say, in the current folder
    jobs: int = 8
    token_file: Optional[str] = None
    plain_http: bool = False
    username: Optional[str] = None
    password_stdin: bool = False
    trusted_realms: Sequence[str] = ()
    ca_file: Optional[str] = None
    client_cert: Optional[str] = None
    client_key: Optional[str] = None
    insecure: Sequence[str] = ()
    mirror: Optional[str] = None
    allow_private: bool = False
    timeout: float = 30.0
    retries: int = 5
    verbose: bool = False
    demo: bool = False
    words: Tuple[str, ...] = ()  # after the image: paths, patterns, a second image
    json: bool = False
    batch: Optional[str] = None
    depth: Optional[int] = None
    regex: bool = False
    everywhere: bool = False
    kinds: Optional[str] = None  # letters of Entry.kind
    larger: int = -1  # bytes
    verify: bool = False
    full: bool = False
    dockerfile: bool = False
    payloads: bool = False
    fast: bool = False
    no_cache: bool = False
    cache_dir: Optional[str] = None
    format: str = "layers"
    budget: int = -1  # bytes of layers; -1 for no bound
    plan: bool = False
    limits: Limits = DEFAULT

    @property
    def row(self) -> Verb:
        """What is known of the verb."""
        return VERBS.get(self.verb, CONVERSATION)

    @property
    def prints_files(self) -> bool:
        """Whether standard output is for the bytes of files, and for nothing else."""
        return bool(self.row.to_stdout) and self.output_dir == STDOUT and not self.plan


def images_named(options: Options, lines: Sequence[str] = ()) -> Sequence[str]:
    """Return the images that a command line names, in order; ``lines`` are those of its batch, in place of IMAGE.

    The demo's is named by the program, so it comes last.
    """
    first = list(lines) or ([options.target] if options.target else [])
    second = list(options.words[:1]) if options.row.second_image else []
    return second + first if options.demo and not lines else first + second
