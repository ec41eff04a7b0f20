"""Lines for a server, or a proxy before it, that takes no large bodies."""

from __future__ import annotations

from typing import cast

import pytest

from telemetry.contract.errors import UserError
from telemetry.store.influx.address import Address
from telemetry.store.influx.bodies import write_lines
from telemetry.store.influx.errors import BodyTooLarge, LinesRefused
from telemetry.store.influx.ledger import Ledger
from telemetry.store.influx.server import Server

pytestmark = pytest.mark.anyio

LINES = [b"m f=%di 0\n" % number for number in range(10)]


class Small:
    """Takes bodies up to a size, and refuses lines with an `x`."""

    address = Address.parse("influxdb://db.local/?org=lab&bucket=fleet")

    def __init__(self, most_bytes: int) -> None:
        self.bodies: list[bytes] = []
        self._most_bytes = most_bytes

    async def write(self, bucket: str, lines: bytes) -> None:
        assert bucket
        if len(lines) > self._most_bytes:
            raise BodyTooLarge("status 413")
        if b"x" in lines:
            raise LinesRefused("field type conflict")
        self.bodies.append(lines)


async def written(server: Small, lines: list[bytes]) -> list[bytes]:
    await write_lines(cast("Server", server), "fleet-results", lines, "a line")
    return server.bodies


async def refusal(server: Small, lines: list[bytes]) -> str:
    with pytest.raises(UserError) as refused:
        await written(server, lines)
    return str(refused.value)


async def test_what_fits_is_one_body() -> None:
    assert await written(Small(1_000), LINES) == [b"".join(LINES)]


@pytest.mark.parametrize("most_bytes", [10, 25, 60])
async def test_what_does_not_fit_is_halved_and_keeps_its_order(most_bytes: int) -> None:
    bodies = await written(Small(most_bytes), LINES)
    assert len(bodies) > 1
    assert b"".join(bodies) == b"".join(LINES)


async def test_a_line_that_alone_is_too_large_says_who_can_mend_it() -> None:
    words = await refusal(Small(5), LINES)
    assert "'fleet-results': a line of 9 bytes is too large (status 413); let the proxy" in words


async def test_a_refused_line_is_not_halved_and_names_the_place() -> None:
    words = await refusal(Small(1_000), [*LINES, b"x"])
    assert all(part in words for part in ("db.local:8086", "'lab'", "refuses a line (field type conflict)"))


async def test_the_bell_of_a_ledger_comes_after_all_its_rows() -> None:
    server = Small(40)
    await Ledger(cast("Server", server), 7).write(LINES)
    assert b"".join(server.bodies[:-1]).startswith(b"".join(LINES[:8]))
    assert server.bodies[-1].endswith(b"writer rung=1i 7\n")
