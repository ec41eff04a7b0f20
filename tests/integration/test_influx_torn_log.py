"""A torn entry in InfluxDB's write-ahead log costs nothing that was confirmed, as deploy/ starts it."""

from __future__ import annotations

from pathlib import Path

from tests.influx import write_line
from tests.servers import find
from tests.servers.influxd import Influxd

TORN = b"\x01\x00\x00\x10\x00" + b"half of an entry of 4,096 bytes"


def write(server: Influxd, point: int) -> None:
    """One point; it is confirmed when this returns."""
    write_line(server.influx, "first", f"torn value={point}i {1_700_000_000_000_000_000 + point}")


def tear(server: Influxd) -> None:
    """What a kill or a full disk leaves in the middle of a write."""
    (log,) = server.engine.glob("wal/*/*/*/_*.wal")
    with log.open("ab") as file:
        file.write(TORN)


def after_two_kills(server: Influxd) -> list[int]:
    """Points that are there after a kill in the middle of a write, more writes, and a second kill."""
    with server:
        for point in range(3):
            write(server, point)
        server.kill()
        tear(server)
        server.start()
        for point in range(3, 6):
            write(server, point)
        server.kill()
        server.start()
        answer = server.influx.call("GET", "/query?db=first&epoch=ns&q=SELECT%20value%20FROM%20torn")
        return [row[1] for row in answer["results"][0]["series"][0]["values"]]


def test_what_was_confirmed_behind_a_torn_entry_is_there_after_another_kill(tmp_path: Path) -> None:
    assert after_two_kills(Influxd(find("influxd", "influxd"), tmp_path)) == [0, 1, 2, 3, 4, 5]


def test_influxd_by_itself_drops_it(tmp_path: Path) -> None:
    """Once this fails, influxd has mended it, and deploy/influxdb/fresh-wal.sh can go."""
    assert after_two_kills(Influxd(find("influxd", "influxd"), tmp_path, bare=True)) == [0, 1, 2]
