"""A fleet of simulated nodes on a real broker: makes frames for a while, and has every one accounted for."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple

import anyio
import msgspec

from e3p.simulation import SimulatedNode, Waveform
from e3p.station import Measured, Station
from edge_node.boots import new_boot
from telemetry.contract.errors import UserError
from telemetry.runtime.address import Address

CONNECT_S = 30.0
PATIENCE_S = 60.0
LOOK_S = 0.1
TOLD_S = 5.0


class Plan(NamedTuple):
    """What to simulate. With fewer `connections` than nodes these share them; a real node has its own."""

    nodes: int
    rate_hz: float
    seconds: float
    channels: int
    connections: int
    prefix: str


class Progress(NamedTuple):
    """Where a run stands: frames of all kinds, and how long it has been going."""

    seconds: float
    made: int
    stored: int


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a run.

    `stored` are frames that the collector answers for, `missing` those that it said nothing of. The rates
    are of what was stored, from the first sample to the last `stored`; `behind_s` is how long that came after
    the last frame was made. `late_p99_s` and `cpu_share` speak of the simulator itself: how late it made its
    frames, and what part of a core it took.
    """

    nodes: int
    connections: int
    seconds: float
    made: int
    stored: int
    missing: int
    sends: int
    closed: bool
    behind_s: float
    frames_per_s: float
    samples_per_s: float
    latency_p50_s: float | None
    latency_p99_s: float | None
    late_p99_s: float | None
    cpu_share: float


class Fleet:
    """Runs a plan once."""

    def __init__(self, plan: Plan, address: Address) -> None:
        self.plan = plan
        waveform = Waveform(plan.rate_hz, plan.channels)
        self.nodes = [
            SimulatedNode(f"{plan.prefix}-{at + 1}", new_boot(), waveform) for at in range(plan.nodes)
        ]
        self._address = address
        self._frames = max(1, round(plan.seconds * 1e9 / waveform.frame_ns))
        self._frame_s = waveform.frame_ns * 1e-9
        self._measured = Measured()
        self._over = anyio.Event()
        self._stations = [
            Station(address, self.nodes[at :: plan.connections], self._measured)
            for at in range(min(plan.connections, plan.nodes))
        ]

    @property
    def stopped(self) -> bool:
        """Whether it was asked to make no more."""
        return self._over.is_set()

    def stop(self) -> None:
        """Makes no more frames; those that are made are still delivered."""
        self._over.set()

    async def run(self, tell: Callable[[Progress], None]) -> Outcome:
        """Raises `UserError` when no broker answers."""
        cpu_s = time.process_time()
        async with anyio.create_task_group() as tasks:
            for station in self._stations:
                tasks.start_soon(station.link.run)
                tasks.start_soon(station.listen)
            await self._connected()
            begin_s = time.monotonic()
            tasks.start_soon(self._tell, begin_s, tell)
            await self._live(begin_s)
            made_s = time.monotonic()
            await self._drain()
            outcome = self._outcome(begin_s, made_s, time.process_time() - cpu_s)
            for station in self._stations:
                await station.forget()
            tasks.cancel_scope.cancel()
        return outcome

    async def _connected(self) -> None:
        try:
            with anyio.fail_after(CONNECT_S):
                for station in self._stations:
                    await station.link.until_connected()
        except TimeoutError:
            right = "start a server, or name the right broker with --mqtt"
            raise UserError(f"no broker answers at {self._address.url}: {right}") from None

    async def _live(self, begin_s: float) -> None:
        """All nodes, their turns spread over the length of a frame."""
        async with anyio.create_task_group() as tasks:
            for at, node in enumerate(self.nodes):
                station = self._stations[at % len(self._stations)]
                turn_s = begin_s + at / len(self.nodes) * self._frame_s
                tasks.start_soon(station.live, node, turn_s, self._frames, self._over)

    async def _drain(self) -> None:
        """Until every frame is settled, or none more has been for a while."""
        seen, moved_s = -1, time.monotonic()
        while self._count().stored < self._count().made and time.monotonic() - moved_s < PATIENCE_S:
            if self._count().stored != seen:
                seen, moved_s = self._count().stored, time.monotonic()
            for at, node in enumerate(self.nodes):
                await self._stations[at % len(self._stations)].send(node)
            await anyio.sleep(LOOK_S)

    async def _tell(self, begin_s: float, tell: Callable[[Progress], None]) -> None:
        while True:
            tell(self._count(time.monotonic() - begin_s))
            await anyio.sleep(TOLD_S)

    def _count(self, seconds: float = 0.0) -> Progress:
        tallies = [node.dispatch.accounts.tally for node in self.nodes]
        return Progress(seconds, sum(t.made for t in tallies), sum(t.settled for t in tallies))

    def _outcome(self, begin_s: float, made_s: float, cpu_s: float) -> Outcome:
        count, measured = self._count(), self._measured
        whole_s = max(measured.settled_s - begin_s, 1e-9)
        return Outcome(
            nodes=len(self.nodes),
            connections=len(self._stations),
            seconds=made_s - begin_s,
            made=count.made,
            stored=count.stored,
            missing=count.made - count.stored,
            sends=sum(node.dispatch.delivery.sends for node in self.nodes),
            closed=count.made == count.stored,
            behind_s=max(0.0, measured.settled_s - made_s),
            frames_per_s=count.stored / whole_s,
            samples_per_s=measured.samples_stored / whole_s,
            latency_p50_s=measured.latency.quantile(0.5),
            latency_p99_s=measured.latency.quantile(0.99),
            late_p99_s=measured.lateness.quantile(0.99),
            cpu_share=cpu_s / (time.monotonic() - begin_s),
        )
