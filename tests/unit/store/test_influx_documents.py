"""Documents of the InfluxDB store, with a server that answers by script."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from telemetry.store.influx.documents import Documents
from telemetry.store.influx.server import Server

pytestmark = pytest.mark.anyio


async def test_a_document_that_comes_while_the_newest_ones_are_read_spoils_nothing() -> None:
    def point(document: str) -> dict[str, Any]:
        return {"id": document, "number": 1, "node": "n", "doc": "{}"}

    answers = [[point("old")], [point("old"), point("new")]]

    async def ask(bucket: str, query: str) -> list[dict[str, Any]]:
        del bucket, query
        return answers.pop(0)

    address = SimpleNamespace(buckets=SimpleNamespace(results="results"))
    server = cast("Server", SimpleNamespace(address=address, ask=ask))
    found = await Documents(server, lambda: 0).latest("result")
    assert [each.id for each in found] == ["old"]
