"""Requests below ``/v2/PATH`` of one registry, each with the authorization it needs and a sentence for a refusal."""

from __future__ import annotations

from typing import Callable, Dict, Optional, Tuple

from ..oci.reference import Reference
from .auth.authorized_client import Handshake
from .http.origin import origin_of
from .http.response import Answer
from .http.retries import allowance

_QUOTED = 200  # characters of a server's own words


class RepositoryEndpoint:
    """One repository. ``note`` gets lines for the log, ``warn`` sentences for the user, which may quote the server."""

    def __init__(
        self,
        reference: Reference,
        base_url: str,
        handshake: Handshake,
        note: Callable[[str], None],
        warn: Callable[[str], None],
    ) -> None:
        self.reference = reference
        self.origin = origin_of(base_url)
        self.path = "/v2/" + reference.path
        self.warn = warn
        self._handshake = handshake
        self._note = note
        self._warned_of_quota = False

    def blob(self, digest: str, headers: Optional[Dict[str, str]], good: Tuple[int, ...]) -> Answer:
        """GET a blob. See ``ask``."""
        return self.ask("blob", digest, self.path + "/blobs/" + digest, headers, good)

    def ask(
        self,
        what: str,
        wanted: str,
        path: str,
        headers: Optional[Dict[str, str]] = None,
        good: Tuple[int, ...] = (200,),
        whole: int = 0,
    ) -> Answer:
        """GET ``path`` of the registry; raise what its refusal means.

        Args:
            what, wanted: what the request is for, in sentences.
            good: the statuses that are no refusal.
            whole: the most bytes of a body that is read at once (see ``Transport.get``); 0 to leave it unread.
        """
        scope = f"repository:{self.reference.path}:pull"
        answer = self._handshake.get(path, scope, headers, whole)
        warning = answer.headers.get("warning", "")
        if warning.startswith("299 "):
            self.warn("the registry says: " + answer.quoted(warning[4:].lstrip("- "), _QUOTED))
        self._watch_quota(answer)
        if answer.status in good:
            return answer
        from .refusals import refusal  # which most runs do without

        raise refusal(answer, self.reference, self.origin, what, wanted)

    def _watch_quota(self, answer: Answer) -> None:
        quota = allowance(answer.headers)
        if quota is None:
            return
        self._note(f"{self.reference.domain}: {quota}")
        if quota.low and not self._warned_of_quota:
            self._warned_of_quota = True
            self.warn(f"{self.reference.domain}: {quota}; log in for more")
