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
            "the storage {} behind {} answered {}.".format(answer.host, name, told),
            "Try again later.",
            status,
        )
    if status in (401, 403):
        return Unauthorized(
            "access to {} was refused ({}).".format(name, told),
            "The image may be private or not exist; log in to {} with any tool, or use token.txt.".format(
                reference.domain
            ),
        )
    if status == 404:
        return _not_found(name, what, wanted, told)
    if status == 429:
        return _limited(answer, reference.domain, told)
    asked = "{} '{}'".format(what, wanted) if wanted else "the {} of {}".format(what, name)
    return RegistryError(
        "{} answered {} to the request for {}.".format(reference.domain, told, asked), "Try again later.", status
    )


def _not_found(name: str, what: str, wanted: str, told: str) -> NotFound:
    if what == "image":
        return NotFound("{} has no image '{}' ({}).".format(name, wanted, told), "Check the name and the tag.")
    if not wanted:
        return NotFound("there is no {} of {} ({}).".format(what, name, told), "Check the name.")
    return NotFound("{} does not have the blob {} ({}).".format(name, wanted, told))


def _limited(answer: Answer, domain: str, told: str) -> RegistryError:
    """Return what to say of a 429: of a quota of pulls that is used up, or of too many requests at once."""
    wait = retry_after(answer.headers.get("retry-after", ""), time.time())
    when = "Try again in {}".format(in_words(wait)) if wait else "Try again later"
    if is_pull_limit(answer.read(MAX_ERROR_BODY)):
        quota = allowance(answer.headers)
        said = ": {}".format(quota) if quota else ""
        return RegistryError(
            "the pull limit of {} is used up{} ({}).".format(domain, said, told),
            when + ", or log in: accounts may pull more.",
            answer.status,
        )
    return RegistryError(
        "{} limits how many requests may be made at once ({}).".format(domain, told),
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
