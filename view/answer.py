"""The answer in one sentence, with its confidence and what it rests on. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from telemetry.contract.documents import Result
from telemetry.contract.ranking import Ranking, RankingRow
from view.numbers import sureness

if TYPE_CHECKING:
    from analyzer.checks import Check

ORIGIN_WORDS = {
    "estimated": "These energies are estimated from the processor's load, not measured by a power sensor.",
    "replayed": "These energies come from a recorded log, not from a device that runs now.",
    "synthetic": "These energies are synthetic: made by a model of a sensor, not by a device.",
}
MOST_NAMED = 3


class Answer(NamedTuple):
    """One sentence, and what a reader must know to believe it."""

    sentence: str
    notes: tuple[str, ...]


def answer(rankings: Sequence[Ranking], results: Sequence[Result]) -> Answer:
    """The answer of the first ranking; where nothing is ranked, what there is instead."""
    if rankings and rankings[0].rows:
        return Answer(_sentence(rankings[0]), tuple(_notes(rankings[0])))
    windows = f"{len(results)} measured window{'s' if len(results) != 1 else ''}"
    reasons = Counter(refused.reason for ranking in rankings for refused in ranking.refused)
    why = f": {reasons.most_common(1)[0][0]}" if reasons else ": no trial of a model is among them"
    notes = {ORIGIN_WORDS[result.origin] for result in results if result.origin in ORIGIN_WORDS}
    return Answer(f"No model can be ranked yet from {windows}{why}.", tuple(sorted(notes)))


def labels(rows: Sequence[RankingRow]) -> list[str]:
    """A name for each row: the model, and what else sets it apart where a model stands there twice."""
    models = Counter(row.model for row in rows)
    return [row.model if models[row.model] == 1 else f"{row.model} ({setting(row)})" for row in rows]


def setting(of: RankingRow | Check) -> str:
    """What sets a configuration apart from others of its model."""
    parts = (of.precision, f"batch {of.batch_size}" if of.batch_size else None, of.backend)
    return ", ".join(part for part in parts if part)


def place(ranking: Ranking) -> str:
    """Where a ranking holds: device, power mode, data set."""
    group = ranking.group
    mode = f" in mode {group.power_mode}" if group.power_mode else ""
    return f"{group.device or 'a device of unknown kind'}{mode} with {group.dataset or 'unnamed data'}"


def _sentence(ranking: Ranking) -> str:
    rows, names, where = ranking.rows, labels(ranking.rows), place(ranking)
    if len(rows) == 1:
        return f"{names[0]} is the only model ranked on {where}: measure a second one to compare."
    tied = [at for at, row in enumerate(rows) if row.tie_group == rows[0].tie_group]
    if len(tied) == 1:
        return (
            f"Run {names[0]} on {where}: {_p(ranking, 1)} sure that it gives more accuracy for its energy "
            f"than the next, {names[1]}."
        )
    after = max(tied) + 1
    beaten = (
        f"; the first of them beats the next, {names[after]} ({_p(ranking, after)} sure)"
        if (after < len(rows))
        else ""
    )
    named = _listed([names[at] for at in tied])
    first = f"{_p(ranking, 1)} sure that the first is better"
    return f"{named} cannot be told apart at 95 % on {where} ({first}){beaten}."


def _notes(ranking: Ranking) -> list[str]:
    rows, group = ranking.rows, ranking.group
    notes = [ORIGIN_WORDS[group.origin]] if group.origin in ORIGIN_WORDS else []
    origins = sorted({row.accuracy_origin or "unknown" for row in rows} - {"measured"})
    if origins:
        whose = "All" if all(row.accuracy_origin != "measured" for row in rows) else "Some"
        notes.append(f"{whose} accuracies are published values ({', '.join(origins)}), not measured here.")
    if not ranking.scatter_dof:
        notes.append("No model ran twice, so the intervals do not know how trials vary: run at least three.")
    elif ranking.scatter is not None and ranking.scatter > 0.05:
        notes.append(
            f"Repeated trials vary by {100 * ranking.scatter:.0f} %: more than 5 % usually means that "
            "something else ran, throttled or warmed up; the intervals include it."
        )
    doubtful = [name for name, row in zip(labels(rows), rows, strict=True) if row.state == "degraded"]
    if doubtful:
        notes.append(f"Degraded, for reasons given with each trial: {_listed(doubtful)}.")
    return notes


def _p(ranking: Ranking, other: int) -> str:
    """How sure it is that the first row beats another one."""
    table = ranking.p_better
    probability = table[0][other] if table and other < len(table[0]) else None
    if probability is None:
        return "unknown how"
    return sureness(probability).replace(">", "more than").replace("<", "less than")


def _listed(names: Sequence[str]) -> str:
    if len(names) > MOST_NAMED:
        return f"{', '.join(names[: MOST_NAMED - 1])} and {len(names) - MOST_NAMED + 1} more"
    return f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else names[0]
