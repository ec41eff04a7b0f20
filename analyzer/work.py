"""What a trial's marks say of its work: images, accuracy, latency; whether the marks are whole."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analyzer.trials import Trial
from telemetry.contract import marks
from telemetry.contract.columns import pack_bits, unpack_bits
from telemetry.contract.documents import Latency

Z95 = 1.959963984540054


@dataclass(frozen=True)
class Work:
    """Batches of one trial in order: begin and end monotonic ns, images in each. Sums are None if unknown."""

    begin_ns: NDArray[np.int64]
    end_ns: NDArray[np.int64]
    images: NDArray[np.int64]
    correct: int | None
    hits: bytes | None

    @property
    def latency_ms(self) -> Latency | None:
        """Percentiles of the batches' latency; a batch that ends before it begins has none."""
        took = self.end_ns - self.begin_ns
        took = took[took >= 0]
        if not len(took):
            return None
        p50, p95, p99 = np.percentile(took / 1e6, [50, 95, 99])
        return Latency(p50=float(p50), p95=float(p95), p99=float(p99))


@dataclass(frozen=True)
class Accuracy:
    """A fraction with its 95 % interval, the images it rests on, and where it comes from."""

    value: float
    lo: float | None
    hi: float | None
    n: int | None
    origin: str


def work_of(trial: Trial) -> Work:
    """The batches of a trial, whichever frames they came in."""
    events = [mark.event for mark in trial.batches if isinstance(mark.event, marks.Batches)]
    counted = [event.correct for event in events if event.correct is not None]
    whole = bool(events) and len(counted) == len(events)
    return Work(
        begin_ns=_column([event.begin for event in events], "<i8"),
        end_ns=_column([event.end for event in events], "<i8"),
        images=_column([event.images for event in events], "<i4"),
        correct=int(_column(counted, "<i4").sum()) if whole else None,
        hits=_hits(events),
    )


def images_of(trial: Trial, work: Work) -> int:
    """The images of a trial as its end tells them: batches may be absent, and then their sum is too small."""
    return trial.closing.images if trial.closing is not None else int(work.images.sum())


def marks_are_whole(trial: Trial, work: Work) -> bool:
    """Whether no mark is known to be absent: no hole in the sender's numbers, images that add up."""
    return not trial.holes and int(work.images.sum()) == images_of(trial, work)


def accuracy_of(trial: Trial, work: Work) -> Accuracy | None:
    """Measured where the images had labels, else the accuracy that the trial refers to.

    What is no fraction of its images is no accuracy. Several passes over the same images add no image: its
    interval rests on as many as the protocol names.
    """
    counts = [(work.correct, int(work.images.sum()))]
    if trial.closing is not None:
        counts.append((trial.closing.correct, trial.closing.images))
    for correct, images in counts:
        if correct is not None and images > 0 and 0 <= correct <= images:
            return _binomial(correct / images, _distinct(trial, images), "measured")
    reference = trial.opening.accuracy_ref
    if reference is None or not 0 <= reference.value <= 1:
        return None
    return _binomial(reference.value, reference.n, reference.origin or "reference")


def _distinct(trial: Trial, images: int) -> int:
    protocol = trial.opening.protocol
    return min(images, protocol.images) if protocol and protocol.images else images


def _binomial(value: float, n: int | None, origin: str) -> Accuracy:
    """The score interval of a binomial fraction (Wilson, J. Am. Stat. Assoc. 22, 1927)."""
    if n is None or n <= 0:
        return Accuracy(value, None, None, None, origin)
    centre = value + Z95**2 / (2 * n)
    half = Z95 * (value * (1 - value) / n + Z95**2 / (4 * n * n)) ** 0.5
    scale = 1 + Z95**2 / n
    return Accuracy(value, max(0.0, (centre - half) / scale), min(1.0, (centre + half) / scale), n, origin)


def _hits(events: list[marks.Batches]) -> bytes | None:
    bits: list[int] = []
    for event in events:
        if event.hits is None:
            return None
        bits += unpack_bits(event.hits, int(_column([event.images], "<i4").sum()))
    return pack_bits(bits) if bits else None


def _column(columns: list[bytes], dtype: str) -> NDArray[np.int64]:
    return np.frombuffer(b"".join(columns), dtype).astype(np.int64)
