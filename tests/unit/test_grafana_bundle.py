"""What a push brings is what was built: all six dashboards and the alert rules."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from grafana.bundle import SOURCE, read_bundle
from grafana.catalogue import DASHBOARDS
from telemetry.contract.errors import UserError


def test_it_holds_every_dashboard_and_the_rules() -> None:
    bundle = read_bundle()
    assert {model["uid"] for model in bundle.dashboards} == {each.uid for each in DASHBOARDS}
    assert [group["name"] for group in bundle.groups] == ["e3p"]


def test_on_another_data_source_nothing_names_ours() -> None:
    moved = json.dumps(read_bundle().on("lab"))
    assert SOURCE not in moved
    assert moved.count('"lab"') >= len(DASHBOARDS)


def test_on_our_own_data_source_nothing_changes() -> None:
    assert read_bundle().on(SOURCE) == read_bundle()


def test_a_folder_without_built_files_is_said_with_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="neither dashboards nor alert rules there; e3p grafana build"):
        read_bundle(tmp_path)


@pytest.mark.parametrize("text", ["{", "[]"])
def test_a_file_that_is_no_dashboard_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "dashboards").mkdir()
    (tmp_path / "dashboards" / "fleet.json").write_text(text)
    with pytest.raises(UserError, match=r"fleet\.json: .*e3p grafana build makes it anew"):
        read_bundle(tmp_path)
