"""What every verb starts from: the options, the console, an opened source."""

from __future__ import annotations

import os
from typing import Callable, Iterator, NamedTuple, Optional, Sequence, Tuple

from ..console import Console
from ..credentials import TOKEN_FILE, UserToken, read_token_file
from ..descriptors import Platform
from ..early import EarlyConnections
from ..errors import ExitCode, LocalFileError, UsageError
from ..image import Image, Layer, choose, find_candidates, open_image
from ..platforms import normalise, parse_platform, this_machine
from ..reference import Reference, parse_reference
from ..sources.base import Source
from ..sources.registry import RegistrySource
from ..transport import Transport
from ..views.style import COLOR, PLAIN, Style

ALL_PLATFORMS = "all"


class Options(NamedTuple):
    """The command line, parsed; defaults as documented there."""

    target: Optional[str] = None
    platform: Optional[str] = None
    layers: Tuple[str, ...] = ()
    output_dir: str = "downloads"
    jobs: int = 8
    token_file: Optional[str] = None
    plain_http: bool = False
    timeout: float = 30.0
    verbose: bool = False


class Session:
    """One run of one verb."""

    def __init__(self, options: Options, console: Console, early: Optional[EarlyConnections] = None) -> None:
        self.options = options
        self._early = early
        self._begun: Optional[Tuple[Reference, Source]] = None
        self.console = console
        self.style: Style = COLOR if console.styled else PLAIN
        self.wanted: Optional[Platform] = None
        if options.platform and options.platform.lower() != ALL_PLATFORMS:
            self.wanted = normalise(parse_platform(options.platform))

    @property
    def all_platforms(self) -> bool:
        return bool(self.options.platform) and self.wanted is None

    def reference(self) -> Reference:
        """Return the image that ``-t`` names. Raises UsageError and InvalidReference."""
        if not self.options.target:
            raise UsageError(
                "No image is named, and this mode asks nothing.", "Name one with -t/--target-image, or try --demo."
            )
        return parse_reference(self.options.target)

    def begin(self) -> None:
        """Ask for what ``-t`` names already, in the background. Raises as ``reference``."""
        reference = self.reference()
        source = self.open_source(reference)
        source.foresee_manifest(reference.wanted)
        self._begun = (reference, source)

    def open_source(self, reference: Reference) -> Source:
        """Return the source of a reference, with the user's token for it, if any; the caller closes it."""
        begun, self._begun = self._begun, None
        if begun and begun[0] == reference:
            return begun[1]
        options, console = self.options, self.console
        token = self._token_for(reference)
        transport = Transport(
            plain_http=options.plain_http,
            timeout=options.timeout,
            log=console.say if options.verbose else None,
            connections=options.jobs + 2,
            early=self._early,
        )
        return RegistrySource(reference, transport, token, console.warn)

    def _token_for(self, reference: Reference) -> Optional[UserToken]:
        path, domain = self.options.token_file, reference.domain.lower()
        if path:
            tokens, complaints = read_token_file(path, bare_host=domain)
            if domain not in tokens:
                raise LocalFileError("the token file {} holds no token for {}.".format(path, domain))
        elif os.path.exists(TOKEN_FILE):
            try:
                tokens, complaints = read_token_file(TOKEN_FILE)
            except LocalFileError as error:
                self.console.warn(str(error))
                return None
        else:
            return None
        for complaint in complaints:
            self.console.warn(complaint)
        token = tokens.get(domain)
        name = os.path.basename(path or TOKEN_FILE)
        if token:
            self.console.say("Using the token for {} from {}.".format(domain, name))
        elif tokens:
            self.console.say(
                "{} holds a token for {}; it is not sent to {}.".format(name, ", ".join(sorted(tokens)), domain)
            )
        return token

    def images(
        self,
        source: Source,
        reference: Reference,
        soon: Callable[[Sequence[Layer]], Sequence[Layer]] = lambda layers: (),
    ) -> Iterator[Image]:
        """Yield the images to work on, without asking: one, or one for each platform.

        ``soon`` says which layers will be read at once (see ``open_image``).
        """
        candidates = find_candidates(source, reference)
        if self.all_platforms:
            for candidate in candidates.items:
                yield open_image(source, reference, candidate, soon=soon)
            return
        wanted = self.wanted or this_machine()
        candidate = choose(candidates, wanted, strict=self.wanted is not None)
        if candidates.multi and self.wanted is None:
            self.console.say(
                "Platform {} (this machine's; choose with --platform).".format(candidate.platform or wanted)
            )
        yield open_image(source, reference, candidate, self.wanted, soon)


def combined(codes: Sequence[ExitCode]) -> ExitCode:
    """Return the exit code of several parts: all well, all failed, or in part."""
    distinct = set(codes) or {ExitCode.DONE}
    return distinct.pop() if len(distinct) == 1 else ExitCode.PARTIAL
