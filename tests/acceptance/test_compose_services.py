"""The services of docker-compose.yml come up well, and do what they are for."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.processes import until
from tests.servers import Influxd, Mosquitto
from tests.stack import Stack, its_broker, keep_in, stacked

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(300)]

DEMO = ("demo-2", "demo-3")
PARTS = ("collector", "analyzer", "node")


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    with stacked(tmp_path) as found:
        yield found


@pytest.fixture
def broker(stack: Stack) -> Iterator[Mosquitto]:
    with its_broker(stack) as found:
        yield found


@pytest.fixture
def store(stack: Stack, influxd: Influxd) -> Influxd:
    keep_in(stack, influxd)
    return influxd


@pytest.mark.usefixtures("broker", "store")
async def test_the_stack_comes_up_well_and_stores_what_its_node_measures(stack: Stack) -> None:
    stack.e3p(*stack.started_with("store-setup"))
    for name in PARTS:
        stack.start(name)
    for name in PARTS:
        program = stack.programs[name]
        await program.until(lambda name=name: stack.is_well(name), "was well")

    def ledger() -> list[dict[str, Any]]:
        # It does not close before the first word of health is stored.
        told = stack.e3p(["ledger", "--json"], stack.started_with("collector")[1], codes=(0, 1))
        return [row for row in json.loads(told)["streams"] if row["stored"]]

    await until(lambda: "power/main" in {row["stream"] for row in ledger()}, lambda: str(ledger()))
    for name in reversed(PARTS):
        assert await stack.programs[name].interrupt(signal.SIGTERM) == 0, stack.programs[name].text
    assert {row["node"] for row in ledger()} == {"synthetic"}
    assert not [row for row in ledger() if row["lost"] or row["missing"] or row["dead"]]


@pytest.mark.usefixtures("broker", "store")
async def test_nodes_of_the_demo_fill_the_store_with_trials_a_ranking_and_a_soak(stack: Stack) -> None:
    stack.e3p(*stack.started_with("store-setup"))
    for name in ("collector", "analyzer", *DEMO):
        stack.start(name)
    asked = stack.started_with("collector")[1]

    def ranked() -> set[str]:
        told = stack.e3p(["rank", "--origin", "synthetic", "--json"], asked, codes=(0, 1, 2))
        return {row["model"] for row in json.loads(told or "{}").get("rows", ())}

    words = lambda: f"{ranked()} {stack.programs['analyzer'].text}"  # noqa: E731
    await until(lambda: len(ranked()) == 3, words, 150)
    for name in (*DEMO, "analyzer", "collector"):
        assert await stack.programs[name].interrupt(signal.SIGTERM) == 0, stack.programs[name].text
    told = json.loads(stack.e3p(["ledger", "--json"], asked))
    assert {row["node"] for row in told["streams"]} == set(DEMO)
    assert told["closed"]
    (soak,) = json.loads(stack.e3p(["soak", "report", "demo", "--json"], asked))
    assert (soak["node"], soak["plan"]["watch"]["app"]) == ("demo-3", "camera")
