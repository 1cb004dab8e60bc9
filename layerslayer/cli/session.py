"""What every verb starts from: the options, the console, an opened source."""

from __future__ import annotations

from typing import TYPE_CHECKING, Callable, Iterable, Iterator, Optional, Sequence, Tuple

from ..errors import LayerslayerError, UsageError, in_full
from ..export.output_folder import Root
from ..oci.descriptor import Descriptor, Platform
from ..oci.image import Candidate, Image, Layer, Opening
from ..oci.local_reference import LocalReference
from ..oci.platforms import normalise, parse_platform, this_machine
from ..oci.reference import Reference, Target, parse_target
from ..oci.source import Source
from ..registry.credentials.unscoped import Given
from ..registry.http.connection_limit import jobs_at_once
from ..render.style import COLOR, PLAIN, Style
from ..sources.local import located, open_local
from ..sources.resolve import choose, find_candidates, open_image
from .console import Console
from .options import ALL_PLATFORMS, BY_LAYERS, Options, images_named

if TYPE_CHECKING:
    from ..cache import Store
    from ..layers.open import LayerAccess
    from ..registry.connection_pool import Connections
    from ..registry.credentials.keychain import Identity
    from ..registry.http.preconnect import EarlyConnections
    from ..sources.budget import Budget

_PARTS = 24  # as many as layers.leap asks for at most


class Session:
    """One run of one verb."""

    def __init__(
        self,
        options: Options,
        console: Console,
        early: Optional[EarlyConnections] = None,
        given: Optional[Given] = None,
    ) -> None:
        """``given`` is that of the run; without it this is the run's first session, which makes it."""
        options = options._replace(jobs=jobs_at_once(options.jobs))
        # Connections to a registry that are kept. With --fast many small parts of a layer are asked for at once.
        self._lines = max(options.jobs + 2, _PARTS if options.fast else 0)
        self.budget: Optional[Budget] = None
        if options.budget >= 0:
            from ..sources.budget import Budget

            self.budget = Budget(options.budget)
            options = options._replace(jobs=1)  # a later layer must not take what an earlier one needs
        self.options = options
        self._early = early
        self._begun: Optional[Tuple[Target, Source]] = None
        self._store: Optional[Store] = None
        self._given = given or Given(options.plain_http)
        if given is None and options.batch is None:
            self.name(images_named(options))
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

    @property
    def output(self) -> Root:
        """Where files go: the folder of ``-o``, or the verb's own name for it."""
        chosen = self.options.output_dir
        return Root(self.options.default_dir, named=False) if chosen is None else Root(chosen)

    def reference(self) -> Target:
        """Return the image that ``-t`` names. Raises UsageError and InvalidReference."""
        if not self.options.target:
            raise UsageError(
                "No image is named, and this mode asks nothing.", "Name one with -t/--target-image, or try --demo."
            )
        return self.target(self.options.target)

    def name(self, texts: Iterable[str]) -> None:
        """Hear what images the user names, in order: the first that is at a registry decides whose logins are."""
        for text in texts:
            self._given.name(text)

    def take_password(self) -> None:
        """Read the password of ``--password-stdin``, if any, which must be no answer to a prompt. Raises UsageError."""
        if self.options.password_stdin:
            self._identity().take_password()

    def target(self, text: str) -> Target:
        """Return the image that a text names, on this machine or at a registry. Raises InvalidReference."""
        return located(parse_target(text))

    def with_target(self, target: str, connections: Optional[Connections] = None) -> Session:
        """Return a session for another image, all else being the same; ``connections`` are shared with others."""
        other = Session(self.options._replace(target=target), self.console, None, self._given)
        other._store = self.store
        other.budget, other._lines, other._connections = self.budget, self._lines, connections
        return other

    def beside(self, target: str) -> Session:
        """Return a session for a second image, to be looked at together with this one."""
        return self.with_target(target, self._connections.beside if self._connections is not None else None)

    @property
    def store(self) -> Optional[Store]:
        """What earlier runs learnt; None with ``--no-cache``."""
        if self._store is None and not self.options.no_cache:
            from ..cache import Store

            self._store = Store(self.options.cache_dir, warn=self.console.warn)
        return self._store

    def knows(self, layers: Sequence[Layer]) -> bool:
        """Whether nothing of these layers need be fetched."""
        store = self.store
        return all(store is not None and store.knows(layer.descriptor.digest) for layer in layers)

    def open_remembering(self) -> Source:
        """Return the source of the image that is named, documents that are known being taken from the store."""
        source = self.open_source(self.reference())
        if self.store is None:
            return source
        from ..sources.caching import Remembering

        return Remembering(source, self.store)

    def access(self, source: Source, image: Image, keep: bool = False) -> LayerAccess:
        """Return by what ways an image's layers may be read; ``keep``: files will be read as well."""
        from ..layers.cached import KnownLayers
        from ..layers.open import LayerAccess

        access = LayerAccess(source, KnownLayers(lambda: self.store), tell=self.console.warn)
        access.whole = self.options.verify
        if self.options.fast and not self.options.verify:
            access.shorten(image, keep)
        return access

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
        from ..sources.budget import Budgeted

        return Budgeted(source, self.budget)

    def demand(self, source: Source, blobs: Iterable[Descriptor]) -> None:
        """Raises BudgetSpent where not all of the blobs can still be fetched from ``source`` whole."""
        if self.budget is not None:
            from ..sources.budget import Budgeted

            if isinstance(source, Budgeted):
                source.demand(blobs)

    def _at_registry(self, reference: Reference) -> Source:
        # Loaded here: images of this machine need no HTTP library.
        from ..sources.remote import ConnectionOptions, Registries

        options, console = self.options, self.console
        connection = ConnectionOptions(
            connections=self._lines,
            plain_http=options.plain_http,
            timeout=options.timeout,
            retries=options.retries,
            ca_file=options.ca_file,
            client_cert=options.client_cert,
            client_key=options.client_key,
            insecure=options.insecure,
            trusted_realms=options.trusted_realms,
            mirror=options.mirror,
            allow_private=options.allow_private,
        )
        log = console.say if options.verbose else None
        registries = Registries(connection, self._identity(), console.warn, log, self._early, self._connections)
        return registries.source(reference)

    def _identity(self) -> Identity:
        from ..registry.credentials.keychain import CredentialOptions, Identity

        options, console = self.options, self.console
        read = console.read_rest if options.password_stdin else None
        return Identity(
            CredentialOptions(options.username, options.token_file, read, options.verbose, console.say, console.warn),
            self._given,
        )

    def images(
        self,
        source: Source,
        reference: Target,
        soon: Callable[[Opening], Sequence[Layer]] = lambda opening: (),
    ) -> Iterator[Image]:
        """Yield the images to work on, without asking: one, or one for each platform.

        ``soon`` says which layers will be read at once (see ``open_image``).
        """
        candidates = find_candidates(source, reference)
        if self.all_platforms:
            for candidate in candidates.items:
                yield self._opened(source, reference, candidate, soon)
            return
        wanted = self.wanted or this_machine()
        candidate = choose(candidates, wanted, strict=self.wanted is not None)
        if candidates.multi and self.wanted is None:
            self.console.say(
                "Platform {} (this machine's; choose with --platform).".format(candidate.platform or wanted)
            )
        yield self._opened(source, reference, candidate, soon)

    def _opened(
        self, source: Source, reference: Target, candidate: Candidate, soon: Callable[[Opening], Sequence[Layer]]
    ) -> Image:
        image = open_image(source, reference, candidate, self.wanted, soon, self.without_config)
        if self._store is not None and image.config_body is not None:
            self._store.keep_document(image.manifest.config.digest, image.config_body)
        return image

    @property
    def without_config(self) -> Optional[Callable[[LayerslayerError], None]]:
        """Return whom to tell that an image has no usable config; None for what cannot do without."""
        if self.options.verb not in BY_LAYERS:
            return None
        return lambda error: self.console.warn(
            "the image's config cannot be used, so its build steps are not known: {}".format(in_full(error))
        )
