"""How old a frame is, on clocks that cannot all be trusted."""

from __future__ import annotations

from edge_node.boots import EPOCH_2020_NS, Boot, too_old

DAY_NS = 86_400 * 10**9
NOW = Boot("now", EPOCH_2020_NS + 1000 * DAY_NS, "kernel")


def test_on_one_kernel_boot_the_monotonic_clock_tells() -> None:
    stepped = Boot("before the step", 0, "kernel")
    assert too_old([stepped, NOW], NOW, 40 * DAY_NS, 30 * DAY_NS) == {
        "before the step": 10 * DAY_NS,
        "now": 10 * DAY_NS,
    }


def test_on_an_earlier_kernel_boot_the_wall_clock_tells() -> None:
    earlier = Boot("earlier", NOW.anchor - 50 * DAY_NS, "other")
    assert too_old([earlier], NOW, DAY_NS, 30 * DAY_NS) == {"earlier": (50 + 1 - 30) * DAY_NS}


def test_frames_of_1970_are_not_old() -> None:
    assert too_old([Boot("1970", 0, "other")], NOW, DAY_NS, 30 * DAY_NS) == {}


def test_in_1970_nothing_is_old() -> None:
    now = Boot("now", 0, "kernel")
    assert too_old([Boot("earlier", NOW.anchor, "other")], now, DAY_NS, 30 * DAY_NS) == {}


def test_kernels_without_a_boot_id_share_no_clock() -> None:
    nameless = Boot("nameless", NOW.anchor, "")
    now = Boot("now", NOW.anchor, "")
    assert too_old([nameless], now, 40 * DAY_NS, 30 * DAY_NS) == {"nameless": 10 * DAY_NS}
