"""Save: download layers, verified, each under its final name only when whole."""

from __future__ import annotations

import os
from typing import BinaryIO, Callable, Dict, Iterator, List, NamedTuple, Sequence, Union

from ...errors import LayerslayerError
from ...escaping import human_size
from ...export.atomic_file import clear, discard_unfinished
from ...export.download import file_size, make_own, output_folder, present, save_blob, save_bytes
from ...export.names import image_parts, layer_stem
from ...export.output_folder import Folder
from ...export.partial_file import beginning_of
from ...oci.image import Image, Layer
from ...oci.layer_selection import select_layers
from ...oci.source import Source
from ...parallel import in_order
from ...render import json_lines
from ...render.summary import image_summary
from ..exit_codes import ExitCode, combined, failure
from ..merged_view import finish
from ..progress import Progress
from ..remedies import with_hint
from ..session import Session


class _Saved(NamedTuple):
    path: str
    state: str  # saved, or kept: it was there already
    size: int  # bytes


_Outcome = Union[_Saved, LayerslayerError]  # or why there is none


def save_all(session: Session) -> ExitCode:
    """``--save-all``: download every (chosen) layer; lists nothing, asks nothing."""
    reference = session.reference()
    source = session.open_source(reference)
    try:
        code = combined([save_image(session, source, image) for image in session.images(source, reference)])
        return finish(session, source, "save", [], code) if session.options.json else code
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
        makers = [_maker(session, source, folder, layer, progress) for layer in unique.values()]
        try:
            for layer, outcomes in zip(unique.values(), in_order(makers, session.options.jobs, 0, lambda outcome: 0)):
                for outcome in outcomes:
                    codes.append(_shown(session, layer, outcome))
        finally:
            discard_unfinished()  # an interrupt does not wait for the other layers' threads
    console.say("Folder: {}".format(folder.path))
    return combined(codes)


def _shown(session: Session, layer: Layer, outcome: _Outcome) -> ExitCode:
    console = session.console
    if isinstance(outcome, _Saved):
        path, state, size = outcome
        session.fetched += size if state == "saved" else 0
        if session.options.json:
            item = json_lines.saved_object(path, state, size, layer.number, layer.descriptor.digest)
            console.out(json_lines.line(item))
        else:
            there = "already there, " if state == "kept" else ""
            console.out("{:5} {}  {}, {}digest verified\n".format(state, path, human_size(size), there))
        return ExitCode.DONE
    console.warn("layer {} was not saved: {}".format(layer.number, with_hint(outcome)))
    return failure(outcome)


def _clear(folder: Folder, image: Image) -> None:
    """Remove the beginnings of downloads that nobody goes on with any more."""
    wanted = {beginning_of(layer.descriptor) for layer in image.layers}
    try:
        clear(folder, folder.status("manifest.json").st_uid, wanted)
    except OSError:
        pass  # another run is at it


def _save_documents(source: Source, image: Image, folder: Folder) -> None:
    save_bytes(folder, "manifest.json", image.document.body)
    if image.config_body is not None:
        save_bytes(folder, "config.json", image.config_body)
    else:
        config = image.manifest.config
        save_blob(folder, "config", ".json", config, lambda: source.blob(config))


def _maker(
    session: Session, source: Source, folder: Folder, layer: Layer, progress: Progress
) -> Callable[[], Iterator[_Outcome]]:
    """Return what downloads one layer in a thread of its own and yields how that went."""

    descriptor = layer.descriptor

    def whole() -> BinaryIO:
        session.demand(source, [descriptor])  # what would not be whole is not begun
        return source.blob(descriptor)

    def download() -> Iterator[_Outcome]:
        try:
            name = present(folder, layer_stem(layer), descriptor)
            if name and make_own(folder, name, descriptor):
                yield _Saved(folder.place(name), "kept", file_size(folder, name))
                return
            task = progress.task("layer {}".format(layer.number), max(descriptor.size, 0))
            try:
                path = save_blob(
                    folder,
                    layer_stem(layer),
                    None,
                    descriptor,
                    whole,
                    lambda count: progress.advance(task, count),
                    lambda start: source.blob_range(descriptor, start, descriptor.size - start),
                )
            finally:
                progress.finish(task)
            yield _Saved(path, "saved", file_size(folder, os.path.basename(path)))
        except LayerslayerError as error:
            yield error

    return download
