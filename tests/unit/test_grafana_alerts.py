"""The provisioned files of alerting: fresh, lawful for Grafana, leading into the documentation."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from grafana.alerts import files, rule_json
from grafana.alerts_rules import DOCS, RULES, Rule
from grafana.bundle import PROVISIONING, SOURCE, written
from grafana.push import as_rule_group
from telemetry.store.influx.catalogue import HOLDINGS

ROOT = Path(__file__).resolve().parents[2]
ASKED = {"silent", "clock", "spool", "frozen", "regression", "hole", "store", "certificate"}


@pytest.mark.parametrize("place", files())
def test_a_file_is_what_the_code_makes(place: str) -> None:
    assert (PROVISIONING / place).read_text() == written(files()[place]), "e3p grafana build makes it anew"


def test_every_trouble_has_a_rule() -> None:
    assert {rule.name for rule in RULES} >= ASKED


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_rule_leads_to_its_part_of_the_documentation(rule: Rule) -> None:
    page, _, anchor = rule.runbook.partition("#")
    heads = re.findall(r"^#+ (.*)$", (ROOT / page).read_text(), re.MULTILINE)
    assert page == DOCS
    assert anchor in {head.lower().replace(" ", "-") for head in heads}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_rule_asks_only_for_what_the_store_writes(rule: Rule) -> None:
    (measurement,) = set(re.findall(r'r\._measurement == "(\w+)"', rule.query))
    held = HOLDINGS[measurement]
    assert all(held.has(name) for name in re.findall(r'r\._field == "(\w+)" (?:or|\))', rule.query))
    assert set(re.findall(r"exists r\.([a-z]\w*)", rule.query)) <= held.tags


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_rule_leads_to_a_panel_that_shows_more(rule: Rule) -> None:
    placed = rule_json(rule)
    built = json.loads((PROVISIONING / "dashboards" / f"{placed['dashboardUid']}.json").read_text())
    titles = {panel["id"]: panel["title"] for panel in built["panels"]}
    assert titles[placed["panelId"]] == rule.panel[1]


def test_no_sign_in_a_file_is_taken_for_a_variable_but_the_receivers_address() -> None:
    texts = [(PROVISIONING / place).read_text() for place in files()]
    assert re.findall(r"\$\w*", "".join(texts)) == ["$ALERTS_TO"]


def test_uids_are_unique_and_short_enough_for_grafana() -> None:
    uids = [rule.uid for rule in RULES]
    assert len(set(uids)) == len(uids)
    assert all(re.fullmatch(r"[a-zA-Z0-9_-]{1,40}", uid) for uid in uids)


def test_a_policy_names_a_contact_point_that_is_there() -> None:
    contacts = files()["alerting/contacts.json"]
    assert {each["receiver"] for each in contacts["policies"]} == {
        each["name"] for each in contacts["contactPoints"]
    }
    text = json.dumps(contacts["contactPoints"])
    used = set(re.findall(r'template \\"([\w.]+)\\"', text))
    assert used == {each["name"] for each in contacts["templates"]}


@pytest.mark.skipif(sys.version_info < (3, 11), reason="the SDK needs Python 3.11")
def test_every_rule_is_one_of_the_sdks() -> None:
    from grafana_foundation_sdk.models.alerting import Rule as Typed

    (group,) = files()["alerting/rules.json"]["groups"]
    pushed: dict[str, Any] = as_rule_group(group, "folder")
    for rule in pushed["rules"]:
        typed = Typed.from_json({**rule, "data": []})
        assert typed.exec_err_state in {"Alerting", "KeepLast"}
        assert typed.no_data_state in {"OK", "Alerting", "NoData"}
        sources = [query["datasourceUid"] for query in rule["data"]]
        assert (typed.condition, sources) == ("C", [SOURCE, "__expr__", "__expr__"])
