"""`e3p trial`, `e3p rank` and `e3p report` as separate commands against `e3p serve` and `e3p edge`.

Three real models with known answers; then kills, with fakes in place of torch and timm: they die as well.
"""

from __future__ import annotations

import importlib.util
import os
import re
import signal
from pathlib import Path

import anyio.to_thread
import psutil
import pytest

from telemetry.contract.documents import Result
from tests import pictures
from tests.processes import ROOT, WITHIN_S, Line, Program, until
from tests.running import FAKES
from tests.verdicts import BUSY, assert_true_energy, results, until_begun

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(600)]

MODELS = ["test_vit.r160_in1k", "test_efficientnet.r160_in1k", "test_vit2.r160_in1k"]
NAMED = [word for model in MODELS for word in ("--model", model)]
SHORT = ["--warmup-s", "1", "--cooldown-s", "0.1", "--idle-s", "0.5", "--trials", "2", "--threads", "1"]
SHORT += ["--cooldown-most-s", "1"]
KILLED = ["--model", "tiny_one", "--dataset", "toy", "--images", "8", "--batch", "4", "--trials", "2"]
KILLED += [
    "--cooldown-most-s",
    "1",
    "--warmup-s",
    "0.1",
    "--cooldown-s",
    "0.1",
    "--idle-s",
    "0",
    "--min-s",
    "3",
    "--jitter-ms",
    "20",
]


async def trial(line: Line, *arguments: str) -> Program:
    return line.run("trial", *arguments, "--mqtt", line.mqtt or "")


async def exit_code(program: Program, within_s: float = 5 * WITHIN_S) -> int:
    return await anyio.to_thread.run_sync(program.process.wait, within_s)


async def fakes(line: Line) -> Program:
    """A server, and an agent: the agent."""
    line.env["PYTHONPATH"] = os.pathsep.join([str(FAKES), str(ROOT)])
    await line.serve()
    return await line.edge()


async def indexed(line: Line, count: int) -> list[tuple[int | None, Result]]:
    """The results of so many trials, by index; complaints about frames on their way do not count."""
    found: list[Result] = []
    with anyio.fail_after(WITHIN_S):
        while len(found) < count:
            await anyio.sleep(0.1)
            found = [r for r in (await results(line)).values() if "frames_missing" not in r.reasons]
    return sorted(((r.index, r) for r in found), key=lambda each: (each[0], each[1].begin))


def assert_counts(result: Result) -> None:
    """A number that may be used: a machine that is too busy to sample may have left a gap, and says so."""
    assert result.state == ("degraded" if result.reasons else "valid")
    assert set(result.reasons) <= BUSY, result


def assert_aborted(result: Result) -> None:
    """No number to use, and why."""
    assert (result.state, "aborted" in result.reasons) == ("invalid", True)


def group_of(line: Line) -> str:
    """The one plan that is unfinished."""
    (plan,) = (line.folder / "trials").glob("*.json")
    return plan.stem


def assert_nothing_is_unfinished(line: Line) -> None:
    assert not list((line.folder / "trials").iterdir())


@pytest.mark.skipif(importlib.util.find_spec("timm") is None, reason="timm is not installed here")
async def test_three_models_are_measured_ranked_and_reported_as_they_are(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with Line(tmp_path) as line:
        truth = pictures.make(data, MODELS, line.env)
        line.env |= pictures.environment(data)
        await line.serve()
        await line.edge()
        asked = [*NAMED, *SHORT, "--data", str(data), "--images", "12", "--batch", "4", "--min-s", "1"]
        measured = await trial(line, *asked)
        assert await exit_code(measured) == 0, measured.text
        found = (await results(line)).values()
        assert sorted((r.model, r.index) for r in found) == sorted((m, i) for m in MODELS for i in (0, 1))
        assert len({r.group for r in found}) == 1
        assert len({r.subset for r in found}) == 1
        for result in found:
            assert result.trial is not None
            assert result.accuracy == pytest.approx(truth[result.model or ""] / 12)
            assert result.accuracy_origin == "measured"
            await assert_true_energy(line, result.trial)
        line_of = r"(\S+) trial (\d): [\d.]+ ± [\d.]+ J .*J per 1,000 images, (?:valid|degraded: gap)"
        told = set(re.findall(line_of, measured.text))
        assert told == {(model, index) for model in MODELS for index in "01"}, measured.text
        assert_nothing_is_unfinished(line)

        status, ranking = line.ask("rank", "--origin", "synthetic")
        rows = {row["model"]: row for row in ranking["rows"]}
        assert status == 0
        assert {model: row["accuracy"] for model, row in rows.items()} == {
            model: pytest.approx(right / 12) for model, right in truth.items()
        }
        assert {row["trials"] for row in rows.values()} == {2}
        report = line.run("report", "--out", str(tmp_path / "report.html"))
        assert await exit_code(report) == 0, report.text
        page = (tmp_path / "report.html").read_text(encoding="utf-8")
        assert all(model in page for model in MODELS)


async def test_labels_that_do_not_fit_are_one_clear_line(tmp_path: Path) -> None:
    for name in ("ape", "bee", "cat"):
        (tmp_path / "data" / name).mkdir(parents=True)
        (tmp_path / "data" / name / "1.png").write_text("1")
    with Line(tmp_path) as line:
        await fakes(line)
        asked = ["--model", "tiny_one", "--data", str(tmp_path / "data"), "--batch", "1", *SHORT]
        measured = await trial(line, *asked)
        assert await exit_code(measured) == 2
        assert "the labels do not fit the head: 3 classes (ape, bee, cat) for 2 outputs" in measured.text
        assert "Traceback" not in measured.text


@pytest.mark.parametrize("victims", ["the command", "the runner", "both"])
async def test_a_trial_killed_in_the_middle_is_invalid_and_resumed(tmp_path: Path, victims: str) -> None:
    with Line(tmp_path) as line:
        await fakes(line)
        first = await trial(line, *KILLED)
        await first.says(re.compile("trial 1 begins"))
        await anyio.sleep(0.5)
        command, runner = first.family()
        for process in {"the command": [command], "the runner": [runner], "both": [command, runner]}[victims]:
            process.kill()
        assert await exit_code(first) != 0
        await until(lambda: not alive(runner), lambda: "the runner outlives its command")
        (_, whole), (_, killed) = await indexed(line, 2)
        assert_counts(whole)
        assert_aborted(killed)

        again = await trial(line, "--resume", group_of(line))
        assert await exit_code(again) == 0, again.text
        assert "trial 0 begins" not in again.text
        found = await indexed(line, 3)
        assert [index for index, _ in found] == [0, 1, 1]
        whole, killed, repeated = (result for _, result in found)
        assert_counts(whole)
        assert_aborted(killed)
        assert_counts(repeated)
        assert repeated.group == killed.group
        assert_nothing_is_unfinished(line)


async def test_ctrl_c_says_how_to_go_on(tmp_path: Path) -> None:
    with Line(tmp_path) as line:
        await fakes(line)
        program = await trial(line, *KILLED)
        await program.says(re.compile("trial 1 begins"))
        assert await program.interrupt(signal.SIGINT) == 130
        assert f"1 of 2 trials are left: go on with `e3p trial --resume {group_of(line)}`" in program.text
        (_, whole), (_, stopped) = await indexed(line, 2)
        assert_counts(whole)
        assert_aborted(stopped)


async def test_an_agent_that_dies_and_comes_back_within_a_trial_leaves_a_gap_that_is_said(
    tmp_path: Path,
) -> None:
    with Line(tmp_path) as line:
        agent = await fakes(line)
        program = await trial(line, *KILLED)
        await program.says(re.compile("trial 0 begins"))
        await anyio.sleep(0.5)
        agent.kill()
        await line.edge()
        await exit_code(program)
        disturbed = next(r for index, r in await indexed(line, 2) if index == 0)
        assert disturbed.state in ("degraded", "invalid")
        assert set(disturbed.reasons) & {"gap", "coverage"}


async def test_without_its_agent_no_trial_counts_and_the_plan_is_resumed(tmp_path: Path) -> None:
    with Line(tmp_path) as line:
        agent = await fakes(line)
        program = await trial(line, *KILLED, "--wait-s", "1")
        await until_begun(line)
        agent.kill()
        assert await exit_code(program) == 1
        assert "the agent is gone" in program.text
        assert "2 of 2 trials are left" in program.text
        await line.edge()
        ((_, aborted),) = await indexed(line, 1)
        assert_aborted(aborted)

        again = await trial(line, "--resume", group_of(line))
        assert await exit_code(again) == 0, again.text
        (_, aborted), (first, repeated), (second, other) = await indexed(line, 3)
        assert (first, second) == (0, 1)
        assert_aborted(aborted)
        assert_counts(repeated)
        assert_counts(other)


def alive(process: psutil.Process) -> bool:
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE


PLAN = """
name = "night"
models = ["tiny_one", "tiny_two"]
batch_sizes = [2, 4]
trials = 1

[[datasets]]
name = "toy"
images = 8

[protocol]
idle_s = 0
cooldown_s = 0.1
cooldown_most_s = 1
warmup_s = 0.1
min_s = 2
jitter_ms = 20

[[overrides]]
model = "tiny_two"
batch_size = 4
skip = true
"""


async def test_a_plan_goes_on_after_a_kill_by_the_same_command(tmp_path: Path) -> None:
    with Line(tmp_path) as line:
        await fakes(line)
        (tmp_path / "night.toml").write_text(PLAN)
        program = await trial(line, "--plan", "night.toml")
        await program.says(re.compile(r"images in [\d.]+ s"))  # the first trial has ended
        await program.says(re.compile(r"(?s)trial 0 begins.*trial 0 begins"))
        await anyio.sleep(0.5)
        program.kill()
        begun = await indexed(line, 2)
        assert [r.state for _, r in begun].count("invalid") == 1

        again = await trial(line, "--plan", "night.toml")
        assert await exit_code(again) == 0, again.text
        assert "going on with night-" in again.text
        assert "2 of 3 trials are left" in again.text
        counted = [r for _, r in await indexed(line, 4) if r.state != "invalid"]
        kinds = {(r.model, r.batch_size) for r in counted}
        assert kinds == {("tiny_one", 2), ("tiny_one", 4), ("tiny_two", 2)}
        assert len(counted) == 3
        assert len({r.group for r in counted}) == 1
        assert_nothing_is_unfinished(line)
        for result in counted:
            assert result.protocol is not None
            assert result.protocol.min_s == 2
            assert result.context is not None
            assert result.context_hash

        status, checks = line.ask("check", "--group", counted[0].group or "")
        assert status == 1
        failing = {f["rule"] for check in checks for f in check["findings"] if not f["publishable"]}
        assert {"origin", "duration", "repetitions"} <= failing
        assert not failing & {"context", "order", "complete", "performance"}


async def test_a_wrong_plan_is_told_with_its_line(tmp_path: Path) -> None:
    with Line(tmp_path) as line:
        await fakes(line)
        (tmp_path / "night.toml").write_text(
            PLAN.replace('"tiny_two"]', '"tiny_tow"]').replace('"tiny_two"\n', '"*"\n')
        )
        program = await trial(line, "--plan", "night.toml")
        assert await exit_code(program) == 2
        assert (
            "night.toml, line 3 (models[1]): timm 0.fake has no model 'tiny_tow'; right is: tiny_two"
            in program.text
        )
        assert "Traceback" not in program.text
