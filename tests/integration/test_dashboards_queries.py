"""Each panel, asked as Grafana asks, over a day with known truths: it names them, and no healthy node."""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import anyio
import pytest

from grafana.catalogue import DASHBOARDS
from grafana.panels import Dashboard, Panel
from telemetry.store.influx import Address
from telemetry.store.influx.catalogue import HOLDINGS
from telemetry.store.influx.downsampling import TASKS
from tests.analyzing import S
from tests.grafana_proofs import Answers, Proof
from tests.grafana_proven import PROOFS
from tests.grafana_rendering import View, answer, filled
from tests.grafana_said import said_of
from tests.grafana_scene import HOUR_S, HOURS, WINDOW_S, midnight, play
from tests.influx import access, drop_buckets, new_bucket
from tests.processes import Line, Place
from tests.servers import Influx

pytestmark = pytest.mark.timeout(600)  # the day is played once, on whatever machine

PANELS = [
    pytest.param(dashboard, panel, id=f"{dashboard.uid}: {panel.title}")
    for dashboard in DASHBOARDS
    for panel in dashboard.panels
]
SILENT = [each for each in PANELS if PROOFS[each.values[0].uid][each.values[1].title].silent]
"""Panels of which a healthy node has nothing to show."""
EVERYTHING = {"device": ".*", "model": ".*", "dataset": ".*"}


class Scene(NamedTuple):
    """The store that holds the day, which began at `day` (UTC ns)."""

    influx: Influx
    bucket: str
    day: int

    def ask(self, query: str, *, since: float = HOURS[0], **chosen: str) -> list[dict[str, str]]:
        """The rows of one query: of the day from an hour on, and until now."""
        view = View(self.day + int(since * HOUR_S) * S, time.time_ns())
        return answer(self.influx, self.bucket, filled(query, view, {**EVERYTHING, **chosen}))

    def panel(self, panel: Panel, proof: Proof, node: str) -> Answers:
        """What each query of a panel answers, of a node."""
        return [self.ask(query, since=proof.since, node=node, trial=proof.trial) for query in panel.queries]


@pytest.fixture(scope="module")
def scene(influx: Influx, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """The day, played through a real line into a store of its own."""
    bucket, day = new_bucket("dashboards"), midnight(time.time_ns())
    env = {"E3P_STORE_TOKEN": influx.token, "E3P_ANALYZER_WINDOW_S": str(WINDOW_S)}
    place = Place(influx.store(bucket), access(influx), env)
    with Line(tmp_path_factory.mktemp("line"), place=place) as line:
        anyio.run(_play, line, day)
        _keep_for_years(influx, influx.store(bucket))
        yield Scene(influx, bucket, day)
    drop_buckets(influx, bucket)


async def _play(line: Line, day: int) -> None:
    assert line.ask("store", "setup")[0] == 0
    await line.serve()
    await play(line, day)
    async with line.opened() as store:
        await store.put(said_of(day))


def _keep_for_years(influx: Influx, store: str) -> None:
    """Runs the server's task for what came late: by itself it runs every six hours."""
    address = Address.parse(store)
    for task in influx.call("GET", f"/api/v2/tasks?org={influx.org}&limit=500")["tasks"]:
        if task["name"] in {each.name(address) for each in TASKS}:
            influx.call("DELETE", f"/api/v2/tasks/{task['id']}")
    body = json.dumps({"query": TASKS[-1].flux(address), "type": "flux"}).encode()
    headers = {"Authorization": f"Token {influx.token}", "Content-Type": "application/json"}
    request = urllib.request.Request(f"{influx.url}/api/v2/query?org={influx.org}", body, headers)
    with urllib.request.urlopen(request) as reply:
        reply.read()  # who does not read on ends it


def test_every_panel_has_a_proof() -> None:
    assert {each.uid: {panel.title for panel in each.panels} for each in DASHBOARDS} == {
        uid: set(proofs) for uid, proofs in PROOFS.items()
    }


@pytest.mark.parametrize(("dashboard", "panel"), PANELS)
def test_a_panel_names_what_happened(dashboard: Dashboard, panel: Panel, scene: Scene) -> None:
    proof = PROOFS[dashboard.uid][panel.title]
    answers = scene.panel(panel, proof, proof.node)
    assert all(answers), "a query answered with nothing"
    proof.holds(answers)


@pytest.mark.parametrize(("dashboard", "panel"), SILENT)
def test_a_panel_is_empty_for_a_node_that_it_is_not_about(
    dashboard: Dashboard, panel: Panel, scene: Scene
) -> None:
    proof = PROOFS[dashboard.uid][panel.title]
    assert proof.silent is not None
    assert not any(scene.panel(panel, proof, proof.silent))


@pytest.mark.parametrize(("dashboard", "panel"), PANELS)
def test_a_panel_asked_for_an_unknown_node_is_empty_and_no_error(
    dashboard: Dashboard, panel: Panel, scene: Scene
) -> None:
    about_nodes = "${node" in "".join(panel.queries)
    answers = scene.panel(panel, PROOFS[dashboard.uid][panel.title], "nobody")
    assert not (about_nodes and any(row.get("node") for rows in answers for row in rows))


@pytest.mark.parametrize("dashboard", DASHBOARDS, ids=lambda each: each.uid)
def test_the_choices_are_what_there_is(dashboard: Dashboard, scene: Scene) -> None:
    wanted = {
        "device": "jetson-orin-nx",
        "node": "orin-2",
        "model": "vit-small",
        "dataset": "imagenet",
        "trial": "orin-2-3",
    }
    for variable in dashboard.variables:
        found = [list(row.values())[-1] for row in scene.ask(variable.query, node="orin-2")]
        assert wanted[variable.name] in found
        assert "" not in found
        assert len(found) == len(set(found))


@pytest.mark.parametrize(
    ("dashboard", "note"),
    [pytest.param(each, note, id=f"{each.uid}: {note.name}") for each in DASHBOARDS for note in each.notes],
)
def test_an_annotation_has_a_begin_an_end_and_words(dashboard: Dashboard, note: Any, scene: Scene) -> None:
    rows = scene.ask(note.query, node="orin-1")
    assert rows
    for row in rows:
        assert row["time"] < row["timeEnd"]
        assert row["text"]
        assert row["tags"] == "orin-1"


def test_the_catalogue_knows_every_name_that_was_written(scene: Scene) -> None:
    for suffix in ("", "-results", "-long"):
        head = 'import "influxdata/influxdb/schema"\nschema.'
        there = f'{head}measurements(bucket: "{scene.bucket}{suffix}", start: 0)'
        for row in answer(scene.influx, scene.bucket, there):
            name = row["_value"]
            if name not in HOLDINGS:  # of the store's own, or of nobody's panel
                continue
            asked = f'measurement: "{name}", bucket: "{scene.bucket}{suffix}", start: 0'
            fields = answer(scene.influx, scene.bucket, f"{head}measurementFieldKeys({asked})")
            tags = answer(scene.influx, scene.bucket, f"{head}measurementTagKeys({asked})")
            holding = HOLDINGS[name]
            assert not [each for each in fields if not holding.has(each["_value"])], name
            assert {each["_value"] for each in tags if each["_value"][0] != "_"} <= holding.tags, name


def test_raw_power_stays_small_however_long_the_time(scene: Scene) -> None:
    power = next(panel for panel in DASHBOARDS[0].panels if panel.title == "Watts by node")
    rows = scene.panel(power, PROOFS["e3p-fleet"][power.title], "orin-1")[0]
    assert 0 < len(rows) < 3 * 1_000
    assert "boot" not in rows[0]


def test_the_built_files_ask_what_was_proven() -> None:
    for dashboard in DASHBOARDS:
        path = Path("grafana/provisioning/dashboards") / f"{dashboard.uid}.json"
        built = json.loads((Path(__file__).parents[2] / path).read_text())
        asked = [[target["query"] for target in panel["targets"]] for panel in built["panels"]]
        assert asked == [list(panel.queries) for panel in dashboard.panels]
