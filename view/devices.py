"""Devices against each other in words and tables: what the report and `e3p devices` say alike. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from view.numbers import number, percent, sureness
from view.tables import Table

if TYPE_CHECKING:
    from analyzer.devices import Added, Carried, Comparison

LITTLE = 0.01
"""A loss that is surely below 1 % of the best SAM is none to act on."""
MOST_NAMED = 4


def device_names(comparison: Comparison) -> list[str]:
    """A name for each device: its kind, and mode and sensor where it stands there twice."""
    kinds = [each.device or "a device of unknown kind" for each in comparison.devices]
    return [
        kind if kinds.count(kind) == 1 else f"{kind} ({each.power_mode or 'no mode'}, {each.sensor})"
        for kind, each in zip(kinds, comparison.devices, strict=True)
    ]


def row_names(comparison: Comparison) -> list[str]:
    """A name for each common row: the model, and its setting where it stands there twice."""
    models = [row.model for row in comparison.rows]
    several = {model for model in models if models.count(model) > 1}
    return [
        f"{row.model} ({row.precision}, batch {row.batch_size})" if row.model in several else row.model
        for row in comparison.rows
    ]


def conclusions(comparison: Comparison) -> Iterator[str]:
    """One sentence for each pick that is carried over, then what each device adds."""
    devices, rows = device_names(comparison), row_names(comparison)
    for each in comparison.carried:
        yield _carried(comparison, each, devices, rows)
    if len(devices) > 2:
        for added in comparison.added:
            yield _added(added, devices, rows)
    for name, device in zip(devices, comparison.devices, strict=True):
        if device.missing:
            named = ", ".join(device.missing[:MOST_NAMED])
            more = f" and {len(device.missing) - MOST_NAMED} more" if len(device.missing) > MOST_NAMED else ""
            yield f"not compared, because {name} has not measured it: {named}{more}"


def comparison_tables(comparison: Comparison) -> list[Table]:
    """All that was found out, a table each; with two devices what one adds is what the regrets say."""
    tables = [common_table, tau_table, regret_table, energy_table]
    return [make(comparison) for make in (tables if len(comparison.devices) == 2 else [*tables, added_table])]


def common_table(comparison: Comparison) -> Table:
    """Each common row with its place, SAM and energy on every device."""
    devices, names = device_names(comparison), row_names(comparison)
    head = ["model"]
    for device in devices:
        head += [f"place on {device}", "SAM", f"{comparison.unit} for 1,000"]
    rows = []
    for name, row in zip(names, comparison.rows, strict=True):
        cells: list[str | None] = [name]
        for place, sam, energy in zip(row.places, row.sams, row.energies, strict=True):
            cells += [str(place), number(sam), number(energy)]
        rows.append(tuple(cells))
    return Table("What all devices measured", tuple(head), tuple(rows), frozenset(range(1, len(head))))


def tau_table(comparison: Comparison) -> Table:
    """Kendall's tau of every two devices, with its interval."""
    names = device_names(comparison)
    cells: dict[tuple[int, int], str] = {}
    for each in comparison.agreements:
        tau = "no order" if each.tau is None else f"{each.tau:.2f} ({each.tau_lo:.2f} to {each.tau_hi:.2f})"
        cells[each.one, each.other] = cells[each.other, each.one] = tau
    caption = "How alike the orders are: Kendall's tau (1: the same, 0: no relation, -1: opposite), with 95 %"
    return _matrix(caption, ("device", *names), names, cells)


def regret_table(comparison: Comparison) -> Table:
    """What the row's device loses of the best SAM by the pick of the column's device."""
    names = device_names(comparison)
    cells = {(each.to, each.source): _regret(each) for each in comparison.carried}
    caption = "Regret in SAM: what the device of the row loses by the pick of another, with 95 %"
    return _matrix(caption, ("device", *(f"pick of {name}" for name in names)), names, cells)


def energy_table(comparison: Comparison) -> Table:
    """What the row's device takes more for 1,000 images by the pick of the column's device."""
    names = device_names(comparison)
    cells = {
        (each.to, each.source): (
            f"{_signed(each.regret_energy)} ({_signed(each.regret_energy_lo)} to "
            f"{_signed(each.regret_energy_hi)}) {comparison.unit}"
        )
        for each in comparison.carried
    }
    caption = (
        "Regret in energy: what the device of the row takes more for 1,000 images by the pick of another "
        "than by its own (less than 0: less, at a lower accuracy), with 95 %"
    )
    return _matrix(caption, ("device", *(f"pick of {name}" for name in names)), names, cells)


def added_table(comparison: Comparison) -> Table:
    """The one model to run everywhere, without each device and with it."""
    devices, rows = device_names(comparison), row_names(comparison)
    lines = tuple(
        (
            devices[each.device],
            rows[each.pick_without],
            rows[each.pick_with],
            sureness(each.p_changes),
            None if each.tau is None else f"{each.tau:.2f}",
            _regret(each),
        )
        for each in comparison.added
    )
    head = ("device", "pick without it", "pick with it", "P(it changes)", "tau of the orders", "regret on it")
    caption = "What adding a device changes of the one model to run everywhere (least mean regret in SAM)"
    return Table(caption, head, lines, frozenset({3, 4, 5}))


def _matrix(
    caption: str, head: tuple[str, ...], names: Sequence[str], cells: dict[tuple[int, int], str]
) -> Table:
    rows = tuple((name, *(cells.get((at, to)) for to in range(len(names)))) for at, name in enumerate(names))
    return Table(caption, head, rows, frozenset(range(1, len(head))), "matrix")


def _carried(comparison: Comparison, each: Carried, devices: Sequence[str], rows: Sequence[str]) -> str:
    pick, source, to = rows[each.pick], devices[each.source], devices[each.to]
    if each.place == 1:
        words = f"{source}'s pick {pick} is the best on {to} too ({_lost(each)} to lose by it at 95 %)"
    else:
        more = "more" if each.regret_energy > 0 else "less"
        words = (
            f"{source}'s pick {pick} is place {each.place} of {len(comparison.rows)} on {to}: it loses "
            f"{_regret(each)} of the best SAM and takes {number(abs(each.regret_energy), 3)} "
            f"{comparison.unit} {more} for 1,000 images"
        )
    if each.regret_hi <= LITTLE:
        return f"{words}: it may be carried over"
    if each.regret_lo > 0:
        return f"{words}: do not carry it over, measure on {to}"
    return f"{words}: whether it may be carried over cannot be told yet"


def _added(each: Added, devices: Sequence[str], rows: Sequence[str]) -> str:
    sure = sureness(each.p_changes)
    device, without, now = devices[each.device], rows[each.pick_without], rows[each.pick_with]
    if without == now:
        return f"with or without {device}, {now} is the one model for all devices (P that it changes: {sure})"
    return f"adding {device} changes the one model for all devices from {without} to {now} (P: {sure})"


def _regret(each: Carried | Added) -> str:
    """A regret with its interval, percent of the best SAM."""
    return f"{percent(each.regret)} ({100 * each.regret_lo:.1f} to {100 * each.regret_hi:.1f})"


def _lost(each: Carried) -> str:
    return f"{100 * each.regret_lo:.1f} to {100 * each.regret_hi:.1f} % of SAM"


def _signed(value: float) -> str:
    return f"{'+' if value > 0 else ''}{number(value, 3)}"
