"""Blobs of one repository, whole and in parts, over as many connections as they take.

OCI distribution-spec "Pulling blobs". Single ranges only (RFC 9110, 14.2): some
storages refuse several at once.
"""

from __future__ import annotations

from functools import partial
from typing import BinaryIO, Callable, Optional, Tuple, cast

from ..errors import RangeIgnored, RegistryError
from ..oci.descriptor import UNKNOWN_SIZE, Descriptor
from ..oci.media_types import CONFIG_TYPES
from .byte_range import Part, range_problem
from .content_encoding import unwrapped
from .endpoint import RepositoryEndpoint
from .http.client import Transport
from .http.response import Answer
from .resumable_body import Reopening, ResumableBody

_WHOLE_STATUSES = (200, 206)  # the last where a server takes all for a part
_PART_STATUSES = (200, 206, 400, 416)  # the last two: no such range here, though the blob may be there


class RemoteBlobs:
    """The blobs of ``endpoint``. ``transport`` says how often to try again, and hears of it.

    ``spend`` may be set: it gets how many bytes come once more, and may raise (``Source.watch_repeats``).
    """

    def __init__(self, endpoint: RepositoryEndpoint, transport: Transport) -> None:
        self.spend: Callable[[int], None] = lambda count: None
        self._endpoint = endpoint
        self._transport = transport

    def ask(self, digest: str) -> Answer:
        """Ask for a whole blob."""
        return self._endpoint.blob(digest, None, _WHOLE_STATUSES)

    def open(self, descriptor: Descriptor, answer: Optional[Answer] = None) -> BinaryIO:
        """Return a readable of a whole blob; of ``answer`` first, if that was asked for before. See ``Source.blob``."""
        return self._resumable(descriptor, self._whole(descriptor, answer), 0, descriptor.size)

    def open_range(self, descriptor: Descriptor, start: int, length: int) -> BinaryIO:
        """Return a readable of ``length`` bytes, 1 or more. See ``Source.blob_range``.

        Raises RangeIgnored where the server does not serve just that.
        """
        end = start + length
        stream = self._part(descriptor, self._ask_part(descriptor, start, end), start, end)
        return cast(BinaryIO, Part(self._resumable(descriptor, stream, start, end), length))

    def _whole(self, descriptor: Descriptor, answer: Optional[Answer] = None) -> BinaryIO:
        """Return the whole of a blob as it comes; of ``answer``, if that was asked for before."""
        answer = answer or self.ask(descriptor.digest)
        problem = range_problem(answer, 0, descriptor.size, descriptor.size) if answer.status == 206 else ""
        if problem:
            answer.close()
            raise RegistryError(f"{answer.host} sent a part of a blob that was asked for whole: {problem}.")
        return unwrapped(answer, descriptor.media_type, _is_document(descriptor))

    def _resumable(self, descriptor: Descriptor, stream: BinaryIO, start: int, end: int) -> BinaryIO:
        def part(position: int) -> Tuple[BinaryIO, int]:
            if position == 0 and end == descriptor.size:
                return self._whole(descriptor), 0
            answer = self._ask_part(descriptor, position, end)
            if answer.status == 200:  # all of it, though the rest would do
                return self._whole(descriptor, answer), 0
            return self._part(descriptor, answer, position, end), position

        reopening = Reopening(part, partial(self._whole, descriptor), self.spend)
        known = None if end == UNKNOWN_SIZE else end
        attempts, log = self._transport.attempts, self._transport.note
        return cast(BinaryIO, ResumableBody(stream, start, known, reopening, attempts, log))

    def _ask_part(self, descriptor: Descriptor, start: int, end: int) -> Answer:
        wanted = {"Range": f"bytes={start}-{end - 1}"}
        return self._endpoint.blob(descriptor.digest, wanted, _PART_STATUSES)

    def _part(self, descriptor: Descriptor, answer: Answer, start: int, end: int) -> BinaryIO:
        """Return the body of an answer as the bytes [start, end) of a blob. Raises RangeIgnored."""
        problem = range_problem(answer, start, end - start, descriptor.size)
        if problem:
            answer.close()
            raise RangeIgnored(f"{answer.host} does not serve parts of a blob: {problem}.", "", answer.status)
        return answer.stream(_is_document(descriptor))


def _is_document(descriptor: Descriptor) -> bool:
    """Whether a blob is an image's config or a statement about it, and no layer."""
    return descriptor.media_type in CONFIG_TYPES or descriptor.media_type.endswith("json")
