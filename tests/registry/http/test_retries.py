"""When to try again: statuses, headers, waits."""

from __future__ import annotations

from typing import Dict, Optional

import pytest
from hypothesis import given
from hypothesis import strategies as st

from layerslayer.registry.http.retries import allowance, backoff, in_words, is_pull_limit, may_pass, retry_after

NOW = 1445412480.0  # Wed, 21 Oct 2015 07:28:00 GMT


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0.0),
        (" 120 ", 120.0),
        ("9" * 18, 999999999999999999.0),
        ("9" * 400, None),
        ("-5", None),
        ("1.5", None),
        ("soon", None),
        ("", None),
        ("Wed, 21 Oct 2015 07:28:30 GMT", 30.0),
        ("Wednesday, 21-Oct-15 07:29:00 GMT", 60.0),
        ("Wed, 21 Oct 2015 07:00:00 GMT", 0.0),
        ("Wed, 21 Foo 2015 07:00:00 GMT", None),
    ],
)
def test_retry_after(text: str, seconds: Optional[float]) -> None:
    assert retry_after(text, NOW) == seconds


@given(st.text())
def test_any_retry_after_is_read_or_not(text: str) -> None:
    found = retry_after(text, NOW)
    assert found is None or found >= 0


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504, 520, 522, 530])
def test_what_passes_by_itself(status: int) -> None:
    assert may_pass(status)


@pytest.mark.parametrize(("status", "passes"), [(200, False), (404, False), (429, True), (511, False), (501, False)])
def test_what_may_pass(status: int, passes: bool) -> None:
    assert may_pass(status) is passes


@given(st.integers(1, 10**6))
def test_waits_are_bounded(failures: int) -> None:
    assert 0 <= backoff(failures) <= min(8.0, 0.5 * 2 ** min(failures - 1, 5))


@pytest.mark.parametrize(
    ("headers", "said", "low"),
    [
        ({"ratelimit-limit": "100;w=21600", "ratelimit-remaining": "98;w=21600"}, "98 of 100 pulls in 6 hours", False),
        ({"ratelimit-limit": "100;w=21600", "ratelimit-remaining": "9;w=21600"}, "9 of 100 pulls", True),
        ({"ratelimit-limit": "5", "ratelimit-remaining": "1"}, "1 of 5 pulls in its period", True),
        ({"ratelimit-limit": "x", "ratelimit-remaining": "1"}, "", False),
        ({"ratelimit-remaining": "1"}, "", False),
        ({}, "", False),
    ],
)
def test_quotas(headers: Dict[str, str], said: str, low: bool) -> None:
    found = allowance(headers)
    assert (found is None) == (not said)
    assert found is None or (said in str(found) and found.low is low)


def test_the_two_kinds_of_429() -> None:
    assert is_pull_limit(b'{"errors":[{"code":"TOOMANYREQUESTS","message":"You have reached your pull rate limit."}]}')
    assert not is_pull_limit(b"429 Too Many Requests")


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(1, "1 seconds"), (90, "90 seconds"), (300, "5 minutes"), (12600, "3.5 hours"), (10**6, "11.6 days"),
     (10**12, "a very long time")],
)  # fmt: skip
def test_waits_in_words(seconds: float, words: str) -> None:
    assert in_words(seconds) == words
