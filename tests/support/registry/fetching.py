"""Blobs read as a program would read them, by one or by many at once."""

from __future__ import annotations

import threading
from typing import Callable, List, TypeVar, Union

from layerslayer.errors import LayerslayerError
from layerslayer.oci.descriptor import Descriptor
from layerslayer.oci.source import Source
from layerslayer.oci.verify import Verifier, verified_pieces

from . import store
from .faults import layer_digests

T = TypeVar("T")


def descriptor(digest: str, size: int) -> Descriptor:
    return Descriptor("application/vnd.oci.image.layer.v1.tar+gzip", digest, size, {})


def first_layer() -> Descriptor:
    """The descriptor of the demo image's first layer."""
    digest = layer_digests(store())[0]
    return descriptor(digest, len(store().blobs[digest]))


def fetched(source: Source, wanted: Descriptor) -> bytes:
    """Return a blob, verified."""
    return b"".join(verified_pieces(source.blob(wanted), Verifier(wanted)))


def at_once(count: int, work: Callable[[], T]) -> List[Union[T, LayerslayerError]]:
    """Do ``work`` in ``count`` threads that begin together; return what each returned or raised."""
    gate = threading.Barrier(count)
    results: List[Union[T, LayerslayerError]] = []

    def one() -> None:
        gate.wait()
        try:
            results.append(work())
        except LayerslayerError as problem:
            results.append(problem)

    threads = [threading.Thread(target=one) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return results
