"""Export: an image written whole, in a format that other tools read."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import Callable, Iterator, List

from ...errors import UsageError
from ...escaping import human_size, printable
from ...export.download import output_folder
from ...export.image_content import Content, entry_name, full_name, schema1_refusal
from ...export.names import image_name, safe_component
from ...export.output_folder import found
from ...oci.descriptor import Descriptor
from ...oci.image import Image
from ...oci.local_reference import DOCKER_ARCHIVE, OCI, OCI_ARCHIVE
from ...oci.reference import Target
from ...oci.source import Source
from ...render import json_lines
from ...render.summary import image_summary
from ..exit_codes import ExitCode
from ..merged_view import finish
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
        if options.json:
            return finish(session, source, "save", [], ExitCode.DONE)
        return ExitCode.DONE
    finally:
        source.close()


def check_options(session: Session) -> None:
    """Raises UsageError for what does not go with the format that ``--format`` names."""
    options = session.options
    if options.layers:
        raise UsageError("--format {} writes whole images, so --layer does not go with it.".format(options.format))
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
    options = session.options
    session.demand(source, {layer.descriptor.digest: layer.descriptor for layer in image.layers}.values())
    with _transfer(session, [layer.descriptor for layer in image.layers]) as advance:
        path = write_docker_archive(
            session.output, _file_name(session, reference), image, name, source, options.jobs, advance
        )
    _shown(session, path, image.size, "layers and what they unpack to verified")


def _as_oci(session: Session, source: Source, reference: Target, known: List[str]) -> None:
    from ...export.oci_layout import missing_blobs, write_archive, write_layout

    document = (
        source.manifest(reference.wanted) if session.all_platforms else _one_image(session, source, reference).document
    )
    content = Content(source)
    root = content.add(document)
    if content.converted:
        session.console.say(
            "The image has Docker's types; as OCI's its manifest is {} instead of {}.".format(
                root["digest"], document.digest
            )
        )
    name, file_name, options = entry_name(reference, known), _file_name(session, reference), session.options
    blobs = list(content.blobs.values())
    if session.budget:  # before anything is fetched: the image is written whole or not at all
        there = found(session.output, [file_name])
        session.demand(source, missing_blobs(there, content) if options.format == OCI else blobs)
    with _transfer(session, blobs) as advance:
        if options.format == OCI:
            folder, path = output_folder(session.output, [file_name]), os.path.join(session.output.path, file_name)
            write_layout(folder, content, root, name, source.blob, options.jobs, advance)
        else:
            folder = output_folder(session.output)
            path = write_archive(folder, file_name, content, root, name, source.blob, options.jobs, advance)
    _shown(session, path, sum(blob.size for blob in blobs), root["digest"] + ", digests verified")


def _file_name(session: Session, reference: Target) -> str:
    """Return what the file or folder is called; a layout holds all tags of a repository, an archive one."""
    name, kind = image_name(reference), session.options.format
    if kind != OCI and reference.wanted:
        name += "_" + safe_component(reference.wanted.replace(":", "-"))
    return name + _SUFFIXES[kind]


def _shown(session: Session, path: str, size: int, more: str) -> None:
    session.fetched += size
    if session.options.json:
        session.console.out(json_lines.line(json_lines.saved_object(path, "saved", size, None, None)))
    else:
        session.console.out("saved {}  {}, {}\n".format(printable(path), human_size(size), more))


@contextmanager
def _transfer(session: Session, blobs: List[Descriptor]) -> Iterator[Callable[[int], None]]:
    """Show a progress bar over all blobs; give what to tell of bytes that have arrived."""
    with session.console.progress() as progress:
        task = progress.task("image", sum({blob.digest: blob.size for blob in blobs}.values()))
        yield lambda count: progress.advance(task, count)
