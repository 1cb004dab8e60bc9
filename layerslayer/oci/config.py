"""bytes -> Config: how an image was built and how it is run (OCI image-spec ``config.md``).

Docker's additions (Healthcheck, Shell, OnBuild) are read too. A value of a
wrong type is as if absent: none of this decides which bytes are read.
"""

from __future__ import annotations

from typing import Any, Dict, List, NamedTuple, Optional, Tuple

from ..errors import InvalidDocument
from ..limits import DEFAULT, Limits
from .descriptor import Platform, parse_platform_object
from .digest import digest_problem
from .json_document import load_object, text_at, texts_by_key, texts_of

_MAX_STEPS = 10000  # read of a history
_MAX_ITEMS = 10000  # read of any other list or object


class Step(NamedTuple):
    """One build step of the history. ``layer`` is the index it made, None for metadata only."""

    created: str
    created_by: str
    comment: str
    layer: Optional[int]


class Healthcheck(NamedTuple):
    """How a running container is probed. Durations are nanoseconds, 0 for the engine's default."""

    test: Tuple[str, ...]  # ("CMD", program, ...), ("CMD-SHELL", command) or ("NONE",)
    interval: int = 0
    timeout: int = 0
    start_period: int = 0
    start_interval: int = 0
    retries: int = 0


class Execution(NamedTuple):
    """How a container is run by default: the object ``config`` of an image config."""

    user: str = ""
    exposed_ports: Tuple[str, ...] = ()  # "8080/tcp"
    env: Tuple[str, ...] = ()  # "NAME=value"
    entrypoint: Tuple[str, ...] = ()
    cmd: Tuple[str, ...] = ()
    volumes: Tuple[str, ...] = ()
    working_dir: str = ""
    labels: Tuple[Tuple[str, str], ...] = ()
    stop_signal: str = ""
    healthcheck: Optional[Healthcheck] = None
    shell: Tuple[str, ...] = ()
    on_build: Tuple[str, ...] = ()


class Config(NamedTuple):
    """An image config. ``history_fits`` is False when the history's count of
    layers differs from the manifest's. ``diff_ids`` are the digests of the
    uncompressed layers, none when one of them is no digest."""

    platform: Optional[Platform]
    created: str
    steps: Tuple[Step, ...]
    history_fits: bool
    author: str = ""
    execution: Execution = Execution()
    diff_ids: Tuple[str, ...] = ()

    def step_of(self, layer: int) -> Optional[Step]:
        """Return the step that made layer ``layer``, where the history says so."""
        if self.history_fits:
            for step in self.steps:
                if step.layer == layer:
                    return step
        return None


def _steps(history: Any) -> Tuple[Step, ...]:
    steps: List[Step] = []
    made = 0
    for item in history[:_MAX_STEPS] if isinstance(history, list) else ():
        if not isinstance(item, dict):
            continue
        layer = None
        if item.get("empty_layer") is not True:
            layer = made
            made += 1
        steps.append(Step(text_at(item, "created"), text_at(item, "created_by"), text_at(item, "comment"), layer))
    return tuple(steps)


def _words(value: Any) -> Tuple[str, ...]:
    """Return a command line; old engines wrote one word as a plain string."""
    return (value,) if isinstance(value, str) and value else texts_of(value)[:_MAX_ITEMS]


def _keys(value: Any) -> Tuple[str, ...]:
    """Return the keys of an object used as a set (ExposedPorts, Volumes)."""
    return tuple(value)[:_MAX_ITEMS] if isinstance(value, dict) else ()


def _count(document: Dict[str, Any], key: str) -> int:
    value = document.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63 else 0


def _healthcheck(value: Any) -> Optional[Healthcheck]:
    test = texts_of(value.get("Test"))[:_MAX_ITEMS] if isinstance(value, dict) else ()
    if not test:
        return None
    keys = ("Interval", "Timeout", "StartPeriod", "StartInterval", "Retries")
    return Healthcheck(test, *(_count(value, key) for key in keys))


def _execution(value: Any) -> Execution:
    if not isinstance(value, dict):
        return Execution()
    return Execution(
        user=text_at(value, "User"),
        exposed_ports=_keys(value.get("ExposedPorts")),
        env=texts_of(value.get("Env"))[:_MAX_ITEMS],
        entrypoint=_words(value.get("Entrypoint")),
        cmd=_words(value.get("Cmd")),
        volumes=_keys(value.get("Volumes")),
        working_dir=text_at(value, "WorkingDir"),
        labels=tuple(texts_by_key(value.get("Labels")).items())[:_MAX_ITEMS],
        stop_signal=text_at(value, "StopSignal"),
        healthcheck=_healthcheck(value.get("Healthcheck")),
        shell=_words(value.get("Shell")),
        on_build=texts_of(value.get("OnBuild"))[:_MAX_ITEMS],
    )


def _diff_ids(rootfs: Any) -> Tuple[str, ...]:
    # They pair with the layers by position, so one that is no digest spoils them all.
    stated = rootfs.get("diff_ids") if isinstance(rootfs, dict) else None
    found = texts_of(stated)
    usable = isinstance(stated, list) and len(found) == len(stated) <= _MAX_ITEMS
    return found if usable and not any(map(digest_problem, found)) else ()


def parse_config(body: bytes, layers: int, limits: Limits = DEFAULT) -> Config:
    """Parse an image config and pair its history with ``layers`` layers.

    When the counts differ the steps are kept but none is paired. Raises InvalidDocument.
    """
    document = load_object(body, "image config", limits=limits)
    steps = _steps(document.get("history"))
    fits = sum(step.layer is not None for step in steps) == layers
    if not fits:
        steps = tuple(step._replace(layer=None) for step in steps)
    return Config(
        platform=parse_platform_object(document),
        created=text_at(document, "created"),
        steps=steps,
        history_fits=fits,
        author=text_at(document, "author"),
        execution=_execution(document.get("config")),
        diff_ids=_diff_ids(document.get("rootfs")),
    )


def stated_diff_ids(config: bytes, count: int, limits: Limits = DEFAULT) -> List[str]:
    """Return the digests that an image config states for its ``count`` layers unpacked (config.md, rootfs).

    Raises InvalidDocument for another count, or what is no digest.
    """
    rootfs = load_object(config, "image config", limits=limits).get("rootfs")
    diff_ids = rootfs.get("diff_ids") if isinstance(rootfs, dict) else None
    diff_ids = diff_ids or []
    if not isinstance(diff_ids, list) or len(diff_ids) != count:
        raise InvalidDocument(f"the image config does not name the {count} layers that the image has")
    for diff_id in diff_ids:
        problem = digest_problem(diff_id) if isinstance(diff_id, str) else "it is no text"
        if problem:
            raise InvalidDocument(f"a diff_id of the image config cannot be used: {problem}")
    return diff_ids
