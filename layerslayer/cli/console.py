"""What prints and asks. Results go to stdout, everything else to stderr, and
all of it to the ``-l`` log, in order.

What is printed here must be safe already (``escaping``), except for sentences
given to ``say``, ``warn`` and ``error``, which are escaped here.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Callable, ContextManager, Iterable, List, Optional

from ..errors import LayerslayerError, LocalFileError
from ..escaping import ContentText, printable
from ..user_input import without_login
from .exit_codes import ExitCode
from .remedies import hint_of, told
from .streams import Streams, is_terminal
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
        self._streams = Streams(color)

    @property
    def styled(self) -> bool:
        """Whether results are shown in colours."""
        return self._streams.styled_out

    @property
    def unicode(self) -> bool:
        """Whether standard output takes more than ASCII."""
        return self._streams.unicode

    @property
    def progress_shown(self) -> bool:
        """Whether there is a terminal for bars, and somebody who wants them."""
        return self._streams.draws_bars and not self._quiet

    # -- results ----------------------------------------------------------

    def out(self, text: str) -> None:
        """Write a piece of results as it stands (newlines included).

        Raises BrokenPipeError when their reader is gone, LocalFileError for a full disk.
        """
        if not text:
            return  # above bars even that would be a line
        with self._lock:
            self._log(text)
            if self._live is not None and is_terminal(self._streams.out):
                self._above_bars(text)
            else:
                self._written(lambda: self._streams.out.write(text))

    def raw(self, data: bytes, text: ContentText, ends: bool = True) -> None:
        """Write a file's bytes as they are, but to a terminal as the ``text`` they make; not ``ends``: more follow."""
        if is_terminal(self._streams.out):
            self.out(text.take(data, ends))
            return
        with self._lock:
            buffer = getattr(self._streams.out, "buffer", None)
            if buffer is None:
                whole = text.decoded(data, ends).encode("utf-8", "surrogateescape")
                self._written(lambda: self._streams.out.write(whole.decode("utf-8", "replace")))
                return
            self._written(self._streams.out.flush)
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
        self._written(self._streams.out.flush)

    @staticmethod
    def _written(write: Callable[[], object]) -> None:
        try:
            write()
        except BrokenPipeError:
            raise
        except OSError as error:
            raise LocalFileError(
                f"the results cannot be written: {error.strerror or error}.", "Send them elsewhere."
            ) from None

    # -- everything else --------------------------------------------------

    def say(self, text: str) -> None:
        """Show a sentence that ``-q`` silences."""
        if not self._quiet:
            self._err(printable(text))

    def show(self, text: str) -> None:
        """Show lines that belong to a dialogue, safe already; ``-q`` does not silence them."""
        self._err(text)

    def warn(self, words: Told) -> None:
        """Show a warning; ``-q`` does not silence it."""
        self._err(self._paint("33", "Warning: ") + _sentence(told(words)))

    def error(self, error: LayerslayerError) -> None:
        """Show one sentence that says what went wrong, and what to try."""
        hint = hint_of(error)
        more = " " + _sentence(hint) if hint else ""
        self._err(self._paint("31", "Error: ") + _sentence(told(error)) + more)

    def _paint(self, code: str, text: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self._streams.styled_err else text

    def _err(self, text: str) -> None:
        with self._lock:
            self._streams.flush_out()  # keeps the two in order where both are the same terminal or file
            self._log(text + "\n")
            if self._live is not None:
                self._above_bars(text + "\n")
                return
            self._streams.to_err(text + "\n")

    def _above_bars(self, text: str) -> None:
        assert self._live is not None
        from rich.text import Text

        self._live.console.print(Text.from_ansi(text.rstrip("\n")), soft_wrap=True, highlight=False)

    # -- prompts ----------------------------------------------------------

    def ask(self, prompt: str) -> str:
        """Show a prompt and return the line typed, stripped. Raises EndOfInput."""
        with self._lock:
            self._streams.flush_out()
            self._log(prompt)
            terminal = self._streams.is_dialogue
            if not terminal:
                self._streams.to_err(prompt)
        answer = self._streams.read_line(prompt if terminal else None)
        if answer is None:
            self._echo("\n")
            raise EndOfInput("the input has ended")
        shown = printable(without_login(answer)) + "\n"
        (self._log if terminal else self._echo)(shown)  # a pipe does not echo
        return answer.strip()

    def _echo(self, text: str) -> None:
        self._log(text)
        self._streams.to_err(text)

    def _log(self, text: str) -> None:
        if self._tee:
            self._tee.write(text)

    # -- progress ---------------------------------------------------------

    def progress(self) -> ContextManager[Progress]:
        """Return a context in which transfers show as bars, where there is a terminal and rich."""
        from .progress import Progress  # which listings do without

        return Progress(self._streams.err if self.progress_shown else None, self._attach)

    def _attach(self, bars: Optional[Any]) -> None:
        self._live = bars

    def close(self) -> None:
        """Flush what is left; a reader that went away is no error any more."""
        if self._tee:
            self._tee.close()
            if self._tee.failed:
                self._streams.to_err("Warning: " + self._tee.failed + "\n")
        self._streams.flush_out()


def _sentence(text: str) -> str:
    text = printable(" ".join(text.split()))
    if text.split(" ", 1)[0].isalpha():  # a host's name stays as it is written
        text = text[:1].upper() + text[1:]
    return text if text.endswith((".", "!", "?")) else text + "."
