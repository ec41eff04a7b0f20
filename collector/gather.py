"""Gathering: frames and letters wait here until they make a batch, within bounds (pure)."""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from collector.settings import CollectorSettings
from telemetry.contract.decode import Received
from telemetry.contract.frames import PowerFrame
from telemetry.store.interface import Letter

OVERHEAD_BYTES = 1_000
"""What a frame takes in memory beside its columns."""


class Arrival(NamedTuple):
    """A frame and the payload it came in: a letter, should the store refuse it, keeps what was sent."""

    received: Received
    payload: bytes


Item = Arrival | Letter


class Weight(NamedTuple):
    """What items hold in memory: samples, an estimate of the bytes, and how many messages they came in."""

    samples: int
    size_bytes: int
    messages: int = 1


NOTHING = Weight(0, 0, 0)


class Batch(NamedTuple):
    """What is written in one go. Its weight stays counted until the batch is released."""

    arrivals: list[Arrival]
    letters: list[Letter]
    weight: Weight


class Gather:
    """A bounded queue that says when a batch is due: full, or its oldest item old enough."""

    def __init__(self, settings: CollectorSettings) -> None:
        self._settings = settings
        self._waiting: deque[tuple[Item, Weight, float]] = deque()
        self.held = NOTHING

    def __len__(self) -> int:
        return len(self._waiting)

    def has_room(self, weight: Weight) -> bool:
        """Whether an item of this weight would be taken; a single one always is, however heavy."""
        samples, size_bytes, _ = _sum(self.held, weight)
        fits = samples <= self._settings.queue_samples and size_bytes <= self._settings.queue_bytes
        return fits or self.held == NOTHING

    def add(self, item: Item, now_s: float) -> bool:
        """Takes an item, or refuses it when there is no room: then it is shed, and the caller counts it."""
        weight = weigh(item)
        if not self.has_room(weight):
            return False
        self._waiting.append((item, weight, now_s))
        self.held = _sum(self.held, weight)
        return True

    @property
    def full(self) -> bool:
        """Whether a whole batch waits."""
        return len(self._waiting) >= self._settings.batch_frames

    def due_in_s(self, now_s: float) -> float | None:
        """Seconds until a batch is due, 0 when it is; None when nothing waits."""
        if not self._waiting:
            return None
        _, _, since_s = self._waiting[0]
        return 0.0 if self.full else max(0.0, since_s + self._settings.batch_age_s - now_s)

    def take(self) -> Batch:
        """The oldest items, up to a batch."""
        batch = Batch([], [], NOTHING)
        weight = batch.weight
        for _ in range(min(len(self._waiting), self._settings.batch_frames)):
            item, one, _ = self._waiting.popleft()
            weight = _sum(weight, one)
            if isinstance(item, Letter):
                batch.letters.append(item)
            else:
                batch.arrivals.append(item)
        return batch._replace(weight=weight)

    def release(self, batch: Batch) -> None:
        """The batch is written: what it held is free again."""
        self.held = Weight(*(held - gone for held, gone in zip(self.held, batch.weight, strict=True)))


def weigh(item: Item) -> Weight:
    """A frame is in memory twice, as its body and as its columns; one that came as JSON three times."""
    if isinstance(item, Letter):
        return Weight(1, len(item.body or b"") + OVERHEAD_BYTES)
    frame, body = item.received.frame, item.received.body
    copies = 2 * len(body) + (len(item.payload) if item.payload is not body else 0)
    samples = frame.samples if isinstance(frame, PowerFrame) else 1
    return Weight(max(1, samples), copies + OVERHEAD_BYTES)


def _sum(one: Weight, other: Weight) -> Weight:
    return Weight(
        one.samples + other.samples, one.size_bytes + other.size_bytes, one.messages + other.messages
    )
