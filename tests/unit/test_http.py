from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
import pytest

from telemetry.contract.errors import UserError
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
