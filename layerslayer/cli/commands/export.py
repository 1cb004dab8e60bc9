"""Export: an image written whole, in a format that other tools read."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import Iterator, List

from ...errors import UsageError
from ...export.download import output_folder
from ...export.image_content import Content, LayoutImage, entry_name, full_name, schema1_refusal
from ...export.names import image_name, safe_component
from ...export.output_folder import found
from ...export.transfer import ImageTransfer
from ...oci.descriptor import Descriptor
from ...oci.image import Image
from ...oci.local_reference import DOCKER_ARCHIVE, OCI, OCI_ARCHIVE
from ...oci.reference import Target
from ...oci.source import Source
from ...render.renderer import Saved
from ...render.summary import image_summary
from ..exit_codes import ExitCode
from ..results import summarize
from ..session import Session

_SUFFIXES = {OCI: ".oci", OCI_ARCHIVE: ".oci.tar", DOCKER_ARCHIVE: ".docker.tar"}


def export_all(session: Session) -> ExitCode:
    """``--save-all --format``: write the image, or with ``--platform all`` the whole index; whole or not at all."""
    options = session.options
    check_options(session)
    reference = session.reference()
    source = session.open_source(reference)
    try:
        known = list(source.tags()) if not reference.wanted else []
        if options.format == DOCKER_ARCHIVE:
            _as_docker_archive(session, source, reference, known)
        else:
            _as_oci(session, source, reference, known)
        return summarize(session, source.requests_made(), (), ExitCode.DONE)
    finally:
        source.close()


def check_options(session: Session) -> None:
    """Raises UsageError for what does not go with the format that ``--format`` names."""
    options = session.options
    if options.layers:
        raise UsageError(f"--format {options.format} writes whole images, so --layer does not go with it.")
    if options.format == DOCKER_ARCHIVE and session.all_platforms:
        raise UsageError("a docker-archive holds one platform.", "Choose one with --platform, or --format oci-archive.")


def _one_image(session: Session, source: Source, reference: Target) -> Image:
    image = next(session.images(source, reference))
    if image.manifest.is_schema1:
        raise schema1_refusal()
    session.console.say(image_summary(image))
    return image


def _as_docker_archive(session: Session, source: Source, reference: Target, known: List[str]) -> None:
    from ...export.docker_archive import write_docker_archive

    image = _one_image(session, source, reference)
    name = full_name(reference, known)
    session.demand(source, {layer.descriptor.digest: layer.descriptor for layer in image.layers}.values())
    with _transfer(session, source, [layer.descriptor for layer in image.layers]) as transfer:
        path = write_docker_archive(session.output, _file_name(session, reference), image, name, transfer)
    _show(session, path, image.size, "layers and what they unpack to verified")


def _as_oci(session: Session, source: Source, reference: Target, known: List[str]) -> None:
    from ...export.oci_layout import missing_blobs, write_archive, write_layout

    document = (
        source.manifest(reference.wanted) if session.all_platforms else _one_image(session, source, reference).document
    )
    content = Content(source)
    root = content.add(document)
    if content.converted:
        session.console.say(
            f"The image has Docker's types; as OCI's its manifest is {root['digest']} instead of {document.digest}."
        )
    image, file_name = LayoutImage(content, root, entry_name(reference, known)), _file_name(session, reference)
    options = session.options
    blobs = list(content.blobs.values())
    if session.budget:  # before anything is fetched: the image is written whole or not at all
        there = found(session.output, [file_name])
        session.demand(source, missing_blobs(there, content) if options.format == OCI else blobs)
    with _transfer(session, source, blobs) as transfer:
        if options.format == OCI:
            folder, path = output_folder(session.output, [file_name]), os.path.join(session.output.path, file_name)
            write_layout(folder, image, transfer)
        else:
            path = write_archive(output_folder(session.output), file_name, image, transfer)
    _show(session, path, sum(blob.size for blob in blobs), root["digest"] + ", digests verified")


def _file_name(session: Session, reference: Target) -> str:
    """Return what the file or folder is called; a layout holds all tags of a repository, an archive one."""
    name, kind = image_name(reference), session.options.format
    if kind != OCI and reference.wanted:
        name += "_" + safe_component(reference.wanted.replace(":", "-"))
    return name + _SUFFIXES[kind]


def _show(session: Session, path: str, size: int, verified: str) -> None:
    session.fetched += size
    session.console.out(session.renderer.saved_image(Saved(path, "saved", size), verified))


@contextmanager
def _transfer(session: Session, source: Source, blobs: List[Descriptor]) -> Iterator[ImageTransfer]:
    """Show a progress bar over all blobs while they come as the transfer says."""
    with session.console.progress() as progress:
        task = progress.task("image", sum({blob.digest: blob.size for blob in blobs}.values()))
        yield ImageTransfer(source, session.options.jobs, lambda count: progress.advance(task, count))
