"""What an image's documents say, as objects for ``json_lines``."""

from __future__ import annotations

from typing import Iterator

from ..limits import DEFAULT, Limits
from ..oci.image import Image
from ..oci.json_document import load_object
from ..oci.source import Document
from .json_lines import Object


def step_objects(image: Image) -> Iterator[Object]:
    """Yield the build steps, oldest first; ``layer`` is null for metadata only, and where nothing can be paired."""
    for number, step in enumerate(image.config.steps if image.config else ()):
        descriptor = image.layers[step.layer].descriptor if step.layer is not None else None
        yield {
            "type": "step",
            "step": number,
            "layer": step.layer,
            "digest": descriptor.digest if descriptor else None,
            "size": descriptor.size if descriptor else None,
            "created": step.created,
            "created_by": step.created_by,
            "comment": step.comment,
        }


def config_object(image: Image) -> Object:
    """Return how an image is run by default; null where it states nothing."""
    config = image.config
    if config is None:
        return {"type": "config", "platform": None, "created": "", "author": "", "execution": None, "diff_ids": []}
    run = config.execution
    execution = {
        key: list(value) if isinstance(value, tuple) and key != "healthcheck" else value
        for key, value in run._asdict().items()
    }
    execution["labels"] = dict(run.labels)
    execution["healthcheck"] = dict(run.healthcheck._asdict()) if run.healthcheck else None
    return {
        "type": "config",
        "platform": str(image.platform) if image.platform else None,
        "created": config.created,
        "author": config.author,
        "execution": execution,
        "diff_ids": list(config.diff_ids),
    }


def document_object(name: str, document: Document, limits: Limits = DEFAULT) -> Object:
    """Return a manifest or index, parsed. Raises InvalidDocument."""
    return {
        "type": "document",
        "image": name,
        "digest": document.digest,
        "media_type": document.media_type,
        "document": load_object(document.body, "manifest", limits=limits),
    }
