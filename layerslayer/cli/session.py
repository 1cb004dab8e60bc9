"""What every verb starts from: the options, the console, an opened source."""

from __future__ import annotations

from typing import TYPE_CHECKING, Callable, Iterable, Iterator, Optional, Sequence

from ..api import Client
from ..errors import LayerslayerError, UsageError
from ..export.output_folder import Root
from ..oci.descriptor import Descriptor, Platform
from ..oci.image import Candidate, Candidates, Image, Layer, Opening
from ..oci.platforms import normalise, parse_platform, this_machine
from ..oci.reference import Target
from ..oci.source import Source
from ..registry.http.connection_limit import jobs_at_once
from ..render.renderer import Renderer
from ..sources.connection_options import ConnectionOptions, Listener
from ..sources.resolve import find_candidates, open_image
from .console import Console
from .options import ALL_PLATFORMS, Options, images_named
from .remedies import with_hint
from .streams import read_rest

if TYPE_CHECKING:
    from ..cache import Store
    from ..layers.access import LayerAccess
    from ..registry.connection_pool import Connections
    from ..registry.http.preconnect import EarlyConnections
    from ..sources.budget import Budget

_PARTS = 24  # as many as layers.leap asks for at most


class Session:
    """One run of one verb."""

    def __init__(
        self,
        options: Options,
        console: Console,
        renderer: Renderer,
        early: Optional[EarlyConnections] = None,
        client: Optional[Client] = None,
    ) -> None:
        """``client`` is the run's; without it this is the run's first session, which makes it."""
        options = options._replace(jobs=jobs_at_once(options.jobs))
        if options.budget >= 0:
            options = options._replace(jobs=1)  # a later layer must not take what an earlier one needs
        self.options = options
        self.console = console
        self.renderer = renderer
        self.client = client or _client(options, console, early)
        if client is None and options.batch is None:
            self.name(images_named(options))
        self.fetched = 0  # bytes of blobs that were downloaded, verified, rather than listed
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
        self.client.name(texts)

    def take_password(self) -> None:
        """Read the password of ``--password-stdin``, if any, which must be no answer to a prompt. Raises UsageError."""
        self.client.take_password()

    def target(self, text: str) -> Target:
        """Return the image that a text names, on this machine or at a registry. Raises InvalidReference."""
        return self.client.target(text)

    def with_target(self, target: str, connections: Optional[Connections] = None) -> Session:
        """Return a session for another image, all else being the same; ``connections`` are shared with others."""
        client = self.client.sharing(connections)
        return Session(self.options._replace(target=target), self.console, self.renderer, None, client)

    def beside(self, target: str) -> Session:
        """Return a session for a second image, to be looked at together with this one."""
        connections = self.client.connections
        return self.with_target(target, connections.beside if connections is not None else None)

    @property
    def budget(self) -> Optional[Budget]:
        return self.client.budget

    @property
    def store(self) -> Optional[Store]:
        """What earlier runs learnt; None with ``--no-cache``."""
        return self.client.cache

    def knows(self, layers: Sequence[Layer]) -> bool:
        """Whether nothing of these layers need be fetched."""
        store = self.store
        return all(store is not None and store.knows(layer.descriptor.digest) for layer in layers)

    def open_remembering(self) -> Source:
        """Return the source of the image that is named, documents that are known being taken from the store."""
        return self.client.open_cached(self.reference())

    def access(self, source: Source, image: Image, keep: bool = False) -> LayerAccess:
        """Return by what ways an image's layers may be read; ``keep``: files will be read as well."""
        from ..layers.access import LayerAccess
        from ..layers.cached import KnownLayers

        access = LayerAccess(source, KnownLayers(lambda: self.store), tell=self.console.warn)
        access.whole = self.options.verify
        if self.options.fast and not self.options.verify:
            access.shorten(image, keep)
        return access

    def begin(self) -> None:
        """Ask the registry for what ``-t`` names already, in the background. Raises as ``reference``."""
        self.client.begin(self.reference())

    def open_source(self, reference: Target) -> Source:
        """Return the source of a reference, with the user's token for it, if any; the caller closes it."""
        return self.client.open(reference)

    def demand(self, source: Source, blobs: Iterable[Descriptor]) -> None:
        """Raises BudgetSpent where not all of the blobs can still be fetched from ``source`` whole."""
        self.client.demand(source, blobs)

    def images(
        self,
        source: Source,
        reference: Target,
        soon: Callable[[Opening], Sequence[Layer]] = lambda opening: (),
    ) -> Iterator[Image]:
        """Yield the images to work on, without asking: one, or one for each platform.

        ``soon`` says which layers will be read at once (see ``open_image``).
        """
        if self.all_platforms:
            for candidate in find_candidates(source, reference).items:
                image = open_image(source, reference, candidate, None, soon, self.without_config)
                yield self.client.keep_config(image)
            return
        yield self.client.image(source, reference, self.wanted, soon, self.without_config, self._tell_platform)

    def _tell_platform(self, candidates: Candidates, chosen: Candidate) -> None:
        if candidates.multi and self.wanted is None:
            platform = chosen.platform or this_machine()
            self.console.say(f"Platform {platform} (this machine's; choose with --platform).")

    @property
    def without_config(self) -> Optional[Callable[[LayerslayerError], None]]:
        """Return whom to tell that an image has no usable config; None for what cannot do without."""
        if self.options.row.needs_config:
            return None
        return lambda error: self.console.warn(
            f"the image's config cannot be used, so its build steps are not known: {with_hint(error)}"
        )


def _client(options: Options, console: Console, early: Optional[EarlyConnections]) -> Client:
    """Return what opens images as a command line says."""
    budget: Optional[Budget] = None
    if options.budget >= 0:
        from ..sources.budget import Budget

        budget = Budget(options.budget)
    connection = ConnectionOptions(
        username=options.username,
        password=read_rest if options.password_stdin else None,
        token_file=options.token_file,
        takes_token_txt=True,
        timeout=options.timeout,
        retries=options.retries,
        # Those that are kept. With --fast many small parts of a layer are asked for at once.
        connections=max(options.jobs + 2, _PARTS if options.fast else 0),
        plain_http=options.plain_http,
        ca_file=options.ca_file,
        client_cert=options.client_cert,
        client_key=options.client_key,
        insecure=options.insecure,
        trusted_realms=options.trusted_realms,
        mirror=options.mirror,
        allow_private=options.allow_private,
        username_from="--username",
    )
    cache = None if options.no_cache else options.cache_dir or ""
    listener = Listener(console.warn, console.say, console.say if options.verbose else None)
    return Client(connection, options.limits, cache, listener, budget, early)
