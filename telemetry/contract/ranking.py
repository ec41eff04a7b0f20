"""The ranking: the document that says which model gives the most accuracy for its energy, and how surely."""

from __future__ import annotations

import msgspec

from telemetry.contract.documents import VERSIONED, ResultState


class RankingGroup(msgspec.Struct, frozen=True, kw_only=True):
    """What a ranking is of; nothing else is ever compared in one table."""

    device: str | None
    power_mode: str | None
    dataset: str | None
    origin: str | None
    sensor: str | None


class RankingRow(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One configuration: energies are of 1,000 images in the ranking's unit, accuracy a fraction.

    `latency_p95_ms` and `mean_w` are the means over its trials, of a batch's latency and of the power.
    """

    rank: int
    model: str
    precision: str | None
    batch_size: int | None
    backend: str | None
    sam: float
    sam_lo: float
    sam_hi: float
    accuracy: float
    accuracy_origin: str | None
    energy: float
    energy_u95: float
    tie_group: int
    trials: int
    state: ResultState
    nodes: tuple[str, ...]
    latency_p95_ms: float | None = None
    mean_w: float | None = None


class RefusedModel(msgspec.Struct, frozen=True, kw_only=True):
    """A configuration that is not ranked, and why."""

    model: str
    reason: str


class OtherOrder(msgspec.Struct, frozen=True, kw_only=True):
    """The order at another `a` or `unit`: ranks of `rows`, best first, `undefined` where SAM has no value.

    `beyond_ties`: a row overtakes one of a better tie group, so the change is more than noise.
    """

    a: float
    unit: str
    order: tuple[int, ...]
    changed: bool
    beyond_ties: bool
    undefined: tuple[int, ...]


class NetScoreRow(msgspec.Struct, frozen=True, kw_only=True):
    """Where NetScore puts the row of this rank; rows of one model share a place."""

    rank: int
    netscore: float
    netscore_rank: int


class NetScoreCheck(msgspec.Struct, frozen=True, kw_only=True):
    """NetScore's order against the measured one, over the rows whose model has a NetScore.

    `tau` is Kendall's tau-b, `pick` the rank of NetScore's best, `regret` the share of the best SAM that is
    lost by taking it, `regret_energy` what it takes more than the best row (the ranking's unit, for 1,000
    images), each with its 95 % interval; `unknown` are the models without a NetScore.
    """

    rows: tuple[NetScoreRow, ...]
    tau: float | None
    pick: int
    regret: float
    regret_lo: float
    regret_hi: float
    unknown: tuple[str, ...]
    tau_lo: float | None = None
    tau_hi: float | None = None
    regret_energy: float | None = None
    regret_energy_lo: float | None = None
    regret_energy_hi: float | None = None


class Separation(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What would tell row `rank` from row `against`, the first of its tie group, if the scores stay.

    How many more images alone (on top of the larger of both sets), more trials of each alone, or how many
    times of both; None: that alone would not do, or not within a thousand times the effort.
    """

    rank: int
    against: int
    more_images: int | None = None
    more_trials: int | None = None
    times_both: float | None = None


class Ranking(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A ranking by SAM. `p_better[i][j]` is P(row i beats row j), null on the diagonal; the first 200 rows.

    `scatter` is the relative scatter of repeated trials, pooled over the rows, with its degrees of freedom;
    0 of them: no configuration was run twice, and the intervals do not know how trials vary.
    `pareto` are the ranks that no other row beats in accuracy and in energy.
    """

    v: int = VERSIONED
    group: RankingGroup
    a: float
    b: float
    unit: str
    rows: tuple[RankingRow, ...]
    p_better: tuple[tuple[float | None, ...], ...]
    refused: tuple[RefusedModel, ...] = ()
    scatter: float | None = None
    scatter_dof: int | None = None
    sensitivity: tuple[OtherOrder, ...] = ()
    pareto: tuple[int, ...] = ()
    netscore: NetScoreCheck | None = None
    separations: tuple[Separation, ...] = ()
