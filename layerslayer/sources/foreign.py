"""Layers that a registry may not hand out, fetched from the addresses their descriptor names.

OCI image-spec ``descriptor.md``, ``urls``; base layers of Windows. The addresses
are the image author's, so: http and https only, no credentials of any kind
(CVE-2020-15157), and no way into the user's own network unless the registry is
there already. Size and digest are checked by whoever reads.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from ..addresses import is_inside
from ..descriptors import Descriptor
from ..errors import LayerslayerError, NotFound, RegistryError
from ..origins import Origin, origin_of
from ..transport.answers import Answer
from ..transport.client import Transport
from ..transport.shown import NOTHING, Shown

_MAX_URLS = 8  # tried


def ask_foreign(transport: Transport, descriptor: Descriptor, registry: Origin) -> Answer:
    """Return the first 200 among the descriptor's ``urls``.

    Raises NotFound, saying why the last one gave nothing.
    """
    inside = is_inside(registry.host)

    def secrets(url: str) -> Shown:
        # The transport asks this before each hop, redirects included.
        where = origin_of(url)
        if not inside and is_inside(where.host):
            raise RegistryError("{} is of a private network".format(where.host))
        return NOTHING

    problem = ""
    for url in descriptor.urls[:_MAX_URLS]:
        try:
            if "@" in urlsplit(url).netloc:
                raise RegistryError("the address holds a user name")
            answer = transport.get(url, secrets=secrets)
        except (LayerslayerError, ValueError) as error:
            problem = str(error).rstrip(".") if isinstance(error, LayerslayerError) else "the address is unreadable"
            continue
        if answer.status == 200:
            return answer
        answer.close()
        problem = "{} answered {}".format(answer.final_origin.host, answer.status)
    raise NotFound(
        "neither the registry nor the addresses that the image names have the layer {} ({}).".format(
            descriptor.digest, problem
        )
    )
