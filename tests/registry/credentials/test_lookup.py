from __future__ import annotations

import codecs
from pathlib import Path
from typing import Dict

import pytest

from layerslayer.errors import LocalFileError
from layerslayer.registry.credentials import UserToken, read_token_file


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", {}),
        (b"tok\n", {"docker.io": "tok"}),
        (b"# c\r\n\r\n  tok  \r\nghcr.io other\r\n", {"docker.io": "tok", "ghcr.io": "other"}),
        (b"Bearer tok", {"docker.io": "tok"}),
        (b"index.docker.io tok", {"docker.io": "tok"}),
        (b"https://GHCR.io/ tok", {"ghcr.io": "tok"}),
        (b"localhost:5000 tok\n[::1]:5000 six", {"localhost:5000": "tok", "[::1]:5000": "six"}),
        (codecs.BOM_UTF8 + b"tok", {"docker.io": "tok"}),
        (codecs.BOM_UTF16_LE + "tok\r\n".encode("utf-16-le"), {"docker.io": "tok"}),
        (codecs.BOM_UTF16_BE + "ghcr.io tok".encode("utf-16-be"), {"ghcr.io": "tok"}),
    ],
)
def test_tokens_belong_to_hosts(content: bytes, expected: Dict[str, str], tmp_path: Path) -> None:
    path = tmp_path / "token.txt"
    path.write_bytes(content)
    tokens, complaints = read_token_file(str(path))
    assert {host: token.value for host, token in tokens.items()} == expected
    assert complaints == []


@pytest.mark.parametrize("line", ["a b secret", "not/a/host! secret", "secret\x01", "se\u00e9cret", "one\nsecret"])
def test_complaints_never_quote_the_file(line: str, tmp_path: Path) -> None:
    path = tmp_path / "token.txt"
    path.write_text(line, encoding="utf-8")
    _, complaints = read_token_file(str(path))
    assert len(complaints) == 1
    assert "secret" not in complaints[0]


def test_a_bare_token_may_belong_to_another_host(tmp_path: Path) -> None:
    (tmp_path / "t").write_text("tok")
    assert list(read_token_file(str(tmp_path / "t"), bare_host="ghcr.io")[0]) == ["ghcr.io"]


def test_what_cannot_be_read_is_told(tmp_path: Path) -> None:
    (tmp_path / "large").write_bytes(b"x" * 70000)
    for path in (tmp_path / "none", tmp_path, tmp_path / "large"):
        with pytest.raises(LocalFileError):
            read_token_file(str(path))


def test_a_token_is_not_shown() -> None:
    assert "secret" not in repr(UserToken("secret", "token.txt"))
