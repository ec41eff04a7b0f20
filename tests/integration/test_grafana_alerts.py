"""Every alert rule on a real InfluxDB 2: it fires for what is wrong by name, and for nothing else."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from grafana.alerts import rule_json
from grafana.alerts_rules import RULES
from telemetry.contract.events import EVENT, Finding, FindingKind, TwoBoots
from telemetry.store.interface import Revision
from tests.alerting import Labels, firing, told
from tests.influx import write_line

if TYPE_CHECKING:
    from telemetry.store.influx import InfluxStore
    from tests.servers import Influx

pytestmark = [pytest.mark.anyio]

S = 1_000_000_000
NOW = time.time_ns()
BY_NAME = {rule.name: rule for rule in RULES}
FOUND: dict[str, tuple[FindingKind, Labels]] = {
    "silent": ("silent", {"node": "tx2"}),
    "clock": ("clock_bad", {"node": "tx2", "device": "jetson-tx2"}),
    "spool": ("spool_filling", {"node": "tx2"}),
    "frozen": ("frozen", {"node": "tx2", "subject": "power/main"}),
    "regression": ("regression", {"node": "tx2", "subject": "camera levit", "model": "levit"}),
    "hole": ("hole", {"node": "tx2", "subject": "power/main"}),
    "certificate": ("certificate", {"subject": "e3p-server"}),
}


def finding(kind: FindingKind, of: Labels, *, revision: int = 1, **more: Any) -> Revision:
    name = f"{kind}/{'/'.join(of.values())}"
    said: dict[str, Any] = {
        "begin": NOW - 60 * S,
        "at": NOW - 60 * S,
        "severity": "alarm",
        "words": "…",
        **of,
    }
    event = Finding(kind=kind, id=name, revision=revision, **{**said, **more})
    doc = msgspec.json.encode(event)
    return Revision(kind=EVENT, id=name, revision=revision, node=of.get("node"), doc=doc)


def fires(influx: Influx, bucket: str, name: str) -> list[Labels]:
    return firing(influx, bucket, rule_json(BY_NAME[name]))


def pace(influx: Influx, bucket: str, ages_s: list[int], write_s: float) -> None:
    for age_s in ages_s:
        fields = f"frames=40i,samples=1000i,write_s={write_s},late_s=0.1"
        write_line(influx, bucket, f"pace {fields} {time.time_ns() - age_s * S}")


@pytest.mark.parametrize("name", FOUND)
async def test_a_finding_that_lasts_fires_with_its_names(
    server_store: InfluxStore, influx: Influx, bucket: str, name: str
) -> None:
    kind, of = FOUND[name]
    await server_store.put([finding(kind, of)])
    (labels,) = fires(influx, bucket, name)
    assert labels == of
    said = told(BY_NAME[name].summary, labels)
    assert all(value in said for key, value in of.items() if key != "device"), said
    assert "{{" not in said


@pytest.mark.parametrize("name", FOUND)
async def test_a_rule_is_silent_over_findings_of_every_other_kind(
    server_store: InfluxStore, influx: Influx, bucket: str, name: str
) -> None:
    await server_store.put([finding(kind, of) for other, (kind, of) in FOUND.items() if other != name])
    assert fires(influx, bucket, name) == []


async def test_a_finding_that_ended_in_a_later_revision_fires_no_more(
    server_store: InfluxStore, influx: Influx, bucket: str
) -> None:
    await server_store.put([finding("silent", {"node": "tx2"}), finding("silent", {"node": "nano"})])
    ended = finding("silent", {"node": "tx2"}, revision=2, until=NOW)
    await server_store.put([ended])
    assert fires(influx, bucket, "silent") == [{"node": "nano"}]


async def test_the_newest_revision_counts_where_one_ended_and_was_taken_back(
    server_store: InfluxStore, influx: Influx, bucket: str
) -> None:
    tx2 = {"node": "tx2"}
    await server_store.put(
        [finding("silent", tx2, revision=1, until=NOW), finding("silent", tx2, revision=2)]
    )
    assert fires(influx, bucket, "silent") == [tx2]


async def test_a_node_with_two_findings_of_a_subject_is_one_alert(
    server_store: InfluxStore, influx: Influx, bucket: str
) -> None:
    tx2 = {"node": "tx2"}
    await server_store.put([finding("silent", tx2), finding("lost", tx2)])
    assert fires(influx, bucket, "silent") == [tx2]


async def test_a_finding_of_two_months_ago_that_lasts_still_fires(
    server_store: InfluxStore, influx: Influx, bucket: str
) -> None:
    await server_store.put([finding("hole", {"node": "tx2"}, at=NOW - 60 * 86_400 * S)])
    assert fires(influx, bucket, "hole") == [{"node": "tx2"}]


async def test_events_that_are_no_findings_fire_nothing(
    server_store: InfluxStore, influx: Influx, bucket: str
) -> None:
    event = TwoBoots(node="tx2", boots=("a", "b"), at=NOW, words="two live boots")
    doc = msgspec.json.encode(event)
    await server_store.put([Revision(kind=EVENT, id="two", revision=0, node="tx2", doc=doc)])
    assert [rule.name for rule in RULES if fires(influx, bucket, rule.name)] == []


async def test_an_empty_store_fires_nothing(server_store: InfluxStore, influx: Influx, bucket: str) -> None:
    assert [rule.name for rule in RULES if fires(influx, bucket, rule.name)] == []


async def test_a_store_that_takes_most_of_the_collectors_time_is_slow(
    server_store: InfluxStore, influx: Influx, bucket: str
) -> None:
    pace(influx, bucket, [10, 40, 70, 100], write_s=27.0)
    assert fires(influx, bucket, "store") == [{}]


async def test_a_store_that_keeps_up_is_not_slow(
    server_store: InfluxStore, influx: Influx, bucket: str
) -> None:
    pace(influx, bucket, [5, 15, 25], write_s=2.5)
    assert fires(influx, bucket, "store") == []
    assert fires(influx, bucket, "nothing") == []


async def test_a_store_that_was_slow_ten_minutes_ago_is_forgiven(
    server_store: InfluxStore, influx: Influx, bucket: str
) -> None:
    pace(influx, bucket, [600, 630], write_s=29.0)
    pace(influx, bucket, [5, 15], write_s=1.0)
    assert fires(influx, bucket, "store") == []


async def test_a_store_that_got_nothing_for_ten_minutes_is_told_of(
    server_store: InfluxStore, influx: Influx, bucket: str
) -> None:
    pace(influx, bucket, [600, 700], write_s=1.0)
    assert fires(influx, bucket, "nothing") == [{}]
