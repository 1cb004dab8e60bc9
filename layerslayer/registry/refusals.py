"""What to say of a registry's refusal: by its status, quoting a little of its own words."""

from __future__ import annotations

import json
import time

from ..errors import Action, LayerslayerError, NotFound, RegistryError, Remedy, Unauthorized, Unreachable
from ..oci.reference import Reference
from .http.origin import Origin
from .http.response import MAX_ERROR_BODY, Answer
from .http.retries import allowance, in_words, is_pull_limit, retry_after

CODE_LIMIT = 200  # characters quoted of a server's own words


def refusal(answer: Answer, reference: Reference, home: Origin, what: str, wanted: str) -> LayerslayerError:
    """Return what an answer of a status that is none of the good ones means.

    ``what`` and ``wanted`` say what was asked for, ``home`` is the registry's own origin.
    """
    try:
        said = answer.quoted(_said(answer.read(MAX_ERROR_BODY)), CODE_LIMIT)
    except Unreachable:
        said = ""  # the status says enough
    status, name = answer.status, reference.repository
    told = "{}{}".format(status, ", " + said if said else "")
    if answer.final_origin != home:
        return RegistryError(
            f"the storage {answer.host} behind {name} answered {told}.",
            "Try again later.",
            status,
        )
    if status in (401, 403):
        return Unauthorized(
            f"access to {name} was refused ({told}).",
            f"The image may be private or not exist; log in to {reference.domain} with any tool, or use token.txt.",
        )
    if status == 404:
        return _not_found(name, what, wanted, told)
    if status == 429:
        return _limited(answer, reference.domain, told)
    asked = f"{what} '{wanted}'" if wanted else f"the {what} of {name}"
    return RegistryError(f"{reference.domain} answered {told} to the request for {asked}.", "Try again later.", status)


def _not_found(name: str, what: str, wanted: str, told: str) -> NotFound:
    if what == "image":
        return NotFound(f"{name} has no image '{wanted}' ({told}).", "Check the name and the tag.")
    if not wanted:
        return NotFound(f"there is no {what} of {name} ({told}).", "Check the name.")
    return NotFound(f"{name} does not have the blob {wanted} ({told}).")


def _limited(answer: Answer, domain: str, told: str) -> RegistryError:
    """Return what to say of a 429: of a quota of pulls that is used up, or of too many requests at once."""
    wait = retry_after(answer.headers.get("retry-after", ""), time.time())
    when = f"Try again in {in_words(wait)}" if wait else "Try again later"
    if is_pull_limit(answer.read(MAX_ERROR_BODY)):
        quota = allowance(answer.headers)
        said = f": {quota}" if quota else ""
        return RegistryError(
            f"the pull limit of {domain} is used up{said} ({told}).",
            when + ", or log in: accounts may pull more.",
            answer.status,
        )
    return RegistryError(
        f"{domain} limits how many requests may be made at once ({told}).",
        Remedy(Action.FEWER_JOBS, when),
        answer.status,
    )


def _said(body: bytes) -> str:
    """Return the code and message of an error body (distribution-spec "Error Codes"), or nothing."""
    try:
        document = json.loads(body.decode("utf-8", "replace"))
        error = document["errors"][0]
        words = [error[key] for key in ("code", "message") if isinstance(error.get(key), str)]
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError):
        return ""
    return " ".join(": ".join(words).split())
