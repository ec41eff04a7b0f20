"""The sampler: a process that does nothing but read sensors on time (`python -m edge_node.sampler_child`).

It shares its interpreter with nothing that could hold it up, and waits for nobody: what the agent does not
take in time stays in a bounded queue, and what does not fit there is accounted for as missed ticks. It ends
when the agent says so or is gone.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import os
import queue
import signal
import threading
import time
from collections.abc import Sequence
from typing import TypeAlias

from edge_node import sampler_wire as wire
from edge_node.power.discover import open_sensor
from edge_node.power.observe import observe, refined, split_figures
from edge_node.power.sensor import Sensor, SensorError, SensorSpec
from edge_node.sampler_outbox import Outbox, ReaderGone
from edge_node.sampling import FrameBuilder, Schedule, frame_ticks, tick_ns
from telemetry.contract.errors import UserError
from telemetry.contract.nodetime import NS_PER_MS, NS_PER_S, to_ns

OBSERVE_WITHIN_S = 1.0
HAND_OVER_WITHIN_S = 2.0
# The longest sleep: an order waits no longer than this, however slow the streams.
LISTEN_EVERY_NS = 50 * NS_PER_MS
NOTE_EVERY_NS = 60 * NS_PER_S

_ORDERS_FD = 0
_READ = 65536
_PR_SET_PDEATHSIG = 1
_PR_SET_TIMERSLACK = 29
_NICE = -10


Orders: TypeAlias = "queue.SimpleQueue[wire.Order | None]"


class Stream:
    """One sensor on its own schedule: a tick is a sample or missed; a sensor that fails is asked again."""

    def __init__(self, sensor: Sensor, tick: int, start_ns: int) -> None:
        self.sensor = sensor
        self.name = sensor.info.stream
        self.schedule = Schedule(start_ns, tick)
        self.builder = FrameBuilder(self.name, sensor.info.channels, tick, frame_ticks(tick))
        self._noted = ""
        self._quiet_until_ns = 0
        self.cut_at: list[int] = []
        self._counter_every_ns = to_ns(sensor.counter_every_s)
        self._counted_ns = start_ns

    def __repr__(self) -> str:
        return f"Stream({self.sensor!r}, {self.schedule!r})"

    def tick(self, before: int, outbox: Outbox) -> None:
        """Takes the tick that is due at `before`, which is now. The stamp is the middle of the reading."""
        builder = self.builder
        if late := self.schedule.take(before):
            builder.miss(before, late)
        try:
            watts = self.sensor.read(before)
        except SensorError as error:
            builder.miss(before, 1)
            self._note(str(error), before, outbox)
        else:
            builder.add((before + time.monotonic_ns()) >> 1, watts)
        is_end = bool(self.cut_at) and self.cut_at[0] <= before
        if is_end or builder.room <= 0:
            self.cut(outbox, is_end=is_end)

    def cut(self, outbox: Outbox, *, is_end: bool = True) -> None:
        """Hands over what was gathered. `is_end`: someone waits for it, as at the end of a trial."""
        if self.builder.ticks:
            outbox.push(self.builder.cut(self._counters_j(is_end=is_end)))
            self.cut_at = [t_ns for t_ns in self.cut_at if t_ns > self.builder.last_ns]

    def flush(self, t_ns: int, outbox: Outbox) -> None:
        """Cuts the frame once it reaches `t_ns`, at once if it has."""
        self.cut_at = sorted([*self.cut_at, t_ns])
        if self.builder.last_ns >= t_ns:
            self.cut(outbox)
            self.cut_at = [later for later in self.cut_at if later > self.builder.last_ns]

    def retune(self, tick: int, now_ns: int, outbox: Outbox) -> None:
        """Another rate: from now on, in a new frame."""
        if tick != self.schedule.tick_ns:
            self.cut(outbox)
            self.builder.retune(tick)
            self.schedule = Schedule(now_ns, tick)

    def _counters_j(self, *, is_end: bool) -> Sequence[float] | None:
        """The counters at the ends of windows, and between them no more often than the sensor allows."""
        now_ns = self.builder.last_ns
        if not is_end and now_ns - self._counted_ns < self._counter_every_ns:
            return None
        self._counted_ns = now_ns
        return self.sensor.counters_j()

    def _note(self, words: str, now_ns: int, outbox: Outbox) -> None:
        """Tells why there is no reading: once for the same words, and not more than once a minute."""
        if words != self._noted and now_ns >= self._quiet_until_ns:
            self._noted = words
            self._quiet_until_ns = now_ns + NOTE_EVERY_NS
            outbox.note(wire.Note(self.name, words))


class Loop:
    """All streams in one thread: sleep until the next tick, sample what is due, look for orders."""

    def __init__(
        self, streams: Sequence[Stream], rates: tuple[int, int], orders: Orders, outbox: Outbox
    ) -> None:
        self._streams = streams
        self._watch_tick, self._trial_tick = rates
        self._orders = orders
        self._outbox = outbox
        self._going = True

    def run(self) -> None:
        """Samples until it is told to stop or the agent is gone (`ReaderGone`)."""
        clock, sleep, orders = time.monotonic_ns, time.sleep, self._orders
        streams, outbox = self._streams, self._outbox
        while self._going:
            now = clock()
            wake = now + LISTEN_EVERY_NS
            for stream in streams:
                if stream.schedule.due_ns <= now:
                    stream.tick(now, outbox)
                    # Asked anew for the next one: this reading may have taken a millisecond.
                    now = clock()
                if (due := stream.schedule.due_ns) < wake:
                    wake = due
            if outbox.waiting:
                outbox.pump()
                now = clock()
            if wake > now:
                sleep((wake - now) * 1e-9)
            while not orders.empty():
                self._obey(orders.get())
        for stream in streams:
            stream.cut(outbox)
            stream.sensor.close()

    def _obey(self, order: wire.Order | None) -> None:
        if order is None:
            raise ReaderGone
        if isinstance(order, wire.Stop):
            self._going = False
        for stream in self._streams:
            if isinstance(order, wire.Rate):
                tick = self._trial_tick if order.trial else self._watch_tick
                stream.retune(tick, time.monotonic_ns(), self._outbox)
            elif isinstance(order, wire.Flush):
                stream.flush(order.t, self._outbox)


def main() -> None:
    """Reads `Start`, says `Ready` or `Failed`, and samples."""
    _settle_in()
    # What a driver prints must not run into the reports.
    outbox = Outbox(os.dup(1))
    os.dup2(2, 1)
    orders: Orders = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(orders,), daemon=True).start()
    start = orders.get()
    if not isinstance(start, wire.Start):
        return
    try:
        sensors = open_sensors(start.specs, 1 / start.trial_hz)
    except (UserError, SensorError) as error:
        outbox.note(wire.Failed(str(error), isinstance(error, UserError)))
        outbox.drain(HAND_OVER_WITHIN_S)
        return
    outbox.note(wire.Ready(tuple(sensor.info for sensor in sensors)))
    rates = tick_ns(start.watch_hz), tick_ns(start.trial_hz)
    streams = [Stream(sensor, rates[0], time.monotonic_ns()) for sensor in sensors]
    gc.freeze()
    gc.disable()
    Loop(streams, rates, orders, outbox).run()
    outbox.drain(HAND_OVER_WITHIN_S)


def open_sensors(specs: Sequence[SensorSpec], tick_s: float) -> list[Sensor]:
    """Every sensor, with its true period and step where it is a real one.

    Raises `UserError` or `SensorError`.
    """
    sensors: list[Sensor] = []
    for spec in specs:
        sensor = open_sensor(spec, tick_s)
        if sensor.info.origin == "measured":
            observed = observe(sensor, OBSERVE_WITHIN_S / len(specs))
            sensor.info = split_figures(spec)[1].over(refined(sensor.info, observed))
        sensors.append(sensor)
    return sensors


def _settle_in() -> None:
    """Ends with the agent, ignores what the terminal says to it, wakes exactly, and comes before its load."""
    # The agent decides when to stop; a broken pipe tells when it is gone without having said so.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    with contextlib.suppress(OSError, AttributeError):
        prctl = ctypes.CDLL(None).prctl
        prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        prctl(_PR_SET_TIMERSLACK, 1)
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    except OSError:
        with contextlib.suppress(OSError):
            os.nice(_NICE)


def _listen(orders: Orders) -> None:
    """Brings each order as it comes, and None when the agent is gone. Asleep in between."""
    unpacker = wire.Unpacker()
    while data := os.read(_ORDERS_FD, _READ):
        for body in unpacker.feed(data):
            orders.put(wire.orders.decode(body))
    orders.put(None)


if __name__ == "__main__":
    with contextlib.suppress(ReaderGone):
        main()
