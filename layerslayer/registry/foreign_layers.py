"""Layers that a registry may not hand out, fetched from the addresses their descriptor names.

OCI image-spec ``descriptor.md``, ``urls``; base layers of Windows. The addresses
are the image author's, so: http and https only, no credentials of any kind
(CVE-2020-15157), and no way into the user's own network unless the registry is
there already, which the transport sees to. Size and digest are checked by
whoever reads.
"""

from __future__ import annotations

from ..errors import InvalidAddress, LayerslayerError, NotFound
from ..oci.descriptor import Descriptor
from .http.client import Transport
from .http.origin import read_address
from .http.response import Answer

_MAX_URLS = 8  # tried


def ask_foreign(transport: Transport, descriptor: Descriptor) -> Answer:
    """Return the first 200 among the descriptor's ``urls``.

    Raises NotFound, saying why the last one gave nothing.
    """
    problem = ""
    for url in descriptor.urls[:_MAX_URLS]:
        try:
            if read_address(url).named_user:
                raise InvalidAddress("it holds a user name", "the image names")
            answer = transport.get(url)
        except LayerslayerError as error:
            problem = transport.unspoken(str(error).rstrip("."))
            continue
        if answer.status == 200:
            return answer
        answer.close()
        problem = f"{answer.host} answered {answer.status}"
    raise NotFound(
        f"neither the registry nor the addresses that the image names have the layer {descriptor.digest} ({problem})."
    )
