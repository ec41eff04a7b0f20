"""``e3p demo``: the main job on this machine, in one go."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from e3p.demo import Plan, Shown

MODELS = (
    "levit_192.fb_dist_in1k,efficientvit_b1.r224_in1k,"
    "efficientformerv2_s1.snap_dist_in1k,tiny_vit_5m_224.dist_in22k_ft_in1k"
)
"""Four small transformers that pass Stage 1."""


def demo(
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where store, logs and documents go.")] = Path(
        "e3p-demo"
    ),
    models: Annotated[str, typer.Option(metavar="A,B,C", help="timm models to run.")] = MODELS,
    images: Annotated[int, typer.Option(help="Images in each trial.")] = 32,
    trials: Annotated[int, typer.Option(help="Trials of each model.")] = 3,
) -> int:
    """Screens, measures real models here, replays two recorded devices; ends with the answer and a report.

    Server and agent are processes of their own that meet only at the broker. DEBUG=1 shows process ids and
    messages per topic. Exit code 1 when a result is invalid or the ledger does not close.
    """
    import anyio

    from e3p.demo import Plan, run_demo
    from e3p.settings import load

    load()
    names = [name.strip() for name in models.split(",") if name.strip()]
    plan = Plan(out, names, images, trials, debug=os.environ.get("DEBUG") == "1")
    shown = anyio.run(run_demo, plan)
    _print(shown)
    _keep(shown, plan)
    if shown.results:
        _report(plan)
    closed = all(row.closed for row in shown.ledger)
    invalid = any(result.state == "invalid" for result in shown.results)
    return 0 if closed and shown.results and not invalid and not shown.status else 1


def _print(shown: Shown) -> None:
    from e3p.output import energy, number, origin_note, print_table, state
    from e3p.standing import print_ranking

    typer.echo("\nThis machine")
    print_table(
        ("model", "trial", "energy", "per 1,000 images", "images/s", "state"),
        [
            (
                result.model,
                result.index,
                energy(result),
                f"{number(result.j_per_1000)} J{origin_note(result.origin)}",
                number(result.images_per_s, 3),
                state(result),
            )
            for result in shown.results
        ],
    )
    for ranking in shown.rankings:
        print_ranking(ranking)
    typer.echo("\nRecorded devices (MLPerf Inference v2.0, at the wall)")
    print_table(
        ("device", "our energy", "official", "difference"),
        [
            (
                run.device,
                energy(result),
                f"{run.official_j:.1f} J",
                _difference(result.energy_j, run.official_j),
            )
            for run, result in shown.recorded
        ],
    )
    _print_ledger(shown)


def _print_ledger(shown: Shown) -> None:
    from e3p.output import print_table

    typer.echo("\nThe ledger: made = stored + dead + lost + spooled + missing")
    nodes = sorted({row.node for row in shown.ledger})
    counts = ("made", "stored", "dead", "lost", "spooled", "missing")
    rows = []
    for node in nodes:
        held = [row for row in shown.ledger if row.node == node]
        rows.append((node, *(sum(getattr(row, f"{name}_count") for row in held) for name in counts)))
    print_table(("node", *counts), rows)
    closed = all(row.closed for row in shown.ledger)
    typer.echo(
        "It closes: every frame is accounted for." if closed else "It does not close: see `e3p ledger`."
    )


def _difference(ours: float | None, official: float) -> str | None:
    return None if ours is None else f"{100 * (ours / official - 1):+.3f}%"


def _keep(shown: Shown, plan: Plan) -> None:
    import msgspec

    documents = {"results": shown.results, "ranking": shown.rankings, "ledger": shown.ledger}
    for name, document in documents.items():
        body = msgspec.json.format(msgspec.json.encode(document), indent=2)
        (plan.out / f"{name}.json").write_bytes(body + b"\n")
    typer.echo(f"\nresults.json, ranking.json, ledger.json and the store are in {plan.out}")


def _report(plan: Plan) -> None:
    """The last words: the answer in one sentence, and where the report is."""
    import anyio

    from analyzer.scoring import Score
    from e3p.demo import store_of
    from e3p.reporting import write_report
    from view.material import Choice

    file = plan.out / "report.html"
    answer = anyio.run(write_report, store_of(plan), file, Choice(), Score())
    typer.echo(f"the report is in {file}")
    typer.echo("\n" + " ".join([answer.sentence, *answer.notes]))
