from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from layerslayer.registry.auth.challenges import first_of, parse_challenges


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("", []),
        (
            'Bearer realm="https://a/t",service="s",scope="repository:a/b:pull,push"',
            [("bearer", {"realm": "https://a/t", "service": "s", "scope": "repository:a/b:pull,push"})],
        ),
        ('BEARER Realm=x , SERVICE = "y"', [("bearer", {"realm": "x", "service": "y"})]),
        (
            'Basic realm="x", Bearer realm="y",service="z"',
            [("basic", {"realm": "x"}), ("bearer", {"realm": "y", "service": "z"})],
        ),
        ('Negotiate, Basic realm="r"', [("negotiate", {}), ("basic", {"realm": "r"})]),
        ('Negotiate YWJj==, Bearer realm="r"', [("negotiate", {}), ("bearer", {"realm": "r"})]),
        (r'Basic realm="a \"quoted\" \\ one"', [("basic", {"realm": 'a "quoted" \\ one'})]),
        ('Bearer realm="unterminated', [("bearer", {"realm": "unterminated"})]),
        ('Bearer realm="/token"', [("bearer", {"realm": "/token"})]),
        ('Bearer realm="1",realm="2"', [("bearer", {"realm": "1"})]),
    ],
)
def test_challenges(header: str, expected: Any) -> None:
    assert [tuple(challenge) for challenge in parse_challenges(header)] == expected


@given(st.text(max_size=300) | st.text('"\\=, Bearrealm', max_size=300))
def test_any_header_is_read(header: str) -> None:
    for challenge in parse_challenges(header):
        assert challenge.scheme == challenge.scheme.lower()


def test_first_of() -> None:
    challenges = parse_challenges('Basic realm="x", Bearer realm="y"')
    found = first_of(challenges, "bearer")
    assert found is not None
    assert found.parameters == {"realm": "y"}
    assert first_of(challenges, "digest") is None
