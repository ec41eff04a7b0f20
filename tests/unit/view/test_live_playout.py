from __future__ import annotations

import itertools

from view.live.playout import MOST_LAG_NS, Playout

MS = 1_000_000
AHEAD = 10**15  # how the node's clock stands to ours


def heard(frames: int, every_ms: int = 250, delay_ms: int = 30) -> tuple[Playout, int]:
    """After so many regular frames; the moment at which the last one came."""
    playout = Playout()
    for frame in range(1, frames + 1):
        end = frame * every_ms * MS
        playout.heard(end + AHEAD, end + delay_ms * MS)
    return playout, frames * every_ms * MS + delay_ms * MS


def test_nothing_is_shown_before_the_first_frame() -> None:
    assert Playout().edge_ns(0) is None


def test_what_is_shown_moves_on_as_evenly_as_time_does() -> None:
    playout, now = heard(20)
    edges = [playout.edge_ns(now + ms * MS) for ms in range(0, 250, 100)]
    assert [b - a for a, b in itertools.pairwise(edges) if a and b] == [100 * MS] * 2


def test_there_is_always_something_to_show_until_the_next_frame_comes() -> None:
    playout, now = heard(20)
    edge = playout.edge_ns(now + 249 * MS)
    assert edge is not None
    assert playout.newest_ns is not None
    assert edge <= playout.newest_ns


def test_it_lags_no_more_than_a_frame_behind_the_newest_reading() -> None:
    playout, now = heard(20)
    edge = playout.edge_ns(now)
    assert edge is not None
    assert playout.newest_ns is not None
    assert playout.newest_ns - edge <= 250 * MS


def test_a_frame_of_a_backlog_changes_nothing() -> None:
    playout, now = heard(20)
    before = playout.edge_ns(now)
    playout.heard(AHEAD, now)
    assert playout.edge_ns(now) == before


def test_a_long_silence_makes_it_lag_by_a_bounded_time_only() -> None:
    playout, now = heard(20)
    later = now + 60_000 * MS
    playout.heard(later - 30 * MS + AHEAD, later)
    edge = playout.edge_ns(later)
    assert edge is not None
    assert later + AHEAD - edge <= MOST_LAG_NS + 30 * MS
