"""The whole line over a Mosquitto with certificates and rights as `e3p pki` makes them; real processes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from e3p.pki.templates import SERVER
from tests.processes import NODE, Line
from tests.securing import SecuredMosquitto, made_pki
from tests.verdicts import assert_all_stored, assert_true_energy, result_of

pytestmark = pytest.mark.anyio


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[SecuredMosquitto]:
    with SecuredMosquitto(made_pki(tmp_path / "pki", NODE, "other"), tmp_path) as running:
        yield running


def shows(line: Line, broker: SecuredMosquitto, name: str) -> None:
    """What is started from now on shows the certificate of this name."""
    papers = broker.common(name)
    line.mqtt = broker.url
    line.env |= {
        "E3P_MQTT_CA": papers.mqtt_ca or "",
        "E3P_MQTT_CERT": papers.mqtt_cert or "",
        "E3P_MQTT_KEY": papers.mqtt_key or "",
    }


async def test_a_trial_passes_over_a_broker_with_rights(broker: SecuredMosquitto, tmp_path: Path) -> None:
    """Collector, analyzer and node have what they need and no more."""
    with Line(tmp_path) as line:
        shows(line, broker, SERVER)
        server = await line.serve(broker.url)
        shows(line, broker, NODE)
        agent = await line.edge()
        await line.trial("t")
        await result_of(line, "t")
        assert await agent.interrupt() == 0
        assert await server.interrupt() == 0
        await assert_true_energy(line, "t")
        assert_all_stored(line)


async def test_a_node_with_anothers_certificate_reaches_nothing_and_loses_nothing(
    broker: SecuredMosquitto, tmp_path: Path
) -> None:
    """Its frames stay on the device, until it has its own certificate."""
    with Line(tmp_path) as line:
        shows(line, broker, SERVER)
        server = await line.serve(broker.url)
        shows(line, broker, "other")
        agent = await line.edge()
        await agent.says(re.compile(rf"the certificate is of another name.*node={NODE} certificate=other"))
        await line.trial("t")
        assert await agent.interrupt() == 0
        assert line.ask("ledger") == (0, {"closed": True, "streams": [], "events": []})
        shows(line, broker, NODE)
        agent = await line.edge()
        await result_of(line, "t")
        assert await agent.interrupt() == 0
        assert await server.interrupt() == 0
        await assert_true_energy(line, "t")
        assert_all_stored(line)
