"""`e3p events`, `e3p node list` and `e3p doctor`: what they say of findings in a store."""

from __future__ import annotations

import json
import time
from pathlib import Path

import anyio
import pytest

from analyzer.fleet.office import as_revision
from e3p.settings import load
from e3p.store_check import examine_store
from telemetry.contract.events import Finding, FindingKind
from telemetry.contract.nodetime import NS_PER_S
from telemetry.store.sqlite import SqliteStore
from tests.commands import Said, e3p

DAY_NS = 86_400 * NS_PER_S
NOW = time.time_ns()


def finding(kind: FindingKind, ago_s: int, *, lasts: bool = True, **fields: str) -> Finding:
    at = NOW - ago_s * NS_PER_S
    return Finding(
        kind=kind,
        id=f"{kind}/{at}",
        node="tx2",
        at=at,
        begin=at,
        until=None if lasts else at + NS_PER_S,
        severity="info" if kind == "restarted" else "alarm",
        words=fields.get("words", f"tx2 is {kind}"),
    )


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "e3p.db"


def keep(file: Path, *findings: Finding) -> None:
    async def put() -> None:
        store = SqliteStore(file)
        await store.open()
        await store.put([as_revision(each) for each in findings])
        await store.close()

    anyio.run(put)


def events(file: Path, *words: str) -> Said:
    return e3p("events", *words, "--store", f"sqlite:///{file}")


def test_what_lasts_and_what_ended_within_a_day_is_listed(file: Path) -> None:
    old = 2 * 86_400
    keep(file, finding("hole", old), finding("silent", old, lasts=False), finding("back", 60, lasts=False))
    said = events(file, "--json")
    assert [each["kind"] for each in json.loads(said.out)["events"]] == ["hole", "back"]
    assert said.status == 0
    assert "lasts" in events(file).out


def test_with_lasting_the_exit_code_says_whether_something_is_wrong(file: Path) -> None:
    keep(file, finding("restarted", 60), finding("silent", 60, lasts=False))
    assert events(file, "--lasting").status == 0
    keep(file, finding("frozen", 30))
    assert events(file, "--lasting").status == 1


def test_since_reaches_further_back(file: Path) -> None:
    keep(file, finding("silent", 3 * 86_400, lasts=False))
    assert "nothing was found" in events(file).out
    assert "tx2 is silent" in events(file, "--since", str((NOW - 4 * DAY_NS) // NS_PER_S)).out


def test_a_store_that_is_not_there_is_one_line(file: Path) -> None:
    said = events(file)
    assert (said.status, said.err.count("\n")) == (2, 1)


def test_the_doctor_tells_what_lasts_and_no_more(file: Path) -> None:
    keep(file, finding("frozen", 60), finding("silent", 60, lasts=False), finding("restarted", 60))
    settings = load(None, store=f"sqlite:///{file}")
    found = anyio.run(examine_store, settings)
    assert [each.name for each in found if each.topic == "event"] == ["frozen"]
