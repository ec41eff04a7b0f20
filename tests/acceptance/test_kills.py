"""SIGKILL, at seeded moments with frames on their way: nothing is lost, and no number is wrong in silence."""

from __future__ import annotations

import random
from pathlib import Path

import anyio
import psutil
import pytest

from telemetry.contract.documents import Result
from telemetry.contract.topics import every_frame
from tests.processes import Line, Program, finish, until
from tests.servers import Broker
from tests.verdicts import (
    Ear,
    assert_all_stored,
    assert_reanalysis_changes_nothing,
    assert_true_energy,
    history,
    result_of,
)

pytestmark = pytest.mark.anyio

SEEDS = [1, pytest.param(2, marks=pytest.mark.long), pytest.param(3, marks=pytest.mark.long)]


async def pause(seed: int, most_s: float = 1.0) -> None:
    """A moment chosen by the seed."""
    await anyio.sleep(random.Random(seed).random() * most_s)


def sampler_of(agent: Program) -> psutil.Process:
    """The agent's one child."""
    (sampler,) = agent.family()[1:]
    return sampler


async def until_gone(process: psutil.Process) -> None:
    await until(lambda: not process.is_running(), lambda: f"{process} outlives its agent")


async def until_ended(ear: Ear, trial: str = "t") -> None:
    """The end of a trial has been on the broker, so it is in the agent's spool."""

    def ended() -> bool:
        return any(b"trial_end" in m.payload and trial.encode() in m.payload for m in ear.heard)

    await until(ended, lambda: f"the end of {trial} was never sent")


async def assert_whole(line: Line, *trials: str) -> None:
    """After an orderly end of the agent: every frame is stored, and the energies are the undisturbed ones."""
    assert_all_stored(line)
    for trial in trials:
        await assert_true_energy(line, trial)
    await assert_reanalysis_changes_nothing(line)


async def disturbed(line: Line, trial: str) -> Result:
    """A trial that lost samples, once all frames there are have come: it never claims to be valid.

    Marks may be missing too: an agent that is killed takes the lines of the last quarter of a second along.
    """
    result = (await result_of(line, trial, without=("frames_missing",)))[trial, "main"]
    assert result.state in ("degraded", "invalid")
    assert set(result.reasons) & {"gap", "coverage"}
    assert result.coverage is not None
    assert result.coverage < 1
    return result


@pytest.mark.parametrize("seed", SEEDS)
async def test_an_agent_killed_while_frames_wait_loses_none(
    mosquitto: Broker, tmp_path: Path, seed: int
) -> None:
    with Line(tmp_path) as line:
        line.mqtt = mosquitto.url
        agent = await line.edge()
        async with Ear(mosquitto.url, *every_frame()).listening() as ear:
            await line.trial("t")
            await until_ended(ear)
        await pause(seed)
        sampler = sampler_of(agent)
        agent.kill()
        await until_gone(sampler)
        await line.part("collect")
        await line.part("analyze")
        again = await line.edge()
        await result_of(line, "t", without=("frames_missing", "no_manifest"))
        assert await again.interrupt() == 0
        await assert_whole(line, "t")


@pytest.mark.parametrize("seed", SEEDS)
async def test_an_agent_killed_within_a_trial_leaves_a_gap_that_is_said(
    mosquitto: Broker, tmp_path: Path, seed: int
) -> None:
    with Line(tmp_path) as line:
        await line.serve(mosquitto.url)
        agent = await line.edge()
        application = await line.application("t")
        await anyio.sleep(0.5)
        await pause(seed)
        agent.kill()
        agent = await line.edge()
        await anyio.sleep(1.0)
        await finish(application)
        await disturbed(line, "t")
        await line.trial("u", 1.0, index=1)
        await result_of(line, "u")
        assert await agent.interrupt() == 0
        await assert_whole(line, "u")


@pytest.mark.parametrize("seed", SEEDS)
async def test_a_sampler_killed_within_a_trial_leaves_a_gap_that_is_said(
    mosquitto: Broker, tmp_path: Path, seed: int
) -> None:
    with Line(tmp_path) as line:
        await line.serve(mosquitto.url)
        agent = await line.edge()
        application = await line.application("t")
        await anyio.sleep(0.5)
        await pause(seed)
        sampler_of(agent).kill()
        await anyio.sleep(1.5)
        await finish(application)
        await disturbed(line, "t")
        await line.trial("u", 1.0, index=1)
        await result_of(line, "u")
        assert await agent.interrupt() == 0
        await assert_whole(line, "u")


async def test_a_sampler_killed_after_a_trial_takes_nothing_from_it(
    mosquitto: Broker, tmp_path: Path
) -> None:
    with Line(tmp_path) as line:
        await line.serve(mosquitto.url)
        agent = await line.edge()
        async with Ear(mosquitto.url, *every_frame()).listening() as ear:
            await line.trial("t")
            await until_ended(ear)
        sampler_of(agent).kill()
        await result_of(line, "t")
        assert await agent.interrupt() == 0
        await assert_whole(line, "t")


async def test_an_application_killed_within_its_trial_aborts_it(mosquitto: Broker, tmp_path: Path) -> None:
    with Line(tmp_path) as line:
        await line.serve(mosquitto.url)
        agent = await line.edge()
        application = await line.application("t")
        await anyio.sleep(0.5)
        application.kill()
        result = (await result_of(line, "t"))["t", "main"]
        assert (result.state, "aborted" in result.reasons) == ("invalid", True)
        assert await agent.interrupt() == 0
        await assert_whole(line)


@pytest.mark.parametrize("seed", SEEDS)
async def test_a_collector_killed_within_a_trial_loses_nothing(
    mosquitto: Broker, tmp_path: Path, seed: int
) -> None:
    with Line(tmp_path) as line:
        line.mqtt = mosquitto.url
        collector = await line.part("collect")
        await line.part("analyze")
        agent = await line.edge()
        application = await line.application("t")
        await pause(seed, 2.0)
        collector.kill()
        await pause(seed)
        await line.part("collect")
        await finish(application)
        await result_of(line, "t", without=("frames_missing",))
        assert await agent.interrupt() == 0
        await assert_whole(line, "t")


@pytest.mark.parametrize("seed", SEEDS)
async def test_an_analyzer_killed_within_a_trial_finds_it_in_the_store(
    mosquitto: Broker, tmp_path: Path, seed: int
) -> None:
    with Line(tmp_path) as line:
        line.mqtt = mosquitto.url
        await line.part("collect")
        analyzer = await line.part("analyze")
        agent = await line.edge()
        application = await line.application("t")
        await pause(seed, 2.0)
        analyzer.kill()
        await anyio.sleep(1.0)
        await finish(application)
        assert await agent.interrupt() == 0
        await line.part("analyze")
        await result_of(line, "t")
        await assert_whole(line, "t")


async def test_an_analyzer_killed_as_it_writes_writes_no_second_revision(
    mosquitto: Broker, tmp_path: Path
) -> None:
    with Line(tmp_path) as line:
        line.mqtt = mosquitto.url
        await line.part("collect")
        analyzer = await line.part("analyze")
        agent = await line.edge()
        await line.trial("t", 1.0)
        await result_of(line, "t")
        analyzer.kill()
        await line.part("analyze")
        await line.trial("u", 1.0, index=1)
        await result_of(line, "u")
        assert await agent.interrupt() == 0
        assert len(await history(line, "t")) == 1
        await assert_whole(line, "t", "u")


@pytest.mark.long
@pytest.mark.parametrize("seed", range(4))
async def test_a_storm_of_kills_over_several_trials_loses_nothing(
    mosquitto: Broker, tmp_path: Path, seed: int
) -> None:
    chance = random.Random(seed)
    trials = [f"t{index}" for index in range(4)]
    with Line(tmp_path) as line:
        line.mqtt = mosquitto.url
        parts = {command: await line.part(command) for command in ("collect", "analyze")}
        agent = await line.edge()
        async with Ear(mosquitto.url, *every_frame()).listening() as ear:
            for index, trial in enumerate(trials):
                application = await line.application(trial, index=index)
                for _ in range(chance.randrange(1, 4)):
                    await anyio.sleep(chance.random())
                    victim = chance.choice(sorted(parts))
                    parts[victim].kill()
                    parts[victim] = await line.part(victim)
                await finish(application)
                if chance.random() < 0.5:
                    await until_ended(ear, trial)
                    agent.kill()
                    agent = await line.edge()
        for trial in trials:
            await result_of(line, trial, without=("frames_missing", "marks_missing", "no_manifest"))
        assert await agent.interrupt() == 0
        await assert_whole(line, *trials)
