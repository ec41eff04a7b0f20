from __future__ import annotations

import itertools
from typing import Any

from telemetry.contract.frames import PowerFrame
from tests.analyzing import ANCHOR, Maker, S
from view.live.hub import Stream
from view.live.stream import Viewer

NOW = 5 * S


def stream(seconds: int) -> Stream:
    held = Stream(("total",))
    for second in range(seconds):
        feed(held, second)
    return held


def feed(held: Stream, second: int, now: int | None = None) -> None:
    frame = Maker().power(second).frame
    assert isinstance(frame, PowerFrame)
    held.add(frame, NOW + (second + 1) * S if now is None else now)


def sent(viewer: Viewer, held: Stream, now: int) -> dict[str, Any]:
    said = viewer.update(held, now)
    assert said is not None
    return said


def test_a_page_is_first_sent_the_whole_window_with_what_its_lines_are() -> None:
    said = sent(Viewer(10, 1000), stream(8), NOW + 8 * S)
    assert said["fresh"]
    assert said["channels"] == ("total",)
    assert len(said["t"]) > 100
    assert set(said["low"][0]) == {10.0}


def test_then_only_what_is_new() -> None:
    held, viewer = stream(8), Viewer(10, 1000)
    sent(viewer, held, NOW + 8 * S)
    said = sent(viewer, held, NOW + 8 * S + S // 10)
    assert "fresh" not in said
    assert len(said["t"]) == 2


def test_nothing_is_sent_twice_and_nothing_is_left_out() -> None:
    held, viewer = stream(8), Viewer(30, 1000)
    times = []
    for tenth in range(10):
        said = sent(viewer, held, NOW + 8 * S + tenth * S // 10)
        times += [said["base"] + t for t in said["t"]]
    assert len(times) == len(set(times))
    steps = {b - a for a, b in itertools.pairwise(times)}
    assert max(steps) <= 60


def test_readings_that_come_after_later_ones_make_the_page_start_anew() -> None:
    held, viewer = stream(5), Viewer(30, 1000)
    feed(held, 7)
    sent(viewer, held, NOW + 8 * S)
    feed(held, 6, NOW + 8 * S)
    assert sent(viewer, held, NOW + 8 * S)["fresh"]


def test_a_page_that_was_away_for_longer_than_its_window_starts_anew() -> None:
    held, viewer = stream(8), Viewer(1, 1000)
    sent(viewer, held, NOW + 8 * S)
    for second in range(8, 12):
        feed(held, second)
    assert sent(viewer, held, NOW + 12 * S)["fresh"]


def test_a_stream_that_has_brought_nothing_is_not_drawn() -> None:
    assert Viewer(10, 1000).update(Stream(("total",)), NOW) is None


def test_times_are_ms_of_node_time() -> None:
    said = sent(Viewer(10, 1000), stream(8), NOW + 8 * S)
    first = said["base"] + said["t"][0]
    assert ANCHOR // 1_000_000 <= first < ANCHOR // 1_000_000 + 8_000
