from __future__ import annotations

from typing import Any

import msgspec

from analyzer.ranking import rank
from telemetry.contract.documents import Result
from telemetry.contract.ranking import Ranking
from tests.unit.ranking.made import trial, trials
from view.answer import Answer, answer, labels

SURE = {"accuracy_n": 1_000_000_000, "budget": ()}


def asked(*results: Result, **more: Any) -> Answer:
    return answer([ranked(*results, **more)], results)


def ranked(*results: Result, excluded: dict[str, str] | None = None) -> Ranking:
    return rank(list(results), None, excluded or {})


def test_a_clear_winner_is_named_with_how_sure_it_is() -> None:
    said = asked(*trials("a", [1000.0, 1001.0], **SURE), *trials("b", [2000.0, 2002.0], **SURE))
    assert said.sentence == (
        "Run a on jetson-tx2 in mode MAXN with imagenet-1k: more than 0.99 sure that it gives more accuracy "
        "for its energy than the next, b."
    )
    assert said.notes == ()


def test_two_equal_models_cannot_be_told_apart() -> None:
    said = asked(*trials("a", [1000.0, 1010.0]), *trials("b", [1000.0, 1010.0]))
    assert said.sentence.startswith("a and b cannot be told apart at 95 % on jetson-tx2")
    assert "sure that the first is better" in said.sentence


def test_the_next_after_a_tie_is_named() -> None:
    said = asked(
        *trials("a", [1000.0, 1010.0], **SURE),
        *trials("b", [1000.0, 1010.0], **SURE),
        *trials("c", [9000.0, 9010.0], **SURE),
    )
    assert said.sentence.endswith("; the first of them beats the next, c (more than 0.99 sure).")


def test_many_tied_models_are_counted() -> None:
    said = asked(*(result for name in "abcde" for result in trials(name, [1000.0, 1010.0])))
    assert " and 3 more cannot be told apart" in said.sentence


def test_one_model_alone_beats_nobody() -> None:
    said = asked(*trials("a", [1000.0, 1010.0]))
    assert said.sentence.startswith("a is the only model ranked")


def test_without_a_ranking_it_says_why() -> None:
    said = asked(trial("a", state="invalid", reasons=("aborted",)))
    assert said.sentence.startswith("No model can be ranked yet from 1 measured window: trial a-0: invalid")


def test_windows_without_models_are_no_ranking() -> None:
    window = msgspec.structs.replace(trial("a"), kind="interval", model=None, origin="replayed")
    said = answer([], [window])
    assert said.sentence == (
        "No model can be ranked yet from 1 measured window: no trial of a model is among them."
    )
    assert said.notes == ("These energies come from a recorded log, not from a device that runs now.",)


def test_estimated_energies_are_said_to_be_estimated() -> None:
    said = asked(*trials("a", [1000.0, 1010.0], origin="estimated"))
    assert "These energies are estimated" in said.notes[0]


def test_published_accuracies_are_said_to_be_published() -> None:
    said = asked(*trials("a", [1000.0, 1010.0], accuracy_origin="timm"))
    assert said.notes == ("All accuracies are published values (timm), not measured here.",)


def test_a_degraded_model_is_named() -> None:
    said = asked(*trials("a", [1000.0, 1010.0], state="degraded", reasons=("gap",)))
    assert said.notes == ("Degraded, for reasons given with each trial: a.",)


def test_trials_that_ran_once_do_not_tell_how_they_vary() -> None:
    assert asked(trial("a"), trial("b")).notes[0].startswith("No model ran twice")


def test_trials_that_vary_much_are_remarked() -> None:
    said = asked(*trials("a", [1000.0, 1500.0, 2000.0]))
    assert said.notes[0].startswith("Repeated trials vary by ")


def test_one_model_in_two_settings_has_two_names() -> None:
    rows = ranked(*trials("a", [1000.0, 1010.0]), *trials("a", [990.0, 1000.0], precision="fp32")).rows
    assert sorted(labels(rows)) == ["a (fp16, batch 1)", "a (fp32, batch 1)"]
