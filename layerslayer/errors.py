"""What can go wrong, as one hierarchy.

An error carries data; ``str(error)`` is one sentence without advice, and
``error.hint`` says what to try next (or is empty). Texts may quote what a
server sent, so whoever shows them escapes them (``escaping.printable``).
"""

from __future__ import annotations

from .user_input import without_login

TYPE_CHECKING = False  # see cli.main
if TYPE_CHECKING:
    from typing import Optional


class LayerslayerError(Exception):
    """Base of all that a user can cause or meet."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


def in_full(error: Exception) -> str:
    """Return what went wrong and, where something is worth trying, what to try."""
    hint = getattr(error, "hint", "")
    return "{}. {}".format(str(error).rstrip("."), hint) if hint else str(error)


class UsageError(LayerslayerError):
    """The command line, or an answer to a prompt, cannot be acted on."""


class InvalidReference(UsageError):
    """A text that is no image reference. It is quoted without a login."""

    def __init__(self, text: str, reason: str, hint: str = "") -> None:
        text = without_login(text)
        shown = text if len(text) <= 120 else text[:117] + "..."
        super().__init__("'{}' is not an image reference: {}.".format(shown, reason), hint)
        self.text = text
        self.reason = reason


class InvalidDocument(LayerslayerError):
    """A manifest, index or config that cannot be trusted or understood."""


class PlatformNotFound(LayerslayerError):
    """No entry of an index fits the wished platform."""


class NotFound(LayerslayerError):
    """The registry does not have it."""


class Unauthorized(LayerslayerError):
    """The registry, or its auth service, refused access."""


class Unreachable(LayerslayerError):
    """No answer, or none in time, or a connection that broke."""


class ConnectionLost(Unreachable):
    """A connection broke, stalled or was refused for a moment: worth another try."""


class RegistryError(LayerslayerError):
    """The registry answered with something else than what was asked for."""

    def __init__(self, message: str, hint: str = "", status: Optional[int] = None) -> None:
        super().__init__(message, hint)
        self.status = status


class Exposed(RegistryError):
    """A secret was to be sent, but the host turned out to speak plain http; nothing was."""


class InvalidAddress(RegistryError):
    """An address that cannot be used, or that not everyone reads alike.

    ``who`` begins the sentence, ``reason`` says why; the address itself is never quoted, as it may be signed.
    """

    def __init__(self, reason: str, who: str = "the registry points to") -> None:
        super().__init__("{} an address that cannot be used: {}.".format(who, reason))
        self.reason = reason


class RangeIgnored(RegistryError):
    """The server does not serve the part of a blob that was asked for, though it may serve the whole."""


class CorruptLayer(LayerslayerError):
    """A layer's bytes are not what their format demands.

    ``offset`` counts bytes from the start of ``where`` ("tar", "gzip" ...).
    """

    def __init__(self, where: str, offset: int, reason: str) -> None:
        super().__init__("corrupt {} data at offset {}: {}.".format(where, offset, reason))
        self.where = where
        self.offset = offset
        self.reason = reason


class DigestMismatch(LayerslayerError):
    """The bytes are not those that the descriptor names."""


class MissingBinding(LayerslayerError):
    """An optional library is needed for this very layer."""


class BudgetSpent(LayerslayerError):
    """What the user was willing to fetch of layers (``--budget``) does not reach any further."""


class LocalFileError(LayerslayerError):
    """A file or folder of this machine cannot be used as wished."""


class NameRefused(LocalFileError):
    """A file cannot have this name on this machine; others may be written all the same."""
