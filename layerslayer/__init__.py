"""See inside any container image, in the fewest bytes, without pulling it.

    import layerslayer

    with layerslayer.open("ghcr.io/user/app:1.2") as image:
        print(image.read("/etc/os-release").decode())

The names are loaded when they are first used, so that importing this costs
nothing, and the command line's help stays quick.
"""

from __future__ import annotations

from ._version import __version__

TYPE_CHECKING = False  # as type checkers read it
if TYPE_CHECKING:
    from typing import Any, List

    from .api import (
        Client,
        DeletedPath,
        FoundPath,
        HistoryStep,
        OpenedImage,
        OpenedLayer,
        open,
    )
    from .cache import Store as Cache
    from .errors import (
        BudgetSpent,
        CorruptLayer,
        DigestMismatch,
        InvalidDocument,
        InvalidReference,
        LocalFileError,
        NotFound,
        PlatformNotFound,
        RegistryError,
        Unauthorized,
        Unreachable,
        UsageError,
    )
    from .errors import LayerslayerError as Error
    from .limits import LimitReached, Limits
    from .sources.connection_options import ConnectionOptions, Listener

__all__ = [
    "BudgetSpent",
    "Cache",
    "Client",
    "ConnectionOptions",
    "CorruptLayer",
    "DeletedPath",
    "DigestMismatch",
    "Error",
    "FoundPath",
    "HistoryStep",
    "InvalidDocument",
    "InvalidReference",
    "LimitReached",
    "Limits",
    "Listener",
    "LocalFileError",
    "NotFound",
    "OpenedImage",
    "OpenedLayer",
    "PlatformNotFound",
    "RegistryError",
    "Unauthorized",
    "Unreachable",
    "UsageError",
    "__version__",
    "open",
]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError("module '{}' has no attribute '{}'".format(__name__, name))
    from . import errors, limits

    if name == "Cache":
        from .cache import Store

        return Store
    if name == "Error":
        return errors.LayerslayerError
    for module in (errors, limits):
        if hasattr(module, name):
            return getattr(module, name)
    from . import api

    return getattr(api, name)


def __dir__() -> List[str]:
    return sorted({*globals(), *__all__})
