"""``e3p rank``: the ranking with intervals and tie groups."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from e3p import options

if TYPE_CHECKING:
    from analyzer.ranking import Score
    from telemetry.contract.documents import Ranking


def rank(
    device: Annotated[str | None, typer.Option(help="Only this kind of device.")] = None,
    dataset: Annotated[str | None, typer.Option(help="Only this data set.")] = None,
    origin: Annotated[
        str, typer.Option(help="measured, estimated, replayed, synthetic, or any; never mixed in one table.")
    ] = "measured",
    a: Annotated[float, typer.Option(help="Exponent of accuracy.")] = 5.0,
    b: Annotated[float, typer.Option(help="Scale of the score; never changes an order.")] = 5.0,
    unit: Annotated[str, typer.Option(help="Unit of the energy of 1,000 images.")] = "J",
    store: options.Store = None,
    config: options.Config = None,
    json: options.Json = False,
) -> int:
    """Ranks measured models by SAM = b·acc^a / log10(E). Exit code 1 when there is nothing to rank."""
    import anyio

    from analyzer.ranking import Score
    from e3p.output import print_json, say
    from e3p.settings import load

    score = Score(a=a, b=b, unit=unit)
    settings = load(config, store=store)
    found = anyio.run(_rankings, settings.common.store, score)
    chosen = [ranking for ranking in found if _wanted(ranking, device, dataset, origin)]
    if json:
        print_json(_as_document(chosen))
    else:
        for ranking in chosen:
            print_ranking(ranking)
    if not any(ranking.rows for ranking in chosen):
        say(_nothing(found, device, dataset, origin))
        return 1
    return 0


async def _rankings(url: str, score: Score) -> list[Ranking]:
    """Every group's ranking; the one with the most rows first."""
    from analyzer.book import Book
    from analyzer.sam import ScoreUndefined
    from analyzer.standings import rank_all
    from telemetry.contract.errors import UserError
    from telemetry.store.open import opened_store

    async with opened_store(url, create=False) as opened:
        book = Book(opened)
        await book.open()
        try:
            rankings = rank_all(book.results.values(), score)
        except ScoreUndefined as error:
            raise UserError(str(error)) from None
        return sorted(rankings, key=lambda ranking: -len(ranking.rows))


def _wanted(ranking: Ranking, device: str | None, dataset: str | None, origin: str) -> bool:
    group = ranking.group
    return (
        (device is None or group.device == device)
        and (dataset is None or group.dataset == dataset)
        and (origin in ("any", group.origin))
    )


def _nothing(found: list[Ranking], device: str | None, dataset: str | None, origin: str) -> str:
    """Why there is no table, and what the store has instead."""
    asked = ", ".join(
        f"{k} {v}" for k, v in (("device", device), ("data set", dataset), ("origin", origin)) if v
    )
    there = sorted({f"{r.group.device}/{r.group.dataset} ({r.group.origin})" for r in found if r.rows})
    hint = f"; the store has {', '.join(there)}: see --device, --dataset, --origin" if there else ""
    return f"nothing to rank for {asked}{hint}"


def print_ranking(ranking: Ranking) -> None:
    """A ranking as a table: the group above it, what was refused below it."""
    from e3p.output import number, origin_note, print_table, with_u95

    group = ranking.group
    where = f"{group.device or 'unknown device'}, {group.dataset}{origin_note(group.origin)}"
    mode = f", {group.power_mode}" if group.power_mode else ""
    typer.echo(f"\n{where}{mode}, sensor {group.sensor}: SAM with a = {ranking.a:g}, b = {ranking.b:g}")
    headings = (
        "rank",
        "tie",
        "model",
        "batch",
        "SAM",
        "95 % interval",
        f"{ranking.unit} per 1,000",
        "accuracy",
        "trials",
        "state",
    )
    print_table(
        headings,
        [
            (
                row.rank,
                row.tie_group,
                row.model,
                row.batch_size,
                number(row.sam),
                f"{number(row.sam_lo)} - {number(row.sam_hi)}",
                f"{with_u95(row.energy, row.energy_u95)}{origin_note(group.origin)}",
                f"{100 * row.accuracy:.2f}% ({row.accuracy_origin})",
                row.trials,
                row.state,
            )
            for row in ranking.rows
        ],
    )
    for refused in ranking.refused:
        typer.echo(f"not ranked: {refused.model}: {refused.reason}")


def _as_document(rankings: list[Ranking]) -> dict[str, object]:
    """The longest table as the document, the other groups' beside it."""
    import msgspec

    if not rankings:
        return {"rows": [], "refused": [], "others": []}
    return {**msgspec.structs.asdict(rankings[0]), "others": rankings[1:]}
