"""``WWW-Authenticate`` -> challenges. Pure.

Grammar (RFC 7235 section 4.1, RFC 6750 section 3): ``scheme SP key=value
*("," key=value)``, several challenges after one another, values tokens or
quoted strings with backslash escapes. Repeated header lines arrive joined by
commas, which reads the same. Servers bend the grammar, so nothing here
raises: what cannot be understood is left out.
"""

from __future__ import annotations

import re
from typing import Dict, List, NamedTuple, Optional

_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_SCHEME = re.compile(r"[\s,]*(" + _TOKEN + r")(?:\s+|(?=,)|$)")
_PARAMETER = re.compile(r"[\s,]*(" + _TOKEN + r")\s*=\s*(?:\"((?:[^\"\\]|\\.)*)\"?|([^\s,\"]*))", re.DOTALL)
_TOKEN68 = re.compile(r"[A-Za-z0-9._~+/-]+=*\s*(?=,|$)")
_JUNK = re.compile(r"[\s,]+|" + _TOKEN + r"|.", re.DOTALL)  # whole runs, or time would be quadratic
_MAX_HEADER = 16 * 1024  # characters looked at


class Challenge(NamedTuple):
    """One challenge; ``scheme`` and the keys of ``parameters`` are lower case."""

    scheme: str
    parameters: Dict[str, str]


def parse_challenges(header: str) -> List[Challenge]:
    """Return the challenges of a header, in order."""
    text = header[:_MAX_HEADER]
    challenges: List[Challenge] = []
    at = 0
    while at < len(text):
        parameter = _PARAMETER.match(text, at)
        if parameter:
            key, quoted, plain = parameter.groups()
            value = re.sub(r"\\(.)", r"\1", quoted, flags=re.DOTALL) if quoted is not None else plain
            if challenges:  # else it is of no scheme; passed over as a whole, or time would be quadratic
                challenges[-1].parameters.setdefault(key.lower(), value)
            at = parameter.end()
            continue
        scheme = _SCHEME.match(text, at)
        if scheme:
            challenges.append(Challenge(scheme.group(1).lower(), {}))
            at = scheme.end()
            token68 = _TOKEN68.match(text, at)
            at = token68.end() if token68 else at
            continue
        junk = _JUNK.match(text, at)  # not understood: try what follows it
        at = junk.end() if junk else len(text)
    return challenges


def first_of(challenges: List[Challenge], scheme: str) -> Optional[Challenge]:
    """Return the first challenge of a scheme, or None."""
    for challenge in challenges:
        if challenge.scheme == scheme:
            return challenge
    return None
