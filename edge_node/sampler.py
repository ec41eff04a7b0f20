"""The agent's side of the sampler: starts the process, takes its blocks, tells it the rate."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Sequence

from edge_node import sampler_wire as wire
from edge_node.power.sensor import SensorError, SensorSpec
from edge_node.sampling import Block
from telemetry.contract.errors import UserError
from telemetry.contract.manifest import StreamInfo
from telemetry.runtime import logs

MAX_HZ = 1000.0
STOP_WITHIN_S = 5.0
POLL_S = 0.01

log = logs.get("sampler")


class SamplerProcess:
    """One sampler. `start`, iterate `blocks`, `stop`; a new boot of the agent takes a new one."""

    def __init__(self, specs: Sequence[SensorSpec], watch_hz: float = 20.0, trial_hz: float = 1000.0) -> None:
        check(specs, watch_hz, trial_hz)
        self._order = wire.Start(tuple(specs), watch_hz, trial_hz)
        self._process: asyncio.subprocess.Process | None = None

    def __repr__(self) -> str:
        return f"SamplerProcess(pid {self.pid}, {len(self._order.specs)} streams)"

    @property
    def pid(self) -> int | None:
        """The process, once it was started."""
        return self._process.pid if self._process else None

    @property
    def returncode(self) -> int | None:
        """How it ended, or None while it runs: 0 when it was told to, negative for a signal."""
        return self._process.returncode if self._process else None

    async def start(self) -> tuple[StreamInfo, ...]:
        """The streams, once the sensors are open and sampling begins.

        Raises `UserError` for wrong specs and `SensorError` for sensors that do not open, in their words.
        """
        # A session of its own: Ctrl-C is for the agent, which then stops the sampler in order.
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "edge_node.sampler_child",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
        self._tell(self._order)
        report = await self._report()
        if isinstance(report, wire.Ready):
            return report.streams
        await self._gone(STOP_WITHIN_S)
        if isinstance(report, wire.Failed):
            raise UserError(report.words) if report.user else SensorError(report.words)
        raise SensorError(f"the sampler ended before it was ready (exit code {self.returncode})")

    async def blocks(self) -> AsyncIterator[Block]:
        """Each stream's blocks in order, until the process is gone."""
        while (report := await self._report()) is not None:
            if isinstance(report, Block):
                yield report
            elif isinstance(report, wire.Note):
                log.warning("no reading", stream=report.stream, why=report.words)
        await self._gone(STOP_WITHIN_S)

    def set_rate(self, trial: bool) -> None:  # noqa: FBT001 - two rates there are
        """The trial rate from now on, or the watch rate. The change begins a new frame."""
        self._tell(wire.Rate(trial))

    def flush(self, stream_times_ns: int) -> None:
        """Asks that the samples up to that monotonic time be delivered as soon as they are there."""
        self._tell(wire.Flush(stream_times_ns))

    async def stop(self) -> None:
        """The sampler hands over what it has and ends; what does not obey is killed. `blocks` then ends."""
        if self._process is None:
            return
        self._tell(wire.Stop())
        if not await self._gone(STOP_WITHIN_S):
            self._process.kill()
            await self._gone(STOP_WITHIN_S)

    async def _gone(self, within_s: float) -> bool:
        """Whether the process has ended, waiting for it at most so long.

        asyncio's own `wait` needs its pipes read to the end, and hangs where nobody reads them (gh-119710).
        """
        deadline = asyncio.get_running_loop().time() + within_s
        while self._process is not None and self._process.returncode is None:
            if asyncio.get_running_loop().time() > deadline:
                return False
            await asyncio.sleep(POLL_S)
        return True

    def _tell(self, order: wire.Order) -> None:
        stdin = self._process.stdin if self._process else None
        # A sampler that is gone is told nothing: `blocks` ends, and says so.
        if stdin is not None and not stdin.is_closing():
            stdin.write(wire.pack(order))

    async def _report(self) -> wire.Report | None:
        stdout = self._process.stdout if self._process else None
        if stdout is None:
            return None
        try:
            (length,) = wire.LENGTH.unpack(await stdout.readexactly(wire.LENGTH.size))
            return wire.reports.decode(await stdout.readexactly(length))
        except asyncio.IncompleteReadError:
            return None


def check(specs: Sequence[SensorSpec], watch_hz: float, trial_hz: float) -> None:
    """Raises `UserError` for streams that share a name or rates that cannot be."""
    names = [spec.stream for spec in specs]
    if not names or len(set(names)) != len(names):
        raise UserError(f"sensors: streams {', '.join(names) or 'none'}; right would be one of each name")
    for name, rate in (("watch", watch_hz), ("trial", trial_hz)):
        if not 0 < rate <= MAX_HZ:
            raise UserError(
                f"sensors: {name} rate {rate} Hz; right would be above 0 and at most {MAX_HZ:.0f}"
            )
