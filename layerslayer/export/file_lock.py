"""An open file kept from other processes, as each system does it; let go when the file is closed."""

from __future__ import annotations

import errno
from typing import BinaryIO

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Optional

fcntl: Optional[Any] = None
msvcrt: Optional[Any] = None
try:
    import fcntl
except ImportError:  # Windows
    try:
        import msvcrt
    except ImportError:
        pass

_HELD = (errno.EAGAIN, errno.EWOULDBLOCK) if fcntl is not None else (errno.EACCES, errno.EDEADLK)


def lock(file: BinaryIO) -> None:
    """Lock ``file``, or raise OSError at once: where another process has (``is_held``), or no locks are to be had."""
    if fcntl is not None:
        fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
    elif msvcrt is not None:
        position = file.tell()
        file.seek(2**30)  # a byte beyond what is written, so that reading is not hindered
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        finally:
            file.seek(position)
    else:
        raise OSError(errno.ENOSYS, "this system has no locks")


def is_held(error: OSError) -> bool:
    """Whether ``lock`` failed since another process has the file."""
    return error.errno in _HELD
