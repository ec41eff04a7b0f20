"""`e3p run -- COMMAND`: programs that know nothing of e3p, measured by a real agent."""

from __future__ import annotations

import json
import re
import signal
import sys
from pathlib import Path

import anyio
import anyio.to_thread
import pytest

from telemetry.contract.documents import Result
from tests.processes import WITHIN_S, Line, Program
from tests.verdicts import BUSY, assert_true_energy, results

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(300)]

STRESS = "i=0; while [ $i -lt 150000 ]; do i=$((i + 1)); done; echo worked"


def run(line: Line, *words: str) -> Program:
    assert line.mqtt is not None
    return line._start(["-m", "e3p", "run", "--mqtt", line.mqtt, *words], "run")


async def ended(program: Program) -> int:
    return await anyio.to_thread.run_sync(program.process.wait, 2 * WITHIN_S)


async def the_result(line: Line) -> Result:
    """The one result in the store, once no frame is on its way any more."""
    with anyio.fail_after(WITHIN_S):
        while True:
            found = [r for r in (await results(line)).values() if "frames_missing" not in r.reasons]
            if found:
                (result,) = found
                return result
            await anyio.sleep(0.1)


async def test_a_shell_load_that_knows_nothing_of_e3p_appears_in_the_results(tmp_path: Path) -> None:
    with Line(tmp_path) as line:
        await line.serve()
        await line.edge()
        program = run(line, "--name", "stress", "--idle-s", "0.5", "--", "sh", "-c", STRESS)
        assert await ended(program) == 0, program.text
        result = await the_result(line)
        assert (result.model, result.backend, result.kind) == ("stress", "program", "trial")
        assert result.trial is not None
        await assert_true_energy(line, result.trial)
        assert result.idle_w is not None
        assert "worked" in program.text
        told = re.search(
            r"stress: ([\d.]+) ± [\d.]+ J .*, ([\d.]+) W on average over ([\d.]+) s", program.text
        )
        assert told is not None, program.text
        assert float(told[1]) == pytest.approx(result.energy_j, rel=0.01)
        assert float(told[2]) == pytest.approx(result.mean_w, rel=0.01)
        # It is a window of its own, and no candidate of a ranking.
        assert line.ask("rank", "--origin", "any")[1]["rows"] == []


async def test_the_exit_code_is_the_programs_own_and_stdout_is_one_document(tmp_path: Path) -> None:
    with Line(tmp_path) as line:
        await line.serve()
        await line.edge()
        program = run(line, "--json", "--images", "500", "--", "sh", "-c", "sleep 1; echo words; exit 7")
        assert await ended(program) == 7, program.text
        document = json.loads(program.text[program.text.index("[\n") :])
        assert [(each["model"], each["images"]) for each in document] == [("sh", 500)]
        assert document[0]["j_per_1000"] == pytest.approx(2 * document[0]["energy_j"])


async def test_signals_go_on_to_the_program_and_what_they_end_is_aborted(tmp_path: Path) -> None:
    with Line(tmp_path) as line:
        await line.serve()
        await line.edge()
        polite = run(
            line, "--", "sh", "-c", "trap 'echo goodbye; exit 3' TERM; echo up; while :; do sleep 0.1; done"
        )
        await polite.says(re.compile("up"))
        polite.process.send_signal(signal.SIGTERM)
        assert await ended(polite) == 3
        assert "goodbye" in polite.text
        assert (await the_result(line)).state != "invalid"

    (tmp_path / "two").mkdir()
    with Line(tmp_path / "two") as line:
        await line.serve()
        await line.edge()
        rude = run(line, "--", sys.executable, "-c", "import time; print('up', flush=True); time.sleep(600)")
        await rude.says(re.compile("up"))
        await anyio.sleep(1)
        rude.process.send_signal(signal.SIGTERM)
        assert await ended(rude) == 128 + signal.SIGTERM
        assert set((await the_result(line)).reasons) - BUSY == {"aborted"}


async def test_a_kill_of_the_command_itself_closes_the_window_as_aborted(tmp_path: Path) -> None:
    with Line(tmp_path) as line:
        await line.serve()
        await line.edge()
        program = run(line, "--", "sleep", "3")
        await anyio.sleep(0.1)
        await program.until(
            lambda: any(child.name() == "sleep" for child in program.family()), "started the program"
        )
        program.kill()
        result = await the_result(line)
        assert (result.state, "aborted" in result.reasons) == ("invalid", True)


async def test_what_cannot_be_run_is_told_as_a_shell_does(tmp_path: Path) -> None:
    (tmp_path / "torn").write_text("#!/no/such/interpreter\n")
    (tmp_path / "torn").chmod(0o755)
    with Line(tmp_path) as line:
        nobody = line._start(["-m", "e3p", "run", "--", "sleep", "1"], "run")
        assert await ended(nobody) == 2
        assert "no agent listens for marks" in nobody.text
        await line.serve()
        await line.edge()
        program = run(line, "--", "no-such-program")
        assert await ended(program) == 127
        assert "no-such-program: no such program" in program.text
        torn = run(line, "--", str(tmp_path / "torn"))
        assert await ended(torn) == 126, torn.text
        assert "cannot be started" in torn.text
        assert "Traceback" not in torn.text
