"""A readable reconstruction of the Dockerfile, from the history an image carries.

It is for reading, not for building: sources of COPY are digests at best, the
base image's own steps look like the image's.
"""

from __future__ import annotations

from typing import FrozenSet, List

from ..escaping import human_size, one_line, printable
from ..oci.config import Step
from ..oci.image import Image
from ..oci.instructions import Instruction, broken_at_ands, parse_created_by
from .history import NO_STEPS, NONE_STATED, unpaired

_DEFAULT_SHELLS = ("/bin/sh -c", "cmd /S /C")
_BASE_NAME = "org.opencontainers.image.base.name"
_BASE_DIGEST = "org.opencontainers.image.base.digest"
_BREAK = " \\"


def dockerfile_lines(image: Image) -> List[str]:
    """Return Dockerfile-like lines; a comment before each instruction that made a layer names it."""
    lines = [_from(image)]
    config = image.config
    if config is None or not config.steps:
        return [*lines, "# " + (NO_STEPS if config is None else NONE_STATED)]
    if not config.history_fits:
        lines.append("# " + unpaired(image))
    pairs = frozenset(config.execution.env) | {f"{name}={value}" for name, value in config.execution.labels}
    shell = ""
    for step in config.steps:
        instruction = parse_created_by(step.created_by)
        lines.append("")
        if step.layer is not None:
            descriptor = image.layers[step.layer].descriptor
            lines.append(f"# layer {step.layer}, {human_size(descriptor.size)}, {descriptor.digest}")
        if instruction.arguments:
            lines.append("# with build arguments: " + one_line(instruction.arguments))
        if instruction.shell and instruction.shell not in (shell, *_DEFAULT_SHELLS):
            shell = instruction.shell
            lines.append("SHELL " + printable(_exec_form(shell)))
        if instruction.keyword == "SHELL":
            shell = " ".join(word.strip('"') for word in instruction.text.strip("[]").split(", "))
        lines += _instruction(instruction, step, pairs)
    return lines


def _from(image: Image) -> str:
    # Some builders annotate the manifest, others label the config.
    stated = dict(image.config.execution.labels) if image.config else {}
    stated.update(image.manifest.annotations)
    name, digest = stated.get(_BASE_NAME, ""), stated.get(_BASE_DIGEST, "")
    # Podman and buildah comment the first step on top of a base with its name.
    named = [
        step.comment[5:].strip() for step in (image.config.steps if image.config else ()) if _is_from(step.comment)
    ]
    if not name and named:
        return f"# FROM {one_line(named[-1])}  (as the history says; its steps come first here)"
    if not name:
        return "# FROM is not known: the image does not name its base, whose steps come first here."
    base = one_line(name) + ("@" + one_line(digest) if digest else "")
    return f"# FROM {base}  (as the image's annotations say; its steps come first here)"


def _is_from(comment: str) -> bool:
    return comment.startswith("FROM ") and comment[5:].strip() not in ("", "scratch")


def _exec_form(shell: str) -> str:
    return "[" + ", ".join(f'"{word}"' for word in shell.split()) + "]"


def _instruction(instruction: Instruction, step: Step, pairs: FrozenSet[str]) -> List[str]:
    keyword, text = instruction.keyword, instruction.text
    if not keyword:
        said = one_line(text) or one_line(step.comment) or "(no command recorded)"
        return ["# " + said]
    if "\n" in text:
        return _heredoc(keyword, text)
    if keyword == "RUN":
        parts = broken_at_ands(text) or [""]
        last = len(parts) - 1
        return [
            ("    " if number else "RUN ") + printable(part) + (_BREAK if number < last else "")
            for number, part in enumerate(parts)
        ]
    if keyword in ("ENV", "LABEL"):
        text = _quoted_value(text, pairs)
    return [printable(f"{keyword} {text}".rstrip())]


def _quoted_value(text: str, pairs: FrozenSet[str]) -> str:
    """Quote the value of a lone ``name=value`` with spaces; the config lists it as a whole."""
    name, equals, value = text.partition("=")
    if not equals or text not in pairs or not any(sign in value for sign in " \t\"'\\"):
        return text
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'{name}="{escaped}"'


def _heredoc(keyword: str, text: str) -> List[str]:
    lines = [line.rstrip("\r") for line in text.split("\n")]
    end, taken = "EOF", frozenset(lines)
    while end in taken:
        end += "F"
    return [f"{keyword} <<{end}", *map(printable, lines), end]
