"""Marks from C++ and from a shell: the very lines that the agent takes."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from edge_node.marks_lines import parse_line
from telemetry.contract import marks
from telemetry.contract.columns import unpack
from tests.fakes.inbox import Inbox

EXAMPLES = Path(__file__).parents[2] / "examples" / "marks"
STANDARDS = ("c++11", "c++17", "c++20")
THROWS = """
#include "e3p_marks.hpp"
#include <stdexcept>
int main() {
    e3p::Marks marks;
    marks.idle_begin("say \\"g\\"\\n");
    marks.idle_end("say \\"g\\"\\n");
    try {
        e3p::Trial trial(marks, {"m", "d", "g", 4, 2});
        trial.batch(10, 20, 4, 3);
        throw std::runtime_error("no");
    } catch (const std::runtime_error&) {
    }
    e3p::Trial trial(marks, {"m", "d", "g", 4, 3});
    for (int i = 0; i < 5000; ++i) trial.batch(i, i + 1, 2, 1);
}
"""


def compiled(folder: Path, source: str, standard: str = "c++11") -> Path:
    compiler = shutil.which("g++") or shutil.which("clang++")
    if compiler is None:
        pytest.skip("no C++ compiler here")
    file, program = folder / "program.cpp", folder / "program"
    file.write_text(source)
    flags = [f"-std={standard}", "-Wall", "-Wextra", "-Wpedantic", "-Werror", f"-I{EXAMPLES}", "-pthread"]
    subprocess.run([compiler, *flags, "-o", program, file], check=True)
    return program


def told(inbox: Inbox) -> list[Any]:
    """Every mark as the agent takes it, and the numbers without a hole."""
    lines = [parse_line(datagram, 0) for datagram in inbox.datagrams]
    assert [line.n for line in lines] == list(range(len(lines)))
    return [line.mark for line in lines]


@pytest.mark.parametrize("standard", STANDARDS)
def test_the_cpp_example_compiles_without_a_warning_and_marks_one_trial(
    tmp_path: Path, standard: str
) -> None:
    program = compiled(tmp_path, (EXAMPLES / "main.cpp").read_text(), standard)
    with Inbox(tmp_path / "m") as inbox:
        done = subprocess.run(
            [program, "0.2"],
            env={"E3P_SOCKET": str(tmp_path / "m")},
            capture_output=True,
            text=True,
            check=True,
        )
    prepare, begin, *batches, end = told(inbox)
    assert isinstance(prepare, marks.Prepare)
    assert isinstance(begin, marks.TrialBegin)
    assert (begin.model, begin.backend, begin.trial) == ("square_roots", "c++", done.stdout.split()[0])
    assert isinstance(end, marks.TrialEnd)
    assert end.status == "ok"
    assert end.images == sum(sum(unpack("i", each.images)) for each in batches) > 0
    assert begin.t < end.t


def test_cpp_exceptions_abort_their_trial_and_no_other(tmp_path: Path) -> None:
    program = compiled(tmp_path, THROWS, "c++17")
    with Inbox(tmp_path / "m") as inbox:
        subprocess.run([program], env={"E3P_SOCKET": str(tmp_path / "m")}, check=True)
    assert max(map(len, inbox.datagrams)) < 60_000
    found = told(inbox)
    assert [mark.group for mark in found if isinstance(mark, marks.IdleBegin)] == ['say "g"\n']
    ends = [mark for mark in found if isinstance(mark, marks.TrialEnd)]
    assert [(end.status, end.images, end.correct) for end in ends] == [
        ("aborted", 4, 3),
        ("ok", 10_000, 5000),
    ]


def test_cpp_does_not_mind_that_no_agent_runs(tmp_path: Path) -> None:
    program = compiled(tmp_path, (EXAMPLES / "main.cpp").read_text())
    subprocess.run([program, "0.1"], env={"E3P_SOCKET": str(tmp_path / "nobody")}, check=True)


SCRIPT = """
. "$1"
e3p_prepare night
e3p_idle_begin night
e3p_idle_end night
e3p_begin run-1 my_model imagenet-1k night
e3p_end run-1 1000
e3p_begin run-2 my_model imagenet-1k night 1 32
e3p_end run-2 0 aborted
"""


@pytest.mark.parametrize("shell", ["sh", "bash"])
@pytest.mark.parametrize("sender", ["perl", "socat", "python3"])
def test_a_shell_marks_through_whatever_can_send(tmp_path: Path, sender: str, shell: str) -> None:
    found, interpreter = shutil.which(sender), shutil.which(shell)
    if found is None or interpreter is None:
        pytest.skip(f"no {sender} or no {shell} here")
    environment = {"PATH": os.environ["PATH"], "E3P_SOCKET": str(tmp_path / "m"), "E3P_SENDER": found}
    before = time.monotonic_ns()
    with Inbox(tmp_path / "m") as inbox:
        command = [interpreter, "-eu", "-c", SCRIPT, "x", str(EXAMPLES / "marks.sh")]
        subprocess.run(command, env=environment, check=True)
    found_marks = told(inbox)
    assert [type(mark).__name__ for mark in found_marks] == [
        "Prepare",
        "IdleBegin",
        "IdleEnd",
        "TrialBegin",
        "Batches",
        "TrialEnd",
        "TrialBegin",
        "TrialEnd",
    ]
    batches = found_marks.pop(4)
    (begin,), (end,) = unpack("q", batches.begin), unpack("q", batches.end)
    assert before < begin < end < time.monotonic_ns()
    assert (found_marks[3].trial, found_marks[3].index, found_marks[3].batch_size) == ("run-1", 0, 1)
    assert (found_marks[4].status, found_marks[4].images) == ("ok", 1000)
    assert (found_marks[5].index, found_marks[5].batch_size, found_marks[6].status) == (1, 32, "aborted")


def test_a_shell_does_not_mind_that_no_agent_runs(tmp_path: Path) -> None:
    environment = {"PATH": os.environ["PATH"], "E3P_SOCKET": str(tmp_path / "nobody")}
    command = ["sh", "-eu", "-c", SCRIPT, "x", str(EXAMPLES / "marks.sh")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", "")
