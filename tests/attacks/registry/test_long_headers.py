"""Headers made to cost time: as long as HTTP lets them be, each is read in a moment or refused."""

from __future__ import annotations

import time
from typing import Callable, Dict, List

import pytest

from layerslayer.errors import LayerslayerError, RegistryError
from layerslayer.oci.reference import parse_reference
from layerslayer.registry.auth.challenges import parse_challenges
from layerslayer.registry.http.client import Transport
from layerslayer.registry.http.origin import origin_of
from layerslayer.registry.http.retries import allowance, retry_after
from layerslayer.registry.link_header import target_of
from layerslayer.registry.pagination import next_page
from layerslayer.registry.repository import RegistrySource

from ..wire import Wire, whole

MOST = 1.0  # seconds of the processor; each takes a hundredth of it, and took up to minutes
SIZE = 60_000  # characters; http.client takes lines of 65 536

LINKS: Dict[str, str] = {
    "spaces": "</a>;" + " " * SIZE,
    "spaces in a relation": '</a>; rel="' + " " * SIZE,
    "spaces and letters in a relation": '</a>; rel="' + " x" * (SIZE // 2) + '"',
    "spaces around equals": "</a>; rel" + " " * (SIZE // 2) + "=" + " " * (SIZE // 2) + "nex",
    "semicolons": "</a>" + ";" * SIZE,
    "semicolons and spaces": "</a>" + "; " * (SIZE // 2),
    "relations": "</a>" + "; rel" * (SIZE // 5),
    "open angles": "<" * SIZE,
    "closed angles": ">" * SIZE,
    "angles": "<>" * (SIZE // 2),
    "links": "<a>; rel=x," * (SIZE // 11),
    "quotes": "</a>;" + '"' * SIZE,
    "quotes and backslashes": "</a>;" + '"\\' * (SIZE // 2),
    "a quote of backslashes": '</a>; rel="' + "\\" * SIZE,
    "commas": "</a>" + "," * SIZE,
}


@pytest.mark.parametrize("case", LINKS)
def test_links(case: str) -> None:
    url = "https://r.example/v2/a/tags/list"
    began = time.process_time()
    for length in (16 * 1024, SIZE):
        try:
            next_page(LINKS[case][:length], url, origin_of(url))
        except RegistryError:
            assert length > 16 * 1024
        target_of(LINKS[case][:length], "next")
    assert time.process_time() - began < MOST


def test_a_link_without_end_is_not_cut_short() -> None:
    """What is cut off might have been where the list goes on."""
    with pytest.raises(RegistryError, match="an address without end"):
        next_page("<{}>; rel=next".format("a" * SIZE), "https://r.example/", origin_of("https://r.example/"))


CHALLENGES: Dict[str, str] = {
    "spaces": "Bearer" + " " * SIZE,
    "commas": "Bearer" + "," * SIZE,
    "spaces and commas": "Bearer " + " ," * SIZE,
    "letters": "a" * SIZE,
    "schemes": "a " * (SIZE // 2),
    "letters before equals": "Bearer " + "a" * (SIZE // 2) + " " * (SIZE // 2) + "!",
    "parameters without a scheme": "a=" * (SIZE // 2),
    "a quote": 'Bearer a="' + "b" * SIZE,
    "quotes": 'Bearer a="' * (SIZE // 10),
    "quotes without a scheme": 'a="' * (SIZE // 3),
    "escaped quotes": 'a=\\"' * (SIZE // 4),
    "a quote of backslashes": 'Bearer a="' + "\\" * SIZE,
    "equals": "Bearer " + "=" * SIZE,
    "token68": "Basic " + "a" * (SIZE // 2) + "=" * (SIZE // 2) + "!",
    "many token68": "Basic aaaa=== " * (SIZE // 14),
    "junk": "\x7f" * SIZE,
}


@pytest.mark.parametrize("case", CHALLENGES)
def test_challenges(case: str) -> None:
    began = time.process_time()
    parse_challenges(CHALLENGES[case])
    assert time.process_time() - began < MOST


WORDS: Dict[str, Callable[[str], object]] = {
    "retry-after": lambda text: retry_after(text, 0.0),
    "ratelimit-limit": lambda text: allowance({"ratelimit-limit": text, "ratelimit-remaining": "1"}),
    "ratelimit-remaining": lambda text: allowance({"ratelimit-limit": "1", "ratelimit-remaining": text}),
}
FILLINGS: List[str] = [
    " ", "1", "a", ",", "1,", "(", "()", ":", "1:", "Mon, ", "Mon, 01 Jan 2024 ", "-", "+", '"', "\\", "(\\",
    ";w=", "1;w=",
]  # fmt: skip


@pytest.mark.parametrize("word", WORDS)
def test_words(word: str) -> None:
    began = time.process_time()
    for filling in FILLINGS:
        WORDS[word](filling * (SIZE // len(filling)))
        WORDS[word]("1" + filling * (SIZE // len(filling)) + "!")
    assert time.process_time() - began < MOST


NAMES = [
    "Content-Type", "Content-Range", "Content-Encoding", "Transfer-Encoding", "Connection", "Warning", "Retry-After",
    "Docker-Content-Digest", "Set-Cookie", "Set-Cookie2", "WWW-Authenticate", "Link", "Date", "RateLimit-Limit",
    "Keep-Alive", "X-Anything",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_each_header_of_an_answer(name: str) -> None:
    """Also what the libraries below make of them: cookies, dates, content types."""
    began = time.process_time()
    for filling in (" ", "a ", "a;", "a=b; ", '"', ",", "<", "299 - ", "expires=1-1-1 1:1:1 ", "domain=.a; "):
        line = "{}: 1{}!".format(name, filling * (SIZE // len(filling)))
        with Wire(lambda path, line=line: [whole(b'{"tags": ["a"]}', line)]) as wire:  # type: ignore[misc]
            source = RegistrySource(parse_reference(wire.host + "/a/b:1"), Transport(timeout=20, attempts=0))
            try:
                list(source.tags())
            except LayerslayerError:
                pass
    assert time.process_time() - began < 10 * MOST
