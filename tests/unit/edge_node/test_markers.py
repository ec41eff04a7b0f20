"""Processes that mark: holes in their lines, and who is still there."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from edge_node import processes
from edge_node.markers import Marker, Markers, Process

WHO = Process(7, 100)


def test_lines_in_order_leave_no_hole() -> None:
    markers = Markers()
    assert [markers.lost_before(WHO, n) for n in range(4)] == [0, 0, 0, 0]


def test_a_hole_is_as_long_as_the_numbers_left_out() -> None:
    markers = Markers()
    assert [markers.lost_before(WHO, n) for n in (0, 3, 4, 10)] == [0, 2, 0, 5]


def test_a_process_that_is_first_seen_later_lost_what_came_before() -> None:
    assert Markers().lost_before(WHO, 5) == 5


def test_numbers_that_begin_anew_are_no_hole() -> None:
    markers = Markers()
    assert [markers.lost_before(WHO, n) for n in (0, 1, 2, 0, 1)] == [0, 0, 0, 0, 0]


def test_a_process_with_the_same_number_is_another_one() -> None:
    markers = Markers()
    markers.lost_before(WHO, 0)
    assert markers.lost_before(Process(7, 200), 0) == 0
    assert markers.lost_before(WHO, 1) == 0


def test_a_restarted_agent_finds_the_hole_that_it_made() -> None:
    markers = Markers([Marker(WHO, 4)])
    assert markers.lost_before(WHO, 6) == 2
    assert markers.snapshot() == [Marker(WHO, 7)]


def test_a_process_that_is_gone_is_forgotten() -> None:
    markers = Markers([Marker(WHO, 4)])
    markers.forget([WHO])
    assert markers.processes == []


def test_a_process_runs_until_it_ends() -> None:
    child = subprocess.Popen(["sleep", "60"])
    who = processes.identify(child.pid)
    assert processes.is_running(who)
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert not processes.is_running(who), "a zombie runs no more"
    child.wait()
    assert not processes.is_running(who)


def test_a_number_that_was_given_anew_is_another_process() -> None:
    me = processes.identify(os.getpid())
    assert processes.is_running(me)
    assert not processes.is_running(Process(me.pid, (me.started or 0) + 1))


def test_a_process_that_nobody_can_see_is_taken_to_run() -> None:
    assert processes.is_running(Process(7, processes.UNSEEN))


def _status(proc: Path, pid: int, numbers: str) -> None:
    (proc / str(pid)).mkdir()
    (proc / str(pid) / "status").write_text(f"Name:\tapp\nNSpid:\t{numbers}\n")


def test_a_line_speaks_of_its_sender_whose_number_in_a_container_differs(tmp_path: Path) -> None:
    _status(tmp_path, 4321, "4321\t7")
    assert processes.speaker(4321, 7, tmp_path) == 4321


def test_a_helper_speaks_of_the_process_that_it_names(tmp_path: Path) -> None:
    _status(tmp_path, 4321, "4321")
    assert processes.speaker(4321, 4000, tmp_path) == 4000
    assert processes.speaker(9999, 4000, tmp_path) == 4000


def test_a_name_with_blanks_and_brackets_does_not_shift_the_fields(tmp_path: Path) -> None:
    (tmp_path / "5").mkdir()
    fields = " ".join(["S", *map(str, range(4, 53))])
    (tmp_path / "5" / "stat").write_text(f"5 (a) S b) {fields}\n")
    assert processes.started(5, tmp_path) == 22


def test_a_last_line_that_is_read_after_its_process_ended_leaves_no_hole() -> None:
    markers = Markers()
    assert markers.lost_before(Process(7, 100), 0) == 0
    assert markers.lost_before(Process(7, None), 1) == 0
    assert markers.lost_before(Process(7, None), 4) == 2


def test_a_process_that_was_gone_before_its_first_line_was_read_counts_from_0() -> None:
    markers = Markers()
    assert markers.lost_before(Process(7, None), 0) == 0
    assert markers.lost_before(Process(7, None), 1) == 0
    assert markers.lost_before(Process(8, None), 3) == 3
