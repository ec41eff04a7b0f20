"""The sampler's parent: power frames from its blocks, and another sampler when it dies."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import anyio

from edge_node.power.discover import best, discover
from edge_node.power.sensor import Found, SensorError, SensorSpec
from edge_node.sampler import SamplerProcess
from edge_node.sampling import Block
from edge_node.settings import EdgeSettings
from telemetry.contract.errors import UserError
from telemetry.contract.manifest import StreamInfo
from telemetry.runtime import logs

STOP_WITHIN_S = 2.0
RETRY_S = (0.0, 1.0, 2.0, 5.0, 10.0, 30.0)

log = logs.get("sensing")

Streams = tuple[StreamInfo, ...]


class Sensing:
    """Keeps a sampler running; `on_block` is called with its blocks.

    `on_streams` is called with each later sampler's streams, and a monotonic ns before its first sample.
    """

    def __init__(
        self,
        settings: EdgeSettings,
        on_streams: Callable[[Streams, int], None],
        on_block: Callable[[Block], None],
    ) -> None:
        self._settings = settings
        self._specs = choose_sensors(settings)
        self._on_streams = on_streams
        self._on_block = on_block
        self._sampler = self._new_sampler()
        self._stopping = False
        self._fast = False
        self._ended: anyio.Event | None = None

    @property
    def pid(self) -> int | None:
        """The sampler's process."""
        return self._sampler.pid

    async def start(self) -> Streams:
        """The first sampler's streams. Raises `UserError` in the sensor's own words."""
        try:
            return await self._sampler.start()
        except SensorError as error:
            await self._sampler.stop()
            drivers = ", ".join(spec.driver for spec in self._specs)
            raise UserError(f"sensor {drivers}: {error}") from None

    async def run(self) -> None:
        """Passes blocks on; a sampler that ended without being told to is replaced, which is a new boot."""
        self._ended = ended = anyio.Event()
        try:
            while True:
                async for block in self._sampler.blocks():
                    self._on_block(block)
                if self._stopping:
                    return
                log.error("the sampler ended", exit_code=self._sampler.returncode)
                await self._replace()
        finally:
            ended.set()

    def set_rate(self, *, trial: bool) -> None:
        """The trial rate or the watch rate, from now on."""
        if trial != self._fast:
            self._fast = trial
            log.info("sampling", rate_hz=self._settings.trial_hz if trial else self._settings.watch_hz)
            self._sampler.set_rate(trial)

    def flush(self, t_ns: int) -> None:
        """Asks for the samples up to that monotonic time."""
        self._sampler.flush(t_ns)

    async def stop(self) -> None:
        """Ends the sampler; returns when its last block was passed on."""
        self._stopping = True
        await self._sampler.stop()
        if self._ended is not None:
            with anyio.move_on_after(STOP_WITHIN_S):
                await self._ended.wait()

    async def _replace(self) -> None:
        tries = 0
        while not self._stopping:
            await anyio.sleep(RETRY_S[min(tries, len(RETRY_S) - 1)])
            tries += 1
            self._sampler = self._new_sampler()
            since_ns = time.monotonic_ns()
            try:
                streams = await self._sampler.start()
            except (SensorError, UserError) as failure:
                log.warning("the sampler does not start", why=str(failure))
                await self._sampler.stop()
            else:
                self._on_streams(streams, since_ns)
                self._sampler.set_rate(self._fast)
                return

    def _new_sampler(self) -> SamplerProcess:
        return SamplerProcess(self._specs, self._settings.watch_hz, self._settings.trial_hz)


def choose_sensors(settings: EdgeSettings) -> Sequence[SensorSpec]:
    """The sensors that are set, else the best one found. Raises `UserError` where none is."""
    if settings.sensors:
        return settings.sensors
    found = discover()
    spec = taken(settings, found)
    if spec is None:
        passed = "; ".join(f"{one.driver}: {one.reason}" for one in found if one.driver != "estimate")
        right = "name one, or allow_estimate" if settings.trials_on == "cpu" else "name one"
        raise UserError(f"no sensor measures trials on {settings.trials_on} here ({passed}); {right}")
    log.info("sensor taken", driver=spec.driver, options=spec.options)
    return [spec]


def taken(settings: EdgeSettings, found: Sequence[Found]) -> SensorSpec | None:
    """Which of the sensors found an agent takes that was told of none."""
    allowed = [one for one in found if settings.allow_estimate or one.driver != "estimate"]
    return best(allowed, settings.trials_on)
