"""Ctrl-C on the server and on the agent: no process is left behind, and no data is lost."""

from __future__ import annotations

from pathlib import Path

import anyio
import pytest

from tests.processes import Line, Program, finish
from tests.verdicts import (
    assert_all_stored,
    assert_closed,
    assert_reanalysis_changes_nothing,
    assert_true_energy,
    result_of,
)

pytestmark = pytest.mark.anyio


async def interrupt_both(one: Program, other: Program) -> None:
    """Ctrl-C in two terminals at once; each ends with 0 and leaves no process."""
    statuses: list[int] = []

    async def interrupt(program: Program) -> None:
        statuses.append(await program.interrupt())

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(interrupt, one)
        tasks.start_soon(interrupt, other)
    assert statuses == [0, 0]


async def test_ctrl_c_on_the_agent_within_a_trial_hands_over_every_frame(tmp_path: Path) -> None:
    with Line(tmp_path) as line:
        server = await line.serve()
        agent = await line.edge()
        application = await line.application("t")
        await anyio.sleep(1.0)
        assert await agent.interrupt() == 0
        await finish(application)
        assert await server.interrupt() == 0
        assert all(row["ticks_off"] == 0 for row in assert_all_stored(line) if "power/" in row["stream"])


async def test_ctrl_c_on_both_at_a_trial_s_end_keeps_the_trial(tmp_path: Path) -> None:
    with Line(tmp_path) as line:
        server = await line.serve()
        agent = await line.edge()
        await line.trial("t")
        await interrupt_both(server, agent)
        assert_closed(line)
        await line.serve()
        agent = await line.edge()
        await result_of(line, "t", without=("frames_missing", "no_manifest"))
        assert await agent.interrupt() == 0
        assert_all_stored(line)
        await assert_true_energy(line, "t")
        await assert_reanalysis_changes_nothing(line)


async def test_ctrl_c_on_the_server_within_a_trial_takes_nothing_from_it(tmp_path: Path) -> None:
    with Line(tmp_path) as line:
        server = await line.serve()
        agent = await line.edge()
        application = await line.application("t")
        await anyio.sleep(0.7)
        assert await server.interrupt() == 0
        await anyio.sleep(0.7)
        await finish(application)
        assert await agent.interrupt() == 0
        assert_closed(line)
        await line.serve()
        again = await line.edge()
        await result_of(line, "t", without=("frames_missing", "no_manifest"))
        assert await again.interrupt() == 0
        assert_all_stored(line)
        await assert_true_energy(line, "t")
        await assert_reanalysis_changes_nothing(line)
