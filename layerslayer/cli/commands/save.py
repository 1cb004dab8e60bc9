"""Save: download layers, verified, each under its final name only when whole."""

from __future__ import annotations

import os
from functools import partial
from typing import BinaryIO, Dict, Iterator, List, Sequence, Union

from ...errors import LayerslayerError
from ...export.atomic_file import clear, discard_unfinished
from ...export.download import file_size, make_own, output_folder, present, save_blob, save_bytes
from ...export.names import image_parts, layer_stem
from ...export.output_folder import Folder
from ...export.partial_file import beginning_of
from ...export.transfer import BlobTransfer
from ...oci.descriptor import Descriptor
from ...oci.image import Image, Layer
from ...oci.layer_selection import select_layers
from ...oci.source import Source
from ...parallel import in_order
from ...render.renderer import Saved
from ...render.summary import image_summary
from ..exit_codes import ExitCode, combined, failure
from ..progress import Progress
from ..remedies import with_hint
from ..results import summarize
from ..session import Session

_Outcome = Union[Saved, LayerslayerError]  # or why there is none


def save_all(session: Session) -> ExitCode:
    """``--save-all``: download every (chosen) layer, or with ``--format`` write the image; asks nothing."""
    if session.options.format != "layers":
        from .export import export_all

        return export_all(session)
    reference = session.reference()
    source = session.open_source(reference)
    try:
        code = combined([save_image(session, source, image) for image in session.images(source, reference)])
        return summarize(session, source.requests_made(), (), code)
    finally:
        source.close()


def save_image(session: Session, source: Source, image: Image) -> ExitCode:
    """Download one image's layers, as ``--layer`` narrows them, with its manifest and config."""
    layers = select_layers(image.layers, session.options.layers)
    session.console.say(image_summary(image))
    return save_layers(session, source, image, layers)


def save_layers(session: Session, source: Source, image: Image, layers: Sequence[Layer]) -> ExitCode:
    """Download ``layers`` in parallel; a digest that recurs is saved once.

    Returns DONE, FAILED when nothing could be saved, PARTIAL when some could.
    """
    console = session.console
    platform = str(image.platform) if session.all_platforms and image.platform else ""
    folder = output_folder(session.output, image_parts(image.reference, platform))
    _save_documents(source, image, folder)
    _clear(folder, image)
    unique: Dict[str, Layer] = {}
    for layer in layers:
        unique.setdefault(layer.descriptor.digest, layer)
    codes: List[ExitCode] = []
    with console.progress() as progress:
        downloads = _Downloads(session, source, folder, progress)
        makers = [partial(downloads.outcomes, layer) for layer in unique.values()]
        try:
            for layer, outcomes in zip(unique.values(), in_order(makers, session.options.jobs, 0, lambda outcome: 0)):
                for outcome in outcomes:
                    codes.append(_shown(session, layer, outcome))
        finally:
            discard_unfinished()  # an interrupt does not wait for the other layers' threads
    console.say(f"Folder: {folder.path}")
    return combined(codes)


def _shown(session: Session, layer: Layer, outcome: _Outcome) -> ExitCode:
    console = session.console
    if isinstance(outcome, Saved):
        session.fetched += outcome.size if outcome.state == "saved" else 0
        console.out(session.renderer.saved_layer(layer, outcome))
        return ExitCode.DONE
    console.warn(f"layer {layer.number} was not saved: {with_hint(outcome)}")
    return failure(outcome)


def _clear(folder: Folder, image: Image) -> None:
    """Remove unfinished downloads that no layer of the image can continue."""
    continued = {beginning_of(layer.descriptor) for layer in image.layers}
    try:
        clear(folder, folder.status("manifest.json").st_uid, continued)
    except OSError:
        pass  # another run is at it


def _save_documents(source: Source, image: Image, folder: Folder) -> None:
    save_bytes(folder, "manifest.json", image.document.body)
    if image.config_body is not None:
        save_bytes(folder, "config.json", image.config_body)
    else:
        config = image.manifest.config
        save_blob(folder, "config", ".json", config, BlobTransfer(lambda: source.blob(config)))


class _Downloads:
    """Downloads the layers of one image into ``folder``, each in a thread of its own."""

    def __init__(self, session: Session, source: Source, folder: Folder, progress: Progress) -> None:
        self._session = session
        self._source = source
        self._folder = folder
        self._progress = progress

    def outcomes(self, layer: Layer) -> Iterator[_Outcome]:
        """Download a layer unless it is there, and yield how that went."""
        folder, descriptor = self._folder, layer.descriptor
        try:
            name = present(folder, layer_stem(layer), descriptor)
            if name and make_own(folder, name, descriptor):
                yield Saved(folder.place(name), "kept", file_size(folder, name))
                return
            task = self._progress.task(f"layer {layer.number}", max(descriptor.size, 0))
            try:
                path = save_blob(folder, layer_stem(layer), None, descriptor, self._transfer(descriptor, task))
            finally:
                self._progress.finish(task)
            yield Saved(path, "saved", file_size(folder, os.path.basename(path)))
        except LayerslayerError as error:
            yield error

    def _transfer(self, descriptor: Descriptor, task: int) -> BlobTransfer:
        source = self._source

        def whole() -> BinaryIO:
            self._session.demand(source, [descriptor])  # what would not be whole is not begun
            return source.blob(descriptor)

        def rest(start: int) -> BinaryIO:
            return source.blob_range(descriptor, start, descriptor.size - start)

        return BlobTransfer(whole, rest, partial(self._progress.advance, task))
