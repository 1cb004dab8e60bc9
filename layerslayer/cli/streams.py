"""The process's standard streams, and what can be shown on them. The only module that touches them."""

from __future__ import annotations

import io
import os
import sys
from typing import Any, List, Optional, TextIO

_ANSWER = 1 << 16  # characters read of a password, or of one answer
_INPUT = 64 * 1024 * 1024  # characters read of a list


class Streams:
    """Standard output and error, fit for any text; ``color`` False forces styles off."""

    def __init__(self, color: bool = True) -> None:
        if isinstance(sys.stdin, io.TextIOWrapper):
            sys.stdin.reconfigure(errors="surrogateescape")  # what is not text is a wrong answer, not a crash
        self.out = _fit_for_any_text(sys.stdout)
        self.err = _fit_for_any_text(sys.stderr)
        dumb = os.environ.get("TERM") == "dumb"
        styled = color and not os.environ.get("NO_COLOR") and not dumb
        self.styled_out = styled and is_terminal(self.out)
        self.styled_err = styled and is_terminal(self.err)
        self.draws_bars = is_terminal(self.err) and not dumb
        self.unicode = (getattr(self.out, "encoding", None) or "").lower().replace("-", "") == "utf8"

    def to_err(self, text: str) -> None:
        """Write to standard error, whose reader may be gone; the exit code is what is left then."""
        try:
            self.err.write(text)
            self.err.flush()
        except (OSError, ValueError):
            pass

    def flush_out(self) -> None:
        """Flush standard output, whatever became of its reader; writing results raises for that."""
        try:
            self.out.flush()
        except (OSError, ValueError):
            pass

    @property
    def is_dialogue(self) -> bool:
        """Whether somebody types at a terminal, and sees prompts there."""
        return is_terminal(sys.stdin) and is_terminal(self.err)

    def read_line(self, prompt: Optional[str]) -> Optional[str]:
        """Return a line of standard input, None at its end; ``prompt`` is shown by what reads a terminal."""
        if prompt is None:
            line = sys.stdin.readline(_ANSWER) if sys.stdin is not None else ""
            return line.rstrip("\r\n") if line else None
        try:
            import readline  # noqa: F401  (line editing at the prompt, where it exists)
        except ImportError:
            pass
        saved = sys.stdout
        sys.stdout = self.err  # input() writes its prompt there
        try:
            return input(prompt)
        except EOFError:
            return None
        finally:
            sys.stdout = saved


def read_rest() -> str:
    """Return all that is left of standard input, up to a limit."""
    return sys.stdin.read(_ANSWER) if sys.stdin is not None else ""


def read_lines() -> List[str]:
    """Return all lines of standard input, at most 64 MiB of it."""
    return sys.stdin.read(_INPUT).splitlines() if sys.stdin is not None else []


def is_terminal(stream: Any) -> bool:
    """Whether a stream is an open terminal."""
    try:
        return bool(stream is not None and stream.isatty())
    except ValueError:
        return False


def _fit_for_any_text(stream: Optional[TextIO]) -> TextIO:
    """Return ``stream`` such that any text can be written to it; None becomes a sink."""
    if stream is None:
        return io.StringIO()
    if isinstance(stream, io.TextIOWrapper):
        # Whatever the locale cannot say is shown escaped instead of failing.
        stream.reconfigure(errors="backslashreplace")
    return stream
