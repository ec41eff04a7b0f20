"""Two devices that were given one name, in real processes: named, and nothing of theirs is mixed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.processes import NODE, Line

pytestmark = pytest.mark.anyio


@pytest.mark.long
async def test_two_agents_under_one_name_are_named_and_both_keep_their_data(tmp_path: Path) -> None:
    with Line(tmp_path) as line:
        server = await line.serve()
        first = await line.edge()
        line.env |= {
            "E3P_EDGE_SPOOL": str(tmp_path / "second.spool"),
            "E3P_EDGE_SOCKET": str(tmp_path / "2.sock"),
        }
        second = await line.edge()
        boots = [re.findall(r"boot begins .*boot=([0-9a-f]+)", agent.text)[0] for agent in (first, second)]
        await server.says(re.compile(f"two live boots .*node={NODE} earlier={boots[0]} later={boots[1]}"))
        for program in (second, first, server):
            assert await program.interrupt() == 0
        status, ledger = line.ask("ledger")
        assert status == 0
        assert [(event["kind"], event["node"]) for event in ledger["events"]] == [("two_boots", NODE)]
        assert {row["boot"] for row in ledger["streams"]} == set(boots)


@pytest.mark.long
async def test_an_agent_that_starts_again_and_again_is_one_device(tmp_path: Path) -> None:
    """Each time its spool holds what the boot before could not deliver, and is killed with it."""
    with Line(tmp_path) as line:
        server = await line.serve()
        for _ in range(4):
            agent = await line.edge()
            await line.trial(f"t{len(line.programs)}", seconds=12)
            agent.kill()
        agent = await line.edge()
        await line.trial("last", seconds=35)
        assert await agent.interrupt() == 0
        assert await server.interrupt() == 0
        status, ledger = line.ask("ledger")
        assert (status, ledger["events"]) == (0, [])
