"""A real sensor beside a load that is switched on and off: what it is, and what its configuration may say."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec

from e3p.response import Near, Response, Switched, Unfit, Value, fit
from edge_node.power.discover import TrialsOn, best, discover, open_sensor
from edge_node.power.observe import observe, refined
from edge_node.power.sensor import Sensor, SensorError, SensorSpec
from edge_node.settings import EdgeSettings
from telemetry.contract.errors import UserError
from telemetry.contract.manifest import StreamInfo
from telemetry.contract.nodetime import NS_PER_MS, to_ns

LOAD = Path(__file__).with_name("load_child.py")
POLL_S = 0.001
# Enough switches for a mean, and a period that no sensor's period divides.
LEAST_PERIODS = 6
_ODD = 1.0271
_LEAST_PERIOD_S = 0.6
_SLOWEST = 2.2
_LEAD_NS = 200 * NS_PER_MS


class Characterised(msgspec.Struct, frozen=True, kw_only=True):
    """One sensor's figures, each with its error at 95 %; `options` is what its configuration may say.

    `unfit` says why there are none.
    """

    driver: str
    stream: str
    load_period_s: float
    period_ms: Near | None = None
    averaging_window_ms: Near | None = None
    delay_ms: Near | None = None
    low_w: float | None = None
    high_w: float | None = None
    noise_w: float | None = None
    values: int = 0
    options: dict[str, str | int | float | bool] = {}
    unfit: str | None = None


def choose(edge: EdgeSettings, device: TrialsOn) -> Sequence[SensorSpec]:
    """The sensors that are set, else the best that sees the load. Raises `UserError` where none does."""
    if edge.sensors:
        return edge.sensors
    spec = best(discover(), device)
    if spec is None:
        raise UserError(f"no sensor here sees a load on {device}: `e3p doctor` says why")
    return [spec]


def load_period_s(info: StreamInfo, seconds: float) -> float:
    """How slowly to switch: several of the sensor's periods and windows long. Raises `UserError`."""
    period_s, window_s = info.period_ms * 1e-3, (info.averaging_window_ms or 0.0) * 1e-3
    wanted = max(8 * period_s, 2.6 * window_s, _LEAST_PERIOD_S) * _ODD
    found = min(wanted, seconds / LEAST_PERIODS)
    least = _SLOWEST * max(period_s, window_s)
    if found < least:
        need = LEAST_PERIODS * least
        raise UserError(f"--seconds {seconds:g}: {info.sensor} is slow; right would be {need:.0f} or more")
    return found


def characterise(
    spec: SensorSpec, tick_s: float, seconds: float, device: TrialsOn, python: str = sys.executable
) -> Characterised:
    """Loads this machine for `seconds` and fits what the sensor said. Raises `UserError`, `SensorError`."""
    sensor = open_sensor(spec, tick_s)
    try:
        holds = sensor.info.holds
        period_s = load_period_s(refined(sensor.info, observe(sensor)), seconds)
        with loaded(device, python, period_s, seconds) as on:
            # What each reading makes anew is a mean since the last one: so it is read as the agent does.
            readings = _read(sensor, POLL_S if holds else tick_s, seconds)
    finally:
        sensor.close()
    told = Characterised(driver=spec.driver, stream=spec.stream, load_period_s=period_s)
    try:
        return _with_response(told, spec, fit(readings, Switched(on), period_s / 2, holds=holds))
    except Unfit as why:
        return msgspec.structs.replace(told, unfit=str(why))


@contextmanager
def loaded(
    device: TrialsOn, python: str, period_s: float, seconds: float
) -> Iterator[list[tuple[float, float]]]:
    """Children that work in the first half of each period; gives when (s). They end with the block."""
    # One processor is left to whoever reads the sensor.
    count = 1 if device == "cuda" else max(1, (os.cpu_count() or 2) - 1)
    children = [_child(device, python) for _ in range(count)]
    try:
        for child in children:
            _wait_ready(child, device, python)
        begin, period = time.monotonic_ns() + _LEAD_NS, to_ns(period_s)
        end = begin + to_ns(seconds) + period
        for child in children:
            _order(child, f"{begin} {period} {end}\n")
        yield [(at * 1e-9, (at + period // 2) * 1e-9) for at in range(begin, end, period)]
    finally:
        for child in children:
            child.kill()
            child.communicate()


def _child(device: TrialsOn, python: str) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            [python, str(LOAD), device],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
    except OSError as error:
        raise UserError(f"--python {python}: cannot be started ({error.strerror})") from None


def _order(child: subprocess.Popen[bytes], words: str) -> None:
    if child.stdin is not None:
        child.stdin.write(words.encode())
        child.stdin.flush()


def _wait_ready(child: subprocess.Popen[bytes], device: TrialsOn, python: str) -> None:
    if child.stdout is None or child.stdout.readline().strip() != b"ready":
        _, words = child.communicate()
        last = (words.decode(errors="replace").strip().splitlines() or ["it ended"])[-1]
        raise UserError(f"{python} cannot load {device}: {last}; --python names one that can")


def _read(sensor: Sensor, poll_s: float, seconds: float) -> list[Value]:
    """Readings of the total for so long, each stamped in its middle."""
    at = sensor.info.channels.index(sensor.info.total)
    clock, poll_ns = time.monotonic_ns, to_ns(poll_s)
    found: list[Value] = []
    fault: SensorError | None = None
    due = clock()
    end = due + to_ns(seconds)
    while due < end:
        before = clock()
        try:
            watts = sensor.read(before)[at]
        except SensorError as error:
            fault = error
        else:
            if watts == watts:  # noqa: PLR0124 - NaN is no reading
                found.append(Value((before + clock()) * 0.5e-9, watts))
        due += poll_ns
        if (wait := due - clock()) > 0:
            time.sleep(wait * 1e-9)
    if not found:
        raise fault or SensorError(f"{sensor!r}: no reading in {seconds:g} s")
    return found


def _with_response(told: Characterised, spec: SensorSpec, response: Response) -> Characterised:
    period, averaging, delay = map(_ms, (response.period_s, response.averaging_s, response.delay_s))
    figures = {"period_ms": period, "averaging_window_ms": averaging, "delay_ms": delay}
    rounded = {name: float(f"{near.value:.4g}") for name, near in figures.items()}
    return msgspec.structs.replace(
        told,
        period_ms=period,
        averaging_window_ms=averaging,
        delay_ms=delay,
        low_w=response.low_w,
        high_w=response.high_w,
        noise_w=response.noise_w,
        values=response.values,
        # A driver that makes each reading states its window and delay by the agent's rate.
        options={**spec.options, **(rounded if response.holds else {})},
    )


def _ms(near: Near) -> Near:
    return Near(near.value * 1e3, near.error * 1e3)
