"""When a link says once more that its broker is away."""

from __future__ import annotations

from telemetry.runtime.trouble import Outage


def test_the_same_words_are_told_once_and_then_at_growing_intervals() -> None:
    outage = Outage()
    told = [outage.tries_to_tell("refused") for _ in range(70)]
    assert [tries for tries in told if tries] == [1, 8, 16, 32, 64]


def test_other_words_are_told_at_once() -> None:
    outage = Outage()
    assert [outage.tries_to_tell(words) for words in ("refused", "timed out", "refused")] == [1, 1, None]


def test_after_a_connection_the_same_words_are_news() -> None:
    outage = Outage()
    outage.tries_to_tell("refused")
    outage.over()
    assert outage.tries_to_tell("refused") == 1
