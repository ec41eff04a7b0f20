"""`e3p grafana push` against a server that behaves as Grafana's HTTP interface is documented."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from grafana import bundle as built
from tests.commands import Said, e3p
from tests.fakes.grafana import ADMIN, EDITOR, VIEWER, FakeGrafana
from tests.servers import free_port

DASHBOARD = {"uid": "e3p-fleet", "title": "Fleet", "panels": [{"datasource": {"uid": "e3p-influxdb"}}]}
NODE = {"uid": "e3p-node", "title": "Node", "panels": []}
RULE = {
    "uid": "e3p-silent",
    "title": "A node is silent",
    "condition": "C",
    "for": "5m",
    "data": [{"refId": "A", "datasourceUid": "e3p-influxdb", "model": {"refId": "A", "query": "from()"}}],
    "annotations": {"summary": "so it is"},
    "labels": {"severity": "critical"},
    "dashboardUid": "e3p-fleet",
    "panelId": 3,
}
GROUP = {"orgId": 1, "name": "e3p", "folder": "e3p", "interval": "1m", "rules": [RULE]}


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Built files of two dashboards and a rule."""
    for folder in ("dashboards", "alerting"):
        (tmp_path / folder).mkdir()
    for model in (DASHBOARD, NODE):
        (tmp_path / "dashboards" / f"{model['uid']}.json").write_text(json.dumps(model))
    (tmp_path / "alerting" / "rules.json").write_text(json.dumps({"apiVersion": 1, "groups": [GROUP]}))
    monkeypatch.setattr(built.read_bundle, "__defaults__", (tmp_path,))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("E3P_GRAFANA_TOKEN", EDITOR)
    return tmp_path


@pytest.fixture
def grafana(files: Path) -> Iterator[FakeGrafana]:
    with FakeGrafana() as server:
        yield server


def push(grafana: FakeGrafana, *words: str) -> Said:
    return e3p("grafana", "push", "--url", grafana.url, *words)


def test_a_first_push_makes_folder_dashboards_and_rules(grafana: FakeGrafana) -> None:
    said = push(grafana)
    assert said.status == 0, said.err
    assert [each["title"] for each in grafana.folders.values()] == ["e3p"]
    assert {uid: each["folder"] for uid, each in grafana.dashboards.items()} == {
        "e3p-fleet": "e3p-e3p",
        "e3p-node": "e3p-e3p",
    }
    (rule,) = grafana.groups["e3p-e3p", "e3p"]["rules"]
    assert (rule["folderUID"], rule["ruleGroup"], rule["for"]) == ("e3p-e3p", "e3p", "5m")
    assert rule["annotations"]["__dashboardUid__"] == "e3p-fleet"
    assert grafana.groups["e3p-e3p", "e3p"]["interval"] == 60


def test_a_second_push_changes_nothing_and_says_so(grafana: FakeGrafana) -> None:
    push(grafana)
    grafana.requests.clear()
    said = push(grafana)
    assert (said.status, grafana.requests) == (0, [])
    assert said.out.endswith("nothing changed\n")


def test_a_dry_run_says_what_would_be_made_and_writes_nothing(grafana: FakeGrafana) -> None:
    said = push(grafana, "--dry-run")
    assert said.status == 0
    assert said.out.count("would be made") == 4
    assert not grafana.requests


def test_a_newer_dashboard_takes_the_place_of_the_pushed_one(grafana: FakeGrafana, files: Path) -> None:
    push(grafana)
    (files / "dashboards" / "e3p-node.json").write_text(json.dumps({**NODE, "title": "One node"}))
    said = push(grafana, "--json")
    changes = {each["name"]: each["action"] for each in json.loads(said.out)["changes"]}
    assert changes == {
        "e3p": "unchanged",
        "e3p-influxdb": "unchanged",
        "Fleet": "unchanged",
        "One node": "update",
    }
    assert grafana.dashboards["e3p-node"]["model"]["title"] == "One node"
    assert grafana.dashboards["e3p-node"]["model"]["version"] == 2


def test_what_a_person_saved_over_a_dashboard_is_kept_until_it_is_overwritten(grafana: FakeGrafana) -> None:
    push(grafana)
    grafana.save({**NODE, "title": "My own"}, "e3p-e3p")
    said = push(grafana)
    assert said.status == 1
    assert "changed there by alice (version 2)" in " ".join(said.out.split())
    assert grafana.dashboards["e3p-node"]["model"]["title"] == "My own"
    assert push(grafana, "--overwrite").status == 0
    assert grafana.dashboards["e3p-node"]["model"]["title"] == "Node"


def test_a_save_between_look_and_write_is_not_overwritten(grafana: FakeGrafana, files: Path) -> None:
    push(grafana)
    (files / "dashboards" / "e3p-node.json").write_text(json.dumps({**NODE, "title": "One node"}))
    grafana.before_save = lambda: grafana.save({**NODE, "title": "Quick hands"}, "e3p-e3p")
    said = push(grafana)
    assert said.status == 1
    assert "cannot save the dashboard 'One node': changed meanwhile, nothing overwritten (412: " in said.err
    assert grafana.dashboards["e3p-node"]["model"]["title"] == "Quick hands"


def test_a_rule_that_a_person_added_to_the_group_stays(grafana: FakeGrafana, files: Path) -> None:
    push(grafana)
    grafana.groups["e3p-e3p", "e3p"]["rules"].append({**RULE, "uid": "mine", "title": "Mine"})
    changed = {**GROUP, "rules": [{**RULE, "for": "9m"}]}
    (files / "alerting" / "rules.json").write_text(json.dumps({"groups": [changed]}))
    assert push(grafana).status == 0
    rules = grafana.groups["e3p-e3p", "e3p"]["rules"]
    assert [(rule["uid"], rule["for"]) for rule in rules] == [("e3p-silent", "9m"), ("mine", "5m")]


def test_a_rule_of_ours_that_is_no_more_is_taken_away(grafana: FakeGrafana, files: Path) -> None:
    push(grafana)
    other = {**GROUP, "rules": [{**RULE, "uid": "e3p-clock", "title": "Clock"}]}
    (files / "alerting" / "rules.json").write_text(json.dumps({"groups": [other]}))
    said = push(grafana)
    assert "A node is silent (removed)" in " ".join(said.out.split())
    assert [rule["uid"] for rule in grafana.groups["e3p-e3p", "e3p"]["rules"]] == ["e3p-clock"]


def test_a_folder_that_is_there_is_used_by_its_name(grafana: FakeGrafana) -> None:
    grafana.folders["abc"] = {"uid": "abc", "title": "Lab power", "canSave": True}
    assert push(grafana, "--folder", "Lab power").status == 0
    assert grafana.dashboards["e3p-fleet"]["folder"] == "abc"
    assert list(grafana.folders) == ["abc"]


def test_a_folder_that_a_person_renamed_is_used_further(grafana: FakeGrafana) -> None:
    push(grafana)
    grafana.folders["e3p-e3p"]["title"] = "Energy"
    said = push(grafana)
    assert said.status == 0
    assert said.out.endswith("nothing changed\n")


def test_another_data_source_takes_the_place_of_ours_everywhere(grafana: FakeGrafana) -> None:
    assert push(grafana, "--data-source", "lab-influx").status == 0
    held = grafana.dashboards["e3p-fleet"]["model"]["panels"][0]["datasource"]["uid"]
    (rule,) = grafana.groups["e3p-e3p", "e3p"]["rules"]
    assert (held, rule["data"][0]["datasourceUid"]) == ("lab-influx", "lab-influx")


def test_the_data_source_is_made_from_the_settings_of_the_store(
    grafana: FakeGrafana, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("E3P_GRAFANA_TOKEN", ADMIN)
    monkeypatch.setenv("E3P_STORE_TOKEN", "of-the-store")
    store = "influxdb://influx.lan/?org=lab&bucket=fleet"
    assert push(grafana, "--with-data-source", "--store", store).status == 0
    source = grafana.sources["e3p-influxdb"]
    assert source["url"] == "http://influx.lan:8086"
    assert source["jsonData"] == {"version": "Flux", "organization": "lab", "defaultBucket": "fleet"}
    assert source["secureJsonData"] == {"token": "of-the-store"}
    again = push(grafana, "--with-data-source", "--store", store)
    assert again.out.endswith("nothing changed\n")


def test_a_missing_data_source_is_said_with_both_ways_out(
    grafana: FakeGrafana, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("E3P_GRAFANA_TOKEN", ADMIN)
    said = push(grafana)
    assert said.status == 2
    assert "no data source 'e3p-influxdb' there; --with-data-source makes it" in said.err
    assert not grafana.requests


def test_a_store_that_grafana_cannot_ask_makes_no_data_source(grafana: FakeGrafana) -> None:
    said = push(grafana, "--with-data-source")
    assert said.status == 2
    assert "Grafana cannot ask the store 'sqlite:///e3p.db'" in said.err


def test_a_path_below_a_host_is_part_of_the_url(files: Path) -> None:
    with FakeGrafana(prefix="/grafana") as server:
        assert push(server).status == 0
        assert len(server.dashboards) == 2


@pytest.mark.parametrize(
    ("token", "status", "words"),
    [
        ("wrong", 2, "the token is refused (401: Invalid API key); make one in Grafana under"),
        (VIEWER, 2, "this token may not make the folder 'e3p' (403: You'll need additional permissions"),
    ],
)
def test_a_token_that_is_not_enough_is_said(
    grafana: FakeGrafana, monkeypatch: pytest.MonkeyPatch, token: str, status: int, words: str
) -> None:
    monkeypatch.setenv("E3P_GRAFANA_TOKEN", token)
    said = push(grafana)
    assert said.status == status
    assert words in said.err
    assert said.err.count("\n") == 1
    assert token not in said.err


def test_a_folder_without_the_right_to_save_is_said_before_anything_is_written(grafana: FakeGrafana) -> None:
    grafana.folders["abc"] = {"uid": "abc", "title": "e3p", "canSave": False}
    said = push(grafana)
    assert said.status == 2
    assert "this token may not save into the folder 'e3p'" in said.err
    assert not grafana.requests


def test_a_provisioned_dashboard_is_left_to_who_provisions_it(grafana: FakeGrafana) -> None:
    push(grafana)
    grafana.dashboards["e3p-node"]["file"] = True
    said = push(grafana)
    assert said.status == 2
    assert "the dashboard 'Node' comes from a provisioned file there" in said.err


@pytest.mark.parametrize(
    ("path", "status", "exit_code", "words"),
    [
        ("/api/dashboards/db", 500, 1, "fails to save the dashboard 'Fleet' (500: broken)"),
        ("/api/folders", 503, 1, "fails to see folders (503: broken)"),
        ("/api/dashboards/db", 400, 2, "refuses to save the dashboard 'Fleet' (400: broken)"),
        ("/api/v1", 409, 1, "cannot read alert rules: changed meanwhile"),
        ("/api/health", 404, 2, "the URL of Grafana's start page is due"),
    ],
)
def test_what_grafana_refuses_is_one_line(
    grafana: FakeGrafana, path: str, status: int, exit_code: int, words: str
) -> None:
    grafana.failing[path] = (status, {"message": "broken"})
    said = push(grafana)
    assert said.status == exit_code
    assert words in said.err
    assert said.err.count("\n") == 1


def test_a_push_that_failed_half_way_goes_on_the_next_time(grafana: FakeGrafana) -> None:
    grafana.failing["/api/dashboards/db"] = (500, {"message": "broken"})
    assert push(grafana).status == 1
    grafana.failing.clear()
    assert push(grafana).status == 0
    assert push(grafana).out.endswith("nothing changed\n")


def test_what_is_no_grafana_is_said(grafana: FakeGrafana) -> None:
    grafana.failing["/api"] = (200, "<html>a router's start page</html>")
    said = push(grafana)
    assert said.status == 2
    assert "what answers there is no Grafana; the URL of its start page is due" in said.err


def test_a_port_where_nobody_listens_is_said(files: Path) -> None:
    said = e3p("grafana", "push", "--url", f"http://127.0.0.1:{free_port()}")
    assert said.status == 1
    assert "cannot be reached to say its version (Connection refused)" in said.err
    assert said.err.count("\n") == 1


def test_without_a_token_it_says_where_one_comes_from(
    grafana: FakeGrafana, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("E3P_GRAFANA_TOKEN")
    said = push(grafana)
    assert said.status == 2
    assert "no token for it: set E3P_GRAFANA_TOKEN, or grafana.token_file" in said.err


def test_the_token_may_stand_in_a_file(
    grafana: FakeGrafana, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("E3P_GRAFANA_TOKEN")
    (files / "token").write_text(f"{EDITOR}\n")
    (files / "e3p.toml").write_text(f'[grafana]\nurl = "{grafana.url}"\ntoken_file = "token"\n')
    assert e3p("grafana", "push").status == 0
