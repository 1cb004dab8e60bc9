"""Requests as the rest of the program makes them: redirects followed, failures that may pass tried again."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Callable, Mapping, Optional

from ...errors import ConnectionLost, InvalidAddress, LayerslayerError, RegistryError, Unreachable
from . import retries
from .failure_reasons import host_of
from .origin import address_from, base_url, origin_of, read_address
from .origin_headers import NOTHING, Secrets
from .preconnect import EarlyConnections
from .response import MAX_ERROR_BODY, Answer
from .sender import Sender
from .tls import Tls

if TYPE_CHECKING:
    from ...errors import Tell, Told

READ_TIMEOUT = 30.0  # seconds without a byte
MAX_REDIRECTS = 10
_REDIRECTS = frozenset((301, 302, 303, 307, 308))
_WAY = 4  # times the timeout that redirects may take before an answer comes


class Transport:
    """Sends requests. Safe to share between threads.

    ``plain_http`` allows http beyond loopback; ``log`` gets one redacted line
    for each answer; ``early`` holds connections begun before, and is closed here.
    ``attempts`` is how often a request that failed is made again; ``tell`` hears
    of waits that a user should know of. ``tls`` has certificates by host.
    ``home`` is the registry the user named: unless that is itself in a private
    network, nothing it says leads into one, by name or by what a name resolves
    to. Without it nothing is refused.
    """

    def __init__(
        self,
        plain_http: bool = False,
        timeout: float = READ_TIMEOUT,
        log: Optional[Callable[[str], None]] = None,
        connections: int = 8,
        early: Optional[EarlyConnections] = None,
        attempts: int = retries.ATTEMPTS,
        tell: Callable[[str], None] = lambda text: None,
        tls: Optional[Tls] = None,
        home: str = "",
    ) -> None:
        self.attempts = attempts
        self._longest = _WAY * timeout
        self._tell = tell
        self._plain_http = plain_http
        self._log = log
        self._sender = Sender(timeout, self.note, connections, early, tls or Tls(), home)

    @property
    def requests_made(self) -> int:
        return self._sender.requests_made

    def base_url(self, host: str) -> str:
        """Return ``scheme://host`` for a registry host (see ``origin.base_url``)."""
        return base_url(host, self._plain_http)

    def unspoken(self, words: str) -> str:
        """Return words of ours, which may name hosts that servers named, without the secrets that they were shown."""
        return self._sender.unspoken(words)

    def unspoken_to(self, tell: Tell) -> Tell:
        """Return ``tell``, which then gets words that are made so."""

        def unspoken(told: Told) -> None:
            if isinstance(told, LayerslayerError):
                told.reword(self.unspoken)
                tell(told)
            else:
                tell(self.unspoken(told))

        return unspoken

    def close(self) -> None:
        self._sender.close()

    def rest(self) -> None:
        """Close the connections that nobody uses; they are opened again when they are needed."""
        self._sender.rest()

    def note(self, text: str) -> None:
        """Add a line to the log, if there is one."""
        if self._log:
            self._log(text)

    def get(
        self,
        url: str,
        headers: Optional[Mapping[str, str]] = None,
        secrets: Optional[Secrets] = None,
        redirects: int = MAX_REDIRECTS,
        whole: int = 0,
        form: Optional[Mapping[str, str]] = None,
    ) -> Answer:
        """GET ``url``, or POST ``form`` to it, and follow at most ``redirects`` redirects by hand.

        ``secrets`` is asked for more headers at each hop. A body of up to ``whole`` bytes is read at once, so that
        one that breaks off is asked for again; ``read`` then has it. Raises Unreachable and RegistryError (for
        redirects that must not be followed; Exposed before anything private leaves over plain http, see ``Shown``).
        """
        url = read_address(url).url  # from here on just what was read
        failures, renewed = 0, False
        while True:
            try:
                answer = self._follow(url, headers, secrets, redirects, form)
                if whole and answer.status == 200:
                    answer.read(whole)
            except ConnectionLost as error:
                if failures >= self.attempts:
                    raise
                wait, why = retries.backoff(failures + 1), str(error)
            else:
                if not renewed and answer.final_origin != origin_of(url) and _is_over(answer):
                    renewed = True
                    answer.close()
                    continue
                asked = self._wait_after(answer, failures)
                if asked is None:
                    return answer
                answer.close()
                wait, why = asked, f"{answer.host} answered {answer.status}."
            failures += 1
            told = self._tell if wait >= retries.WORTH_TELLING else self.note
            told("{} Trying again in {}.".format(why, retries.in_words(wait) if wait >= 1 else "a moment"))
            retries.pause(wait)

    def _wait_after(self, answer: Answer, failures: int) -> Optional[float]:
        """Return the seconds to wait before asking again; None when ``answer`` is the one to go by."""
        if not retries.may_pass(answer.status) or failures >= self.attempts:
            return None
        asked = retries.retry_after(answer.headers.get("retry-after", ""), time.time())
        if asked is not None:
            return max(asked, retries.backoff(1)) if asked <= retries.LONGEST_WAIT else None
        try:
            if answer.status == 429 and retries.is_pull_limit(answer.read(MAX_ERROR_BODY)):
                return None
        except Unreachable:
            pass  # then it is the status that counts
        return retries.backoff(failures + 1)

    def _follow(
        self,
        url: str,
        headers: Optional[Mapping[str, str]],
        secrets: Optional[Secrets],
        redirects: int,
        form: Optional[Mapping[str, str]],
    ) -> Answer:
        began = time.monotonic()
        for _ in range(redirects + 1):
            answer = self._sender.send(url, headers or {}, secrets(url) if secrets else NOTHING, form)
            if answer.status not in _REDIRECTS or "location" not in answer.headers or redirects == 0:
                return answer
            answer.close()
            if time.monotonic() - began > self._longest:
                raise Unreachable(f"{host_of(url)} redirects, too slowly for an answer.", "Try again later.")
            url = _next_hop(url, answer.headers["location"])
            self._sender.pass_hop(url)
        raise RegistryError(f"{host_of(url)} redirects more than {redirects} times.")


def _is_over(answer: Answer) -> bool:
    """Whether a storage refuses an address that was signed, as it does once that was held for too long.

    401 as well, unless it is the storage's own challenge.
    """
    return answer.status == 403 or (answer.status == 401 and "www-authenticate" not in answer.headers)


def _next_hop(url: str, location: str) -> str:
    """Return where a ``Location`` header of an answer from ``url`` leads (RFC 9110, 10.2.2). Raises RegistryError."""
    here = origin_of(url)
    try:
        target = address_from(url, _as_sent(location))
    except InvalidAddress as error:
        raise InvalidAddress(error.reason, f"{here.host} redirects to") from None
    if here.scheme == "https" and target.origin.scheme == "http":
        raise RegistryError(f"{here.host} redirects from https to http, which is not followed.")
    return target.url


def _as_sent(value: str) -> str:
    """Return a header's value without white space around it, its bytes read as UTF-8 where they are (RFC 9110, 5.5).

    Where they are not, those of Latin-1 come percent-encoded, as they are asked for.
    """
    value = value.strip(" \t")
    try:
        return value.encode("latin-1").decode("utf-8")
    except UnicodeEncodeError:
        return value
    except UnicodeDecodeError:
        return "".join(letter if letter < "\xa0" else f"%{ord(letter):02X}" for letter in value)
