"""The one room that prints and asks. Results go to stdout, everything else to
stderr, and all of it to the ``-l`` log, in order.

What is printed here must be safe already (``escaping``), except for sentences
given to ``say``, ``warn`` and ``error``, which are escaped here.
"""

from __future__ import annotations

import io
import os
import sys
import threading
from typing import TYPE_CHECKING, Any, Callable, ContextManager, Iterable, List, Optional, TextIO

from ..errors import LayerslayerError, LocalFileError
from ..escaping import ContentText, printable
from ..user_input import without_login
from .exit_codes import ExitCode
from .remedies import hint_of, told
from .tee import Tee

if TYPE_CHECKING:
    from ..errors import Told
    from .progress import Progress

_LINES, _TEXT = 500, 64 * 1024  # lines, and characters, gathered before a write


class EndOfInput(LayerslayerError):
    """Standard input ended at a prompt. ``code`` is what the run ends with then."""

    code = ExitCode.DONE


class Console:
    """Streams, prompts and progress of one run.

    ``quiet`` drops what ``say`` would show; ``color`` forces styles off when
    False, else they show on a terminal unless NO_COLOR is set.
    """

    def __init__(self, quiet: bool = False, color: bool = True, tee: Optional[Tee] = None) -> None:
        self._lock = threading.RLock()
        self._quiet = quiet
        self._tee = tee
        self._live: Optional[Any] = None  # rich.progress.Progress while bars are shown
        if isinstance(sys.stdin, io.TextIOWrapper):
            sys.stdin.reconfigure(errors="surrogateescape")  # what is not text is a wrong answer, not a crash
        self._stdout = _utf8(sys.stdout)
        self._stderr = _utf8(sys.stderr)
        wanted = color and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
        self.styled = wanted and _is_terminal(self._stdout)
        self._styled_err = wanted and _is_terminal(self._stderr)
        self.progress_shown = not quiet and _is_terminal(self._stderr) and os.environ.get("TERM") != "dumb"
        self.unicode = (getattr(self._stdout, "encoding", None) or "").lower().replace("-", "") == "utf8"

    # -- results ----------------------------------------------------------

    def out(self, text: str) -> None:
        """Write a piece of results as it stands (newlines included).

        Raises BrokenPipeError when their reader is gone, LocalFileError for a full disk.
        """
        with self._lock:
            self._log(text)
            if self._live is not None and _is_terminal(self._stdout):
                self._above_bars(text)
            else:
                self._written(lambda: self._stdout.write(text))

    def raw(self, data: bytes, text: ContentText, ends: bool = True) -> None:
        """Write a file's bytes as they are, but to a terminal as the ``text`` they make; not ``ends``: more follow."""
        if _is_terminal(self._stdout):
            self.out(text.take(data, ends))
            return
        with self._lock:
            buffer = getattr(self._stdout, "buffer", None)
            if buffer is None:
                whole = text.decoded(data, ends).encode("utf-8", "surrogateescape")
                self._written(lambda: self._stdout.write(whole.decode("utf-8", "replace")))
                return
            self._written(self._stdout.flush)
            self._written(lambda: buffer.write(data))

    def lines(self, texts: Iterable[str]) -> None:
        """Write lines of results; each gets its newline here."""
        self.pieces(text + "\n" for text in texts)

    def pieces(self, texts: Iterable[str]) -> None:
        """Write pieces of results as they stand, many at once, but no more than are held easily: names can be long."""
        gathered: List[str] = []
        length = 0
        for text in texts:
            gathered.append(text)
            length += len(text)
            if len(gathered) >= _LINES or length >= _TEXT:
                self.out("".join(gathered))
                gathered, length = [], 0
        if gathered:
            self.out("".join(gathered))

    def flush(self) -> None:
        """Make sure that results so far have left. Raises as ``out``."""
        self._written(self._stdout.flush)

    @staticmethod
    def _written(write: Callable[[], object]) -> None:
        try:
            write()
        except BrokenPipeError:
            raise
        except OSError as error:
            raise LocalFileError(
                "the results cannot be written: {}.".format(error.strerror or error), "Send them elsewhere."
            ) from None

    # -- everything else --------------------------------------------------

    def say(self, text: str) -> None:
        """Tell something that ``-q`` silences."""
        if not self._quiet:
            self._err(printable(text))

    def show(self, text: str) -> None:
        """Show lines that belong to a dialogue, safe already; ``-q`` does not silence them."""
        self._err(text)

    def warn(self, words: Told) -> None:
        """Warn; ``-q`` does not silence it."""
        self._err(self._paint("33", "Warning: ") + _sentence(told(words)))

    def error(self, error: LayerslayerError) -> None:
        """Show one sentence that says what went wrong, and what to try."""
        hint = hint_of(error)
        more = " " + _sentence(hint) if hint else ""
        self._err(self._paint("31", "Error: ") + _sentence(told(error)) + more)

    def _paint(self, code: str, text: str) -> str:
        return "\x1b[{}m{}\x1b[0m".format(code, text) if self._styled_err else text

    def _err(self, text: str) -> None:
        with self._lock:
            self._flush_quietly()
            self._log(text + "\n")
            if self._live is not None:
                self._above_bars(text + "\n")
                return
            _write(self._stderr, text + "\n")

    def _above_bars(self, text: str) -> None:
        assert self._live is not None
        from rich.text import Text

        self._live.console.print(Text.from_ansi(text.rstrip("\n")), soft_wrap=True, highlight=False)

    def _flush_quietly(self) -> None:
        # Keeps the two streams in order where both are the same terminal or file.
        try:
            self._stdout.flush()
        except (OSError, ValueError):
            pass

    # -- prompts ----------------------------------------------------------

    def ask(self, prompt: str) -> str:
        """Show a prompt and return the line typed, stripped. Raises EndOfInput."""
        with self._lock:
            self._flush_quietly()
            self._log(prompt)
            terminal = _is_terminal(sys.stdin) and _is_terminal(self._stderr)
            if not terminal:
                _write(self._stderr, prompt)
        answer = self._typed(prompt if terminal else None)
        if answer is None:
            self._echo("\n")
            raise EndOfInput("the input has ended")
        shown = printable(without_login(answer)) + "\n"
        (self._log if terminal else self._echo)(shown)  # a pipe does not echo
        return answer.strip()

    def read_rest(self) -> str:
        """Return all that is left of standard input, up to a limit; never echoed nor logged."""
        return sys.stdin.read(1 << 16) if sys.stdin is not None else ""

    def input_lines(self) -> List[str]:
        """Return all lines of standard input, at most 64 MiB of it."""
        return sys.stdin.read(64 * 1024 * 1024).splitlines() if sys.stdin is not None else []

    def _typed(self, prompt: Optional[str]) -> Optional[str]:
        if prompt is not None:
            try:
                import readline  # noqa: F401  (line editing at the prompt, where it exists)
            except ImportError:
                pass
            saved = sys.stdout
            sys.stdout = self._stderr  # input() writes its prompt there
            try:
                return input(prompt)
            except EOFError:
                return None
            finally:
                sys.stdout = saved
        if sys.stdin is None:
            return None
        line = sys.stdin.readline(1 << 16)
        return line.rstrip("\r\n") if line else None

    def _echo(self, text: str) -> None:
        self._log(text)
        _write(self._stderr, text)

    def _log(self, text: str) -> None:
        if self._tee:
            self._tee.write(text)

    # -- progress ---------------------------------------------------------

    def progress(self) -> ContextManager[Progress]:
        """Return a context in which transfers show as bars, where there is a terminal and rich."""
        from .progress import Progress  # which listings do without

        return Progress(self._stderr if self.progress_shown else None, self._attach)

    def _attach(self, bars: Optional[Any]) -> None:
        self._live = bars

    def close(self) -> None:
        """Flush what is left; a reader that went away is no error any more."""
        if self._tee:
            self._tee.close()
            if self._tee.failed:
                _write(self._stderr, "Warning: " + self._tee.failed + "\n")
        self._flush_quietly()


def _sentence(text: str) -> str:
    text = printable(" ".join(text.split()))
    if text.split(" ", 1)[0].isalpha():  # a host's name stays as it is written
        text = text[:1].upper() + text[1:]
    return text if text.endswith((".", "!", "?")) else text + "."


def _is_terminal(stream: Any) -> bool:
    try:
        return bool(stream is not None and stream.isatty())
    except ValueError:
        return False


def _write(stream: TextIO, text: str) -> None:
    try:
        stream.write(text)
        stream.flush()
    except (OSError, ValueError):
        pass  # nobody reads stderr any more; the exit code still tells


def _utf8(stream: Optional[TextIO]) -> TextIO:
    """Return ``stream`` such that any text can be written to it; None becomes a sink."""
    if stream is None:
        return io.StringIO()
    if isinstance(stream, io.TextIOWrapper):
        # Whatever the locale cannot say is shown escaped instead of failing.
        stream.reconfigure(errors="backslashreplace")
    return stream
