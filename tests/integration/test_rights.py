"""Who may do what on a real Mosquitto with the certificates, the rights and the settings of `e3p pki`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from e3p.pki.templates import SERVER
from telemetry.contract.topics import FRAME_KINDS
from telemetry.runtime.mqtt import Link, Message
from tests.securing import SecuredMosquitto, made_pki

pytestmark = pytest.mark.anyio

OWN = [*(f"{kind}/main" for kind in FRAME_KINDS), "state", "about", "ping", "reply"]
FOR_NODES = ["stored", "pong", "command", "result"]
LAST = "e3p/v1/{}/pong"
"""What the server says last: whoever hears it has heard all that was said before."""


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecuredMosquitto]:
    folder = tmp_path_factory.mktemp("secured")
    with SecuredMosquitto(made_pki(folder / "pki", "n1", "n2"), folder) as running:
        yield running


@asynccontextmanager
async def client(broker: SecuredMosquitto, name: str, filters: Sequence[str] = ()) -> AsyncIterator[Link]:
    """A connected link under the certificate of this name."""
    link = Link(broker.common(name).address(), client_id=f"{name}-test", filters=filters)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(link.run)
        with anyio.fail_after(20):
            await link.until_connected()
        yield link
        tasks.cancel_scope.cancel()


async def heard_until(link: Link, topic: str, payload: bytes) -> list[Message]:
    """Everything that came before this message; it is there within the time or the test is broken."""
    before: list[Message] = []
    with anyio.fail_after(20):
        async for message in link.inbox():
            if (message.topic, message.payload) == (topic, payload):
                return before
            before.append(message)
    raise AssertionError("an inbox does not end")


@pytest.mark.parametrize("kind", OWN)
async def test_a_node_writes_its_own_topics(broker: SecuredMosquitto, kind: str) -> None:
    async with client(broker, SERVER, ["e3p/v1/n1/#"]) as server, client(broker, "n1") as node:
        await node.publish(f"e3p/v1/n1/{kind}", b"mine")
        await heard_until(server, f"e3p/v1/n1/{kind}", b"mine")


async def test_another_nodes_certificate_writes_none_of_a_nodes_topics(
    broker: SecuredMosquitto,
) -> None:
    async with client(broker, SERVER, ["e3p/v1/#"]) as server, client(broker, "n2") as thief:
        for topic in [*OWN, *FOR_NODES, "anything"]:
            await thief.publish(f"e3p/v1/n1/{topic}", b"forged")
        for topic in ["e3p/v1/dead", "e3p/v1/fleet/event", "e3p/v1/fleet/ranking/x/y", "elsewhere"]:
            await thief.publish(topic, b"forged")
        await thief.publish("e3p/v1/n2/ping", b"last")
        assert await heard_until(server, "e3p/v1/n2/ping", b"last") == []


async def test_a_node_cannot_answer_itself_in_the_servers_name(broker: SecuredMosquitto) -> None:
    async with client(broker, SERVER, ["e3p/v1/#"]) as server, client(broker, "n1") as node:
        for kind in FOR_NODES:
            await node.publish(f"e3p/v1/n1/{kind}", b"forged")
        await node.publish("e3p/v1/n1/ping", b"last")
        assert await heard_until(server, "e3p/v1/n1/ping", b"last") == []


@pytest.mark.parametrize("kind", FOR_NODES)
async def test_a_node_reads_what_the_server_says_to_it(broker: SecuredMosquitto, kind: str) -> None:
    async with client(broker, "n1", [f"e3p/v1/n1/{kind}"]) as node, client(broker, SERVER) as server:
        await server.publish(f"e3p/v1/n1/{kind}", b"for you")
        await heard_until(node, f"e3p/v1/n1/{kind}", b"for you")


async def test_a_node_reads_nothing_of_another_whatever_it_subscribes_to(
    broker: SecuredMosquitto,
) -> None:
    filters = ["e3p/v1/n1/#", "e3p/v1/+/stored", "e3p/v1/dead", "#", LAST.format("n2")]
    async with (
        client(broker, "n2", filters) as thief,
        client(broker, "n1") as node,
        client(broker, SERVER) as server,
    ):
        for kind in OWN:
            await node.publish(f"e3p/v1/n1/{kind}", b"private")
        for topic in [*(f"e3p/v1/n1/{kind}" for kind in FOR_NODES), "e3p/v1/dead", "e3p/v1/fleet/event"]:
            await server.publish(topic, b"private")
        await server.publish(LAST.format("n2"), b"last")
        assert await heard_until(thief, LAST.format("n2"), b"last") == []


async def test_a_retained_message_of_another_node_is_not_read_either(broker: SecuredMosquitto) -> None:
    async with client(broker, SERVER, ["e3p/v1/n1/state"]) as server, client(broker, "n1") as node:
        await node.publish("e3p/v1/n1/state", b"private", retain=True)
        await heard_until(server, "e3p/v1/n1/state", b"private")
        async with client(broker, "n2", ["e3p/v1/n1/state", LAST.format("n2")]) as thief:
            await server.publish(LAST.format("n2"), b"last")
            assert await heard_until(thief, LAST.format("n2"), b"last") == []
        await node.publish("e3p/v1/n1/state", b"", retain=True)


def die_with_a_will(broker: SecuredMosquitto, name: str, topic: str) -> None:
    """A client that connects, and is gone without a goodbye."""
    papers = broker.common(name)
    dying = paho.Client(CallbackAPIVersion.VERSION2, f"{name}-will", protocol=paho.MQTTv311)
    dying.tls_set(papers.mqtt_ca, papers.mqtt_cert, papers.mqtt_key)
    dying.will_set(topic, b"lost", qos=1)
    dying.connect("localhost", broker.port)
    while not dying.is_connected():
        assert dying.loop(10) == paho.MQTT_ERR_SUCCESS
    line = dying.socket()
    assert line is not None
    line.close()


async def test_the_will_of_a_node_is_spoken_on_its_own_topics_only(broker: SecuredMosquitto) -> None:
    async with client(broker, SERVER, ["e3p/v1/#"]) as server:
        die_with_a_will(broker, "n2", "e3p/v1/n1/state")
        die_with_a_will(broker, "n2", "e3p/v1/n2/state")
        assert await heard_until(server, "e3p/v1/n2/state", b"lost") == []


@pytest.mark.parametrize("topic", ["e3p/v1/dead", "e3p/v1/fleet/event", "e3p/v1/fleet/ranking/tx2/cifar10"])
async def test_the_server_writes_the_topics_of_the_fleet(broker: SecuredMosquitto, topic: str) -> None:
    async with client(broker, SERVER, [topic]) as server:
        await server.publish(topic, b"said")
        await heard_until(server, topic, b"said")


async def test_the_server_sends_no_frames_in_a_nodes_name(broker: SecuredMosquitto) -> None:
    async with client(broker, SERVER, ["e3p/v1/#"]) as server:
        for kind in FRAME_KINDS:
            await server.publish(f"e3p/v1/n1/{kind}/main", b"forged")
        await server.publish("e3p/v1/dead", b"last")
        assert await heard_until(server, "e3p/v1/dead", b"last") == []


async def test_what_is_larger_than_the_contract_allows_does_not_pass(broker: SecuredMosquitto) -> None:
    async with client(broker, SERVER, ["e3p/v1/#"]) as server, client(broker, "n1") as node:
        await node.publish("e3p/v1/n1/power/main", bytes(4 * 1024 * 1024 + 1))
        await node.publish("e3p/v1/n1/ping", b"last")
        assert await heard_until(server, "e3p/v1/n1/ping", b"last") == []


async def test_the_largest_payload_of_the_contract_passes(broker: SecuredMosquitto, tmp_path: Path) -> None:
    async with client(broker, SERVER, ["e3p/v1/#"]) as server, client(broker, "n1") as node:
        await node.publish("e3p/v1/n1/power/main", bytes(4 * 1024 * 1024))
        await heard_until(server, "e3p/v1/n1/power/main", bytes(4 * 1024 * 1024))
