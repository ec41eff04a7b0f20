from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

import anyio
import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from telemetry.contract.secret import Secret
from telemetry.runtime.http import Health, HealthServer
from view.live.server import PageServer


def page(password: str | None) -> PageServer:
    app = Starlette(routes=[Route("/", lambda _: PlainTextResponse("the page"))])
    secret = Secret(password) if password else None
    answers = HealthServer(lambda: Health(True, {"nodes": 3}), metrics=lambda: b"numbers", password=secret)
    return PageServer(app, answers)


async def asked(
    server: PageServer, path: str, word: str | None = None
) -> tuple[int, bytes, Mapping[str, str]]:
    headers = []
    if word is not None:
        headers = [(b"authorization", b"Basic " + base64.b64encode(f"any:{word}".encode()))]
    scope = {"type": "http", "method": "GET", "path": path, "headers": headers, "query_string": b""}
    said: list[Any] = []

    async def receive() -> dict[str, object]:
        await anyio.sleep_forever()
        return {}

    async def send(message: Any) -> None:
        said.append(message)

    await server._answer(scope, receive, send)
    told = {name.decode(): value.decode() for name, value in said[0]["headers"]}
    return said[0]["status"], b"".join(part.get("body", b"") for part in said[1:]), told


@pytest.mark.anyio
async def test_health_and_metrics_stand_beside_the_page() -> None:
    server = page(None)
    assert (await asked(server, "/"))[:2] == (200, b"the page")
    assert b'"nodes":3' in (await asked(server, "/healthz"))[1]
    assert (await asked(server, "/metrics"))[:2] == (200, b"numbers")


@pytest.mark.anyio
async def test_without_the_password_only_the_health_is_told_and_no_fact_of_it() -> None:
    server = page("open sesame")
    status, body, headers = await asked(server, "/")
    assert (status, headers["www-authenticate"][:5]) == (401, "Basic")
    assert b"the page" not in body
    assert (await asked(server, "/metrics"))[0] == 401
    assert (await asked(server, "/healthz"))[:2] == (200, b'{"status":"ok"}')


@pytest.mark.anyio
async def test_with_the_password_everything_is_shown() -> None:
    assert (await asked(page("open sesame"), "/", "open sesame"))[:2] == (200, b"the page")


@pytest.mark.anyio
async def test_a_wrong_password_opens_nothing() -> None:
    assert (await asked(page("open sesame"), "/", "open barley"))[0] == 401


@pytest.mark.anyio
async def test_the_page_runs_no_script_but_its_own_and_asks_nobody_else() -> None:
    policy = (await asked(page(None), "/"))[2]["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy


@pytest.mark.anyio
async def test_a_socket_without_the_password_is_closed() -> None:
    said: list[Any] = []

    async def send(message: Any) -> None:
        said.append(message)

    scope = {"type": "websocket", "path": "/ws", "headers": []}
    await page("open sesame")._answer(scope, anyio.sleep_forever, send)  # type: ignore[arg-type]
    assert said == [{"type": "websocket.close", "code": 1008}]
