"""Which collectors are at work: each says so again and again, by the server's own clock.

A point of `collecting` in the raw bucket, which forgets it; the last one of a program that ends says so.
"""

from __future__ import annotations

from telemetry.store.attendance import EVERY_S
from telemetry.store.influx.bodies import write_lines
from telemetry.store.influx.names import text
from telemetry.store.influx.server import Server

GONE_S = round(3 * EVERY_S)
"""Who has said nothing for so long is gone."""


async def say(server: Server, writer: int, who: str, *, here: bool) -> None:
    """Says whether a writer (ns, its name) collects; without a time of ours the server sets its own."""
    line = b"collecting,writer=%d who=%b,here=%b\n" % (writer, text(who), b"true" if here else b"false")
    await write_lines(server, server.address.buckets.raw, [line], "a collector's name")


async def at_work(server: Server) -> list[str]:
    """Who said so last, not long ago."""
    asked = f"SELECT writer, who, here FROM collecting WHERE time > now() - {GONE_S}s"
    newest = {row["writer"]: row for row in await server.ask(server.address.buckets.raw, asked)}
    return sorted(row["who"] for row in newest.values() if row["here"])
