"""Alert rules as Grafana's provisioning files have them. Pure: what is said here becomes files elsewhere."""

from __future__ import annotations

from typing import Any

from grafana.alerts_contacts import contacts
from grafana.alerts_rules import RULES, Rule
from grafana.bundle import SOURCE, Json
from grafana.catalogue import DASHBOARDS

FOLDER = "e3p"
GROUP = "e3p"
EVERY = "1m"


def files() -> dict[str, Json]:
    """Every provisioned file of alerting, by its place below `provisioning`."""
    rules = [rule_json(rule) for rule in RULES]
    group = {"orgId": 1, "name": GROUP, "folder": FOLDER, "interval": EVERY, "rules": rules}
    return {
        "alerting/rules.json": {"apiVersion": 1, "groups": [group]},
        "alerting/contacts.json": contacts(),
    }


def rule_json(rule: Rule) -> Json:
    """The query (A), its last value (B), the threshold (C)."""
    reduce = {"type": "reduce", "expression": "A", "reducer": "last", "settings": {"mode": "dropNN"}}
    above = {"evaluator": {"type": "gt", "params": [rule.above]}}
    threshold = {"type": "threshold", "expression": "B", "conditions": [above]}
    return {
        "uid": rule.uid,
        "title": rule.title,
        "condition": "C",
        "data": [_query(rule), _expression("B", reduce), _expression("C", threshold)],
        "noDataState": rule.silence,
        "execErrState": rule.failure,
        "for": rule.held,
        "annotations": {"summary": rule.summary, "description": rule.todo, "runbook_url": rule.runbook},
        "labels": {"severity": rule.severity, "source": "e3p"},
        "isPaused": False,
        **_place(*rule.panel),
    }


def _place(uid: str, title: str) -> Json:
    """A panel as Grafana finds it: panels are numbered in their order, from 1."""
    (dashboard,) = (each for each in DASHBOARDS if each.uid == uid)
    titles = [panel.title for panel in dashboard.panels]
    return {"dashboardUid": uid, "panelId": titles.index(title) + 1}


def _query(rule: Rule) -> Json:
    return {
        "refId": "A",
        "relativeTimeRange": {"from": rule.range_s, "to": 0},
        "datasourceUid": SOURCE,
        "model": {"refId": "A", "query": rule.query, "intervalMs": 1_000, "maxDataPoints": 43_200},
    }


def _expression(name: str, model: dict[str, Any]) -> Json:
    source = {"type": "__expr__", "uid": "__expr__"}
    return {
        "refId": name,
        "relativeTimeRange": {"from": 0, "to": 0},
        "datasourceUid": "__expr__",
        "model": {"refId": name, "datasource": source, **model},
    }
