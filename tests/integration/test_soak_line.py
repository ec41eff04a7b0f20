"""A short version of `python -m studies.soak`: simulated devices behind the real line, in one store."""

from __future__ import annotations

import json
from pathlib import Path

import anyio
import pytest
from typer.testing import CliRunner

from e3p.cli import app
from studies.soak.line import Node, Outcome, run
from studies.soak.truth import Injected, false_alarms, is_found
from telemetry.store.interface import Store
from telemetry.store.open import opened_store

HOURS = 2.5
FAULTS = (
    Injected("throttled", at=20, minutes=10),
    Injected("frozen", at=40, minutes=8),
    Injected("clock_step", at=60, size=-90.0),
    Injected("silent", at=70, minutes=6),
    Injected("rebooted", at=90, minutes=4),
    Injected("restarted", at=105),
    Injected("late", at=110, minutes=30),
)
NODES = (Node("worn", 1, FAULTS), Node("well", 2, ()))


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> str:
    return f"sqlite:///{tmp_path_factory.mktemp('soak') / 'store.sqlite'}"


@pytest.fixture(scope="module")
def outcome(store: str) -> Outcome:
    return anyio.run(run, NODES, HOURS, store)


def test_every_injected_fault_is_named_from_what_the_store_holds(outcome: Outcome) -> None:
    soak = outcome.soaks["worn"]
    assert [str(fault) for fault in FAULTS if not is_found(fault, soak)] == []


def test_nothing_else_is_an_episode(outcome: Outcome) -> None:
    assert [each for each in false_alarms(FAULTS, outcome.soaks["worn"]) if "drift" not in each] == []
    assert outcome.soaks["well"].episodes == ()


def test_no_frame_is_missing_and_the_ledgers_close(outcome: Outcome) -> None:
    for soak in outcome.soaks.values():
        assert soak.frames is not None
        assert (soak.frames.closed, soak.frames.missing, soak.frames.made) == (True, 0, soak.frames.stored)


def test_every_window_of_a_healthy_node_is_complete(outcome: Outcome) -> None:
    windows = outcome.soaks["well"].windows
    assert (windows.expected, windows.complete, windows.missing) == (150, 150, 0)


def test_the_report_is_kept_in_the_store_and_fails_with_exit_code_1(outcome: Outcome, store: str) -> None:
    ran = CliRunner().invoke(app, ["soak", "report", "study", "--node", "worn", "--store", store, "--json"])
    (told,) = json.loads(ran.stdout)
    assert (told["kind"], told["node"], told["verdict"]) == ("soak", "worn", "fail")

    async def kept() -> list[str]:
        async with opened_store(store, create=False) as opened:
            return await _kept(opened)

    assert anyio.run(kept) == ["worn/study-1"]


def test_the_page_holds_every_episode_and_loads_nothing(outcome: Outcome, store: str, tmp_path: Path) -> None:
    page = tmp_path / "soak.html"
    CliRunner().invoke(app, ["soak", "report", "--node", "worn", "--store", store, "--html", str(page)])
    text = page.read_text(encoding="utf-8")
    assert "the clock was set back by 90.0 s" in text
    assert "held back by cpu" in text
    assert 'src="http' not in text


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (["report", "nonsense"], "there is no soak 'nonsense' in"),
        (["report", "--node", "nobody"], "--node nobody: the store"),
        (
            ["report", "study", "--compare", "before"],
            "--compare before: well has no earlier soak of this name",
        ),
    ],
)
def test_what_is_not_there_is_said(outcome: Outcome, store: str, asked: list[str], words: str) -> None:
    ran = CliRunner().invoke(app, ["soak", *asked, "--store", store])
    assert words in str(ran.exception)


async def _kept(store: Store) -> list[str]:
    return [revision.id for revision in await store.latest("soak")]
