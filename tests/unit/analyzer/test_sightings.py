"""Which boots speak for a window of node time."""

from __future__ import annotations

from analyzer.sightings import Sighting, choose
from analyzer.span import Span


def seen(boot: str, first: int, last: int) -> Sighting:
    return Sighting(first, last, Span(boot, 0, 100, 0))


def boots(*sightings: Sighting, begin: int = 0) -> tuple[list[str], bool]:
    chosen = choose(sightings, begin)
    return [span.boot for span in chosen.spans], chosen.overlap


def test_boots_one_after_the_other_are_all_taken_by_time() -> None:
    assert boots(seen("b", 51, 100), seen("a", 0, 50)) == (["a", "b"], False)


def test_of_two_boots_at_one_time_the_longer_is_taken_and_the_overlap_told() -> None:
    assert boots(seen("a", 0, 40), seen("b", 30, 100)) == (["b"], True)


def test_boots_seen_equally_long_are_chosen_by_name() -> None:
    assert boots(seen("b", 0, 50), seen("a", 0, 50)) == (["a"], True)


def test_two_streams_of_one_boot_are_one_boot() -> None:
    assert boots(seen("a", 0, 50), seen("a", 10, 60)) == (["a"], False)


def test_a_boot_over_before_the_begin_comes_last() -> None:
    assert boots(seen("a", 0, 5), seen("b", 12, 90), begin=10) == (["b", "a"], False)
