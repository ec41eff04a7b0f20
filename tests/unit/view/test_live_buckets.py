from __future__ import annotations

import itertools

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from view.live.buckets import BUCKET_NS, BUCKETS, Ring, step_for

MS = 1_000_000
START = 1_700_000_000 * 1_000 * MS


def filled(watts: list[float], every_ns: int = MS, start: int = START) -> Ring:
    ring = Ring(1)
    add(ring, watts, every_ns, start)
    return ring


def add(ring: Ring, watts: list[float], every_ns: int = MS, start: int = START) -> int:
    times = start + np.arange(len(watts), dtype=np.int64) * every_ns
    return ring.add(times, np.array(watts, np.float32).reshape(-1, 1))


def whole(ring: Ring, step: int = 1) -> tuple[list[float], list[float]]:
    shown = ring.read(0, ring.newest // step * step + step, step)
    return shown.low_w[0].tolist(), shown.high_w[0].tolist()


def test_a_bucket_keeps_its_lowest_and_its_highest_reading() -> None:
    ring = filled([5, 1, 9, 5, 5, 5, 5, 5, 5, 5])
    assert whole(ring) == ([1], [9])


def test_a_second_frame_in_the_same_bucket_adds_to_it() -> None:
    ring = filled([5, 5])
    add(ring, [7, 3], start=START + 2 * MS)
    assert whole(ring) == ([3], [7])


def test_a_reading_that_is_none_is_passed_over() -> None:
    assert whole(filled([float("nan"), 4, float("nan")])) == ([4], [4])


def test_buckets_without_a_reading_are_left_out() -> None:
    ring = filled([1, 2, 3], every_ns=5 * BUCKET_NS)
    assert whole(ring) == ([1, 2, 3], [1, 2, 3])


def test_what_is_older_than_the_ring_is_forgotten() -> None:
    ring = filled([1.0])
    add(ring, [2.0], start=START + BUCKETS * BUCKET_NS)
    assert whole(ring) == ([2], [2])


def test_a_frame_from_before_the_ring_changes_nothing() -> None:
    ring = filled([2.0], start=START + BUCKETS * BUCKET_NS)
    add(ring, [1.0])
    assert whole(ring) == ([2], [2])


def test_a_late_frame_says_which_bucket_it_touches() -> None:
    ring = filled([1.0], start=START + 100 * BUCKET_NS)
    assert add(ring, [9.0]) == START // BUCKET_NS < ring.newest


def test_a_window_has_about_a_bucket_for_each_pixel() -> None:
    assert step_for(30 * 1_000 * MS, 1_000) == 3
    assert step_for(1_000 * MS, 4_000) == 1


@given(
    st.lists(st.floats(0, 100, width=32), min_size=1, max_size=300),
    st.integers(1, 40),
    st.lists(st.integers(1, 299), max_size=4),
)
def test_no_peak_is_lost_however_frames_are_cut_and_pixels_are_wide(
    watts: list[float], step: int, cuts: list[int]
) -> None:
    ring = Ring(1)
    edges = [0, *sorted({cut for cut in cuts if cut < len(watts)}), len(watts)]
    for first, last in itertools.pairwise(edges):
        add(ring, watts[first:last], start=START + first * MS)
    shown = ring.read(0, (ring.newest // step + 1) * step, 1)
    low, high = shown.low_w[0], shown.high_w[0]
    assert (low.min(), high.max()) == (min(watts), max(watts))
    parts = ring.read(START // BUCKET_NS // step * step, (ring.newest // step + 1) * step, step)
    whole_steps = parts.high_w[0].max(initial=-1.0)
    assert whole_steps <= max(watts)
