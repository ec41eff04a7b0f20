"""Which stretches of time overlap."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from analyzer.timeline import Stretch, Timeline

stretches = st.builds(
    lambda begin, length: Stretch(begin, None if length is None else begin + length),
    st.integers(0, 60),
    st.none() | st.integers(1, 20),
)


@given(st.lists(st.tuples(st.sampled_from("abcdef"), stretches)), stretches)
def test_during_finds_exactly_those_that_overlap(placed: list[tuple[str, Stretch]], asked: Stretch) -> None:
    timeline = Timeline()
    for name, stretch in placed:
        timeline.place(name, stretch)
    held = dict(placed)
    found = timeline.during(asked)
    assert sorted(found) == sorted(name for name, stretch in held.items() if stretch.overlaps(asked))
    assert [held[name].begin for name in found] == sorted(held[name].begin for name in found)


@given(stretches, stretches)
def test_overlapping_is_mutual(one: Stretch, other: Stretch) -> None:
    assert one.overlaps(other) == other.overlaps(one)


def test_those_beside_a_stretch_are_all_but_itself() -> None:
    timeline = Timeline()
    for name, begin in (("a", 0), ("b", 5), ("c", 10)):
        timeline.place(name, Stretch(begin, begin + 6))
    assert timeline.beside("b") == ["a", "c"]
    assert timeline.beside("nobody") == []


def test_the_open_ones_are_known() -> None:
    timeline = Timeline()
    timeline.place("a", Stretch(0, None))
    timeline.place("b", Stretch(1, None))
    timeline.place("a", Stretch(0, 5))
    assert timeline.open() == ["b"]
