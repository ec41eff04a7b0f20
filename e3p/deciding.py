"""The decision in plain words: what to run within a user's limits, how surely, what would decide a tie."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from view.answer import labels, place
from view.numbers import number, sureness

if TYPE_CHECKING:
    from analyzer.decision import Decision, Limits
    from telemetry.contract.ranking import Ranking, Separation

MOST_NAMED = 4
WORDS = {
    "latency_ms": ("a batch's latency (95 %)", "ms", "at most"),
    "watts": ("mean power", "W", "at most"),
    "energy": ("energy of 1,000 images", "", "at most"),
    "accuracy": ("accuracy", "", "at least"),
}


def decision_lines(ranking: Ranking, decision: Decision) -> Iterator[str]:
    """The recommendation, what would decide its ties, then each row that the limits leave out, and why."""
    names = labels(ranking.rows)
    yield _pick(ranking, decision, names)
    ties = [
        each for each in ranking.separations if each.against == decision.pick and each.rank in decision.tied
    ]
    for tie in ties[:MOST_NAMED]:
        yield what_decides(tie, names)
    for missed in decision.missed[:MOST_NAMED]:
        what, unit, bound = WORDS[missed.on]
        unit = ranking.unit if missed.on == "energy" else unit
        found = "not measured" if missed.value is None else f"{number(missed.value)} {unit}".rstrip()
        limit = f"{number(missed.limit)} {unit}".rstrip()
        yield f"left out: {names[missed.rank - 1]}: {what} is {found}, {bound} {limit} is asked"
    if len(decision.missed) > MOST_NAMED:
        yield f"and {len(decision.missed) - MOST_NAMED} more limits missed: --json names all"


def what_decides(separation: Separation, names: list[str]) -> str:
    """How much more would have to be measured to tell two rows apart."""
    ways = []
    if separation.more_images is not None:
        ways.append(f"{separation.more_images:,} more images")
    if separation.more_trials is not None:
        ways.append(f"{separation.more_trials:,} more trials of each")
    if not ways and separation.times_both is not None:
        ways.append(f"{number(separation.times_both)} times as many images and trials")
    pair = f"{names[separation.against - 1]} from {names[separation.rank - 1]}"
    if not ways:
        return f"no effort within reason would tell {pair}: too alike, or the sensor too uncertain"
    return f"{' or '.join(ways)} would tell {pair}, if their scores stay what they are"


def _pick(ranking: Ranking, decision: Decision, names: list[str]) -> str:
    where, asked = place(ranking), _asked(decision.limits, ranking.unit)
    if decision.pick is None:
        return f"no model measured on {where} keeps within {asked}"
    pick = names[decision.pick - 1]
    within = f" within {asked}" if asked else ""
    if decision.tied:
        others = ", ".join(names[rank - 1] for rank in decision.tied[:MOST_NAMED])
        more = f" or {len(decision.tied) - MOST_NAMED} more" if len(decision.tied) > MOST_NAMED else ""
        sure = f" ({sureness(decision.p)} sure that the first is better than the next)" if decision.p else ""
        return f"run {pick}, or {others}{more} on {where}{within}: not distinguishable at 95 %{sure}"
    sure = (
        f": {sureness(decision.p)} sure that it is better than the next" if decision.p else ": the only one"
    )
    return f"run {pick} on {where}{within}{sure}"


def _asked(limits: Limits, unit: str) -> str:
    told = {
        "latency_ms": limits.max_latency_ms,
        "watts": limits.max_watts,
        "energy": limits.max_energy,
        "accuracy": limits.min_accuracy,
    }
    parts = []
    for name, limit in told.items():
        if limit is not None:
            what, of, bound = WORDS[name]
            parts.append(f"{what} {bound} {number(limit)} {unit if name == 'energy' else of}".rstrip())
    return " and ".join(parts)
