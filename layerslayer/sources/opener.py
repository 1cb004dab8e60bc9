"""From a reference to its source and its image, set up as one caller says. What is not needed is not loaded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Callable, Iterable, Optional, Sequence, Tuple, TypeVar, Union

from ..limits import DEFAULT, Limits
from ..oci.descriptor import Descriptor, Platform
from ..oci.image import Candidate, Candidates, Image, Layer, Opening
from ..oci.local_reference import LocalReference
from ..oci.platforms import this_machine
from ..oci.reference import Reference, Target, parse_target
from ..oci.source import Source
from ..registry.credentials.unscoped import Given
from .connection_options import ConnectionOptions, Listener
from .local import located, open_local
from .resolve import choose, find_candidates, open_image

if TYPE_CHECKING:
    from ..cache import Store
    from ..errors import LayerslayerError
    from ..registry.connection_pool import Connections
    from ..registry.credentials.keychain import Identity
    from ..registry.http.preconnect import EarlyConnections
    from .budget import Budget


T = TypeVar("T", bound="Opener")
Cache = Union["Store", str, None]  # one that is open; the folder of one, "" for the usual one; or none


class Opener:
    """Opens sources and images for one caller. ``close`` it.

    ``limits`` bound what is taken of each image, ``budget`` the bytes of layers that are fetched of all.
    """

    def __init__(
        self,
        options: ConnectionOptions = ConnectionOptions(),  # noqa: B008  (it never changes)
        limits: Limits = DEFAULT,
        cache: Cache = "",
        listener: Listener = Listener(),  # noqa: B008
        budget: Optional[Budget] = None,
        early: Optional[EarlyConnections] = None,
    ) -> None:
        """``early`` are connections to the registry of the first reference, begun already."""
        self.options = options
        self.limits = limits
        self.listener = listener
        self.budget = budget
        self.connections: Optional[Connections] = None  # that several images share, one after the other
        self._named = cache
        self._cache: Optional[Store] = None
        self._early = early
        self._given = Given(options.plain_http)
        self._begun: Optional[Tuple[Target, Source]] = None

    @property
    def cache(self) -> Optional[Store]:
        """What earlier runs learnt; None where there is to be none."""
        named = self._named
        if self._cache is None and isinstance(named, str):
            from ..cache import Store

            self._cache = Store(named or None, warn=self.listener.warn, limits=self.limits)
        elif self._cache is None and named is not None:
            assert not isinstance(named, str)
            self._cache = named.under(self.limits)
        return self._cache

    def sharing(self: T, connections: Optional[Connections]) -> T:
        """Return another one for the same caller; ``connections`` are shared with others."""
        import copy  # which one image does without

        twin = copy.copy(self)
        twin._cache, twin._early, twin._begun = self.cache, None, None
        twin.connections = connections
        return twin

    def name(self, texts: Iterable[str]) -> None:
        """Hear what images the caller names, in order: the first that is at a registry decides whose logins are."""
        for text in texts:
            self._given.name(text)

    def target(self, text: str) -> Target:
        """Return the image that a text names, on this machine or at a registry. Raises InvalidReference."""
        return located(parse_target(text))

    def take_password(self) -> None:
        """Read the password now, if one is to be read. Raises UsageError."""
        if callable(self.options.password):
            self._identity().take_password()

    def begin(self, reference: Target) -> None:
        """Ask the registry for what a reference names already, in the background; ``open`` goes on with it."""
        if isinstance(reference, LocalReference):
            return
        source = self.open(reference)
        source.foresee_manifest(reference.wanted)
        self._begun = (reference, source)

    def open(self, reference: Target) -> Source:
        """Return the source of a reference; the caller closes it.

        Raises LocalFileError, InvalidDocument, CorruptLayer, NotFound and
        Unreachable for images of this machine; UsageError for options that
        cannot be used.
        """
        begun, self._begun = self._begun, None
        if begun and begun[0] == reference:
            return begun[1]
        if isinstance(reference, LocalReference):
            source = open_local(reference, self.limits)
        else:
            source = self._at_registry(reference)
        if self.budget is None:
            return source
        from .budget import Budgeted

        return Budgeted(source, self.budget)

    def open_cached(self, reference: Target) -> Source:
        """Return the source of a reference; documents that are known are taken from the cache. The caller closes it."""
        source = self.open(reference)
        if self.cache is None:
            return source
        from .caching import Remembering

        return Remembering(source, self.cache)

    def demand(self, source: Source, blobs: Iterable[Descriptor]) -> None:
        """Raises BudgetSpent where not all of the blobs can still be fetched from ``source`` whole."""
        if self.budget is not None:
            from .budget import Budgeted

            if isinstance(source, Budgeted):
                source.demand(blobs)

    def image(
        self,
        source: Source,
        reference: Target,
        wanted: Optional[Platform],
        soon: Callable[[Opening], Sequence[Layer]] = lambda opening: (),
        without_config: Optional[Callable[[LayerslayerError], None]] = None,
        chosen: Callable[[Candidates, Candidate], None] = lambda candidates, candidate: None,
    ) -> Image:
        """Return the image for a platform, by default this machine's or the next best.

        ``soon`` and ``without_config``: see ``open_image``. ``chosen`` hears which it is of those there are.
        """
        candidates = find_candidates(source, reference)
        candidate = choose(candidates, wanted or this_machine(), strict=wanted is not None)
        chosen(candidates, candidate)
        return self.keep_config(open_image(source, reference, candidate, wanted, soon, without_config))

    def keep_config(self, image: Image) -> Image:
        """Return an image whose config was read and verified, once that is in the cache, if one was opened."""
        if self._cache is not None and image.config_body is not None:
            self._cache.keep_document(image.manifest.config.digest, image.config_body)
        return image

    def close(self) -> None:
        """Close the cache, if it was opened here."""
        if self._cache is not None and isinstance(self._named, str):
            self._cache.close()

    def _at_registry(self, reference: Reference) -> Source:
        from .remote import Registries  # images of this machine need no HTTP library

        registries = Registries(
            self.options, self._identity(), self.listener, self._early, self.connections, self.limits
        )
        return registries.source(reference)

    def _identity(self) -> Identity:
        from ..registry.credentials.keychain import CredentialOptions, Identity

        options, listener = self.options, self.listener
        return Identity(
            CredentialOptions(
                options.username,
                options.password,
                options.token_file,
                options.takes_token_txt,
                listener.log is not None,
                listener.say,
                listener.warn,
                options.username_from,
            ),
            self._given,
        )
