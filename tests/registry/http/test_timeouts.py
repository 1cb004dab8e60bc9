"""How long one answer may take: its head and a document in all, a layer as long as it comes on."""

from __future__ import annotations

import pytest

from layerslayer.registry.http.timeouts import LEAST, PACE, PERIODS, OutOfTime, Patience, TooSlow

TIMEOUT = 10.0
PERIOD = TIMEOUT * PERIODS


def test_a_head_has_two_timeouts_in_all() -> None:
    patience = Patience(TIMEOUT)
    patience.gain(10 * LEAST)  # what comes before the body gains nothing
    patience.wait(PERIOD)
    with pytest.raises(TooSlow):
        patience.wait(0.1)


def test_a_document_has_as_long_and_more_with_its_size() -> None:
    patience = Patience(TIMEOUT)
    patience.wait(PERIOD)  # for its head, which does not count any more
    patience.document()
    patience.gain(5 * PACE)
    patience.wait(PERIOD + 5)
    with pytest.raises(OutOfTime, match=str(5 * PACE)):
        patience.wait(0.1)


def test_a_layer_may_take_for_ever_but_not_without_progress() -> None:
    patience = Patience(TIMEOUT)
    patience.layer()
    for _ in range(100):
        patience.wait(PERIOD)
        patience.gain(LEAST // 2)
        patience.gain(LEAST - LEAST // 2)
    patience.gain(LEAST - 1)
    patience.wait(PERIOD)
    with pytest.raises(TooSlow) as caught:
        patience.wait(0.1)
    assert not isinstance(caught.value, OutOfTime)  # another connection may do better


def test_patience_without_a_timeout_has_no_end() -> None:
    patience = Patience(None)
    patience.document()
    patience.wait(1e9)
