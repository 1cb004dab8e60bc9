"""Images opened for a program: nothing is printed, nothing is asked, nothing ends the process.

The one place that puts the rooms together. The command line stands on ``Client``;
``open`` is the short way to one image::

    with layerslayer.open("ghcr.io/user/app:1.2") as image:
        print(image.read("/etc/os-release").decode())

What goes wrong is raised as one of the errors in ``errors``. Two clients share
nothing but the count of what the process holds in memory (``formats.memory``),
so that each has its own limits and credentials. What only some callers need is
loaded when it is needed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Iterator, List, NamedTuple, Optional, Tuple

from .limits import DEFAULT, Limits
from .oci.image import Image, Layer
from .oci.platforms import normalise, parse_platform
from .oci.source import Source
from .sources.connection_options import ConnectionOptions, Listener
from .sources.opener import Cache, Opener

if TYPE_CHECKING:
    from .export.read_file import FileReader
    from .filesystem.merge import Contents, LaidOut
    from .filesystem.overlay import Tree
    from .formats.entry import Entry
    from .formats.memory import Holding
    from .layers.access import LayerAccess
    from .layers.outcome import Report
    from .oci.config import Config

_JOBS = 8  # layers read at once


class Client(Opener):
    """Opens images for one caller. ``close`` it when its images are closed."""

    def open_image(self, reference: str, platform: Optional[str] = None) -> OpenedImage:
        """Open an image as ``open`` does; of several the first that is at a registry decides whose logins are."""
        self.name([reference])
        wanted = normalise(parse_platform(platform)) if platform else None
        target = self.target(reference)
        source = self.open_cached(target)
        try:
            return OpenedImage(self, source, self.image(source, target, wanted))
        except BaseException:
            source.close()
            raise


def open(
    reference: str,
    *,
    platform: Optional[str] = None,
    options: ConnectionOptions = ConnectionOptions(),  # noqa: B008  (it never changes)
    limits: Limits = DEFAULT,
    cache: Cache = "",
    listener: Listener = Listener(),  # noqa: B008
) -> OpenedImage:
    """Open an image: its manifest and config are read, and nothing of its layers yet. Close it, or use ``with``.

    Args:
        reference: ``[HOST/]PATH[:TAG][@DIGEST]``, or ``oci:DIR[:TAG]`` and others for images of this machine.
        platform: ``OS/ARCH[/VARIANT]``; by default this machine's, or the next best that there is.
        options: how registries are asked, and credentials.
        limits: bounds on what the image may cost.
        cache: where what is learnt of layers is kept: a folder, "" for the usual one; a ``Cache``; None for nowhere.
        listener: who hears warnings, and of requests.

    Raises InvalidReference, PlatformNotFound, NotFound, Unauthorized, Unreachable, RegistryError,
    InvalidDocument, DigestMismatch, LocalFileError, UsageError.
    """
    client = Client(options, limits, cache, listener)
    try:
        image = client.open_image(reference, platform)
    except BaseException:
        client.close()
        raise
    image.closes_client = True
    return image


class HistoryStep(NamedTuple):
    """A build step, and the layer that it made, if any."""

    created: str
    created_by: str
    comment: str
    layer: Optional[OpenedLayer]


class FoundPath(NamedTuple):
    """What stands at a path of the merged file system; ``layer`` is the number of the one that has it."""

    path: str
    entry: Entry
    layer: int


class DeletedPath(NamedTuple):
    """What one layer has and a later one took away: "deleted", "hidden" by an opaque directory, or "replaced"."""

    path: str
    entry: Entry
    written_in: int
    deleted_in: int
    how: str


class OpenedLayer:
    """One layer. ``report``: what the last reading of it cost, and how far it can be trusted."""

    def __init__(self, image: OpenedImage, layer: Layer) -> None:
        self.number = layer.number
        self.digest = layer.descriptor.digest
        self.size = layer.descriptor.size  # bytes as stored; -1 where the image does not state it
        self.report: Optional[Report] = None
        self._image = image
        self._layer = layer

    def __repr__(self) -> str:
        return "<layer {} {}, {} bytes>".format(self.number, self.digest, self.size)

    def entries(self) -> Iterator[Entry]:
        """Yield the entries as the tar has them; leaving the loop stops the download.

        Raises, perhaps after some entries, what kept the rest from being read.
        """
        from .layers.open import open_layer

        reader = open_layer(self._image.access, self._layer)
        self.report = reader.report
        self._image.reports.append(self.report)
        for batch in reader.entries():
            yield from batch
        if self.report.problem:
            raise self.report.problem.copy()  # what it is raised through is not to be held


class OpenedImage:
    """One platform's image, open. For one thread. Iterators end where it is closed.

    ``image`` is all that its documents say, as values. ``reports`` say of every
    layer that was read what it cost, and how far it can be trusted.
    """

    def __init__(self, client: Client, source: Source, image: Image) -> None:
        self.client = client
        self.source = source
        self.image = image
        self.reports: List[Report] = []
        self.digest = image.document.digest
        self.platform = str(image.platform) if image.platform else None
        self.size = image.size  # bytes of all layers as stored, each digest once; -1 where one is not stated
        self.config: Optional[Config] = image.config  # None for artifacts
        self.layers = tuple(OpenedLayer(self, layer) for layer in image.layers)
        self.closes_client = False
        self._laid: Optional[LaidOut] = None
        self._files: Optional[FileReader] = None
        self._access: Optional[LayerAccess] = None

    def __repr__(self) -> str:
        shown = "<image {} {}, {} layers, {} bytes>"
        return shown.format(self.image.reference, self.platform or "", len(self.layers), self.size)

    @property
    def history(self) -> Tuple[HistoryStep, ...]:
        """The build steps, oldest first."""
        steps = self.image.config.steps if self.image.config else ()
        layers = [None if step.layer is None else self.layers[step.layer] for step in steps]
        return tuple(
            HistoryStep(step.created, step.created_by, step.comment, layer) for step, layer in zip(steps, layers)
        )

    def tree(self) -> Tree:
        """Return the merged file system, for which all layers are read, once. Raises what kept one from being read."""
        if self._laid is None:
            from .filesystem.merge import merge_layers
            from .registry.http.connection_limit import jobs_at_once

            jobs, limits = jobs_at_once(_JOBS), self.client.limits
            layers = self.image.layers
            laid = merge_layers(self.image, layers, self._contents, lambda contents: None, jobs, True, limits)
            self.reports += laid.reports
            for report in laid.reports:
                if report.problem:
                    laid.holding.close()
                    raise report.problem.copy()
            self._laid = laid
        return self._laid.tree

    def find(self, glob: str) -> Iterator[FoundPath]:
        """Yield what a glob matches in the merged file system: see ``filesystem.glob``. Raises as ``tree``."""
        from .filesystem.select import matching

        for path, node in matching(self.tree(), glob):
            yield FoundPath("/" + path, node.entry, node.layer)

    def deleted(self) -> Iterator[DeletedPath]:
        """Yield what later layers took away, all of which the layers still have. Raises as ``tree``."""
        for gone in self.tree().removed:
            yield DeletedPath("/" + gone.path, gone.entry, gone.layer, gone.by, gone.how)

    def read(self, path: str, verify: bool = False) -> bytes:
        """Return the content of the file that a path leads to, links followed.

        Reading stops where the file ends, so its digest is known only for a
        layer that is known; ``verify`` reads the layer to its end. Raises
        NotFound where there is no such file, LimitReached for one too large to
        be held, and what kept a layer from being read.
        """
        if self._files is None:
            from .export.read_file import FileReader

            self._files = FileReader(self._new_access(), self.image, self.tree, self.reports)
        return self._files.read(path, verify)

    def close(self) -> None:
        """Close connections and files; may be called again."""
        if self._laid is not None:
            self._laid.holding.close()
            self._laid = None
        self.source.close()
        if self.closes_client:
            self.client.close()

    def __enter__(self) -> OpenedImage:
        return self

    def __exit__(self, *raised: Any) -> None:
        self.close()

    def _contents(self, layer: Layer, holding: Holding) -> Iterator[Contents]:
        from .filesystem.merge import read_contents
        from .layers.open import Reading, open_layer

        yield read_contents(open_layer(self.access, layer, reading=Reading(digests=True)), holding)

    @property
    def access(self) -> LayerAccess:
        """By what ways the layers are read."""
        if self._access is None:
            self._access = self._new_access()
        return self._access

    def _new_access(self) -> LayerAccess:
        from .layers.access import LayerAccess
        from .layers.cached import KnownLayers

        return LayerAccess(self.source, KnownLayers(lambda: self.client.cache), tell=self.client.listener.warn)
