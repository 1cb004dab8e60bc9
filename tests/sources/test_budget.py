"""A budget's arithmetic, and a source that keeps to it, without any network."""

from __future__ import annotations

import io
import random
import threading
from typing import BinaryIO, Iterator, List, Optional, Tuple, cast

import pytest

from layerslayer.errors import Action, BudgetSpent, NotFound, RangeIgnored, Remedy
from layerslayer.oci.descriptor import UNKNOWN_SIZE, Descriptor, digest_of
from layerslayer.oci.source import Document, Source
from layerslayer.oci.verify import Verifier, verified_pieces
from layerslayer.sources.budget import IN_FLIGHT, Budget, Budgeted

BODY = random.Random(1).getrandbits(8 * 100_000).to_bytes(100_000, "little")
LAYER = Descriptor("application/vnd.oci.image.layer.v1.tar", digest_of(BODY), len(BODY), {})


class Counting(Source):
    """Holds one blob; counts the bytes that are read of it, and remembers what was asked for."""

    def __init__(self, body: bytes = BODY, problem: Optional[Exception] = None) -> None:
        self.body = body
        self.problem = problem  # of ranges
        self.read = 0
        self.asked: List[Tuple[int, int]] = []

    def manifest(self, wanted: str, known: Optional[Descriptor] = None) -> Document:
        raise NotFound("no manifests.")

    def blob(self, descriptor: Descriptor) -> BinaryIO:
        self.asked.append((0, len(self.body)))
        return self._opened(self.body)

    def blob_range(self, descriptor: Descriptor, start: int, length: int) -> BinaryIO:
        if self.problem:
            raise self.problem
        self.asked.append((start, length))
        return self._opened(self.body[start : start + length])

    def _opened(self, data: bytes) -> BinaryIO:
        source = self

        class Stream(io.BytesIO):
            def read(self, count: Optional[int] = -1) -> bytes:
                piece = super().read(count)
                source.read += len(piece)
                return piece

        return Stream(data)

    def requests_made(self) -> int:
        return len(self.asked)

    def close(self) -> None:
        return


def pieces(source: Source, descriptor: Descriptor = LAYER) -> Iterator[bytes]:
    return verified_pieces(source.blob(descriptor), Verifier(descriptor), 7000)


def test_a_blob_that_fits_is_read_whole_and_no_more_is_left_than_that() -> None:
    budget = Budget(len(BODY) + 5)
    source = Budgeted(Counting(), budget)
    assert b"".join(pieces(source)) == BODY
    assert budget.left == 5


@pytest.mark.parametrize("problem", [None, RangeIgnored("no parts."), NotFound("only at its foreign address.")])
@pytest.mark.parametrize("total", [1, 6999, 7000, 7001, len(BODY) - 1])
def test_one_that_does_not_ends_where_the_budget_does(total: int, problem: Optional[Exception]) -> None:
    inner, budget = Counting(problem=problem), Budget(total)
    got = []
    with pytest.raises(BudgetSpent) as raised:
        for piece in pieces(Budgeted(inner, budget), LAYER._replace(urls=("http://x/y",))):
            got.append(piece)
    assert b"".join(got) == BODY[:total]
    assert (inner.read, budget.left) == (total, 0)
    assert inner.asked == [(0, len(BODY) if problem else total)]
    assert raised.value.within == Remedy(Action.RAISE_BUDGET)


def test_when_nothing_is_left_nothing_is_asked_for() -> None:
    inner = Counting()
    source = Budgeted(inner, Budget(0))
    for ask in (lambda: source.blob(LAYER), lambda: source.blob_range(LAYER, 5, 1)):
        with pytest.raises(BudgetSpent):
            ask()
    assert inner.asked == []
    assert Budgeted(Counting(b""), Budget(0)).blob(LAYER._replace(size=0)).read() == b""


def test_a_range_is_had_whole_or_not_at_all() -> None:
    inner, budget = Counting(), Budget(100)
    source = Budgeted(inner, budget)
    with pytest.raises(BudgetSpent, match="101 B more would go beyond the budget of 100 B"):
        source.blob_range(LAYER, 0, 101)
    part = source.blob_range(LAYER, 10, 60)
    assert part.read() == BODY[10:70]
    part.close()
    part.close()
    assert (budget.left, inner.asked) == (40, [(10, 60)])


def test_what_failed_to_open_costs_nothing() -> None:
    budget = Budget(1000)
    source = Budgeted(Counting(problem=NotFound("gone.")), budget)
    for ask in (lambda: source.blob(LAYER), lambda: source.blob_range(LAYER, 0, 10)):
        with pytest.raises(NotFound):
            ask()
    assert budget.left == 1000


def test_a_stream_left_early_gives_back_what_was_not_under_way() -> None:
    size = IN_FLIGHT + 500_000
    budget = Budget(size)
    blob = Budgeted(Counting(bytes(size)), budget).blob(LAYER._replace(size=size))
    assert len(blob.read(1000)) == 1000
    assert budget.left == 0
    blob.close()
    assert budget.left == size - 1000 - IN_FLIGHT


def test_whoever_comes_next_waits_for_what_is_given_back() -> None:
    budget = Budget(100)
    taken = budget.take(100)
    threading.Timer(0.05, lambda: budget.settle(taken, 30)).start()
    assert budget.take(60) == 60


def test_a_blob_larger_than_it_says_is_found_out() -> None:
    inner, budget = Counting(BODY + b"more" * 1000), Budget(10**6)
    blob = Budgeted(inner, budget).blob(LAYER)
    assert len(blob.read(10**6)) == len(BODY) + 1
    blob.close()
    assert budget.left == 10**6 - len(BODY) - 1


def test_an_unknown_size_is_read_as_far_as_the_budget_goes() -> None:
    unknown = LAYER._replace(size=UNKNOWN_SIZE)
    budget = Budget(len(BODY) + 1)
    assert b"".join(pieces(Budgeted(Counting(), budget), unknown)) == BODY
    assert budget.left == 1
    with pytest.raises(BudgetSpent):
        b"".join(pieces(Budgeted(Counting(), Budget(50)), unknown))


def test_inline_data_is_free() -> None:
    inline = LAYER._replace(data=BODY)
    assert Budgeted(Counting(), Budget(0)).blob(inline).read() == BODY


def test_many_threads_never_spend_more() -> None:
    inner, budget = Counting(), Budget(555_555)
    source = Budgeted(inner, budget)
    got: List[int] = []

    def work(seed: int) -> None:
        chance = random.Random(seed)
        try:
            while True:
                start, length = chance.randrange(50_000), chance.randrange(1, 20_000)
                part = source.blob_range(LAYER, start, length)
                got.append(len(cast(bytes, part.read())))
                part.close()
        except BudgetSpent:
            pass

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(got) + budget.left == budget.total
    assert budget.left < 20_000
