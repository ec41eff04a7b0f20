"""The ranking: which model gives the most accuracy for its energy, how surely, and what would change it."""

from __future__ import annotations

from grafana.choices import DATASET, DEVICE, OF_DATASETS, OF_DEVICES, RANKING, TO_TRIALS
from grafana.panels import JOULE, MS, SHARE, TEXT, WATT, Dashboard, Panel, Steps
from grafana.queries import COLUMNS, EVER, keep, pipe, source
from telemetry.store.influx.plotted import PLACE, ROW

TIES: Steps = (
    (None, "green"),
    (2.0, "blue"),
    (3.0, "orange"),
    (4.0, "purple"),
    (5.0, "yellow"),
    (6.0, "red"),
)
"""A colour for each tie group; from the sixth on the same."""
OF_TABLE = (OF_DEVICES, OF_DATASETS)
NO_RANKING = "No ranking of these devices and data sets: it takes a valid trial with an accuracy."
UNIT_A = "J"
"""The unit in which the sweep of `a` is shown."""


def rows(*fields: str) -> str:
    """The rows of the newest revision of each ranking."""
    return pipe(
        source(ROW, *fields, where=OF_TABLE, start=EVER),
        COLUMNS,
        'group(columns: ["id"])',
        'sort(columns: ["revision"], desc: true)',
        'map(fn: (r) => ({r with table: r.device + " " + r.dataset, batch: '
        'if exists r.batch_size then r.batch_size else ""}))',
    )


NEWEST = (
    'all = {rows}\nlatest = all\n    |> first(column: "revision")\n    |> keep(columns: ["id", "revision"])\n'
    'join(tables: {{r: all, n: latest}}, on: ["id", "revision"])\n    |> group()'
)


def newest_rows(*fields: str) -> str:
    """The same, only of what counts now."""
    return NEWEST.format(rows=rows(*fields))


TABLE = pipe(
    newest_rows(
        "rank",
        "sam",
        "sam_lo",
        "sam_hi",
        "tie_group",
        "accuracy",
        "energy",
        "energy_u95",
        "trials",
        "unit",
        "latency_p95_ms",
        "mean_w",
        "netscore_rank",
        "pareto",
    ),
    'sort(columns: ["table", "rank"])',
    keep(
        "table",
        "rank",
        "model",
        "batch",
        "tie_group",
        "sam_lo",
        "sam",
        "sam_hi",
        "accuracy",
        "energy",
        "energy_u95",
        "unit",
        "trials",
        "state",
        "latency_p95_ms",
        "mean_w",
        "netscore_rank",
        "pareto",
    ),
)
INTERVALS = pipe(
    newest_rows("rank", "sam", "sam_lo", "sam_hi", "tie_group"),
    'sort(columns: ["table", "rank"])',
    "map(fn: (r) => ({model: r.model, lo: r.sam_lo, sam: r.sam, hi: r.sam_hi, tie_group: r.tie_group}))",
)


def pareto(*, best: bool) -> str:
    """Accuracy and energy of the rows that nobody beats in both, or of the others."""
    chosen = "r.pareto" if best else "not r.pareto"
    return pipe(
        newest_rows("accuracy", "energy", "pareto"),
        f"filter(fn: (r) => {chosen})",
        "map(fn: (r) => ({model: r.model, energy: r.energy, accuracy: r.accuracy}))",
        'sort(columns: ["energy"])',
    )


SWEEP = 'import "strings"\n' + pipe(
    NEWEST.format(
        rows=pipe(
            source(ROW, PLACE, where=OF_TABLE, start=EVER),
            'group(columns: ["id"])',
            'sort(columns: ["revision"], desc: true)',
        )
    ),
    f"filter(fn: (r) => r._field =~ /^{PLACE}{UNIT_A}_/)",
    f'map(fn: (r) => ({{a: float(v: strings.trimPrefix(v: r._field, prefix: "{PLACE}{UNIT_A}_")), '
    "model: r.model, _value: r._value}))",
    'pivot(rowKey: ["a"], columnKey: ["model"], valueColumn: "_value")',
    'sort(columns: ["a"])',
)
AGAINST = pipe(
    newest_rows("rank", "netscore", "netscore_rank"),
    "filter(fn: (r) => exists r.netscore_rank)",
    "map(fn: (r) => ({model: r.model, rank: r.rank, netscore_rank: r.netscore_rank, netscore: r.netscore}))",
    'sort(columns: ["rank"])',
)
AGREEMENT = pipe(
    source(
        "ranking",
        "netscore_tau",
        "netscore_tau_lo",
        "netscore_tau_hi",
        "netscore_regret",
        "netscore_regret_lo",
        "netscore_regret_hi",
        where="r.id =~ /^${device:regex}\\/${dataset:regex}\\//",
        start=EVER,
    ),
    COLUMNS,
    'group(columns: ["id"])',
    'sort(columns: ["revision"])',
    "tail(n: 1)",
    "group()",
    keep(
        "id",
        "netscore_tau_lo",
        "netscore_tau",
        "netscore_tau_hi",
        "netscore_regret_lo",
        "netscore_regret",
        "netscore_regret_hi",
    ),
)

DASHBOARD = Dashboard(
    uid=RANKING,
    title="e3p 4 · Ranking",
    words="Which model gives the most accuracy for its energy on a device, and how surely",
    variables=(DEVICE, DATASET),
    since="now-30d",
    panels=(
        Panel(
            kind="table",
            title="Ranking by SAM",
            words="Best first. Rows of one tie group, in one colour, cannot be told apart; `sam_lo` to "
            "`sam_hi` is the 95 % interval. Energy is of 1,000 images in the unit beside it; a model leads "
            "to its trials.",
            empty=NO_RANKING,
            queries=(TABLE,),
            unit=TEXT,
            units={
                "accuracy": SHARE,
                "energy": "none",
                "energy_u95": "none",
                "latency_p95_ms": MS,
                "mean_w": WATT,
                "sam": "none",
                "sam_lo": "none",
                "sam_hi": "none",
                "rank": "none",
                "tie_group": "none",
                "trials": "none",
                "netscore_rank": "none",
            },
            marks={"tie_group": TIES},
            links={"model": TO_TRIALS},
            span=24,
            height=10,
        ),
        Panel(
            kind="barchart",
            title="SAM with its interval",
            words="Lower end, value and upper end of each model's SAM; bars that overlap may be a tie.",
            empty=NO_RANKING,
            queries=(INTERVALS,),
            x="model",
        ),
        Panel(
            kind="xychart",
            title="Accuracy against energy",
            words="Each configuration; those in the second colour are beaten by none in both.",
            empty=NO_RANKING,
            queries=(pareto(best=False), pareto(best=True)),
            unit=JOULE,
            units={"accuracy": SHARE},
            x="energy",
            y="accuracy",
        ),
        Panel(
            kind="trend",
            title="The order at other values of a",
            words="The place of each model by the weight `a` of accuracy: lines that cross change places.",
            empty=NO_RANKING,
            queries=(SWEEP,),
            x="a",
        ),
        Panel(
            kind="xychart",
            title="NetScore against SAM",
            words="Where paper (NetScore) and measurement (SAM) put each model; on the diagonal they agree.",
            empty="No ranked model has a NetScore: `e3p screen` gives them, `netscores` hands them over.",
            queries=(AGAINST,),
            x="rank",
            y="netscore_rank",
        ),
        Panel(
            kind="table",
            title="How far NetScore agrees",
            words="Kendall's tau of both orders, and the share of SAM lost by taking NetScore's best, with "
            "their 95 % intervals.",
            empty="No ranked model has a NetScore: `e3p screen` gives them, `netscores` hands them over.",
            queries=(AGREEMENT,),
            unit=TEXT,
            units=dict.fromkeys(("netscore_tau_lo", "netscore_tau", "netscore_tau_hi"), "none")
            | dict.fromkeys(("netscore_regret_lo", "netscore_regret", "netscore_regret_hi"), SHARE),
            span=24,
        ),
    ),
)
