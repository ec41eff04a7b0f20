"""Trials and findings in Grafana's annotations, and an analyzer that never waits for them."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Iterator
from typing import Any

import anyio
import msgspec
import pytest

from grafana.annotator import WAITING, Annotator, annotators
from grafana.settings import GrafanaSettings
from telemetry.contract.documents import EventRefused, Result
from telemetry.contract.errors import UserError
from telemetry.contract.events import Finding
from telemetry.contract.secret import Secret
from telemetry.contract.topics import FLEET_EVENT, node_topic
from telemetry.runtime.broker import EmbeddedBroker
from telemetry.runtime.mqtt import Address, Link
from telemetry.runtime.retry import Retry
from tests.fakes.grafana import EDITOR, FakeGrafana
from tests.processes import until

pytestmark = [pytest.mark.anyio]

MS = 1_000_000
RESULT = node_topic("tx2", "result")


@pytest.fixture
def grafana() -> Iterator[FakeGrafana]:
    with FakeGrafana() as server:
        yield server


def result(**fields: Any) -> bytes:
    said: dict[str, Any] = {"kind": "trial", "stream": "main", "begin": 1_000 * MS, "end": 3_000 * MS}
    said |= {"node": "tx2", "window": "t1", "state": "valid", "model": "levit", "j_per_1000": 41.25}
    return msgspec.json.encode(Result(**{**said, **fields}))


def finding(**fields: Any) -> bytes:
    said: dict[str, Any] = {"kind": "throttled", "id": "f1", "node": "tx2", "severity": "warning", "at": 0}
    said |= {"words": "tx2 slows itself down", "begin": 5_000 * MS}
    return msgspec.json.encode(Finding(**{**said, **fields}))


def nowhere() -> Link:
    return Link(Address.parse("mqtt://127.0.0.1:1"), client_id="nobody")


async def _soon(seconds: float) -> None:
    await anyio.sleep(0.01)


@contextlib.asynccontextmanager
async def writing(url: str) -> AsyncIterator[Annotator]:
    """An annotator that writes what it is given by hand."""
    annotator = Annotator(url, EDITOR, nowhere(), Retry(sleep=_soon))
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(annotator.run)
        yield annotator
        tasks.cancel_scope.cancel()


async def test_a_trial_is_a_region_with_its_names(grafana: FakeGrafana) -> None:
    async with writing(grafana.url) as annotator:
        annotator.take(RESULT, result(group="campaign"))
        await until(lambda: annotator.written == 1, str)
    (held,) = grafana.annotations.values()
    assert (held["time"], held["timeEnd"]) == (1_000, 3_000)
    assert held["text"] == "levit on tx2, 41.25 J per 1,000 images, valid"
    assert held["tags"] == ["e3p", "trial", "tx2", "levit", "campaign", "e3p:tx2/t1"]


async def test_a_later_revision_changes_what_was_written_in_an_earlier_run(grafana: FakeGrafana) -> None:
    for state in ("degraded", "valid"):
        async with writing(grafana.url) as annotator:
            annotator.take(RESULT, result(state=state))
            await until(lambda annotator=annotator: annotator.written == 1, str)
    (held,) = grafana.annotations.values()
    assert held["text"].endswith("valid")


async def test_a_finding_is_a_moment_until_it_ends(grafana: FakeGrafana) -> None:
    async with writing(grafana.url) as annotator:
        annotator.take(FLEET_EVENT, finding())
        await until(lambda: annotator.written == 1, str)
        (held,) = grafana.annotations.values()
        assert (held["time"], held["timeEnd"]) == (5_000, 5_000)
        annotator.take(FLEET_EVENT, finding(until=9_000 * MS, revision=2))
        await until(lambda: annotator.written == 2, str)
    assert held["timeEnd"] == 9_000
    assert held["tags"] == ["e3p", "throttled", "warning", "tx2", "e3p:f1"]


async def test_only_trials_of_a_leading_stream_and_findings_are_written(grafana: FakeGrafana) -> None:
    refused = EventRefused(node="tx2", boot="b", stream="marks/app", seq=1, event="trial_end", reason="why")
    async with writing(grafana.url) as annotator:
        for payload in (msgspec.json.encode(refused), result(leads=False), result(kind="interval"), b"odd"):
            annotator.take(RESULT, payload)
        annotator.take(FLEET_EVENT, b'{"v": 1, "kind": "two_boots", "node": "tx2", "at": 0, "words": "two"}')
        annotator.take(RESULT, result(window="last"))
        await until(lambda: annotator.written == 1, str)
    assert len(grafana.annotations) == 1


@pytest.mark.parametrize("status", [401, 403, 503])
async def test_what_a_grafana_does_not_take_now_waits_and_is_said_once(
    grafana: FakeGrafana, caplog: pytest.LogCaptureFixture, status: int
) -> None:
    grafana.failing["/api/annotations"] = (status, {"message": "not now"})
    async with writing(grafana.url) as annotator:
        annotator.take(RESULT, result())
        await until(lambda: "takes no annotations" in caplog.text, str)
        await anyio.sleep(0.1)
        assert caplog.text.count("takes no annotations") == 1
        grafana.failing.clear()
        await until(lambda: annotator.written == 1, str)
    assert annotator.dropped == 0


async def test_one_that_is_refused_for_itself_is_dropped_and_the_next_written(grafana: FakeGrafana) -> None:
    grafana.failing["/api/annotations"] = (400, {"message": "Failed to save annotation"})
    async with writing(grafana.url) as annotator:
        annotator.take(RESULT, result())
        await until(lambda: annotator.dropped == 1, str)
        grafana.failing.clear()
        annotator.take(RESULT, result(window="t2"))
        await until(lambda: annotator.written == 1, str)


def test_what_waits_is_bounded_and_what_is_dropped_is_counted() -> None:
    annotator = Annotator("http://127.0.0.1:1", EDITOR, nowhere())
    for number in range(WAITING + 5):
        annotator.take(RESULT, result(window=f"t{number}"))
    assert annotator.dropped == 5


async def test_what_the_analyzer_tells_on_the_broker_is_written(grafana: FakeGrafana) -> None:
    settings = GrafanaSettings(annotate=True, url=grafana.url, token=Secret(EDITOR))
    async with EmbeddedBroker() as broker, anyio.create_task_group() as tasks:
        address = Address.parse(broker.url)
        services = annotators(settings, address)
        teller = Link(address, client_id="analyzer")
        for service in (*services, teller):
            tasks.start_soon(service.run)
        for link in (services[0], teller):
            assert isinstance(link, Link)
            await link.until_connected()
        await teller.publish(RESULT, result())
        await until(lambda: len(grafana.annotations) == 1, str)
        tasks.cancel_scope.cancel()


@pytest.mark.parametrize(
    ("settings", "missing"),
    [
        ({"token": Secret(EDITOR)}, "grafana.url is due too"),
        ({"url": "http://grafana.lan"}, "grafana.token or grafana.token_file is due too"),
    ],
)
def test_annotations_that_nobody_can_write_are_refused(settings: dict[str, Any], missing: str) -> None:
    with pytest.raises(UserError, match=missing):
        annotators(GrafanaSettings(annotate=True, **settings), Address.parse("mqtt://127.0.0.1"))


def test_without_being_asked_nothing_is_annotated() -> None:
    settings = GrafanaSettings(url="http://grafana.lan", token=Secret(EDITOR))
    assert annotators(settings, Address.parse("mqtt://127.0.0.1")) == []
