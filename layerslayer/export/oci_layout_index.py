"""``index.json`` of an OCI layout that may hold other images, and to which several runs may add at once.

OCI image-spec ``image-layout.md``, "index.json file".
"""

from __future__ import annotations

import errno
import json
import os
import time
from contextlib import contextmanager
from typing import Any, BinaryIO, Dict, Iterator, Optional

from ..errors import Action, InvalidDocument, LocalFileError, Remedy
from ..limits import DEFAULT, Limits
from ..oci.json_document import load_object
from ..oci.layout import REF_NAME
from ..oci.manifest import MAX_INDEX_ENTRIES
from ..oci.media_types import OCI_INDEX
from .download import save_bytes
from .file_lock import is_held, lock
from .output_folder import Folder

_INDEX = "index.json"
_LOCK = ".layerslayer-index.lock"
_PATIENCE = 60.0  # seconds; others need a few milliseconds each
_MOMENT = 0.02  # seconds


def update_index(folder: Folder, root: Dict[str, Any], name: Optional[str], limits: Limits = DEFAULT) -> None:
    """Name an image, whose descriptor is ``root``, in the layout ``folder``, beside what is named there by now.

    Raises LocalFileError.
    """
    with _locked(folder):
        save_bytes(folder, _INDEX, as_json(with_entry(present_index(folder, limits), root, name)))


def present_index(folder: Folder, limits: Limits = DEFAULT) -> Dict[str, Any]:
    """Return the index.json that is there, else an empty one. Raises LocalFileError for what is none."""
    try:
        with os.fdopen(folder.open_file(_INDEX), "rb") as file:
            body = file.read(limits.document + 1)
        if len(body) > limits.document:
            raise _not_a_layout(folder, "the index.json there is larger than {} bytes".format(limits.document))
        index = load_object(body, _INDEX, limits=limits)
    except FileNotFoundError:
        return {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": []}
    except OSError as error:
        raise _not_a_layout(folder, "the index.json there cannot be read: {}".format(error.strerror or error)) from None
    except InvalidDocument as error:
        raise _not_a_layout(folder, str(error)) from None
    entries = index.get("manifests")
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise _not_a_layout(folder, "the index.json there lists no manifests")
    if len(entries) >= MAX_INDEX_ENTRIES:
        raise _not_a_layout(folder, "the index.json there is full")
    return index


def with_entry(index: Dict[str, Any], root: Dict[str, Any], name: Optional[str]) -> Dict[str, Any]:
    """Return an index that has the descriptor ``root`` too, in place of what had its ``name``."""

    def replaced(entry: Dict[str, Any]) -> bool:
        annotations = entry.get("annotations")
        own = annotations.get(REF_NAME) if isinstance(annotations, dict) else None
        return bool(own == name) if name else own is None and entry.get("digest") == root["digest"]

    kept = [entry for entry in index["manifests"] if not replaced(entry)]
    described = dict(root, annotations={REF_NAME: name}) if name else dict(root)
    return dict(index, manifests=[*kept, described])


def as_json(document: Dict[str, Any]) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode()


def _not_a_layout(folder: Folder, reason: str) -> LocalFileError:
    told = "nothing can be added to the layout {}: {}.".format(folder.path, reason)
    return LocalFileError(told, Remedy(Action.CHOOSE_FOLDER, "Choose another folder"))


@contextmanager
def _locked(folder: Folder) -> Iterator[None]:
    """Keep other runs from the index meanwhile. Raises LocalFileError, also where one keeps it for a minute."""
    deadline = time.monotonic() + _PATIENCE
    file = _lock_file(folder)
    while file is None:
        if time.monotonic() > deadline:
            raise LocalFileError(
                "another run is adding to the layout {} and does not end.".format(folder.path),
                Remedy(Action.CHOOSE_FOLDER, "Try again later, or choose another folder"),
            )
        time.sleep(_MOMENT)
        file = _lock_file(folder)
    try:
        with file:
            try:
                yield
            finally:
                if os.name != "nt":
                    _remove_lock(folder)
    finally:
        if os.name == "nt":  # which does not remove open files, nor those that others have open
            _remove_lock(folder)


def _lock_file(folder: Folder) -> Optional[BinaryIO]:
    """Return the file that is locked by whoever adds to an index; None where another run has it now."""
    try:
        try:
            handle = folder.create(_LOCK, 0o666)
        except FileExistsError:
            handle = folder.open_file(_LOCK, os.O_RDWR)
    except OSError as error:
        if isinstance(error, FileNotFoundError) or (os.name == "nt" and error.errno == errno.EACCES):
            return None  # it is being removed
        raise _not_a_layout(folder, "{} cannot be used: {}".format(_LOCK, error.strerror or error)) from None
    file = os.fdopen(handle, "r+b", buffering=0)
    try:
        lock(file)
        if folder.has(_LOCK, handle):
            return file
    except OSError as error:
        if not is_held(error):
            return file  # no locks on this disk: at least the index is read and written without a pause
    file.close()
    return None


def _remove_lock(folder: Folder) -> None:
    try:
        folder.remove(_LOCK)
    except OSError:
        pass  # others wait for it
