"""The one file that speaks HTTP with InfluxDB 2 (docs/decisions says why not through its client library)."""

from __future__ import annotations

import asyncio
import gzip
import ssl
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import aiohttp
import anyio.to_thread
import msgspec

from telemetry.contract.errors import UserError
from telemetry.store.access import Access, Token
from telemetry.store.influx.address import TOKEN, Address
from telemetry.store.influx.errors import (
    LinesRefused,
    decision,
    failed_query,
    nobody,
    trouble,
    wrong_query,
)

T = TypeVar("T")

# A half-open connection shows as silence. A server that sorts out a large write may be silent for a while.
TIMEOUT = aiohttp.ClientTimeout(total=60, sock_connect=5, sock_read=30)
UNHURRIED = aiohttp.ClientTimeout(total=None, sock_connect=5, sock_read=60)
CHUNK = 200
"""Rows of a long answer at a time: of frames, some 2 MB."""
GZIP_LEVEL = 1
SLICE_BYTES = 256 * 1024
CONNECTIONS = 8


class Series(msgspec.Struct):
    """Rows of one answer, by column; `tags` where it was asked for a series by itself."""

    columns: list[str]
    values: list[list[Any]] = []
    name: str = ""
    tags: dict[str, str] = {}


class _Result(msgspec.Struct):
    series: list[Series] = []
    error: str | None = None


class _Answer(msgspec.Struct):
    results: list[_Result] = []
    error: str | None = None


class Server:
    """A session with one server. Its methods raise `StoreUnavailable`, `UserError` or `LinesRefused`."""

    def __init__(self, address: Address, access: Access) -> None:
        self.address = address
        self._token = _checked(address, access.token)
        self._zipped = access.zipped
        self._tls = _context(access.ca) if address.secure else None
        self._session: aiohttp.ClientSession | None = None

    @property
    def is_open(self) -> bool:
        """Whether requests can be sent."""
        return self._session is not None

    async def open(self) -> None:
        connector = aiohttp.TCPConnector(limit=CONNECTIONS, ssl=self._tls or True)
        headers = {"Authorization": f"Token {self._token.reveal()}"}
        self._session = aiohttp.ClientSession(connector=connector, headers=headers, timeout=TIMEOUT)

    async def close(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def write(self, bucket: str, lines: bytes) -> None:
        """Writes line protocol with times in ns; it is on the server's disk when this returns."""
        headers = {"Content-Type": "text/plain; charset=utf-8"}
        if self._zipped:
            lines = await anyio.to_thread.run_sync(gzip.compress, lines, GZIP_LEVEL)
            headers["Content-Encoding"] = "gzip"
        headers["Content-Length"] = str(len(lines))
        asked = {"org": self.address.org, "bucket": bucket, "precision": "ns"}
        await self._request("POST", "/api/v2/write", params=asked, data=_slices(lines), headers=headers)

    async def ask(self, bucket: str, statement: str) -> list[dict[str, Any]]:
        """The rows of one InfluxQL statement, each as a map; times are ns."""
        return [row for rows in await self.ask_all(bucket, [statement]) for row in rows]

    async def ask_all(self, bucket: str, statements: Sequence[str]) -> list[list[dict[str, Any]]]:
        """The rows of several statements, in one request."""
        async with self._asked(bucket, ";".join(statements), TIMEOUT) as answer:
            body = await answer.read()
        return [list(_rows(result.series)) for result in self._results(body)]

    async def stream(self, bucket: str, statement: str) -> AsyncIterator[Series]:
        """The rows of one InfluxQL statement, however many, some at a time; times are ns."""
        chunks = {"chunked": "true", "chunk_size": str(CHUNK)}
        async with self._asked(bucket, statement, UNHURRIED, **chunks) as answer:
            async for line in _lines(answer.content):
                for result in self._results(line):
                    for series in result.series:
                        yield series

    async def call(self, method: str, path: str, body: object | None = None, **asked: str) -> Any:  # noqa: ANN401 - JSON
        """One request of the management interface, with its answer."""
        data = None if body is None else msgspec.json.encode(body)
        headers = {"Content-Type": "application/json"}
        answer = await self._request(method, path, params=asked, data=data, headers=headers)
        return self._decoded(answer, Any) if answer else None

    @asynccontextmanager
    async def _asked(
        self, bucket: str, query: str, patience: aiohttp.ClientTimeout, **how: str
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """The answer to InfluxQL. Raises `UserError` where the server will not have it, now or later."""
        form = {"db": bucket, "epoch": "ns", "q": query, **how}
        accepts = {"Accept": "application/json"}
        try:
            async with self._answered(
                "POST", "/query", data=form, headers=accepts, timeout=patience
            ) as answer:
                yield answer
        except LinesRefused as error:
            raise wrong_query(self.address, str(error)) from None

    def _results(self, body: bytes) -> list[_Result]:
        answer = self._decoded(body, _Answer)
        for words in (answer.error, *(result.error for result in answer.results)):
            if words is not None:
                raise failed_query(self.address, words)
        return answer.results

    def _decoded(self, body: bytes, kind: type[T]) -> T:
        """JSON. Raises `UserError`: any web server may give pages in place of it."""
        try:
            return msgspec.json.decode(body, type=kind)
        except msgspec.DecodeError as error:
            raise nobody(self.address, str(error)) from None

    async def _request(self, method: str, path: str, **how: Any) -> bytes:  # noqa: ANN401 - aiohttp's own
        async with self._answered(method, path, **how) as answer:
            return await answer.read()

    @asynccontextmanager
    async def _answered(
        self,
        method: str,
        path: str,
        **how: Any,  # noqa: ANN401 - aiohttp's own
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """An answer that is one of the 2xx, to be read inside of the block."""
        if self._session is None:
            raise RuntimeError(f"{self.address.url}: the store is not open")
        try:
            # One that goes elsewhere arrives there as a GET: nothing would be written, and all seem well.
            async with self._session.request(
                method, f"{self.address.base}{path}", allow_redirects=False, **how
            ) as answer:
                if not 200 <= answer.status < 300:
                    raise decision(self.address, answer.status, await answer.read(), answer.headers)
                yield answer
        except (aiohttp.ClientError, asyncio.TimeoutError, OSError) as error:
            raise trouble(self.address, error) from error


async def _slices(lines: bytes) -> AsyncIterator[memoryview]:
    """A body in parts, none of which is copied, so that the event loop has a turn in between."""
    whole = memoryview(lines)
    for at in range(0, len(whole), SLICE_BYTES):
        yield whole[at : at + SLICE_BYTES]


async def _lines(content: aiohttp.StreamReader) -> AsyncIterator[bytes]:
    """Lines of any length; the last one may have no end."""
    begun = bytearray()
    async for part in content.iter_any():
        *lines, rest = part.split(b"\n")
        for line in lines:
            yield bytes(begun) + line
            begun.clear()
        begun += rest
    if begun:
        yield bytes(begun)


def _rows(series: list[Series]) -> Iterator[dict[str, Any]]:
    for each in series:
        for values in each.values:
            yield dict(zip(each.columns, values, strict=True))


def _checked(address: Address, token: Token | None) -> Token:
    """A token that can stand in a header."""
    if token is None or not token.reveal():
        raise UserError(f"store {address.url}: no token is set; {TOKEN}")
    if not all("!" <= sign <= "~" for sign in token.reveal()):
        raise UserError(f"store {address.url}: the token has signs that no token has; {TOKEN}")
    return token


def _context(ca: str | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca)
    except (OSError, ssl.SSLError) as error:
        raise UserError(f"store_ca {ca}: no readable PEM file ({error})") from None
