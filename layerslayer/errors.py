"""What can go wrong, as one hierarchy.

An error carries data; ``str(error)`` is one sentence without advice, and
``error.hint`` says what to try next (or is empty). Where that is to ask for
something in another way, ``error.remedy`` is the same as a value: how it is
done depends on who asks. The command line names its flags (``cli.remedies``).
Texts may quote what a server sent, so whoever shows them escapes them
(``escaping.printable``).
"""

from __future__ import annotations

from enum import Enum

from .user_input import without_login

TYPE_CHECKING = False  # see cli.main
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, Optional, Tuple, Type, Union


class Action(Enum):
    """What may help, in words that name no flag. What it is done to or with, or how it begins, goes into the braces."""

    RAISE_LIMIT = "Raise the limit '{}' if you trust the image."
    ALLOW_LONGER = "Raise the limit '{}'."
    RAISE_BUDGET = "Raise the budget."
    ALLOW_TIME = "{}, or allow more time."
    ALLOW_HTTP = "If it serves plain http, allow that."
    ALLOW_PRIVATE = "If this registry may, allow private networks."
    TRUST_AUTHORITY = "If its authority is a private one, name its certificate; or let {} go unchecked."
    SKIP_CHECK = "Check the address and this machine's clock; or let {} go unchecked."
    TRUST_REALM = "If you trust it, name {} as trusted."
    LOG_IN = "Log in with docker, podman or skopeo, or give a user name and password."
    NAME_LOGIN = "Leave that out, and give the user name and password by themselves."
    PIPE_PASSWORD = "Give the password."
    NAME_TOKEN_FILE = "Name the file if it is meant."
    FEWER_JOBS = "{}, with fewer jobs, or log in."
    CHOOSE_PLATFORM = "Choose one platform."
    SAVE_LAYERS = "Save its layers instead."
    CHOOSE_FOLDER = "{}."
    NAME_FOLDER = "Name the folder if it is meant."
    NO_CACHE = "Set TMPDIR to a folder with room, or use no cache."
    OWN_CACHE_FOLDER = "Name a folder of your own, or set LAYERSLAYER_CACHE_DIR."


class Remedy:
    """An action and its subject. Never changed; ``str`` is a sentence."""

    __slots__ = ("action", "subject")

    def __init__(self, action: Action, subject: str = "") -> None:
        self.action = action
        self.subject = subject

    def __str__(self) -> str:
        return self.action.value.format(self.subject)

    def __repr__(self) -> str:
        return "Remedy({}, {!r})".format(self.action, self.subject)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Remedy) and (self.action, self.subject) == (other.action, other.subject)

    def __hash__(self) -> int:
        return hash((self.action, self.subject))

    def __reduce__(self) -> Tuple[Any, ...]:
        return Remedy, (self.action, self.subject)


class LayerslayerError(Exception):
    """Base of all that a user can cause or meet.

    ``hint`` is what to try next: a sentence, or a remedy. ``within`` is a remedy
    that belongs to the sentence itself, wherever that is quoted.
    """

    def __init__(self, message: str, hint: Union[str, Remedy] = "", within: Optional[Remedy] = None) -> None:
        super().__init__(message)
        self.remedy = hint if isinstance(hint, Remedy) else None
        self.within = within
        self.hint = str(hint)

    def after(self, words: str) -> Told:
        """Return the sentence that ``words`` begin and this one ends, without its full stop."""
        told = words + str(self).rstrip(".")
        return LayerslayerError(told, within=self.within) if self.within else told

    def copy(self) -> LayerslayerError:
        """Return an equal error that was raised nowhere, and so holds nothing of where."""
        return _restored(type(self), self.args, self.__dict__)

    def reword(self, change: Callable[[str], str]) -> None:
        """Put ``change`` of every text in its place."""
        self.args = (change(str(self)),)
        self.hint = change(self.hint)
        for name in ("remedy", "within"):
            remedy: Optional[Remedy] = getattr(self, name)
            if remedy is not None:
                setattr(self, name, Remedy(remedy.action, change(remedy.subject)))

    def __reduce__(self) -> Tuple[Any, ...]:
        return _restored, (type(self), self.args, self.__dict__)


def _restored(kind: Type[LayerslayerError], args: Tuple[Any, ...], state: Dict[str, Any]) -> LayerslayerError:
    error = kind.__new__(kind)
    error.args = args
    error.__dict__.update(state)
    return error


if TYPE_CHECKING:
    Told = Union[str, LayerslayerError]  # a sentence for the user; an error where a remedy belongs to it
    Tell = Callable[[Told], None]


class UsageError(LayerslayerError):
    """The command line, or an answer to a prompt, cannot be acted on."""


class InvalidReference(UsageError):
    """A text that is no image reference. It is quoted without a login."""

    def __init__(self, text: str, reason: str, hint: Union[str, Remedy] = "") -> None:
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
    """It is not there: an image or a part of it at the registry, or a file in the image."""


class Unauthorized(LayerslayerError):
    """The registry, or its auth service, refused access."""


class Unreachable(LayerslayerError):
    """No answer, or none in time, or a connection that broke."""


class ConnectionLost(Unreachable):
    """A connection broke, stalled or was refused for a moment: worth another try."""


class RegistryError(LayerslayerError):
    """The registry answered with something else than what was asked for."""

    def __init__(self, message: str, hint: Union[str, Remedy] = "", status: Optional[int] = None) -> None:
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

    def __init__(self, where: str, offset: int, reason: str, within: Optional[Remedy] = None) -> None:
        super().__init__("corrupt {} data at offset {}: {}.".format(where, offset, reason), within=within)
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
