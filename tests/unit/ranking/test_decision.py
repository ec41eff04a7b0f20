from __future__ import annotations

from typing import Any

import pytest

from analyzer.decision import Limits, Missed, decide
from analyzer.ranking import rank
from e3p.deciding import decision_lines
from telemetry.contract.documents import Latency, Result
from telemetry.contract.errors import UserError
from telemetry.contract.ranking import Ranking
from tests.unit.ranking.made import line, trials

EXACT: dict[str, Any] = {"accuracy_origin": "timm", "accuracy_n": None}


def model(name: str, energy_j: float, accuracy: float, p95_ms: float, watts: float) -> list[Result]:
    said = {
        "accuracy": accuracy,
        "latency_ms": Latency(p50=p95_ms / 2, p95=p95_ms, p99=p95_ms),
        "mean_w": watts,
        "budget": (line("noise", 1e-3 * energy_j),),
        **EXACT,
    }
    return trials(name, [energy_j * 0.99, energy_j, energy_j * 1.01], **said)


@pytest.fixture(scope="module")
def ranking() -> Ranking:
    return rank(
        [
            *model("best", 100.0, 0.82, 40.0, 12.0),
            *model("fast", 200.0, 0.80, 8.0, 14.0),
            *model("exact", 3000.0, 0.85, 90.0, 18.0),
            *model("frugal", 150.0, 0.70, 20.0, 5.0),
        ]
    )


def name(ranking: Ranking, rank_: int | None) -> str | None:
    return None if rank_ is None else ranking.rows[rank_ - 1].model


@pytest.mark.parametrize(
    ("limits", "pick"),
    [
        (Limits(), "best"),
        (Limits(max_latency_ms=10.0), "fast"),
        (Limits(min_accuracy=0.84), "exact"),
        (Limits(max_watts=6.0), "frugal"),
        (Limits(max_energy=120.0), "best"),
        (Limits(max_latency_ms=10.0, max_watts=6.0), None),
    ],
)
def test_the_best_row_within_the_limits_is_picked(ranking: Ranking, limits: Limits, pick: str | None) -> None:
    assert name(ranking, decide(ranking, limits).pick) == pick


def test_each_limit_that_a_row_misses_is_named(ranking: Ranking) -> None:
    missed = decide(ranking, Limits(max_watts=6.0)).missed
    assert Missed(rank=1, on="watts", limit=6.0, value=12.0) in missed
    assert len(missed) == 3


def test_what_was_never_measured_is_no_pass() -> None:
    unknown = rank([*trials("dark", [100.0] * 3, **EXACT), *trials("dim", [300.0] * 3, **EXACT)])
    decision = decide(unknown, Limits(max_latency_ms=10.0))
    assert decision.pick is None
    assert {miss.value for miss in decision.missed} == {None}


def test_a_pick_that_cannot_be_told_from_the_next_says_so() -> None:
    tied = rank([*model("one", 100.0, 0.8, 1.0, 1.0), *model("other", 100.2, 0.8, 1.0, 1.0)])
    decision = decide(tied, Limits())
    assert (decision.pick, decision.tied) == (1, (2,))
    assert 0.5 <= (decision.p or 0) < 0.95
    assert decision.decides == tied.separations[0]


def test_what_would_decide_is_told_of_each_row_that_is_tied_with_the_pick() -> None:
    energies = {"one": 100.0, "other": 100.2, "third": 100.4}
    tied = rank([each for name, energy in energies.items() for each in model(name, energy, 0.8, 1.0, 1.0)])
    told = [line for line in decision_lines(tied, decide(tied, Limits())) if "would tell" in line]
    assert len(told) == 2
    assert "third from one" in told[1] or "one from third" in told[1]


def test_a_single_row_within_the_limits_beats_nobody(ranking: Ranking) -> None:
    assert decide(ranking, Limits(max_watts=6.0)).p is None


@pytest.mark.parametrize(
    ("words", "limits"),
    [("as 0.8", {"min_accuracy": 80.0}), ("above 0", {"max_watts": 0.0}), ("above 0", {"max_energy": -1.0})],
)
def test_a_limit_that_cannot_be_meant_is_refused(words: str, limits: dict[str, float]) -> None:
    with pytest.raises(UserError, match=words):
        Limits(**limits)
