"""Tables of the report, cells as text. Pure: what is absent is None and shown as a dash."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from telemetry.contract.documents import BudgetLine, EventRefused, LedgerRow, Result
from telemetry.contract.frames import ManifestFrame
from telemetry.contract.ranking import OtherOrder, Ranking
from telemetry.store.interface import Letter
from view.answer import labels, place
from view.numbers import energy, milliseconds, moment, number, percent, state, sureness, unit, with_u95

COUNTS = ("made", "stored", "dead", "lost", "spooled", "missing")
MOST_LETTERS = 50


@dataclass(frozen=True)
class Table:
    """A caption, headings and rows; `numeric` are the columns set to the right.

    A "matrix" stays one on a phone too, where other tables become a block for each row.
    """

    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[str | None, ...], ...]
    numeric: frozenset[int] = frozenset()
    kind: str = ""


class Facts(NamedTuple):
    """A heading and what is known, as pairs of a term and its value."""

    title: str
    pairs: tuple[tuple[str, str | None], ...]


def sureness_table(ranking: Ranking) -> Table:
    """P(row beats column) for the rows of a ranking."""
    names = labels(ranking.rows)
    rows = tuple(
        (f"{at + 1}. {name}", *(None if p is None else sureness(p) for p in ranking.p_better[at]))
        for at, name in enumerate(names[: len(ranking.p_better)])
    )
    head = ("the model of this row …", *(f"beats {at + 1}" for at in range(len(rows))))
    numeric = frozenset(range(1, len(head)))
    return Table("How sure it is that one model scores better than another", head, rows, numeric, "matrix")


def sensitivity_table(ranking: Ranking) -> Table | None:
    """The orders at other exponents and units."""
    if not ranking.sensitivity:
        return None
    rows = tuple(
        (
            f"a = {other.a:g}, {other.unit}",
            "\u00a0›\u00a0".join(str(rank) for rank in other.order) or None,
            _change(other) if other.order else None,
            ", ".join(map(str, other.undefined)) or None,
        )
        for other in ranking.sensitivity
    )
    caption = "Would another exponent or unit change the order? Models are named by their rank above"
    return Table(caption, ("score", "order", "changed", "no value for"), rows)


def _change(other: OtherOrder) -> str:
    if not other.changed:
        return "the same"
    return "yes" if other.beyond_ties else "only inside tie groups"


def netscore_table(ranking: Ranking) -> Table | None:
    """NetScore's order, which needs no measurement, beside the measured one."""
    check = ranking.netscore
    if check is None:
        return None
    names = labels(ranking.rows)
    rows = tuple(
        (names[row.rank - 1], str(row.rank), number(row.netscore), str(row.netscore_rank))
        for row in check.rows
    )
    tau = "" if check.tau is None else f" Kendall's tau {check.tau:.2f};"
    pick = (
        f"taking NetScore's pick, {names[check.pick - 1]}, loses {percent(check.regret)} of the best SAM "
        f"({percent(check.regret_lo)} to {percent(check.regret_hi)})"
    )
    if check.pick == 1:
        pick = "NetScore's pick is the measured best"
    caption = f"The order on paper (NetScore) against the measured one (SAM):{tau} {pick}"
    return Table(
        caption, ("model", "measured rank", "NetScore", "NetScore's rank"), rows, frozenset({1, 2, 3})
    )


def refused_table(rankings: Sequence[Ranking]) -> Table:
    """What is not ranked, and why."""
    rows = tuple((place(r), refused.model, refused.reason) for r in rankings for refused in r.refused)
    return Table("Not ranked: refused or excluded configurations", ("where", "model", "why"), rows)


def repeats_table(results: Sequence[Result], excluded: Mapping[str, str]) -> Table:
    """Each model's trials side by side, with how much they vary (standard deviation over mean)."""
    models: dict[str, list[Result]] = defaultdict(list)
    for result in results:
        if result.model:
            models[result.model].append(result)
    most = max(map(len, models.values()), default=0)
    rows = []
    for model, trials in models.items():
        cells = [_per_1000(trial, excluded) for trial in trials]
        rows.append((model, *cells, *[None] * (most - len(cells)), _variation(trials)))
    head = ("model", *(f"run {at + 1}" for at in range(most)), "variation")
    return Table(
        "J for 1,000 images, run by run, ± what the runs do not share",
        head,
        tuple(rows),
        frozenset(range(1, most + 2)),
    )


def budgets_of(result: Result) -> tuple[Table, ...]:
    """The uncertainty budgets of an energy, and of what of it lies above idle."""
    energy_j = "Where the uncertainty comes from", result.budget
    above = "Where that of the energy above idle comes from", result.net_budget
    return tuple(_budget(title, lines) for title, lines in (energy_j, above) if lines)


def _budget(title: str, lines: Sequence[BudgetLine]) -> Table:
    square = sum(line.u_j**2 for line in lines)
    rows = tuple(
        (
            line.name.replace("_", " "),
            unit(line.u_j, "J", 3),
            percent(line.u_j**2 / square, 0) if square else None,
            "yes" if line.shared else "no",
            line.how or None,
        )
        for line in sorted(lines, key=lambda line: -line.u_j)
    )
    head = ("source", "u (k = 1)", "share", "in all windows alike", "how it is known")
    return Table(title, head, rows, frozenset({1, 2}))


def revisions_table(histories: Iterable[Sequence[Result]]) -> Table:
    """Every revision of the results that were written more than once."""
    rows = tuple(
        (
            f"{r.model or r.node}, trial {r.index}" if r.trial else r.node,
            str(r.revision),
            r.reason,
            energy(r),
            state(r),
            moment(r.computed_at),
        )
        for history in histories
        for r in history
    )
    head = ("window", "revision", "because of", "energy", "state", "computed")
    return Table("Results that changed, with the reason", head, rows, frozenset({1}))


def events_table(events: Sequence[EventRefused]) -> Table:
    """Marks that contradict others."""
    rows = tuple(
        (event.node, event.event, event.trial, event.reason, f"{event.stream} {event.seq}")
        for event in events
    )
    return Table("Marks that were refused", ("node", "mark", "trial", "why", "frame"), rows)


def letters_table(letters: Sequence[Letter]) -> Table:
    """Messages in quarantine, the newest of them."""
    rows = tuple((moment(each.at), each.topic, each.reason) for each in reversed(letters[-MOST_LETTERS:]))
    return Table("Messages in quarantine (dead letters)", ("when", "topic", "why"), rows)


def equation_table(rows: Sequence[LedgerRow]) -> Table:
    """The ledger's equation for each node."""
    lines = []
    for node in sorted({row.node for row in rows}):
        held = [row for row in rows if row.node == node]
        counts = (f"{sum(getattr(row, f'{name}_count') for row in held):,}" for name in COUNTS)
        lines.append((node, *counts, "yes" if all(row.closed for row in held) else "NO"))
    caption = "made = stored + dead + lost + spooled + missing, in frames"
    return Table(caption, ("node", *COUNTS, "closes"), tuple(lines), frozenset(range(1, len(COUNTS) + 1)))


def ranges_table(rows: Sequence[LedgerRow]) -> Table:
    """The frames that are missing, lost or in quarantine, by their numbers."""
    lines = tuple(
        (row.node, row.boot, row.stream, name, _ranges(getattr(row, name)))
        for row in rows
        for name in ("missing", "lost", "dead", "spooled")
        if getattr(row, name)
    )
    return Table("Frames that are not in the store", ("node", "boot", "stream", "are", "numbers"), lines)


def instruments(results: Sequence[Result], manifests: dict[str, ManifestFrame]) -> list[Facts]:
    """What was measured with what: one block for each manifest and stream that results name."""
    used: dict[tuple[str, str], list[Result]] = defaultdict(list)
    for result in results:
        used[result.manifest_hash or "", result.source].append(result)
    return [_instrument(found, manifests.get(key[0])) for key, found in used.items()]


def _instrument(results: Sequence[Result], manifest: ManifestFrame | None) -> Facts:
    first = results[0]
    title = f"{first.node}, {f'meter {first.source}' if first.meter else f'stream {first.stream}'}"
    clock = ("clock against UTC", _clock(results))
    if first.meter:
        return Facts(title, (("sensor", first.sensor), ("origin", first.origin), clock))
    if manifest is None:
        return Facts(title, (("manifest", "none came: sensor and device are unknown"), clock))
    info = next((info for info in manifest.streams if info.stream == first.stream), None)
    device = manifest.device
    pairs: list[tuple[str, str | None]] = [
        ("device", f"{device.kind}{f', {device.model}' if device.model else ''}"),
        ("power mode", manifest.power_mode),
        (
            "system",
            ", ".join(part for part in (manifest.os, manifest.jetpack, manifest.driver) if part) or None,
        ),
    ]
    if info is not None:
        gain = info.gain_uncertainty
        pairs += [
            ("sensor", info.sensor),
            ("origin", info.origin),
            (
                "channels",
                ", ".join(
                    f"{name} (total)" if name == info.total != "total" else name for name in info.channels
                ),
            ),
            ("new value every", unit(info.period_ms, "ms")),
            ("averages over", unit(info.averaging_window_ms, "ms")),
            (
                "gain known to (k = 1)",
                percent(gain, 1 if gain < 0.1 else 0) if gain is not None else "not stated",
            ),
        ]
    pairs += [("software", manifest.software), clock, ("manifest", manifest.hash)]
    return Facts(title, tuple(pair for pair in pairs if pair[1]))


def _clock(results: Sequence[Result]) -> str:
    known = [result for result in results if result.utc_offset_ns is not None]
    if not known:
        return "not compared"
    last = max(known, key=lambda result: result.end)
    return milliseconds(last.utc_offset_ns or 0, last.utc_offset_u95_ns)


def _per_1000(result: Result, excluded: Mapping[str, str]) -> str | None:
    if result.j_per_1000 is None:
        return None
    doubt = "" if result.state == "valid" else f" ({result.state})"
    doubt = " (excluded)" if result.window in excluded else doubt
    u95 = 1000 * (result.energy_u95_comparable_j or 0.0) / result.images if result.images else None
    shown = with_u95(result.j_per_1000, u95) if u95 else number(result.j_per_1000)
    return f"{shown}{doubt}"


def _variation(trials: Sequence[Result]) -> str | None:
    joules = [trial.j_per_1000 for trial in trials if trial.j_per_1000 is not None]
    if len(joules) < 2:
        return None
    mean = sum(joules) / len(joules)
    return percent((sum((j - mean) ** 2 for j in joules) / (len(joules) - 1)) ** 0.5 / mean)


def _ranges(ranges: Sequence[Sequence[int]]) -> str:
    shown = ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in ranges[:20])
    return f"{shown} and {len(ranges) - 20} ranges more" if len(ranges) > 20 else shown
