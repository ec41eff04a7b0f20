"""`e3p grafana check`: built files are fresh, say what they show, and ask only for what the store writes."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from grafana.bundle import PROVISIONING
from tests.commands import e3p

if sys.version_info < (3, 11):
    pytest.skip("the SDK needs Python 3.11", allow_module_level=True)

from grafana.catalogue import DASHBOARDS
from grafana.check import of_query

NODE = "dashboards/e3p-node.json"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The built files, to be spoiled."""
    shutil.copytree(PROVISIONING, tmp_path / "provisioning")
    return tmp_path / "provisioning"


def spoiled(folder: Path, change: Any) -> list[str]:
    """What the check says of a dashboard that somebody changed."""
    path = folder / NODE
    dashboard = json.loads(path.read_text())
    change(dashboard["panels"][0])
    path.write_text(json.dumps(dashboard, indent=2, ensure_ascii=False) + "\n")
    said = e3p("grafana", "check", "--out", folder, "--json")
    assert said.status == 1
    found: list[str] = json.loads(said.out)["faults"]
    assert f"{path}: not what this e3p builds; e3p grafana build makes it anew" in found
    return [words for words in found if "Power, total" in words]


def test_the_built_files_are_fresh_and_right() -> None:
    said = e3p("grafana", "check")
    assert (said.status, said.err) == (0, "")


def test_a_field_that_the_store_lacks_is_named_with_its_panel(folder: Path) -> None:
    def ask_for_more(panel: dict[str, Any]) -> None:
        panel["targets"][0]["query"] = (
            'from(bucket: v.defaultBucket) |> filter(fn: (r) => r._measurement == "health" and '
            'r._field == "joules_saved" and r.mood == "good" and r._time > v.windowPeriod)'
        )

    words = "e3p 2 · Node, panel 'Power, total': the store has no"
    assert spoiled(folder, ask_for_more) == [
        f"{words} field 'joules_saved' in health",
        f"{words} tag or field 'mood' in health",
    ]


def test_a_measurement_that_the_store_lacks_is_named(folder: Path) -> None:
    def ask_elsewhere(panel: dict[str, Any]) -> None:
        panel["targets"][0]["query"] = 'from(bucket: "x") |> filter(fn: (r) => r._measurement == "mood")'

    assert "the store has no measurement 'mood'" in spoiled(folder, ask_elsewhere)[0]


@pytest.mark.parametrize(
    ("key", "words"),
    [("unit", "it has no unit"), ("noValue", "it does not say why there may be no data")],
)
def test_a_panel_says_its_unit_and_why_there_is_nothing(folder: Path, key: str, words: str) -> None:
    found = spoiled(folder, lambda panel: panel["fieldConfig"]["defaults"].pop(key))
    assert found == [f"e3p 2 · Node, panel 'Power, total': {words}"]


def test_a_panel_without_words_is_found(folder: Path) -> None:
    found = spoiled(folder, lambda panel: panel.update(description=""))
    assert found == ["e3p 2 · Node, panel 'Power, total': its description does not say what it shows"]


def test_a_legend_that_names_the_boot_is_found(folder: Path) -> None:
    def name_it(panel: dict[str, Any]) -> None:
        panel["fieldConfig"]["defaults"]["displayName"] = "${__field.labels.boot}"

    assert spoiled(folder, name_it) == ["e3p 2 · Node, panel 'Power, total': its legend names the boot"]


def test_power_without_the_window_period_minimum_and_maximum_is_found(folder: Path) -> None:
    def take_all(panel: dict[str, Any]) -> None:
        panel["targets"][0]["query"] = (
            'from(bucket: v.defaultBucket) |> filter(fn: (r) => r._measurement == "power") '
            '|> keep(columns: ["_time", "_value", "boot"])'
        )

    place = "e3p 2 · Node, panel 'Power, total': "
    assert spoiled(folder, take_all) == [
        f"{place}power is asked for without the window period",
        f"{place}power is asked for without its minimum and maximum",
        f"{place}its series are told apart by their boot",
    ]


def test_what_is_no_json_is_one_line(folder: Path) -> None:
    (folder / NODE).write_text("{")
    said = e3p("grafana", "check", "--out", folder)
    assert said.status == 2
    assert len(said.err.splitlines()) == 1
    assert NODE in said.err


def test_a_build_again_changes_nothing(folder: Path) -> None:
    assert e3p("grafana", "build", "--out", folder).out == f"nothing changed in {folder}\n"


def test_a_build_elsewhere_is_whole(tmp_path: Path) -> None:
    assert e3p("grafana", "build", "--out", tmp_path / "new").status == 0
    assert e3p("grafana", "check", "--out", tmp_path / "new").status == 0


def test_a_dashboard_of_nobody_is_found(folder: Path) -> None:
    shutil.copy(folder / NODE, folder / "dashboards" / "old.json")
    assert "this e3p builds no such dashboard" in e3p("grafana", "check", "--out", folder).out


def test_without_the_sdk_one_line_says_what_is_needed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    for command in ("build", "check"):
        said = e3p("grafana", command, "--out", tmp_path)
        assert said.status == 2
        assert "Python 3.11" in said.err
        assert len(said.err.splitlines()) == 1


@pytest.mark.parametrize("dashboard", DASHBOARDS, ids=lambda each: each.uid)
def test_each_dashboard_leads_to_all_others(dashboard: Any) -> None:
    built = json.loads((PROVISIONING / "dashboards" / f"{dashboard.uid}.json").read_text())
    found = {link["url"] for link in built["links"]}
    assert found == {f"/d/{other.uid}" for other in DASHBOARDS if other is not dashboard}
    assert all(link["includeVars"] and link["keepTime"] for link in built["links"])


@pytest.mark.parametrize("dashboard", DASHBOARDS, ids=lambda each: each.uid)
def test_panels_fill_the_grid_without_overlap(dashboard: Any) -> None:
    built = json.loads((PROVISIONING / "dashboards" / f"{dashboard.uid}.json").read_text())
    cells: set[tuple[int, int]] = set()
    for panel in built["panels"]:
        at = panel["gridPos"]
        taken = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert at["x"] + at["w"] <= 24
        assert not cells & taken
        cells |= taken


def test_names_that_a_question_makes_itself_are_no_fault() -> None:
    query = (
        'from(bucket: v.defaultBucket) |> filter(fn: (r) => r._measurement == "health") '
        "|> map(fn: (r) => ({r with warm: r.temp_c_gpu})) |> filter(fn: (r) => r.warm > 1.0)"
    )
    assert list(of_query(query)) == []


def test_the_page_of_the_dashboards_is_fresh() -> None:
    from grafana.page import page

    assert (Path(__file__).parents[2] / "docs" / "dashboards.md").read_text() == page()
