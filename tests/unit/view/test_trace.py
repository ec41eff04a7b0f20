from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from analyzer.energy.facts import SensorFacts
from telemetry.contract.frames import PowerFrame
from tests.analyzing import ANCHOR, S, at
from tests.reporting import Board
from view.trace import MOST_POINTS, Picture, Readings, decimated, picture

BOARD = Board()
SECOND = ANCHOR + S


def drawn(*seconds: int, torn: int | None = None, most: int = MOST_POINTS) -> Picture:
    frames = [BOARD.power(second).frame for second in seconds]
    if torn is not None:
        frames = [BOARD.torn(torn, 3).frame if frame.seq == torn else frame for frame in frames]
    placed = [(ANCHOR, frame) for frame in frames if isinstance(frame, PowerFrame)]
    found = picture(Readings(placed, "total"), ANCHOR + at(1), ANCHOR + at(9), most=most)
    assert found is not None
    return found


watts = arrays.arrays(np.float64, st.integers(1, 400), elements=st.floats(-5, 100))


@given(watts, st.integers(4, 60))
def test_no_more_points_are_drawn_than_asked_for(values: np.ndarray, most: int) -> None:
    assert len(decimated(np.arange(len(values)) * S, values, most)) <= most


@given(watts, st.integers(4, 60))
def test_the_highest_the_lowest_the_first_and_the_last_reading_are_always_drawn(
    values: np.ndarray, most: int
) -> None:
    kept = decimated(np.arange(len(values)) * S, values, most)
    assert values[kept].max() == values.max()
    assert values[kept].min() == values.min()
    assert kept[0] == 0
    assert kept[-1] == len(values) - 1


@given(watts)
def test_drawn_readings_stay_in_the_order_of_time(values: np.ndarray) -> None:
    assert np.all(np.diff(decimated(np.arange(len(values)) * S, values, 10)) > 0)


def test_a_short_trace_is_drawn_whole() -> None:
    shown = drawn(*range(11))
    assert shown.lines[0].points == 11 * 20
    assert None not in shown.lines[0].watts


def test_a_long_trace_is_drawn_by_its_lowest_and_highest_readings() -> None:
    whole, few = drawn(*range(11)), drawn(*range(11), most=30)
    assert few.lines[0].points <= 30
    assert max(w for w in few.lines[0].watts if w) == max(w for w in whole.lines[0].watts if w)


def test_times_count_from_the_begin_of_the_window() -> None:
    shown = drawn(*range(11))
    assert shown.lines[0].at_s[0] == -1.0
    assert shown.window_s == 8.0


def test_the_total_comes_first_and_its_rails_after_it() -> None:
    assert [line.name for line in drawn(*range(11)).lines] == ["total", "gpu"]


def test_a_long_gap_is_named_and_no_line_is_drawn_across_it() -> None:
    shown = drawn(*range(11), torn=5)
    assert [(gap.begin_s, gap.end_s) for gap in shown.long_gaps] == [(4.1, 5.0)]
    total = shown.lines[0]
    cut = total.watts.index(None)
    assert (total.at_s[cut - 1], total.at_s[cut + 1]) == (4.1, 5.0)


def test_a_gap_shows_among_few_points_too() -> None:
    assert None in drawn(*range(11), torn=5, most=10).lines[0].watts


def test_a_gap_of_two_spacings_is_a_short_one_and_is_drawn_across() -> None:
    frames = [BOARD.power(second).frame for second in range(11)]
    late = BOARD.power(5, missed=1).frame
    assert isinstance(late, PowerFrame)
    kept = [frame for frame in frames if isinstance(frame, PowerFrame)]
    short = [(ANCHOR + (S // 20 if frame.seq >= 5 else 0), frame) for frame in kept]
    shown = picture(Readings(short, "total"), ANCHOR + at(1), ANCHOR + at(9))
    assert shown is not None
    assert len(shown.gaps) == 1
    assert not shown.long_gaps
    assert None not in shown.lines[0].watts


def test_readings_are_drawn_at_the_time_they_are_of_not_when_they_were_stamped() -> None:
    frame = BOARD.power(1).frame
    assert isinstance(frame, PowerFrame)
    facts = SensorFacts(delay_ns=S // 10)
    shown = picture(Readings([(ANCHOR, frame)], "total", facts), SECOND, SECOND + S)
    assert shown is not None
    assert shown.lines[0].at_s[0] == -0.1


def test_batches_become_fewer_and_longer_where_there_are_very_many() -> None:
    frame = BOARD.power(1).frame
    assert isinstance(frame, PowerFrame)
    many = [(SECOND + n * 1000, SECOND + n * 1000 + 900) for n in range(5000)]
    shown = picture(Readings([(ANCHOR, frame)], "total"), SECOND, SECOND + S, many)
    assert shown is not None
    assert len(shown.batches) == 500
    assert shown.batches[-1].end_s == round((4999 * 1000 + 900) / S, 5)


def test_without_a_reading_there_is_no_picture() -> None:
    assert picture(Readings([]), SECOND, SECOND + S) is None
