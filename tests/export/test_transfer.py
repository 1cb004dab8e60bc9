"""How blobs come: who hears of their bytes."""

from __future__ import annotations

import io
from typing import Any, List

from layerslayer.export.transfer import BlobTransfer, ImageTransfer
from layerslayer.oci.descriptor import Descriptor


class _Source:
    """Stands in for a source: a blob is its own digest."""

    def blob(self, descriptor: Descriptor) -> io.BytesIO:
        return io.BytesIO(descriptor.digest.encode())


def test_a_blob_of_an_image_comes_from_its_source() -> None:
    heard: List[int] = []
    source: Any = _Source()
    transfer = ImageTransfer(source, 2, heard.append).blob(Descriptor("", "sha256:abc", 10, {}))
    assert transfer.open().read() == b"sha256:abc"
    assert transfer.open_rest is None
    transfer.advance(7)
    assert heard == [7]


def test_pieces_are_counted_once_they_were_taken() -> None:
    heard: List[int] = []
    source: Any = _Source()
    pieces = ImageTransfer(source, 1, heard.append).counted(iter([b"ab", b"c"]))
    assert next(pieces) == b"ab"
    assert heard == []
    assert list(pieces) == [b"c"]
    assert heard == [2, 1]


def test_nobody_need_hear_of_a_blob() -> None:
    BlobTransfer(io.BytesIO).advance(3)
