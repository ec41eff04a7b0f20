"""The pace of a writer: sums of some seconds, told once."""

from __future__ import annotations

from telemetry.store.influx.pace import EVERY_NS, Pace
from tests.contracts.store.builders import ANCHOR, S, power


def test_batches_are_summed_up_until_it_is_time_to_tell() -> None:
    pace = Pace()
    now = ANCHOR + 60 * S
    assert pace.add([power(0)], now, now + S) == b""
    line = pace.add([power(1)], now + EVERY_NS, now + EVERY_NS + 2 * S).decode()
    assert line.startswith("pace frames=2i,samples=")
    assert ",write_s=3.0," in line
    assert line.endswith(f" {now + EVERY_NS + 2 * S}\n")


def test_what_was_told_is_not_told_again() -> None:
    pace = Pace()
    pace.add([power(0)], 0, EVERY_NS)
    assert pace.add([power(1)], EVERY_NS, 2 * EVERY_NS).startswith(b"pace frames=1i")
