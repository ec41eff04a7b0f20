from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from msgspec.structs import replace

from telemetry.contract.documents import Result
from tests.integration.test_rank_command import Kept
from tests.unit.ranking.test_devices import CARD, JETSON, on


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    return Kept(tmp_path)


def named(device: str, energies: dict[str, float], **more: str) -> list[Result]:
    """Trials whose windows are the device's own."""
    return [replace(each, window=f"{device}-{each.window}") for each in on(device, energies, **more)]


def test_it_says_whether_a_pick_may_be_carried_over(kept: Kept) -> None:
    kept.put([*named("jetson", JETSON), *named("card", CARD)])
    said = kept.e3p("devices")
    assert said.status == 0
    assert "jetson's pick one is place 4 of 4 on card: it loses" in said.out
    assert "do not carry it over, measure on card" in said.out


def test_the_document_has_each_pair_and_each_pick(kept: Kept) -> None:
    kept.put([*named("jetson", JETSON), *named("card", CARD), *named("third", JETSON)])
    [comparison] = json.loads(kept.e3p("devices", "--json").out)["comparisons"]
    assert [each["device"] for each in comparison["devices"]] == ["card", "jetson", "third"]
    assert len(comparison["agreements"]) == 3
    assert len(comparison["carried"]) == 6
    assert len(comparison["added"]) == 3


def test_csv_has_one_figure_a_line(kept: Kept) -> None:
    kept.put([*named("jetson", JETSON), *named("card", CARD)])
    lines = list(csv.DictReader(io.StringIO(kept.e3p("devices", "--csv").out)))
    [tau] = [line for line in lines if line["figure"] == "tau"]
    assert (tau["device"], tau["other"], float(tau["value"])) == ("card", "jetson", 0.0)
    assert len([line for line in lines if line["figure"] == "regret" and line["of"] == "pick"]) == 2


def test_another_origin_is_no_second_device_and_the_store_is_told(kept: Kept) -> None:
    kept.put([*named("jetson", JETSON), *named("card", CARD, origin="synthetic")])
    said = kept.e3p("devices")
    assert said.status == 2
    assert "two devices are needed to compare, there is only jetson" in said.err
    assert "card/imagenet-1k (synthetic)" in said.err


def test_asked_for_any_origin_it_names_what_never_mixes(kept: Kept) -> None:
    kept.put([*named("jetson", JETSON), *named("card", CARD, origin="synthetic")])
    said = kept.e3p("devices", "--origin", "any")
    assert said.status == 2
    assert "energies of different origins are never compared (measured, synthetic)" in said.err


def test_an_unknown_unit_is_refused(kept: Kept) -> None:
    kept.put(named("jetson", JETSON))
    said = kept.e3p("devices", "--unit", "cal")
    assert said.status == 2
    assert "energy unit 'cal' is not one of J, mJ, kJ, Wh" in said.err
