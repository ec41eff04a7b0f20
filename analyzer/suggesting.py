"""What to measure next on a device: candidates by what they are expected to gain, or by how unsure that is.

Everything here is predicted, and marked so; a prediction never stands in a ranking. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import exp

import msgspec
import numpy as np
from numpy.typing import NDArray

from analyzer.candidates import Candidate
from analyzer.families import commonest_setting
from analyzer.prediction import LEAST_FAMILIES, LEAST_MODELS, Fit, fit
from analyzer.ranking import NOTHING, group_of
from analyzer.regret import INTERVAL
from analyzer.rounding import rounded
from analyzer.sam import in_unit
from analyzer.scoring import Score, pooled, score_together
from telemetry.contract.documents import Result
from telemetry.contract.errors import UserError
from telemetry.contract.ranking import RankingGroup

Floats = NDArray[np.float64]

DRAWS = 20_000
PUBLISHED_FOR = "imagenet"
"""A published Top-1 is of this data set; on another one nobody knows a model's accuracy beforehand."""


class Suggestion(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A model that was not measured here. Its energy (1,000 images, 95 %) and score are predicted.

    `gain` is how much of the best measured SAM it is expected to add (0 where it is lower) while its energy
    lies in that interval, `p_better` how sure it is that it scores higher; None: no accuracy or no score can
    be told beforehand.
    """

    model: str
    predicted: bool
    energy: float
    energy_lo: float
    energy_hi: float
    spread: float
    top1_percent: float
    image_size: int | None = None
    family: str | None = None
    family_measured: bool = False
    sam: float | None = None
    p_better: float | None = None
    gain: float | None = None


class Suggestions(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What to measure next in one table's commonest setting, best first.

    `error` is the typical error of ln E for a family that was left out of the fit.
    """

    group: RankingGroup
    unit: str
    precision: str | None
    batch_size: int | None
    backend: str | None
    models: int
    families: int
    error: float
    penalty: float
    best: str
    best_sam: float
    rows: tuple[Suggestion, ...]
    unknown: tuple[str, ...] = ()


def suggest(
    trials: Sequence[Result],
    candidates: Iterable[Candidate],
    facts: Mapping[str, Candidate],
    score: Score,
    excluded: Mapping[str, str] = NOTHING,
) -> Suggestions:
    """Return the candidates that one table has not measured, by expected gain, then by uncertainty.

    `facts` are what is known on paper of the models that were measured.

    Raises:
        UserError: too few models or families to learn from, nothing with a score.
    """
    pool = pooled(trials, excluded)
    [scored] = score_together([pool], score)
    rows, _ = commonest_setting(scored.configurations)
    known = [(facts[each.key[0]], float(np.log(each.mean_j))) for each in rows if each.key[0] in facts]
    found = fit(known)
    if found is None:
        families = len({each.family or each.model for each, _ in known})
        raise UserError(
            f"{len(known)} models of {families} families with known parameters and MACs are measured in one "
            f"setting; a prediction needs {LEAST_MODELS} models of {LEAST_FAMILIES} families"
        )
    best = scored.values[0]
    measured = {each.key[0] for each in pool.configurations}
    told = PUBLISHED_FOR in (group_of(trials[0]).dataset or "").lower()
    new = [each for each in candidates if each.model not in measured]
    suggested = [_suggestion(each, found, score, best if told else None, known) for each in new]
    precision, batch_size, backend = rows[0].key[1:]
    return Suggestions(
        group=group_of(trials[0]),
        unit=score.unit,
        precision=precision or None,
        batch_size=batch_size or None,
        backend=backend or None,
        models=found.models,
        families=found.families,
        error=rounded(found.error),
        penalty=found.penalty,
        best=scored.configurations[0].key[0],
        best_sam=best,
        rows=tuple(sorted(suggested, key=lambda each: (-(each.gain or 0.0), -each.spread, each.model))),
        unknown=tuple(each.key[0] for each in rows if each.key[0] not in facts),
    )


def _suggestion(
    candidate: Candidate,
    found: Fit,
    score: Score,
    best: float | None,
    known: Sequence[tuple[Candidate, float]],
) -> Suggestion:
    predicted = found.predict(candidate)
    shift = float(np.log(in_unit(1.0, score.unit)))
    low, high = found.interval(predicted)
    drawn = np.random.default_rng(0).standard_t(found.dof, DRAWS) * predicted.spread
    scores = None if best is None else _scores(candidate, drawn + predicted.centre + shift, score)
    return Suggestion(
        model=candidate.model,
        predicted=True,
        energy=rounded(exp(predicted.centre + shift)),
        energy_lo=rounded(exp(low + shift)),
        energy_hi=rounded(exp(high + shift)),
        spread=rounded(predicted.spread),
        top1_percent=candidate.top1_percent,
        image_size=candidate.image_size,
        family=candidate.family,
        family_measured=any(each.family == candidate.family for each, _ in known),
        **_gains(scores, best),
    )


def _scores(candidate: Candidate, logs: Floats, score: Score) -> Floats | None:
    """Return SAM for each drawn ln E; None where its interval reaches 1 unit, as in a ranking."""
    if np.count_nonzero(logs <= 0.0) >= INTERVAL[0] * logs.size:
        return None
    scaled = score.b * np.log(10.0) * (candidate.top1_percent / 100) ** score.a
    return np.asarray(scaled / logs[logs > 0.0])


def _gains(scores: Floats | None, best: float | None) -> dict[str, float]:
    if scores is None or best is None:
        return {}
    # SAM has a pole: the mean over the whole distribution would be that of a few wild draws.
    low, high = np.quantile(scores, INTERVAL)
    likely = scores[(scores >= low) & (scores <= high)]
    return {
        "sam": rounded(float(np.median(scores))),
        "p_better": rounded(float(np.mean(scores > best))),
        "gain": rounded(float(np.mean(np.maximum(likely / best - 1.0, 0.0)))),
    }
