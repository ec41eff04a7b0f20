"""A server that is busy, silent or gone: nothing is acknowledged, and all is tried again."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest

from telemetry.contract.errors import UserError
from telemetry.contract.intervals import IntervalSet
from telemetry.contract.secret import Secret
from telemetry.store.access import Access
from telemetry.store.influx import Address, InfluxStore
from telemetry.store.influx import server as http
from telemetry.store.influx.server import Server
from telemetry.store.interface import StoreUnavailable, Verdict
from tests.contracts.store.builders import POWER, account, power
from tests.influx import access, influx_store
from tests.servers import Influx, Influxd, Toxiproxy

pytestmark = pytest.mark.anyio


class Scripted:
    """A server that gives one answer to everything, and keeps the last request."""

    def __init__(self, answer: bytes | None) -> None:
        self._answer = answer
        self.request = b""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._answered(reader, writer)
        finally:
            writer.close()

    async def _answered(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = [
            line.split(b":")[1] for line in head.splitlines() if line.lower().startswith(b"content-length")
        ]
        self.request = head + await reader.readexactly(int(length[0]))
        if self._answer is None:
            await reader.read()  # until the other side gives up
        writer.write(self._answer or b"")
        await writer.drain()


@asynccontextmanager
async def talking_to(scripted: Scripted, **how: bool) -> AsyncIterator[Server]:
    listening = await asyncio.start_server(scripted.serve, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    server = Server(
        Address.parse(f"influxdb://127.0.0.1:{port}/?org=o&bucket=b"), Access(token=Secret("t"), **how)
    )
    await server.open()
    try:
        yield server
    finally:
        await server.close()
        listening.close()


async def trouble(answer: bytes | None) -> StoreUnavailable:
    async with talking_to(Scripted(answer)) as server:
        with pytest.raises(StoreUnavailable) as unavailable:
            await server.write("b", b"m f=1 0\n")
        return unavailable.value


async def test_a_busy_server_is_left_alone_as_long_as_it_asks() -> None:
    busy = b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n"
    assert (await trouble(busy)).retry_after_s == 7.0


async def test_a_server_that_fails_is_tried_again() -> None:
    body = b'{"code":"internal error","message":"no space left on device"}'
    failed = b"HTTP/1.1 500 Oops\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
    error = await trouble(failed)
    assert "no space left on device" in str(error)
    assert error.retry_after_s is None


async def test_a_connection_that_ends_without_an_answer_is_unavailable() -> None:
    assert "disconnected" in str(await trouble(b"")).lower()


async def test_silence_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "TIMEOUT", aiohttp.ClientTimeout(sock_read=0.2))
    await trouble(None)


async def test_a_query_that_the_server_gives_up_is_no_empty_answer() -> None:
    body = b'{"results":[{"statement_id":0,"error":"timeout"}]}'
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
    async with talking_to(Scripted(answer)) as server:
        with pytest.raises(StoreUnavailable, match="timeout"):
            await server.ask("b", "SELECT f FROM m")


async def test_a_wrong_query_is_an_error_with_the_servers_words(influx: Influx, bucket: str) -> None:
    server = Server(Address.parse(influx.store(bucket)), access(influx))
    await server.open()
    for query, words in (("SELECT", "failed to parse query"), ("SELECT f FROM m", "database not found")):
        with pytest.raises(UserError, match=words) as told:
            await server.ask(bucket, query)
        assert f"org '{influx.org}', bucket '{bucket}'" in str(told.value)
    await server.close()


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 302 Found\r\nLocation: /login\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 14\r\n\r\n<!doctype html",
    ],
)
async def test_another_web_server_is_told_in_one_line(answer: bytes) -> None:
    async with talking_to(Scripted(answer)) as server:
        with pytest.raises(UserError, match="no InfluxDB 2 answers there") as told:
            await server.ask("b", "SELECT f FROM m")
        assert "\n" not in str(told.value)


async def test_a_long_answer_is_read_to_the_end_wherever_its_lines_end() -> None:
    lines = [b'{"results":[{"series":[{"columns":["time"],"values":[[%d]]}]}]}' % at for at in range(3)]
    body = b"\n".join(lines)
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
    async with talking_to(Scripted(answer)) as server:
        found = [series.values async for series in server.stream("b", "SELECT f FROM m")]
    assert found == [[[0]], [[1]], [[2]]]


async def test_lines_travel_compressed_where_that_is_chosen() -> None:
    scripted = Scripted(b"HTTP/1.1 204 No Content\r\n\r\n")
    async with talking_to(scripted, zipped=True) as server:
        await server.write("b", b"m f=1 0\n" * 1_000)
    head, _, body = scripted.request.partition(b"\r\n\r\n")
    assert b"content-encoding: gzip" in head.lower()
    assert gzip.decompress(body) == b"m f=1 0\n" * 1_000


async def test_compressed_frames_are_stored(influx: Influx, bucket: str) -> None:
    store = InfluxStore(Address.parse(influx.store(bucket)), access(influx, zipped=True))
    await store.open()
    await store.write([power(0)])
    assert [seq for seq, _ in await store.frames(POWER, IntervalSet.below(9))] == [0]
    await store.close()


async def test_what_was_acknowledged_survives_a_kill_of_the_server(influxd: Influxd) -> None:
    store = influx_store(influxd.influx, "b")
    await store.open()
    await store.write([power(seq) for seq in range(20)])
    influxd.kill()
    with pytest.raises(StoreUnavailable):
        await store.write([power(20)])
    influxd.start()
    assert list(await store.write([power(seq) for seq in range(18, 22)])) == [
        *[Verdict.REPEAT] * 2,
        *[Verdict.STORED] * 2,
    ]
    assert (await account(store)).samples == 4 * 22
    assert len(await store.frames(POWER, IntervalSet.below(99))) == 22
    await store.close()


async def test_a_write_that_is_cut_off_is_written_again_and_counts_once(
    influx: Influx, bucket: str, toxiproxy: Toxiproxy
) -> None:
    proxy = toxiproxy.proxy(int(influx.url.rpartition(":")[2]))
    far = influx._replace(url=f"http://{proxy.host}:{proxy.port}")
    store = influx_store(far, bucket)
    await store.open()
    frames = [power(seq) for seq in range(50)]
    await store.write(frames[:10])
    proxy.toxic("limit_data", stream="upstream", bytes=5_000)
    with pytest.raises(StoreUnavailable):
        await store.write(frames)
    proxy.heal("limit_data", "upstream")
    assert list(await store.write(frames)) == [*[Verdict.REPEAT] * 10, *[Verdict.STORED] * 40]
    assert (await account(store)).samples == 200
    await store.close()
