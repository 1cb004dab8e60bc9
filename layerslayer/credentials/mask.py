"""What a server was shown, taken out of the words it says: they may quote it, and end in somebody's log. Pure."""

from __future__ import annotations

from typing import Set

_HIDDEN = "***"
_LEAST = 4  # characters; shorter ones would take words apart


class Mask:
    """A function on texts that hides the secrets it knows. Safe to share between threads."""

    def __init__(self) -> None:
        self._secrets: Set[str] = set()

    def add(self, *secrets: str) -> None:
        self._secrets.update(secret for secret in secrets if len(secret) >= _LEAST)

    def __call__(self, text: str) -> str:
        for secret in sorted(self._secrets.copy(), key=len, reverse=True):
            text = text.replace(secret, _HIDDEN)
        return text
