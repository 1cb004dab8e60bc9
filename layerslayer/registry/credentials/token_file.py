"""Bearer tokens in ``token.txt``.

Format: one token a line, with the registry it is for before it::

    # a comment
    dckr_jwt_...                a bare token is Docker Hub's
    ghcr.io eyJ0eXAi...         HOST TOKEN

Tokens are read, kept in memory and sent to their own registry only.
"""

from __future__ import annotations

import codecs
import errno
import os
import re
import stat
from typing import Dict, List, NamedTuple, Tuple

from ...errors import Action, LocalFileError, Remedy
from ...oci.reference import DOCKER_HUB, canonical_host
from ...user_input import as_path

TOKEN_FILE = "token.txt"
_MAX_FILE = 64 * 1024  # bytes
_TOKEN = re.compile(r"[\x21-\x7e]{1,16384}")
_HOST = re.compile(r"[A-Za-z0-9.-]+(?::\d{1,5})?|\[[0-9A-Fa-f:]+\](?::\d{1,5})?")
# Notepad and PowerShell write these.
_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))


class UserToken(NamedTuple):
    """A bearer token the user gave, and where from (a file's name, for messages)."""

    value: str
    origin: str

    def __repr__(self) -> str:
        return f"UserToken(***, {self.origin!r})"  # never in a traceback or log


def read_token_file(
    path: str, bare_host: str = DOCKER_HUB, found: bool = False
) -> Tuple[Dict[str, UserToken], List[str]]:
    """Read a token file; return tokens by canonical host, and complaints about lines.

    ``bare_host`` is whom a bare token belongs to. A file that was ``found``, and
    not named by the user, has to be one: whoever put a link there could have
    another file's lines sent as tokens, and a pipe would be waited for. Raises
    LocalFileError when the file cannot be read. Complaints never quote the file.
    """
    try:
        with open(path, "rb", opener=_open_found if found else None) as file:
            content = file.read(_MAX_FILE + 1)
    except OSError as error:
        reason = error.strerror or error
        told = f"the token file {as_path(path)} cannot be read: {reason}."
        within = Remedy(Action.NAME_TOKEN_FILE) if isinstance(error, _Doubtful) else None
        raise LocalFileError(told, within=within) from None
    if len(content) > _MAX_FILE:
        raise LocalFileError(f"the token file {path} is larger than {_MAX_FILE} bytes.")
    tokens: Dict[str, UserToken] = {}
    complaints: List[str] = []
    for number, line in enumerate(_decode(content).splitlines(), 1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        if words[0].lower() in ("bearer", "token"):
            words = words[1:]
        host, token = (
            (bare_host, words[0]) if len(words) == 1 else ("", "") if len(words) != 2 else (words[0], words[1])
        )
        host = re.sub(r"\Ahttps?://|/(?:v[12]/?)?\Z", "", host)
        if not _HOST.fullmatch(host) or not _TOKEN.fullmatch(token):
            complaints.append(f"{path} line {number} is neither TOKEN nor HOST TOKEN, and was ignored")
        elif canonical_host(host) in tokens:
            complaints.append(f"{path} line {number} holds a second token for its host, and was ignored")
        else:
            tokens[canonical_host(host)] = UserToken(token, os.path.basename(path))
    return tokens, complaints


class _Doubtful(OSError):
    """A file that was found may not be meant."""


def _open_found(path: str, flags: int) -> int:
    info = os.lstat(path)
    if not stat.S_ISREG(info.st_mode):
        raise _Doubtful(errno.EINVAL, "it is a link or no file")
    user = os.geteuid() if hasattr(os, "geteuid") else 0
    if user and info.st_uid not in (0, user):
        raise _Doubtful(errno.EPERM, "it is another user's")
    return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))


def _decode(content: bytes) -> str:
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return content[len(mark) :].decode(encoding, "replace")
    return content.decode("utf-8", "replace")
