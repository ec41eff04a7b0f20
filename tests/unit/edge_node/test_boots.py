"""Boots of the agent: names, anchors, steps of the wall clock."""

from __future__ import annotations

from pathlib import Path

from edge_node.boots import Boot, new_boot, read_anchor, read_os_boot


def test_each_boot_has_a_name_of_its_own() -> None:
    assert new_boot().id != new_boot().id


def test_the_anchor_is_wall_clock_less_monotonic_clock_in_the_calmest_reading() -> None:
    monotonic = iter([0, 100, 1000, 1010, 2000, 2500, 3000, 3500, 4000, 4500])
    wall = iter([7_000, 8_005, 9_000, 10_000, 11_000])
    assert read_anchor(lambda: next(wall), lambda: next(monotonic)) == 8_005 - 1_005


def test_node_time_is_anchor_plus_monotonic() -> None:
    assert Boot("b", 1_000, "").node_time(234) == 1_234


def test_a_wall_clock_that_moves_a_second_or_less_is_no_step() -> None:
    boot = Boot("b", 10**18, "")
    assert not boot.is_stepped(10**18 + 10**9)
    assert boot.is_stepped(10**18 + 10**9 + 1)
    assert boot.is_stepped(10**18 - 10**9 - 1)


def test_the_kernels_boot_is_read_from_proc(tmp_path: Path) -> None:
    place = tmp_path / "proc/sys/kernel/random"
    place.mkdir(parents=True)
    (place / "boot_id").write_text("4d2c\n")
    assert read_os_boot(tmp_path) == "4d2c"


def test_a_machine_without_a_boot_id_has_an_empty_one(tmp_path: Path) -> None:
    assert read_os_boot(tmp_path) == ""
