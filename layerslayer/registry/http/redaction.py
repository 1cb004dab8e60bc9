"""Addresses and servers' own words without what would let their reader in. Pure.

Storage addresses are signed: whoever has one can fetch what it names. What a
log may show of an address is therefore what is known to be harmless, and
nothing else. A server's words may echo what it was shown.
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import Collection, Iterator, List, Mapping, Match
from urllib.parse import quote, unquote, unquote_plus

from ...errors import InvalidAddress
from ...user_input import HIDDEN
from .origin import netloc_of, read_address

_NAMES = re.compile(r"[A-Za-z0-9._:/,@*+ -]{0,512}")
_HARMLESS = {  # parameters, with what their values look like
    "scope": _NAMES,
    "service": _NAMES,
    "last": _NAMES,
    "ns": _NAMES,
    "digest": re.compile(r"[a-z0-9+._-]{1,32}:[0-9a-f]{32,128}"),
    "n": re.compile(r"[0-9]{0,9}"),
}
_KEY = re.compile(r"[A-Za-z][A-Za-z_.-]{0,39}")
_PARAMETERS = re.compile("[&;]")
_MARK = re.compile("[;=]")
_RUN = re.compile(r"[A-Za-z0-9]{16,}")  # letters and digits in a row, as no name has them
_HEX = re.compile(r"[0-9a-f]+|[0-9A-F]+")  # digests, which are public
_LONG = 24  # letters and digits in a row, of whichever case
# JSON Web Tokens, and tokens that say whose they are.
_TOKEN = re.compile(
    r"eyJ[\w-]{6}|(?:gh[pousr]_|github_pat_|glpat-|dckr_(?:pat|oat|jwt)_|ya29\.|AKIA|ASIA)\w{8}", re.ASCII
)
_ADDRESS = re.compile(r"https?://[^\s\"'<>]+", re.IGNORECASE)
_ASSIGNED = re.compile(
    r"((?:token|password|passwd|secret|signature|sig|api_?key|credential|authorization)[\"']?"
    r"(?:=[\"']?|:[ ]?[\"']))[^\s&;,\"']+",
    re.IGNORECASE,
)
_SCHEME = re.compile(r"\b((?:bearer|basic)[ \t]{1,4})([^\s,;\"']{6,})", re.IGNORECASE)
_WORD = re.compile(r"[^\s,;\"'()<>]{16,}")
_LEAST = 4  # letters of a secret; a shorter one is in every other word
_TELLING = 6  # letters, and other things among them, of a secret that is no word of ours by chance
_PUBLIC_FIELDS = ("grant_type", "service", "client_id", "scope")  # of the form that a token is asked for with


def redacted(url: str) -> str:
    """Return an address fit for a log: of path and query what is known to be harmless, and no fragment."""
    try:
        origin, target, _ = read_address(url)
    except InvalidAddress:
        return "(unreadable address)"
    path, mark, query = target.partition("?")
    shown = "/".join(_segment(part) for part in path.split("/"))
    return f"{origin.scheme}://{netloc_of(origin)}{shown}{mark}{_query(query)}"


def scrubbed(words: str, secrets: Collection[str] = ()) -> str:
    """Return a server's own words without ``secrets``, what signs addresses, and what looks like a token.

    To be called before the words are cut, as half a token is hard to recognise.
    """
    known = tuple(secrets)  # at once: another thread may add to them
    for secret in sorted((item for item in known if item in words), key=len, reverse=True):
        words = words.replace(secret, HIDDEN)
    words = _ADDRESS.sub(lambda match: redacted(match.group()), words)
    words = _ASSIGNED.sub(r"\1" + HIDDEN, words)
    words = _SCHEME.sub(_credential, words)
    return _WORD.sub(lambda match: HIDDEN if _is_like_a_secret(match.group()) else match.group(), words)


def unspoken(words: str, secrets: Collection[str]) -> str:
    """Return our own words about hosts that a server named, without ``secrets`` that it may have named them by.

    A secret that is short, or letters alone, might as well be a word of ours, and stays.
    """
    for secret in sorted((item for item in tuple(secrets) if item in words), key=len, reverse=True):
        if len(secret) >= _TELLING and not secret.isalpha():
            words = words.replace(secret, HIDDEN)
    return words


def secrets_in(headers: Mapping[str, str], form: Mapping[str, str]) -> Iterator[str]:
    """Yield what is secret in the headers that only one origin may see, and in the form that it is sent.

    As it is, and as addresses have it.
    """
    values: List[str] = [value for name, value in form.items() if name not in _PUBLIC_FIELDS]
    for value in headers.values():
        scheme, _, credential = value.partition(" ")
        values += [value, credential]
        if scheme.lower() == "basic":
            try:
                pair = base64.b64decode(credential).decode("utf-8", "replace")
            except (binascii.Error, ValueError):
                continue
            values += [pair, pair.partition(":")[2]]
    for value in values:
        if len(value) >= _LEAST:
            yield from {value, quote(value, safe="", errors="surrogateescape")}


def _query(query: str) -> str:
    return "&".join(_parameter(part) for part in _PARAMETERS.split(query) if part)


def _parameter(text: str) -> str:
    """Return one parameter of a query; one without a value might be all secret."""
    key, equals, value = text.partition("=")
    plain = unquote_plus(value)
    harmless = _HARMLESS.get(key)
    if equals and harmless and harmless.fullmatch(plain) and not _is_like_a_secret(plain):
        return "{}={}".format(key, plain.replace(" ", "+"))
    shown = bool(value) and _KEY.fullmatch(key) and not _is_like_a_secret(key)
    return f"{key}={HIDDEN}" if shown else HIDDEN


def _segment(text: str) -> str:
    """Return one segment of a path, without the parameters it may have (RFC 3986, 3.3) and what looks like a secret."""
    plain = unquote(text)
    if _is_like_a_secret(plain):
        return HIDDEN
    mark = _MARK.search(plain)
    if not mark:
        return text
    name = plain[: mark.start()]
    if plain.rstrip("=") == name:
        return HIDDEN  # base64 ends so
    return quote(name, safe=":@+,~!$&()*") + mark.group() + HIDDEN


def _credential(match: Match[str]) -> str:
    said = match.group(2)
    return match.group(1) + HIDDEN if any(letter.isdigit() or letter == "=" for letter in said) else match.group()


def _is_like_a_secret(text: str) -> bool:
    """Whether a text has what no name has: a token, or letters and digits that somebody drew at random."""
    return bool(_TOKEN.search(text)) or any(_is_random(match.group()) for match in _RUN.finditer(text))


def _is_random(run: str) -> bool:
    digits = sum(letter.isdigit() for letter in run)
    if _HEX.fullmatch(run) or not digits:
        return False
    return len(run) >= _LONG or (digits > 1 and run != run.lower() and run != run.upper())
