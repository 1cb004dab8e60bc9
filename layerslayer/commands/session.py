"""What every verb starts from: the options, the console, an opened source."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Callable, Dict, Iterable, Iterator, Mapping, NamedTuple, Optional, Sequence, Tuple

from ..console import Console
from ..descriptors import Descriptor, Platform
from ..errors import BudgetSpent, ExitCode, LayerslayerError, LocalFileError, UsageError, in_full
from ..image import Image, Layer, choose, find_candidates, open_image
from ..platforms import normalise, parse_platform, this_machine
from ..reference import DOCKER_HUB, LocalReference, Reference, Target, parse_reference, parse_target
from ..sources.base import Source
from ..sources.opening import located, open_local
from ..views.style import COLOR, PLAIN, Style

if TYPE_CHECKING:
    from ..budget import Budget
    from ..credentials import Login, UserToken
    from ..early import EarlyConnections
    from ..handshake import Handshake
    from ..layers.report import Report
    from ..shortcuts import Shortcuts
    from ..store import Store
    from ..transport.client import Transport
    from .connections import Connections

ALL_PLATFORMS = "all"
# Verbs ("" is the conversation) that an image's layers are enough for.
_BY_LAYERS = ("", "peek", "ls", "tree", "find", "get", "cat", "deleted", "diff")


class Options(NamedTuple):
    """The command line, parsed; defaults as documented there."""

    verb: str = ""
    target: Optional[str] = None
    platform: Optional[str] = None
    layers: Tuple[str, ...] = ()
    output_dir: str = "downloads"
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


class Session:
    """One run of one verb."""

    def __init__(self, options: Options, console: Console, early: Optional[EarlyConnections] = None) -> None:
        self._lines = options.jobs + 2  # connections to a registry
        self.budget: Optional[Budget] = None
        if options.budget >= 0:
            from ..budget import Budget

            self.budget = Budget(options.budget)
            options = options._replace(jobs=1)  # a later layer must not take what an earlier one needs
        self.options = options
        self._early = early
        self._begun: Optional[Tuple[Target, Source]] = None
        self._store: Optional[Store] = None
        self._given: Dict[str, str] = {}  # the password, once it was read
        self._connections: Optional[Connections] = None  # that images share, in a batch
        self.fetched = 0  # bytes of blobs that were downloaded, verified, rather than listed
        self.console = console
        self.style: Style = COLOR if console.styled else PLAIN
        self.wanted: Optional[Platform] = None
        if options.platform and options.platform.lower() != ALL_PLATFORMS:
            self.wanted = normalise(parse_platform(options.platform))

    @property
    def all_platforms(self) -> bool:
        return bool(self.options.platform) and self.wanted is None

    def reference(self) -> Target:
        """Return the image that ``-t`` names. Raises UsageError and InvalidReference."""
        if not self.options.target:
            raise UsageError(
                "No image is named, and this mode asks nothing.", "Name one with -t/--target-image, or try --demo."
            )
        return self.target(self.options.target)

    def target(self, text: str) -> Target:
        """Return the image that a text names, on this machine or at a registry. Raises InvalidReference."""
        return located(parse_target(text))

    def with_target(self, target: str, connections: Optional[Connections] = None) -> Session:
        """Return a session for another image, all else being the same; ``connections`` are shared with others."""
        other = Session(self.options._replace(target=target), self.console)
        other._store = self.store
        other._given = self._given
        other.budget, other._lines, other._connections = self.budget, self._lines, connections
        return other

    def beside(self, target: str) -> Session:
        """Return a session for a second image, to be looked at together with this one."""
        return self.with_target(target, self._connections.beside if self._connections is not None else None)

    @property
    def store(self) -> Optional[Store]:
        """What earlier runs learnt; None with ``--no-cache``."""
        if self._store is None and not self.options.no_cache:
            from ..store import Store

            self._store = Store(self.options.cache_dir, warn=self.console.warn)
        return self._store

    def knows(self, layers: Sequence[Layer]) -> bool:
        """Whether nothing of these layers need be fetched."""
        store = self.store
        return all(store is not None and store.knows(layer.descriptor.digest) for layer in layers)

    def open_remembering(self) -> Source:
        """Return the source of the image that is named, documents that are known being taken from the store."""
        from ..remembering import Remembering

        source = self.open_source(self.reference())
        return Remembering(source, self.store) if self.store else source

    def shortcuts(self, source: Source, image: Image, keep: bool = False) -> Optional[Shortcuts]:
        """Return what ``--fast`` may take in place of reading layers in full; None where that is wanted."""
        if not self.options.fast or self.options.verify:
            return None
        from ..shortcuts import Shortcuts  # which most runs do without

        return Shortcuts(source, image, self.console.warn, keep)

    def begin(self) -> None:
        """Ask the registry for what ``-t`` names already, in the background. Raises as ``reference``."""
        reference = self.reference()
        if isinstance(reference, LocalReference):
            return
        source = self.open_source(reference)
        source.foresee_manifest(reference.wanted)
        self._begun = (reference, source)

    def open_source(self, reference: Target) -> Source:
        """Return the source of a reference, with the user's token for it, if any; the caller closes it."""
        begun, self._begun = self._begun, None
        if begun and begun[0] == reference:
            return begun[1]
        source = open_local(reference) if isinstance(reference, LocalReference) else self._at_registry(reference)
        if self.budget is None:
            return source
        from ..budget import Budgeted

        return Budgeted(source, self.budget)

    def demand(self, source: Source, blobs: Iterable[Descriptor]) -> None:
        """Raises BudgetSpent where not all of the blobs can still be fetched from ``source`` whole."""
        if self.budget is not None:
            from ..budget import Budgeted

            if isinstance(source, Budgeted):
                source.demand(blobs)

    def _at_registry(self, reference: Reference) -> Source:
        # Loaded here: images of this machine need no HTTP library.
        from ..sources.registry import RegistrySource

        trusted = frozenset(host.lower() for host in self.options.trusted_realms)
        transport, handshakes = self._door(reference)
        origin = RegistrySource(
            reference,
            transport,
            self._token_for(reference),
            self.console.warn,
            lambda: self._login_for(reference),
            trusted,
            self._meta_headers,
            handshakes,
        )
        mirror = self.options.mirror
        if not mirror or reference.domain != DOCKER_HUB:
            return origin
        from ..sources.mirrored import Mirrored

        near = parse_reference("{}/{}:x".format(mirror, reference.path))._replace(
            tag=reference.tag, digest=reference.digest
        )
        transport, handshakes = self._door(near)
        first = RegistrySource(
            near, transport, None, self.console.warn, lambda: self._login_for(near), trusted, handshakes=handshakes
        )
        return Mirrored(first, origin, mirror, self.console.warn)

    def _door(self, reference: Reference) -> Tuple[Transport, Optional[Dict[str, Handshake]]]:
        """Return the connections for a reference, and the handshakes of those they are shared with, if they are."""
        if self._connections is None:
            return self._transport(reference), None
        return self._connections.door(reference.api_host, lambda: self._transport(reference))

    def _transport(self, reference: Reference) -> Transport:
        from ..tls import Tls
        from ..transport.client import Transport

        options, console = self.options, self.console
        tls = Tls(
            options.ca_file,
            options.client_cert,
            options.client_key,
            frozenset(host.lower() for host in options.insecure),
            registry=reference.api_host.lower(),
        )
        return Transport(
            plain_http=options.plain_http,
            timeout=options.timeout,
            log=console.say if options.verbose else None,
            connections=self._lines,
            early=self._early,
            attempts=options.retries,
            tell=console.warn,
            tls=tls,
            home="" if options.allow_private else reference.api_host,
        )

    def _login_for(self, reference: Reference) -> Optional[Login]:
        """Return the user's login for a registry, from the command line or wherever other tools keep theirs."""
        from ..credentials.login import Login
        from ..credentials.lookup import find_login

        if self.options.username:
            if not self._is_meant(reference):
                return None
            return Login("--username", self.options.username, self._password())
        login = find_login(reference.domain, reference.path, warn=self.console.warn)
        if self.options.verbose:
            found = "Using the login from {}".format(login.origin) if login else "No login was found"
            self.console.say("{} for {}.".format(found, reference.domain))
        return login

    def _meta_headers(self) -> Mapping[str, str]:
        from ..credentials.headers import meta_headers

        found = meta_headers()
        if found and self.options.verbose:
            self.console.say("Sending the headers {} of Docker's config.json.".format(", ".join(sorted(found))))
        return found

    def _is_meant(self, reference: Reference) -> bool:
        """Whether ``--username`` is for this registry: the one of the image named first, and no mirror of it."""
        if not self.options.target:
            return True
        target = self.target(self.options.target)
        return isinstance(target, Reference) and target.domain == reference.domain

    def _password(self) -> str:
        if "password" not in self._given:
            given = self.console.read_rest() if self.options.password_stdin else os.environ.get("LAYERSLAYER_PASSWORD")
            password = (given or "").rstrip("\r\n")
            if not password and self.options.password_stdin:
                raise UsageError("No password came from standard input.", "Pipe it in: printf %s PASSWORD | ...")
            if given is None:
                raise UsageError("--username needs a password.", "Pipe it in with --password-stdin.")
            self._given["password"] = password
        return self._given["password"]

    def _token_for(self, reference: Reference) -> Optional[UserToken]:
        from ..credentials import TOKEN_FILE, UserToken, read_token_file

        if self.options.username:
            return None
        given = os.environ.get("LAYERSLAYER_TOKEN")
        if given and not self.options.token_file and self._is_meant(reference):
            return UserToken(given.strip(), "LAYERSLAYER_TOKEN")
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
        reference: Target,
        soon: Callable[[Sequence[Layer]], Sequence[Layer]] = lambda layers: (),
    ) -> Iterator[Image]:
        """Yield the images to work on, without asking: one, or one for each platform.

        ``soon`` says which layers will be read at once (see ``open_image``).
        """
        candidates = find_candidates(source, reference)
        if self.all_platforms:
            for candidate in candidates.items:
                yield open_image(source, reference, candidate, None, soon, self.without_config)
            return
        wanted = self.wanted or this_machine()
        candidate = choose(candidates, wanted, strict=self.wanted is not None)
        if candidates.multi and self.wanted is None:
            self.console.say(
                "Platform {} (this machine's; choose with --platform).".format(candidate.platform or wanted)
            )
        yield open_image(source, reference, candidate, self.wanted, soon, self.without_config)

    @property
    def without_config(self) -> Optional[Callable[[LayerslayerError], None]]:
        """Return whom to tell that an image has no usable config; None for what cannot do without."""
        if self.options.verb not in _BY_LAYERS:
            return None
        return lambda error: self.console.warn(
            "the image's config cannot be used, so its build steps are not known: {}".format(in_full(error))
        )


def combined(codes: Sequence[ExitCode]) -> ExitCode:
    """Return the exit code of several parts: all well, all failed, or in part."""
    distinct = set(codes) or {ExitCode.DONE}
    return distinct.pop() if len(distinct) == 1 else ExitCode.PARTIAL


def code_of(report: Report) -> ExitCode:
    """Return the exit code of one layer's reading; PARTIAL where the user's own budget ended it."""
    if report.complete:
        return ExitCode.DONE
    return ExitCode.PARTIAL if isinstance(report.problem, BudgetSpent) else ExitCode.FAILED


def failure(error: Exception) -> ExitCode:
    """Return the exit code for what an error kept from being done."""
    return ExitCode.PARTIAL if isinstance(error, BudgetSpent) else ExitCode.FAILED


def worse(code: ExitCode, answer: ExitCode) -> ExitCode:
    """Return ``answer`` unless what it rests on could not be read whole."""
    return answer if code == ExitCode.DONE else code
