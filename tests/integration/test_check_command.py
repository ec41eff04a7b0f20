"""`e3p check`: its verdict, its words, its exit code."""

from __future__ import annotations

import json
from pathlib import Path

import anyio
import msgspec
import pytest

from analyzer.book import Book
from telemetry.contract.documents import EventRefused, Result
from telemetry.store.sqlite import SqliteStore
from tests.commands import Said, e3p
from tests.unit.checks.made import campaign, good, refused


class Kept:
    """A store with results in it, and `e3p` on that store."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "e3p.db"

    def put(self, results: list[Result], events: tuple[EventRefused, ...] = ()) -> None:
        anyio.run(self._put, results, events)

    async def _put(self, results: list[Result], events: tuple[EventRefused, ...]) -> None:
        store = SqliteStore(self.file)
        await store.open()
        book = Book(store)
        await book.open()
        await book.take(results, "complete", 1)
        await book.refuse(events)
        await store.close()

    def check(self, *words: object) -> Said:
        return e3p("check", *words, "--store", f"sqlite:///{self.file}")


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    return Kept(tmp_path)


def test_a_good_campaign_passes(kept: Kept) -> None:
    kept.put(campaign())
    said = kept.check()
    assert said.status == 0, said.err
    assert "levit, fp16, batch 8, torch-cuda on tx2-1" in said.out
    assert said.out.count("may be published") == 2
    assert said.out.count("rules pass for every trial") == 2


def test_what_is_bad_is_told_with_what_is_needed_and_its_source(kept: Kept) -> None:
    kept.put(campaign(throttle=("gpu",), begin=0, end=12_000_000_000))
    said = kept.check()
    assert said.status == 1
    assert (
        "levit, fp16, batch 8, torch-cuda on tx2-1 (jetson-tx2, imagenet-1k, measured): may not be"
        in said.out
    )
    rows = {
        line.split()[0]: line for line in said.out.splitlines() if line.startswith(("throttle", "duration"))
    }
    assert all(part in rows["duration"] for part in ("levit-0", "12.0 s", "60 s", "MLPerf Power"))
    assert "gpu" in rows["throttle"]


def test_to_decide_by_it_takes_less(kept: Kept) -> None:
    kept.put(campaign(begin=0, end=12_000_000_000))
    assert kept.check("--publishable").status == 1
    said = kept.check("--usable")
    assert said.status == 0
    assert "may be used, and not published" in said.out


def test_one_trial_stands_for_its_configuration(kept: Kept) -> None:
    kept.put(campaign(throttle=("gpu",)))
    assert kept.check("levit-1").status == 1
    assert kept.check("vit-1").status == 0
    assert "vit-0" in kept.check("vit-1").out
    assert "levit-" not in kept.check("vit-1").out


def test_one_campaign_can_be_asked_for(kept: Kept) -> None:
    kept.put([*campaign(), *[good("levit", at + 3, group="day") for at in range(2)]])
    assert kept.check("--group", "night").status == 0
    said = kept.check("--group", "day")
    assert said.status == 1
    assert "repetitions" in said.out


def test_the_document_has_every_finding(kept: Kept) -> None:
    kept.put(campaign(throttle=("gpu",)))
    document = json.loads(kept.check("--json").out)
    assert [(each["model"], each["publishable"]) for each in document] == [("levit", False), ("vit", True)]
    bad = [each for each in document[0]["findings"] if not each["publishable"]]
    assert [(each["rule"], each["trial"], each["found"]) for each in bad] == [("throttle", "levit-0", "gpu")]
    assert len(document[0]["findings"]) == 3 * 18 + 4


def test_all_shows_the_rules_that_pass_too(kept: Kept) -> None:
    kept.put(campaign())
    assert "warmup" in kept.check("--all").out
    assert "warmup" not in kept.check().out


def test_refused_marks_are_listed(kept: Kept) -> None:
    kept.put(campaign(), (refused("levit-1"),))
    said = kept.check("levit-1")
    assert said.status == 1
    assert "refused mark: trial_begin of levit-1: a second trial_begin with this id" in said.out


def test_a_trial_that_was_taken_out_is_not_published(kept: Kept) -> None:
    kept.put([*campaign(), good("levit", 3)])
    done = e3p(
        "trial", "exclude", "levit-0", "--reason", "the fan was off", "--store", f"sqlite:///{kept.file}"
    )
    assert done.status == 0, done.err
    assert kept.check("levit-1").status == 0
    said = kept.check("levit-0")
    assert said.status == 1
    assert "the fan was off" in said.out


@pytest.mark.parametrize(
    ("words", "right"),
    [
        (["nobody"], "there is no trial 'nobody': near it, or the first, are levit-0"),
        (["--group", "dawn"], "--group dawn: no trial belongs to it; there are night"),
        (["levit-0", "--group", "night"], "name trials or a campaign, not both"),
    ],
)
def test_what_is_not_there_is_one_line(kept: Kept, words: list[str], right: str) -> None:
    kept.put(campaign())
    said = kept.check(*words)
    assert said.status == 2
    assert right in said.err


def test_a_store_without_trials_has_nothing_to_publish(kept: Kept) -> None:
    kept.put([msgspec.structs.replace(good(), kind="interval", model=None)])
    assert kept.check().status == 1
