"""Campaigns from the server to real agents: one is killed in the middle, comes back, finishes its part."""

from __future__ import annotations

import importlib.util
import os
import re
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.processes import NODE, ROOT, Line, Program, until
from tests.running import FAKES
from tests.servers import Broker

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(600)]

OTHER = "other"
PLAN = """
name = "night"
models = [{models}]
batch_sizes = [2]
trials = {trials}
weights = "random"
threads = 1

[[datasets]]
name = "toy"
images = 4

[protocol]
idle_s = 0
cooldown_s = 0.1
cooldown_most_s = 0.1
warmup_s = 0.1
min_s = {min_s}
delay_s = 0
jitter_ms = 20
"""


def write_plan(folder: Path, *models: str, trials: int = 2, min_s: float = 1.0) -> str:
    names = ", ".join(f'"{model}"' for model in models)
    (folder / "night.toml").write_text(PLAN.format(models=names, trials=trials, min_s=min_s))
    return "night.toml"


def with_fakes(line: Line) -> None:
    line.env["PYTHONPATH"] = os.pathsep.join([str(FAKES), str(ROOT)])


async def agent(line: Line, node: str = NODE, **more: str) -> Program:
    """An agent that takes campaigns, with a spool and a socket of its own."""
    own = {
        "E3P_EDGE_NODE": node,
        "E3P_EDGE_SPOOL": str(line.folder / f"{node}.spool"),
        "E3P_EDGE_SOCKET": str(line.folder / f"{node}.sock"),
        "E3P_EDGE_CAMPAIGNS": "on",
        **more,
    }
    before = dict(line.env)
    line.env |= own
    program = line.run("edge", "--mqtt", line.mqtt or "")
    line.env = before
    await program.says(re.compile("e3p edge: ready"))
    return program


def roles(process: psutil.Process) -> set[str]:
    """What a process of an agent's family is there for."""
    words = process.cmdline()
    return {name for name in ("part", "runner.py") if any(word.endswith(name) for word in words)}


def start(line: Line, plan: str, nodes: str) -> dict[str, Any]:
    status, said = line.ask("campaign", "start", plan, "--nodes", nodes, "--mqtt", line.mqtt or "")
    return {**said, "status": status}


def nodes_of(line: Line, name: str = "night") -> dict[str, dict[str, Any]]:
    _, said = line.ask("campaign", "status", name)
    (campaign,) = said["campaigns"]
    return {node["node"]: node for node in campaign["nodes"]}


async def settled(line: Line, *, results: bool = True) -> dict[str, dict[str, Any]]:
    """How the nodes stand, once none has anything left to do, and every trial has its result."""

    def looked() -> object:
        nodes = nodes_of(line)
        over = all(node["state"] in ("ended", "failed", "refused", "cancelled") for node in nodes.values())
        told = all(node["results"] >= node["done"] for node in nodes.values())
        return nodes if over and (told or not results) else None

    found = await until(looked, lambda: str(nodes_of(line)), within_s=240)
    assert isinstance(found, dict)
    return found


@pytest.mark.skipif(importlib.util.find_spec("timm") is None, reason="timm is not installed here")
async def test_two_nodes_carry_out_a_plan_and_one_is_killed_and_comes_back(tmp_path: Path) -> None:
    models = ("test_vit.r160_in1k", "test_efficientnet.r160_in1k")
    with Line(tmp_path) as line:
        await line.serve()
        first = await agent(line)
        await agent(line, OTHER)
        said = start(line, write_plan(tmp_path, *models, trials=2, min_s=2.0), f"{NODE},{OTHER}")
        assert said["status"] == 0
        assert set(said["replies"]) == {NODE, OTHER}
        await first.says(re.compile(r"images in [\d.]+ s(.|\n)*trial \d begins"))
        first.kill()
        back = await agent(line)
        nodes = await settled(line)
        assert {name: (node["state"], node["done"], node["of"]) for name, node in nodes.items()} == {
            NODE: ("ended", 4, 4),
            OTHER: ("ended", 4, 4),
        }
        assert back.text.count("images in") == 3, "a trial that had ended was repeated, or one is missing"
        _, ranking = line.ask("rank", "--origin", "any", "--campaign", "night")
        refused = {each["model"]: each["reason"] for each in ranking["refused"]}
        assert set(refused) == set(models), "random weights have no accuracy"


async def test_a_model_that_is_not_known_or_too_big_is_named_and_the_others_go_on(tmp_path: Path) -> None:
    with Line(tmp_path) as line:
        with_fakes(line)
        await line.serve()
        edge = await agent(line)
        start(line, write_plan(tmp_path, "tiny_huge", "tiny_one", "tiny_won", trials=1), NODE)
        node = (await settled(line))[NODE]
        assert (node["state"], node["done"], node["of"]) == ("ended", 1, 3)
        why = {each["model"]: each["why"] for each in node["left_out"]}
        assert "out of memory" in why["tiny_huge"]
        assert "no model 'tiny_won'" in why["tiny_won"]
        assert line.ask("campaign", "status", "night")[0] == 1
        await edge.says(re.compile("child over .*state=ended why=None"))
        assert "Traceback" not in edge.text
        assert "Fatal" not in edge.text


async def test_a_node_refuses_what_its_owner_does_not_allow(tmp_path: Path) -> None:
    with Line(tmp_path) as line:
        with_fakes(line)
        await line.serve()
        await agent(line, E3P_EDGE_CAMPAIGNS="off")
        said = start(line, write_plan(tmp_path, "tiny_one"), NODE)
        assert said["status"] == 1
        assert "has not let campaigns in" in said["replies"][NODE]["reason"]
        node = (await settled(line))[NODE]
        assert (node["state"], node["results"]) == ("refused", 0)


async def test_a_campaign_waits_for_a_node_that_is_away_is_cancelled_and_resumed(tmp_path: Path) -> None:
    with Line(tmp_path) as line:
        with_fakes(line)
        await line.serve()
        said = start(line, write_plan(tmp_path, "tiny_one", trials=2, min_s=3.0), NODE)
        assert (said["status"], said["replies"]) == (0, {})
        edge = await agent(line)
        await edge.says(re.compile(r"images in [\d.]+ s(.|\n)*trial 1 begins"))
        assert line.ask("campaign", "cancel", "night", "--mqtt", line.mqtt or "")[0] == 0
        node = (await settled(line))[NODE]
        assert (node["state"], node["done"]) == ("cancelled", 1)
        assert line.ask("campaign", "resume", "night", "--mqtt", line.mqtt or "")[0] == 0
        node = (await settled(line))[NODE]
        assert (node["state"], node["done"]) == ("ended", 2)
        assert edge.text.count("images in") == 2


@pytest.mark.long
async def test_trials_go_on_without_a_broker_and_all_is_known_once_it_is_back(
    tmp_path: Path, mosquitto: Broker
) -> None:
    with Line(tmp_path) as line:
        with_fakes(line)
        await line.serve(mosquitto.url)
        edge = await agent(line)
        start(line, write_plan(tmp_path, "tiny_one", trials=3, min_s=2.0), NODE)
        await edge.says(re.compile("trial 0 begins"))
        mosquitto.stop()
        await edge.says(re.compile(r"(images in [\d.]+ s(.|\n)*){3}"))
        mosquitto.start()
        node = (await settled(line))[NODE]
        assert (node["state"], node["done"], node["results"], node["invalid"]) == ("ended", 3, 3, 0)
        assert edge.text.count("images in") == 3


@pytest.mark.long
@pytest.mark.parametrize("victims", ["the child", "the child and its runner"])
async def test_a_child_that_is_killed_is_followed_by_one_that_goes_on(tmp_path: Path, victims: str) -> None:
    with Line(tmp_path) as line:
        with_fakes(line)
        await line.serve()
        edge = await agent(line)
        start(line, write_plan(tmp_path, "tiny_one", trials=2, min_s=3.0), NODE)
        await edge.says(re.compile(r"images in [\d.]+ s(.|\n)*trial 1 begins"))
        family = [each for each in edge.family() if roles(each)]
        for process in family if victims != "the child" else family[:1]:
            process.kill()
        node = (await settled(line))[NODE]
        assert (node["state"], node["done"], node["results"]) == ("ended", 2, 2)
        assert edge.text.count("images in") == 2
