"""Errors in the words of the command line: which flag a remedy is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Dict, Optional

from ..errors import Action, LayerslayerError, Remedy

if TYPE_CHECKING:
    from ..errors import Told
    from ..layers.outcome import Report

_HINTS: Dict[Action, str] = {
    Action.RAISE_LIMIT: "Raise the limit with --limit {}=NUMBER if you trust the image.",
    Action.ALLOW_TIME: "{}, or allow more time with --timeout.",
    Action.ALLOW_HTTP: "If it serves plain http, add --plain-http.",
    Action.ALLOW_PRIVATE: "If this registry may, add --allow-private.",
    Action.TRUST_AUTHORITY: (
        "If its authority is a private one, add --ca-file FILE; to go on without checking it, --insecure {}."
    ),
    Action.SKIP_CHECK: "Check the address and this machine's clock; to go on without checking it, --insecure {}.",
    Action.LOG_IN: "Log in with docker, podman or skopeo, or give them with --username and --password-stdin.",
    Action.NAME_LOGIN: "Leave that out, and give it with --username and --password-stdin.",
    Action.PIPE_PASSWORD: "Pipe it in with --password-stdin.",
    Action.FEWER_JOBS: "{}, with fewer --jobs, or log in.",
    Action.CHOOSE_PLATFORM: "Choose one with --platform.",
    Action.SAVE_LAYERS: "Save its layers without --format.",
    Action.CHOOSE_FOLDER: "{} with -o.",
    Action.NO_CACHE: "Set TMPDIR to a folder with room, or use --no-cache.",
}
# What belongs to a sentence stands before its full stop, if it has one.
_WITHIN: Dict[Action, str] = {
    Action.RAISE_LIMIT: " (raise it with --limit {}=NUMBER if you trust the image)",
    Action.ALLOW_LONGER: " (--limit {}=NUMBER)",
    Action.RAISE_BUDGET: " (raise it with --budget)",
    Action.TRUST_REALM: "; if you trust it, add --trust-realm {}",
    Action.NAME_TOKEN_FILE: ", so name it with --token-file if it is meant",
    Action.NAME_FOLDER: " unless -o names it",
    Action.OWN_CACHE_FOLDER: " (--cache-dir or LAYERSLAYER_CACHE_DIR)",
}


def told(words: Told) -> str:
    """Return a sentence with what belongs to it."""
    return within(str(words), words.within) if isinstance(words, LayerslayerError) else words


def within(sentence: str, remedy: Optional[Remedy]) -> str:
    """Return a sentence with a remedy put in, if there is one."""
    if remedy is None:
        return sentence
    body = sentence[:-1] if sentence.endswith(".") else sentence
    return body + _WITHIN[remedy.action].format(remedy.subject) + sentence[len(body) :]


def hint_of(error: LayerslayerError) -> str:
    """Return what to try; nothing where that is not known."""
    remedy = error.remedy
    return error.hint if remedy is None else _HINTS[remedy.action].format(remedy.subject)


def with_hint(error: LayerslayerError) -> str:
    """Return what went wrong and, where something is worth trying, what to try."""
    hint = hint_of(error)
    return "{}. {}".format(told(error).rstrip("."), hint) if hint else told(error)


def spelled(error: LayerslayerError) -> LayerslayerError:
    """Return the same error in these words, for whoever writes errors without knowing flags."""
    twin = error.copy()
    twin.args = (told(error),)
    twin.hint = hint_of(error)
    twin.remedy = twin.within = None
    return twin


def spell(report: Report) -> None:
    """Put what a report tells into these words."""
    if report.problem is not None:
        report.problem = spelled(report.problem)
    report.notes = [told(note) for note in report.notes]
