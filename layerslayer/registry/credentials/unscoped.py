"""What the user gave without naming whom it is for, and whose it is: one registry's, decided once a run.

``--username`` with its password, a bare token of ``--token-file``,
``LAYERSLAYER_TOKEN``, ``LAYERSLAYER_USERNAME`` with ``LAYERSLAYER_PASSWORD``, the
client certificate and Docker's ``X-Meta-`` headers name no host. They are for the
registry that is named first, whatever other images the run is about, and for
nobody else. A mirror is somebody else.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Callable, Optional, Set, Tuple

from ...errors import UsageError
from ...oci.reference import Reference, registry_named

if TYPE_CHECKING:
    from ..http.origin import Origin


class Given:
    """Made once, at the root of a run; the sessions for all its images share it.

    ``password`` is what was read from standard input, None as long as nothing was;
    who reads it holds ``reading``, as there is only one.
    """

    def __init__(self, plain_http: bool = False) -> None:
        self._plain_http = plain_http
        self._owner: Optional[Origin] = None
        self._decided = False
        self._told: Set[Tuple[str, str]] = set()
        self.owner = ""  # its domain, for messages
        self.several = False  # whether another registry was named too
        self.password: Optional[str] = None
        self.reading = threading.Lock()

    def name(self, text: str) -> None:
        """Hear of an image that the user names. The first that is at a registry decides; what comes later is no news.

        ``text`` may be no reference: then the registry that it seems to mean decides.
        """
        domain = None if self.several else registry_named(text)
        if domain is None:
            return
        if not self._decided:
            self._decided = True
            self._owner = self._origin(Reference(domain, "", None, None))
            self.owner = domain.lower()
        self.several = domain.lower() != self.owner

    def owns(self, reference: Reference) -> bool:
        """Whether the registry of an image is the one that was named first: the same host, and the same port."""
        return self._owner is not None and self._owner == self._origin(reference)

    def tell_once(self, what: str, reference: Reference, say: Callable[[str], None]) -> None:
        """Warn that ``what`` is not shown to the registry of an image, which is another one than was named first."""
        domain = reference.domain.lower()
        if self._decided and domain != self.owner and (what, domain) not in self._told:
            self._told.add((what, domain))
            say(f"{what} is for {self.owner}, the registry named first; it is not shown to {domain}.")

    def _origin(self, reference: Reference) -> Optional[Origin]:
        from ..http.origin import base_url, origin_of  # images of this machine need no addresses

        try:
            return origin_of(base_url(reference.api_host, self._plain_http))
        except (UsageError, ValueError):
            return None  # no host: nobody's
