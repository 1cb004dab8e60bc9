"""How an image is run by default, one aligned line a value::

Platform     linux/amd64
User         1000
Entrypoint   ["python3", "main.py"]
Env          SHOP_ENV=production
             PATH=/usr/bin
"""

from __future__ import annotations

from typing import Iterable, Iterator, List, Sequence, Tuple

from ..escaping import one_line, printable
from ..oci.config import Execution, Healthcheck
from ..oci.image import Image
from .times import utc

_NOT_STATED = "(not stated)"
_WIDTH = 13
_UNITS = ((3600 * 10**9, "h"), (60 * 10**9, "m"), (10**9, "s"), (10**6, "ms"))


def config_lines(image: Image) -> List[str]:
    """Return platform, created, author, user, commands, environment, ports, volumes, labels and so on.

    What the image does not state is left out, except for what everybody looks for.
    """
    config = image.config
    if config is None:
        kind = one_line(image.manifest.kind) or "an artifact"
        return [f"(no image config: {kind})"]
    rows: List[Tuple[str, Sequence[str]]] = [
        ("Platform", [printable(str(image.platform)) if image.platform else _NOT_STATED]),
        ("Created", [_NOT_STATED if utc(config.created) == "-" else utc(config.created) + " UTC"]),
        ("Author", _texts([config.author])),
        *_run(config.execution),
    ]
    return list(_aligned(rows))


def _run(run: Execution) -> Iterator[Tuple[str, Sequence[str]]]:
    yield "User", _texts([run.user]) or [_NOT_STATED]
    yield "Entrypoint", [_words(run.entrypoint)] if run.entrypoint else [_NOT_STATED]
    yield "Cmd", [_words(run.cmd)] if run.cmd else [_NOT_STATED]
    yield "Working dir", _texts([run.working_dir])
    yield "Env", _texts(run.env)
    yield "Ports", _texts(run.exposed_ports)
    yield "Volumes", _texts(run.volumes)
    yield "Labels", _texts(f"{name}={value}" for name, value in run.labels)
    yield "Stop signal", _texts([run.stop_signal])
    yield "Healthcheck", [_health(run.healthcheck)] if run.healthcheck else []
    yield "Shell", [_words(run.shell)] if run.shell else []
    yield "On build", _texts(run.on_build)


def _texts(values: Iterable[str]) -> List[str]:
    return [printable(value) for value in values if value]


def _words(words: Sequence[str]) -> str:
    """Return a command line as a Dockerfile's exec form, escaped."""
    escaped = (word.replace("\\", "\\\\").replace('"', '\\"') for word in words)
    return printable("[" + ", ".join(f'"{word}"' for word in escaped) + "]")


def _health(health: Healthcheck) -> str:
    if health.test[0] == "NONE":
        return "none"
    shell = health.test[0] == "CMD-SHELL" and len(health.test) == 2
    parts = [printable(health.test[1]) if shell else _words(health.test[1:] or health.test)]
    for word, value in (("every", health.interval), ("timeout", health.timeout), ("start period", health.start_period)):
        if value:
            parts.append(f"{word} {_duration(value)}")
    if health.start_interval:
        parts.append(f"every {_duration(health.start_interval)} while starting")
    if health.retries:
        parts.append(f"{health.retries} {'try' if health.retries == 1 else 'tries'}")
    return "; ".join(parts)


def _duration(nanoseconds: int) -> str:
    for unit, name in _UNITS:
        if nanoseconds % unit == 0:
            return f"{nanoseconds // unit}{name}"
    return f"{nanoseconds}ns"


def _aligned(rows: Iterable[Tuple[str, Sequence[str]]]) -> Iterator[str]:
    for name, values in rows:
        for number, value in enumerate(values):
            yield ("" if number else name).ljust(_WIDTH) + value
