from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
import pytest

from telemetry.contract.errors import UserError
from telemetry.contract.secret import Secret
from telemetry.runtime import http
from telemetry.runtime.http import Health, HealthServer

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def running(server: HealthServer) -> AsyncIterator[None]:
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(server.run)
        await server.ready.wait()
        yield
        tasks.cancel_scope.cancel()


async def ask(server: HealthServer, request: bytes) -> tuple[int, bytes]:
    async with await anyio.connect_tcp(server.host, server.port) as stream:
        await stream.send(request)
        answer = b""
        with anyio.fail_after(10):
            while True:
                try:
                    answer += await stream.receive()
                except (anyio.EndOfStream, anyio.BrokenResourceError):
                    break
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split(b" ")[1]), body


def well() -> Health:
    return Health(well=True, facts={"spooled": 3})


async def test_a_healthy_program_answers_200_with_its_facts() -> None:
    server = HealthServer(well)
    async with running(server):
        status, body = await ask(server, b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
    assert (status, json.loads(body)) == (200, {"status": "ok", "spooled": 3})


async def test_an_unhealthy_program_answers_503() -> None:
    server = HealthServer(lambda: Health(well=False, facts={"store": "cannot be reached"}))
    async with running(server):
        status, body = await ask(server, b"GET /healthz HTTP/1.1\r\n\r\n")
    assert (status, json.loads(body)["status"]) == (503, "unavailable")


async def test_metrics_are_what_the_program_exposes() -> None:
    server = HealthServer(well, metrics=lambda: b"frames_total 7.0\n")
    async with running(server):
        status, body = await ask(server, b"GET /metrics HTTP/1.1\r\n\r\n")
    assert status == 200
    assert b"frames_total 7.0" in body


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", 404),
        (b"POST /healthz HTTP/1.1\r\n\r\n", 405),
        (b"hello\r\n\r\n", 400),
        (b"\x00\xff\r\n\r\n", 400),
        (b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\n\r\n", 400),
    ],
)
async def test_what_is_not_asked_properly_is_refused(request_bytes: bytes, status: int) -> None:
    server = HealthServer(well)
    async with running(server):
        assert (await ask(server, request_bytes))[0] == status


async def test_a_client_that_says_nothing_stops_nobody() -> None:
    server = HealthServer(well)
    async with running(server), await anyio.connect_tcp(server.host, server.port):
        assert (await ask(server, b"GET /healthz HTTP/1.1\r\n\r\n"))[0] == 200


async def test_a_taken_port_is_refused_by_its_name() -> None:
    first = HealthServer(well)
    async with running(first):
        with pytest.raises(UserError, match=f"cannot listen on 127.0.0.1:{first.port}"):
            await HealthServer(well, port=first.port).run()


def basic(password: str, user: str = "prometheus") -> bytes:
    return b"authorization:  Basic " + base64.b64encode(f"{user}:{password}".encode()) + b"\r\n"


def locked() -> HealthServer:
    return HealthServer(well, metrics=lambda: b"frames_total 7.0\n", password=Secret("päss:word"))


@pytest.fixture
def _no_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "REFUSED_S", 0.0)


async def test_metrics_ask_for_the_password() -> None:
    server = locked()
    async with running(server):
        assert (await ask(server, b"GET /metrics HTTP/1.1\r\n\r\n"))[0] == 401
        status, body = await ask(server, b"GET /metrics HTTP/1.1\r\n" + basic("päss:word") + b"\r\n")
    assert (status, body) == (200, b"frames_total 7.0\n")


@pytest.mark.usefixtures("_no_wait")
@pytest.mark.parametrize("line", [basic("wrong"), basic(""), b"Authorization: Basic ???\r\n"])
async def test_a_wrong_password_is_refused(line: bytes) -> None:
    server = locked()
    async with running(server):
        status, body = await ask(server, b"GET /metrics HTTP/1.1\r\n" + line + b"\r\n")
    assert status == 401
    assert b"frames" not in body


async def test_health_without_the_password_says_only_whether_the_program_is_well() -> None:
    server = locked()
    async with running(server):
        stranger = await ask(server, b"GET /healthz HTTP/1.1\r\n\r\n")
        known = await ask(server, b"GET /healthz HTTP/1.1\r\n" + basic("päss:word") + b"\r\n")
    assert (stranger[0], json.loads(stranger[1])) == (200, {"status": "ok"})
    assert (known[0], json.loads(known[1])) == (200, {"status": "ok", "spooled": 3})


async def test_more_clients_than_there_is_room_for_are_turned_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "MAX_CLIENTS", 1)
    server = HealthServer(well)
    async with running(server), await anyio.connect_tcp(server.host, server.port) as first:
        await first.send(b"GET /hea")
        async with await anyio.connect_tcp(server.host, server.port) as second:
            with anyio.fail_after(10), pytest.raises(anyio.EndOfStream):
                await second.receive()
        await first.send(b"lthz HTTP/1.1\r\n\r\n")
        assert (await first.receive()).startswith(b"HTTP/1.1 200 OK")


@pytest.mark.parametrize(
    ("host", "password", "warned"),
    [("0.0.0.0", None, True), ("0.0.0.0", Secret("x"), False), ("127.0.0.1", None, False)],
)
async def test_a_page_that_the_network_reaches_without_a_password_is_warned_of(
    host: str, password: Secret | None, warned: bool, caplog: pytest.LogCaptureFixture
) -> None:
    async with running(HealthServer(well, host=host, password=password)):
        said = [record.getMessage() for record in caplog.records]
    assert ("open to the network without a password" in said) is warned


@pytest.mark.parametrize(
    ("host", "alone"), [("::1", True), ("localhost", True), ("192.0.2.7", False), ("x", False)]
)
def test_loopback_is_told_from_the_network(host: str, alone: bool) -> None:
    assert http.is_loopback(host) is alone
