"""Power for years: means, minima and maxima of a second and of a minute, made by tasks of the server.

They rest in the bucket `long` as `power_1s` and `power_1m`: the tags of `power`, and `of`, which is `mean`,
`min` or `max`; a field for each channel, watts; the time is the window's begin.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from telemetry.store.influx.address import Address

AGGREGATES = ("mean", "min", "max")
HEAD = """import "date"

option task = {{name: "{name}", every: {every}, offset: {offset}}}

power = from(bucket: "{raw}")
    |> range(start: date.truncate(t: -{reach}, unit: {unit}), stop: date.truncate(t: now(), unit: {unit}))
    |> filter(fn: (r) => r._measurement == "power")
"""
# Every window is whole: one that the range cuts would overwrite what an earlier run made of all of it.
BODY = """
power
    |> aggregateWindow(every: {window}, fn: {aggregate}, createEmpty: false, timeSrc: "_start")
    |> set(key: "_measurement", value: "power_{window}")
    |> set(key: "of", value: "{aggregate}")
    |> to(bucket: "{long}")
    |> yield(name: "{window} {aggregate}")
"""


class Task(NamedTuple):
    """A task of the server: every so often it makes windows of the last `reach` anew.

    The times are Flux durations. `offset` is how long it waits for the last samples to arrive.
    """

    windows: tuple[str, ...]
    every: str
    offset: str
    reach: str
    suffix: str

    def name(self, address: Address) -> str:
        """What it is called: by it, it is found again."""
        return f"e3p {address.bucket} power {self.suffix}"

    def flux(self, address: Address) -> str:
        """Its program."""
        return "".join(self._parts(address))

    def _parts(self, address: Address) -> Iterator[str]:
        raw, _, _, long = address.buckets
        yield HEAD.format(
            name=self.name(address),
            every=self.every,
            offset=self.offset,
            raw=raw,
            reach=self.reach,
            unit=self.windows[-1],
        )
        for window in self.windows:
            for aggregate in AGGREGATES:
                yield BODY.format(window=window, aggregate=aggregate, long=long)


TASKS = (
    Task(("1s",), every="1m", offset="10s", reach="3m", suffix="1s"),
    Task(("1m",), every="5m", offset="15s", reach="15m", suffix="1m"),
    # What was offline for up to a day sends its frames late.
    Task(("1s", "1m"), every="6h", offset="1m", reach="30h", suffix="late"),
)
