"""Trials of one model with different weights are not one row."""

from __future__ import annotations

from analyzer.configurations import gather
from telemetry.contract.documents import Result
from telemetry.contract.marks import Protocol
from tests.unit.ranking.made import trial

OLD, NEW = Protocol(weights="checkpoint:aa"), Protocol(weights="checkpoint:bb")


def rows(trials: list[Result]) -> tuple[list[list[str]], list[str]]:
    found, refused = gather(trials, {})
    return [[each.window for each in row.trials] for row in found], [each.reason for each in refused]


def test_of_two_checkpoints_the_newer_ones_trials_are_ranked_and_the_others_named() -> None:
    old, new = trial("m", 0, begin=1, protocol=OLD), trial("m", 1, begin=2, protocol=NEW)
    windows, reasons = rows([new, old])
    assert windows == [[new.window]]
    assert reasons == [
        f"trial {old.window}: its weights are checkpoint:aa, those of a newer one checkpoint:bb"
    ]


def test_trials_of_one_checkpoint_are_one_row() -> None:
    same = [trial("m", index, begin=index, protocol=NEW) for index in range(3)]
    assert rows(same) == ([[each.window for each in same]], [])


def test_trials_without_a_checkpoint_stay_together_whatever_is_told_of_their_weights() -> None:
    same = [trial("m", 0, protocol=Protocol(weights="pretrained")), trial("m", 1, protocol=None)]
    windows, reasons = rows(same)
    assert (len(windows[0]), reasons) == (2, [])
