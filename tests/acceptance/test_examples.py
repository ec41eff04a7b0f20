"""The programs of `examples/`, measured by a real agent: a shell script and a plain PyTorch program."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

import anyio
import anyio.to_thread
import pytest

from telemetry.contract.documents import Result
from tests.processes import ROOT, WITHIN_S, Line
from tests.verdicts import assert_true_energy, results

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(300)]

NIGHT = """
. "$1"
e3p_prepare night; sleep 1
e3p_idle_begin night; sleep 0.5; e3p_idle_end night
for run in 0 1; do
    e3p_begin "shell-$run" burn none night $run
    i=0; while [ $i -lt 300000 ]; do i=$((i + 1)); done
    e3p_end "shell-$run" 100
done
"""


async def measured(line: Line, command: list[str], count: int) -> list[Result]:
    """The results of what a program marked, by their begin, once no frame is on its way any more."""

    def run() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            env=line.env,
            cwd=line.folder,
            capture_output=True,
            text=True,
            timeout=WITHIN_S,
            check=False,
        )

    done = await anyio.to_thread.run_sync(run)
    assert done.returncode == 0, done.stderr
    found: list[Result] = []
    with anyio.fail_after(WITHIN_S):
        while len(found) < count:
            await anyio.sleep(0.1)
            found = [r for r in (await results(line)).values() if "frames_missing" not in r.reasons]
    return sorted(found, key=lambda result: result.begin)


async def test_a_shell_script_marks_what_it_runs(tmp_path: Path) -> None:
    with Line(tmp_path) as line:
        await line.serve()
        await line.edge()
        script = ["sh", "-c", NIGHT, "night", str(ROOT / "examples" / "marks" / "marks.sh")]
        found = await measured(line, script, 2)
        assert [(result.trial, result.model, result.index) for result in found] == [
            ("shell-0", "burn", 0),
            ("shell-1", "burn", 1),
        ]
        for result in found:
            await assert_true_energy(line, result.trial or "")
            assert result.images == 100
            assert result.latency_ms is not None
            assert result.idle_w is not None


@pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="torch is not installed here")
async def test_a_pytorch_program_with_three_lines_added_appears_in_the_results(tmp_path: Path) -> None:
    example = ROOT / "examples" / "pytorch_three_lines.py"
    assert len([line for line in example.read_text().splitlines() if ": added" in line]) == 3
    with Line(tmp_path) as line:
        await line.serve()
        await line.edge()
        (result,) = await measured(line, [sys.executable, str(example), "2"], 1)
        assert (result.model, result.dataset) == ("small_cnn", "random")
        assert result.trial is not None
        await assert_true_energy(line, result.trial)
        assert result.images
        assert result.latency_ms is not None
        assert result.j_per_1000 == pytest.approx(1000 * (result.energy_j or 0) / result.images)
        assert result.context is not None
        assert result.context.libraries is not None
        assert "torch" in result.context.libraries


async def test_a_cpp_program_marks_itself(tmp_path: Path) -> None:
    compiler = shutil.which("g++")
    if compiler is None:
        pytest.skip("no C++ compiler here")
    toy = tmp_path / "toy"
    source = ROOT / "examples" / "marks" / "main.cpp"
    command = [compiler, "-std=c++11", "-O2", "-o", toy, source]
    await anyio.to_thread.run_sync(lambda: subprocess.run(command, check=True))
    with Line(tmp_path) as line:
        await line.serve()
        await line.edge()
        (result,) = await measured(line, [str(toy), "2"], 1)
        assert (result.model, result.backend) == ("square_roots", "c++")
        await assert_true_energy(line, result.trial or "")
