"""Devices whose orders are known: tau, regret and what a device adds must say so; their intervals cover."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import pytest

from analyzer import scoring
from analyzer.beats import kendall_tau
from analyzer.devices import Carried, Comparison, compare, compare_all
from analyzer.ranking import by_group
from analyzer.sam import sam
from analyzer.scoring import Score
from telemetry.contract.documents import Result
from telemetry.contract.errors import UserError
from tests.unit.ranking.made import line, packed, trial, trials

EXACT: dict[str, Any] = {"accuracy_origin": "timm", "accuracy_n": None}
JETSON = {"one": 400.0, "two": 500.0, "three": 600.0, "four": 900.0}
CARD = {"one": 900.0, "two": 300.0, "three": 350.0, "four": 800.0}


def on(device: str, energies: Mapping[str, float], **more: Any) -> list[Result]:
    """Three trials of each model on a device, close together."""
    fields = {"device": device, "node": f"{device}-1", "sensor": f"sensor of {device}", **EXACT, **more}
    return [
        each
        for model, energy in energies.items()
        for each in trials(f"{model}", [energy * f for f in (0.999, 1.0, 1.001)], **fields)
    ]


def compared(*tables: Sequence[Result], **more: Any) -> Comparison:
    return compare(by_group([each for table in tables for each in table]), Score(), **more)


def carried(comparison: Comparison, source: str, to: str) -> Carried:
    names = [each.device for each in comparison.devices]
    wanted = names.index(source), names.index(to)
    return next(each for each in comparison.carried if (each.source, each.to) == wanted)


def test_places_are_those_of_each_device() -> None:
    comparison = compared(on("jetson", JETSON), on("card", CARD))
    assert [each.device for each in comparison.devices] == ["card", "jetson"]
    places = {row.model: row.places for row in comparison.rows}
    assert places == {"one": (4, 1), "two": (1, 2), "three": (2, 3), "four": (3, 4)}


def test_tau_counts_the_pairs_that_both_order_alike() -> None:
    """Of six pairs the three with model one are turned round."""
    [agreement] = compared(on("jetson", JETSON), on("card", CARD)).agreements
    assert agreement.tau == pytest.approx(0.0)
    assert agreement.tau_lo == agreement.tau_hi == 0.0


def test_a_device_agrees_with_its_like() -> None:
    comparison = compared(on("jetson", JETSON), on("other", JETSON))
    assert comparison.agreements[0].tau == 1.0
    assert carried(comparison, "jetson", "other").regret == 0.0


def test_the_regret_of_a_pick_is_what_it_loses_there() -> None:
    found = carried(compared(on("jetson", JETSON), on("card", CARD)), "jetson", "card")
    lost = 1 - sam(0.8, 900.0) / sam(0.8, 300.0)
    assert found.regret == pytest.approx(lost)
    assert found.regret_lo < lost < found.regret_hi
    assert found.place == 4
    assert found.regret_energy == pytest.approx(600.0)
    assert found.regret_energy_lo < 600.0 < found.regret_energy_hi


def test_a_device_that_disagrees_changes_the_pick_for_all() -> None:
    tables = [on(name, JETSON) for name in ("jetson", "other")]
    comparison = compared(*tables, on("card", {**CARD, "one": 90_000.0}))
    names = [row.model for row in comparison.rows]
    card, jetson, _ = comparison.added
    assert (names[card.pick_without], names[card.pick_with]) == ("one", "two")
    assert card.p_changes > 0.95
    assert card.regret == pytest.approx(1 - sam(0.8, 90_000.0) / sam(0.8, 300.0))
    assert names[jetson.pick_with] == "two"


def test_what_one_device_lacks_is_named_and_left_out() -> None:
    comparison = compared(on("jetson", {**JETSON, "five": 100.0}), on("card", CARD))
    assert "five" not in {row.model for row in comparison.rows}
    assert {each.device: each.missing for each in comparison.devices} == {"card": ("five",), "jetson": ()}


def test_two_backends_of_one_setting_are_one_row() -> None:
    comparison = compared(on("jetson", JETSON, backend="cuda"), on("card", CARD, backend="cpu"))
    assert len(comparison.rows) == len(JETSON)


def test_other_batch_sizes_are_compared_only_as_each_devices_best() -> None:
    tables = on("jetson", JETSON, batch_size=1), on("card", CARD, batch_size=32)
    with pytest.raises(UserError, match="--best-settings"):
        compared(*tables)
    rows = compared(*tables, best_settings=True).rows
    assert {row.batch_size for row in rows} == {None}
    assert len(rows) == len(JETSON)


def test_the_same_trials_give_the_same_comparison() -> None:
    tables = on("jetson", JETSON), on("card", CARD)
    assert compared(*tables) == compared(*reversed(tables))


@pytest.mark.parametrize(
    ("field", "words"),
    [
        ({"origin": "synthetic"}, r"different origins are never compared \(measured, synthetic\)"),
        ({"dataset": "cifar-10"}, r"different data sets are never compared \(cifar-10, imagenet-1k\)"),
    ],
)
def test_what_never_mixes_is_refused_with_the_reason(field: dict[str, str], words: str) -> None:
    with pytest.raises(UserError, match=words):
        compared(on("jetson", JETSON), on("card", CARD, **field))


def test_one_device_alone_is_no_comparison() -> None:
    with pytest.raises(UserError, match=r"two devices are needed .* only jetson"):
        compared(on("jetson", JETSON))


def test_two_models_in_common_are_too_few() -> None:
    few = {name: JETSON[name] for name in ("one", "two")}
    with pytest.raises(UserError, match=r"2 models are measured on all devices .* 3 are needed"):
        compared(on("jetson", JETSON), on("card", few))


def test_each_data_set_and_origin_is_compared_for_itself() -> None:
    results = [
        *on("jetson", JETSON),
        *on("card", CARD),
        *on("jetson", JETSON, origin="synthetic"),
        *on("card", CARD, origin="synthetic"),
    ]
    found = compare_all(by_group(results), Score())
    assert {each.origin for each in found.comparisons} == {"measured", "synthetic"}
    assert found.refused == []


def test_one_accuracy_on_both_devices_is_one_error() -> None:
    """The same hits on two devices: what 200 images do not know of them moves both orders alike."""
    hits = packed(np.arange(200) < 160)
    seen = {"subset": "s", "hits": hits, "accuracy_n": 200, "images": 200, "accuracy_origin": "measured"}
    [agreement] = compared(on("jetson", JETSON, **seen), on("other", JETSON, **seen)).agreements
    assert agreement.tau_lo == 1.0


# ---- intervals against a truth that chance draws anew in each world ----

SEEDS = range(150)
DEVICES = ("a", "b", "c")
MODELS, IMAGES, SCATTER = 10, 500, 0.10


class World(NamedTuple):
    comparison: Comparison
    sams: Any  # devices × rows, in the comparison's order
    energies: Any


def drawn(seed: int) -> World:
    rng = np.random.default_rng([11, seed])
    accuracy = rng.uniform(0.70, 0.85, MODELS)
    energy = 400.0 * np.exp(
        0.5 * rng.standard_normal(MODELS) + 0.5 * rng.standard_normal((len(DEVICES), MODELS))
    )
    difficulty = rng.random(IMAGES)
    results = []
    for model in range(MODELS):
        own = np.where(rng.random(IMAGES) < 0.7, difficulty, rng.random(IMAGES))
        hits = own < accuracy[model]
        seen = {"subset": "s", "hits": packed(hits), "accuracy": float(hits.mean()), "accuracy_n": IMAGES}
        for at, device in enumerate(DEVICES):
            for index in range(3):
                energy_j = float(energy[at, model] * np.exp(SCATTER * rng.standard_normal()))
                place = {"device": device, "node": device, "window": f"{device}-{model}-{index}"}
                own_line = (line("noise", 0.2 * SCATTER * energy_j),)
                results.append(
                    trial(f"m{model}", index, energy_j, images=IMAGES, budget=own_line, **place, **seen)
                )
    comparison = compare(by_group(results), Score())
    order = [int(row.model[1:]) for row in comparison.rows]
    sams = np.array([[sam(accuracy[at], each[at]) for at in order] for each in energy])
    return World(comparison, sams, energy[:, order])


@cache
def worlds() -> list[World]:
    with pytest.MonkeyPatch.context() as fewer:
        fewer.setattr(scoring, "DRAWS_IN_ALL", 1)  # the fewest draws do for hundreds of worlds
        return [drawn(seed) for seed in SEEDS]


def share(covered: Sequence[bool]) -> float:
    return float(np.mean(covered))


def test_the_interval_of_tau_covers_the_truth() -> None:
    """Tau has few values, so an interval that holds 95 % of the draws often holds more."""
    covered = []
    for world in worlds():
        for each in world.comparison.agreements:
            truth = kendall_tau(world.sams[each.one].tolist(), world.sams[each.other].tolist())
            assert truth is not None
            covered.append(each.tau_lo - 1e-6 <= truth <= each.tau_hi + 1e-6)
    assert 0.95 <= share(covered) <= 0.99


def test_the_interval_of_regret_covers_the_truth() -> None:
    covered = []
    for world in worlds():
        for each in world.comparison.carried:
            there = world.sams[each.to]
            covered.append(each.regret_lo <= 1 - there[each.pick] / there.max() <= each.regret_hi)
    assert 0.93 <= share(covered) <= 0.97


def test_the_interval_of_the_energy_lost_covers_the_truth() -> None:
    covered = []
    for world in worlds():
        for each in world.comparison.carried:
            best = world.comparison.devices[each.to].pick
            truth = world.energies[each.to][each.pick] - world.energies[each.to][best]
            if each.pick != best:
                covered.append(each.regret_energy_lo <= truth <= each.regret_energy_hi)
    assert 0.93 <= share(covered) <= 0.97
