"""Answers asked for before they are wanted, so that their round trips pass side by side."""

from __future__ import annotations

import threading
from typing import Callable, Dict, Generic, Optional, TypeVar

T = TypeVar("T")


class _Coming(Generic[T]):
    """One call made in a thread of its own."""

    def __init__(self, call: Callable[[], T]) -> None:
        self._call = call
        self._value: Optional[T] = None
        self._error: Optional[BaseException] = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._value = self._call()
        except BaseException as error:  # raised again where the answer is wanted
            self._error = error

    @property
    def done(self) -> bool:
        return not self._thread.is_alive()

    def get(self) -> T:
        self._thread.join()
        if self._error is not None:
            raise self._error
        assert self._value is not None
        return self._value


class Foresight(Generic[T]):
    """Calls under way by key. Safe to share between threads; ``drop`` gets what nobody took."""

    def __init__(self, drop: Callable[[T], None]) -> None:
        self._drop = drop
        self._lock = threading.Lock()
        self._coming: Dict[str, _Coming[T]] = {}

    def begin(self, key: str, call: Callable[[], T]) -> None:
        """Make ``call`` in the background, once for each key not yet taken."""
        with self._lock:
            if key not in self._coming:
                self._coming[key] = _Coming(call)

    def take(self, key: str) -> Optional[T]:
        """Return what the call for ``key`` returned, None when there was none; raises what it raised."""
        with self._lock:
            coming = self._coming.pop(key, None)
        return coming.get() if coming else None

    def close(self) -> None:
        """Drop what has come and was not taken. What is still under way is left to itself."""
        with self._lock:
            left = list(self._coming.values())
            self._coming.clear()
        for coming in left:
            try:
                if coming.done:
                    self._drop(coming.get())
            except Exception:
                pass  # nobody wanted it
