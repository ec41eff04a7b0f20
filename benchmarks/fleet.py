"""``python -m benchmarks.fleet NODES SECONDS``: a broker, and simulated devices at 1 kHz × 4 on it.

Prints the broker's URL, sends once a line comes in, prints how many frames it sent, and ends with its input.
"""

from __future__ import annotations

import sys
import time

import anyio
import anyio.to_thread
from msgspec.structs import replace

from benchmarks import made
from telemetry.contract.encode import encode
from telemetry.runtime import logs
from telemetry.runtime.address import Address
from telemetry.runtime.broker import EmbeddedBroker
from telemetry.runtime.mqtt import Link

FRAME_S = made.SAMPLES * made.TICK / 1e9


async def main(nodes: int, seconds: int) -> None:
    """Every device sends a frame each quarter of a second; their turns are spread over it."""
    async with EmbeddedBroker() as broker, anyio.create_task_group() as tasks:
        print(broker.url, flush=True)
        link = Link(Address.parse(broker.url), client_id="e3p-bench-fleet")
        tasks.start_soon(link.run)
        await link.until_connected()
        await anyio.to_thread.run_sync(sys.stdin.readline)
        print(await _send(link, nodes, seconds), flush=True)
        await anyio.to_thread.run_sync(sys.stdin.readline)
        tasks.cancel_scope.cancel()


async def _send(link: Link, nodes: int, seconds: int) -> int:
    anchor = time.time_ns() - time.monotonic_ns()
    begin_s, begin_ns = anyio.current_time(), time.monotonic_ns()
    frames = round(seconds / FRAME_S)
    for seq in range(frames):
        frame = replace(made.power(seq), anchor=anchor, t0=begin_ns + round(seq * FRAME_S * 1e9))
        payload = encode(frame)
        for node in range(nodes):
            await anyio.sleep_until(begin_s + (seq + node / nodes) * FRAME_S)
            await link.publish(f"e3p/v1/node-{node}/power/main", payload)
    return frames * nodes


if __name__ == "__main__":
    logs.configure("text", "error")
    anyio.run(main, int(sys.argv[1]), int(sys.argv[2]))
