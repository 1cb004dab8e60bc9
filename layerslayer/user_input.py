"""What a user typed or set, fit to be repeated on a screen and in a log: without a password that stands in it. Pure.

Image references have no place for a login, but git's and curl's addresses have,
and so they are typed; a token may stand where its file should.
"""

from __future__ import annotations

import re

HIDDEN = "REDACTED"
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]{0,30}://", re.IGNORECASE | re.ASCII)
_LOCAL = re.compile(r"(?:oci|oci-archive|docker-archive):")  # what follows is a path
_DIGEST = re.compile(r"@sha-?\d{1,4}:[^@]*\Z")  # what stands behind the name of a reference
_HOST = re.compile(
    r"[^/]*/|\[|localhost\b|[\w-]+(?:\.[\w-]+)*(?:\.[a-z]{2,}|:\d{1,5}|(?:\.\d{1,3}){3})\Z", re.IGNORECASE | re.ASCII
)
_TOKEN = re.compile(r"eyJ[\w-]{6}|(?:gh[pousr]_|github_pat_|glpat-|dckr_(?:pat|oat|jwt)_|ya29\.)\w{8}", re.ASCII)
_NO_PATH = re.compile(r"[\"{}\n]")
_LONGEST_PATH = 1024  # characters
# Options that other tools have for secrets, and what stands behind them.
_OPTION = re.compile(
    r"(?<!\S)(--[\w-]*(?:pass|token|cred|secret|auth)[\w-]*(?:=|[ ]+)|-p(?:=|[ ]*))(?!-)\S+", re.IGNORECASE | re.ASCII
)
_EXPLICIT = re.compile(r"(ignored explicit argument ).*", re.DOTALL)


def without_login(text: str) -> str:
    """Return what was typed for an image, without the user name and password before its host, if there are some.

    A digest stays, and so does what looks like no host.
    """
    if "@" not in text or _LOCAL.match(text):
        return text
    digest = _DIGEST.search(text, text.rindex("@"))
    named = text[: digest.start()] if digest else text
    _, at, after = named.rpartition("@")
    scheme = _SCHEME.match(named)
    if not at or not (scheme or _HOST.match(after)):
        return text
    return "{}{}@{}{}".format(scheme.group() if scheme else "", HIDDEN, after, text[len(named) :])


def without_user(netloc: str) -> str:
    """Return what was typed for a host, without what stands before its last ``@``."""
    _, at, host = netloc.rpartition("@")
    return HIDDEN + at + host if at else netloc


def as_path(path: str) -> str:
    """Return what was given for a file or folder; one that looks like a secret itself is not repeated."""
    odd = len(path) > _LONGEST_PATH or _NO_PATH.search(path) or _TOKEN.search(path)
    return HIDDEN if odd else path


def without_secrets(message: str) -> str:
    """Return what an argument parser says, without what stands behind options for passwords and tokens."""
    return _EXPLICIT.sub(r"\1" + HIDDEN, _OPTION.sub(r"\1" + HIDDEN, message))
