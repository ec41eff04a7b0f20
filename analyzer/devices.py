"""Device against device: does one's order hold on another, what does carrying its pick over cost? Pure.

Devices are compared over the rows that all of them measured: one model, precision and batch size, whatever
the backend; or one model, each device's best setting of it. Both sides are drawn together, as the rankings
are: energies apart, and an accuracy that rests on the same images, or on the same published number, once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, permutations
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from analyzer.beats import kendall_tau, taus_of_draws
from analyzer.comparable import Setting, check_alike, common_settings, name_of, settings_of
from analyzer.ranking import NOTHING
from analyzer.regret import around_tau, interval, regrets, shortest
from analyzer.sam import in_unit
from analyzer.scoring import Score, Scored, energies, pooled, score_together
from telemetry.contract.documents import Result
from telemetry.contract.errors import UserError
from telemetry.contract.ranking import RankingGroup

Floats = NDArray[np.float64]


class Device(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One device, mode and sensor: `pick` is its best row, `missing` the models that only others measured."""

    device: str | None
    power_mode: str | None
    sensor: str | None
    pick: int
    missing: tuple[str, ...] = ()


class CommonRow(msgspec.Struct, frozen=True, kw_only=True):
    """What all devices measured. For each device, in their order: place among these rows, SAM, energy."""

    model: str
    precision: str | None
    batch_size: int | None
    places: tuple[int, ...]
    sams: tuple[float, ...]
    energies: tuple[float, ...]


class Agreement(msgspec.Struct, frozen=True, kw_only=True):
    """Kendall's tau-b of two devices' orders, 95 %; None: one of them has no order."""

    one: int
    other: int
    tau: float | None
    tau_lo: float
    tau_hi: float


class Carried(msgspec.Struct, frozen=True, kw_only=True):
    """The pick of one device on another: its place there, and what it loses against the best there, 95 %.

    `regret` is a share of the best SAM, `regret_energy` what it takes more for 1,000 images (it may be less).
    """

    source: int
    to: int
    pick: int
    place: int
    regret: float
    regret_lo: float
    regret_hi: float
    regret_energy: float
    regret_energy_lo: float
    regret_energy_hi: float


class Added(msgspec.Struct, frozen=True, kw_only=True):
    """What adding a device changes: the one model to run everywhere without it and with it.

    That is the row whose mean regret over the devices is least. `regret` is what the choice without the
    device loses on it, `p_changes` how sure it is that the choice changes, `tau` how alike the orders of mean
    regret without and with it are.
    """

    device: int
    pick_without: int
    pick_with: int
    p_changes: float
    tau: float | None
    regret: float
    regret_lo: float
    regret_hi: float


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """Devices compared on one data set and origin; devices and rows are named by their places, from 0."""

    dataset: str | None
    origin: str | None
    a: float
    b: float
    unit: str
    devices: tuple[Device, ...]
    rows: tuple[CommonRow, ...]
    agreements: tuple[Agreement, ...]
    carried: tuple[Carried, ...]
    added: tuple[Added, ...]


class Compared(NamedTuple):
    """The comparisons of what may be compared, and why nothing else is."""

    comparisons: list[Comparison]
    refused: list[str]


@dataclass(frozen=True)
class _Side:
    """One device's values and draws of the common rows, in their order."""

    sam: Floats
    energy: Floats
    sams: Floats
    energies: Floats

    @property
    def pick(self) -> int:
        return int(np.argmax(self.sam))

    @property
    def places(self) -> list[int]:
        return [1 + int(np.count_nonzero(self.sam > value)) for value in self.sam]

    @property
    def lost(self) -> Floats:
        """The regret of each row, by its value."""
        return np.asarray(1.0 - self.sam / self.sam.max()) if self.sam.max() > 0 else np.zeros_like(self.sam)


def compare(
    tables: Mapping[RankingGroup, Sequence[Result]],
    score: Score,
    excluded: Mapping[str, str] = NOTHING,
    *,
    best_settings: bool = False,
) -> Comparison:
    """Return how two or more devices compare, from the trials of each table.

    With `best_settings` rows are models, on each device in the setting that scores best there.

    Raises:
        UserError: other origins or data sets among them, one device alone, fewer than 3 rows in common.
    """
    groups = sorted(tables, key=name_of)
    check_alike(groups)
    scored = score_together([pooled(tables[group], excluded) for group in groups], score)
    settings = [settings_of(each, best_settings=best_settings) for each in scored]
    common = common_settings(groups, settings, best_settings=best_settings)
    sides = [
        _side(each, [places[key] for key in common], score)
        for each, places in zip(scored, settings, strict=True)
    ]
    return Comparison(
        dataset=groups[0].dataset,
        origin=groups[0].origin,
        a=score.a,
        b=score.b,
        unit=score.unit,
        devices=tuple(_devices(groups, settings, sides)),
        rows=tuple(_rows(common, sides, best_settings=best_settings)),
        agreements=tuple(_agreements(sides)),
        carried=tuple(_carried(sides)),
        added=tuple(_added(sides)),
    )


def compare_all(
    tables: Mapping[RankingGroup, Sequence[Result]],
    score: Score,
    excluded: Mapping[str, str] = NOTHING,
    *,
    best_settings: bool = False,
) -> Compared:
    """Return a comparison for each data set and origin that two devices or more have measured."""
    together: dict[tuple[str | None, str | None], list[RankingGroup]] = defaultdict(list)
    for group in tables:
        together[group.dataset, group.origin].append(group)
    several = [groups for groups in together.values() if len(groups) > 1]
    compared = Compared([], [])
    for groups in several or [list(tables)]:
        own = {group: tables[group] for group in groups}
        try:
            compared.comparisons.append(compare(own, score, excluded, best_settings=best_settings))
        except UserError as error:
            compared.refused.append(str(error))
    return compared


def _side(scored: Scored, at: Sequence[int], score: Score) -> _Side:
    mean_j = [in_unit(scored.configurations[place].mean_j, score.unit) for place in at]
    values = np.array([scored.values[place] for place in at])
    return _Side(values, np.array(mean_j), scored.sams[at], energies(scored.log_energies[at]))


def _devices(
    groups: Sequence[RankingGroup], settings: Sequence[dict[Setting, int]], sides: Sequence[_Side]
) -> Iterator[Device]:
    everywhere = dict.fromkeys(key[0] for each in settings for key in each)
    for group, own, side in zip(groups, settings, sides, strict=True):
        here = {key[0] for key in own}
        yield Device(
            device=group.device,
            power_mode=group.power_mode,
            sensor=group.sensor,
            pick=side.pick,
            missing=tuple(model for model in everywhere if model not in here),
        )


def _rows(common: Sequence[Setting], sides: Sequence[_Side], *, best_settings: bool) -> Iterator[CommonRow]:
    places = [side.places for side in sides]
    for at, (model, precision, batch_size) in enumerate(common):
        yield CommonRow(
            model=model,
            precision=None if best_settings else precision or None,
            batch_size=None if best_settings else batch_size or None,
            places=tuple(each[at] for each in places),
            sams=tuple(float(side.sam[at]) for side in sides),
            energies=tuple(float(side.energy[at]) for side in sides),
        )


def _agreements(sides: Sequence[_Side]) -> Iterator[Agreement]:
    for one, other in combinations(range(len(sides)), 2):
        first, second = sides[one], sides[other]
        tau = kendall_tau(first.sam.tolist(), second.sam.tolist())
        drawn = taus_of_draws(first.sams, second.sams)
        yield Agreement(one=one, other=other, tau=tau, **around_tau(tau, drawn))


def _carried(sides: Sequence[_Side]) -> Iterator[Carried]:
    for source, to in permutations(range(len(sides)), 2):
        pick, there = sides[source].pick, sides[to]
        yield Carried(
            source=source,
            to=to,
            pick=pick,
            place=there.places[pick],
            regret=float(there.lost[pick]),
            **shortest("regret", regrets(there.sams, there.sams[pick])),
            regret_energy=float(there.energy[pick] - there.energy[there.pick]),
            **interval("regret_energy", there.energies[pick] - there.energies[there.pick]),
        )


def _added(sides: Sequence[_Side]) -> Iterator[Added]:
    """Yield what each device changes of the choice for all others."""
    lost = np.array([side.lost for side in sides])
    drawn = np.array([regrets(side.sams, side.sams) for side in sides])
    everywhere = drawn.mean(axis=0).argmin(axis=0)
    for at, side in enumerate(sides):
        without = np.delete(lost, at, axis=0).mean(axis=0)
        pick = int(without.argmin())
        changed = np.delete(drawn, at, axis=0).mean(axis=0).argmin(axis=0) != everywhere
        yield Added(
            device=at,
            pick_without=pick,
            pick_with=int(lost.mean(axis=0).argmin()),
            p_changes=float(np.round(changed.mean(), 5)),
            tau=kendall_tau(without.tolist(), lost.mean(axis=0).tolist()),
            regret=float(side.lost[pick]),
            **shortest("regret", drawn[at, pick]),
        )
