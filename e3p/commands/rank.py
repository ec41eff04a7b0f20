"""``e3p rank``: the ranking with intervals and tie groups."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from e3p import options

if TYPE_CHECKING:
    from collections.abc import Iterable

    from analyzer.decision import Decision
    from analyzer.scoring import Score
    from e3p.settings import Settings
    from telemetry.contract.documents import Result
    from telemetry.contract.ranking import Ranking

MOST_NAMED = 3


def rank(
    device: Annotated[str | None, typer.Option(help="Only this kind of device.")] = None,
    dataset: options.Dataset = None,
    campaign: options.Campaign = None,
    origin: options.Origin = "measured",
    a: options.ExponentA = 5.0,
    b: options.ScaleB = 5.0,
    unit: options.Unit = "J",
    max_latency_ms: Annotated[
        float | None, typer.Option(help="Recommend among those whose batches take no longer (95 %).")
    ] = None,
    max_watts: Annotated[float | None, typer.Option(help="… whose mean power is no higher.")] = None,
    max_energy_j: Annotated[
        float | None, typer.Option(help="… whose 1,000 images take no more joules.")
    ] = None,
    min_accuracy: Annotated[float | None, typer.Option(help="… whose accuracy (0-1) is no lower.")] = None,
    table: options.Csv = False,
    store: options.Store = None,
    config: options.Config = None,
    json: options.Json = False,
) -> int:
    """Ranks measured models by SAM = b·acc^a / log10(E), and says which one to run within your limits.

    Exit code 1 when there is nothing to rank, or nothing within the limits.
    """
    import anyio

    from analyzer.decision import Limits, decide
    from analyzer.sam import in_unit
    from e3p.output import print_json, say
    from e3p.settings import load
    from e3p.standing import print_csv

    options.check_output(json=json, csv=table)
    options.check_origin(origin)
    score = options.score(a, b, unit)
    limits = Limits(
        max_latency_ms=max_latency_ms,
        max_watts=max_watts,
        max_energy=None if max_energy_j is None else in_unit(max_energy_j, unit),
        min_accuracy=min_accuracy,
    )
    settings = load(config, store=store)
    found = anyio.run(_rankings, settings, score, campaign)
    chosen = [ranking for ranking in found if _wanted(ranking, device, dataset, origin)]
    _check(chosen)
    decisions = [decide(ranking, limits) for ranking in chosen]
    if json:
        print_json(_as_document(chosen, decisions))
    elif table:
        print_csv(chosen)
    else:
        _print(chosen, decisions)
    if not any(ranking.rows for ranking in chosen):
        say(_nothing(found, device, dataset, origin))
        return 1
    return 0 if any(decision.pick for decision in decisions) else 1


async def _rankings(settings: Settings, score: Score, campaign: str | None) -> list[Ranking]:
    """Every group's ranking, of one campaign's trials or of all; the one with the most rows first."""
    from analyzer.book import Book
    from analyzer.standings import rank_all
    from e3p.campaigns.asking import campaigns_of, named
    from e3p.campaigns.standing import joined
    from e3p.published import netscores

    async with settings.opened_store(create=False) as opened:
        book = Book(opened)
        await book.open()
        results: Iterable[Result] = book.results.values()
        if campaign is not None:
            results = joined(results, named(await campaigns_of(opened), campaign).id)
        rankings = rank_all(results, score, book.excluded, netscores())
        return sorted(rankings, key=lambda ranking: -len(ranking.rows))


def _wanted(ranking: Ranking, device: str | None, dataset: str | None, origin: str) -> bool:
    group = ranking.group
    return (
        (device is None or group.device == device)
        and (dataset is None or group.dataset == dataset)
        and (origin in ("any", group.origin))
    )


def _check(chosen: list[Ranking]) -> None:
    """Refuses what has trials and still no interval, or no score in the chosen unit. Raises `UserError`."""
    from telemetry.contract.errors import UserError

    with_rows = [ranking for ranking in chosen if ranking.rows]
    if with_rows and not any(ranking.scatter_dof for ranking in with_rows):
        raise UserError(
            "no model has 2 trials on one node that can be ranked, and an interval needs them: measure again "
            "with `e3p trial --trials 2` or more"
        )
    small = [each for ranking in chosen for each in ranking.refused if "choose a smaller unit" in each.reason]
    if small and not with_rows:
        raise UserError(f"{small[0].model}: {small[0].reason}, as --unit mJ")


def _print(rankings: list[Ranking], decisions: list[Decision]) -> None:
    """Each table, with what it recommends below it."""
    from e3p.deciding import decision_lines
    from e3p.standing import print_ranking

    for ranking, decision in zip(rankings, decisions, strict=True):
        print_ranking(ranking)
        for line in decision_lines(ranking, decision) if ranking.rows else ():
            typer.echo(line)


def _nothing(found: list[Ranking], device: str | None, dataset: str | None, origin: str) -> str:
    """Why there is no table, and what the store has instead."""
    from analyzer.configurations import NO_ACCURACY

    asked = ", ".join(
        f"{k} {v}" for k, v in (("device", device), ("data set", dataset), ("origin", origin)) if v
    )
    there = sorted({f"{r.group.device}/{r.group.dataset} ({r.group.origin})" for r in found if r.rows})
    hint = f"; the store has {', '.join(there)}: see --device, --dataset, --origin" if there else ""
    blind = sorted({each.model for r in found for each in r.refused if each.reason == NO_ACCURACY})
    if blind and not there:
        named = ", ".join(blind[:MOST_NAMED])
        hint = f"; {NO_ACCURACY} of {named}: measure it with `e3p trial --data FOLDER`"
    return f"nothing to rank for {asked}{hint}"


def _as_document(rankings: list[Ranking], decisions: list[Decision]) -> dict[str, object]:
    """The longest table as the document with its decision, the other groups' tables beside it."""
    import msgspec

    if not rankings:
        return {"rows": [], "refused": [], "others": []}
    return {**msgspec.structs.asdict(rankings[0]), "decision": decisions[0], "others": rankings[1:]}
