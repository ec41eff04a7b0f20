"""What applications did in one minute, by their marks. Pure: the same frames give the same columns."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from analyzer.minutes import REACH_NS
from analyzer.work import Work
from telemetry.contract import marks

if TYPE_CHECKING:
    from collections.abc import Iterable

    from telemetry.contract.frames import MarksFrame

Ints = NDArray[np.int64]


class Job(NamedTuple):
    """An application and the model that it runs."""

    app: str
    model: str


@dataclass(frozen=True)
class Labour:
    """The batches that ended in a minute, by job, in node time; `holes`: marks are known to be absent."""

    jobs: dict[Job, Work]
    holes: bool


def labour_of(frames: Iterable[MarksFrame], begin: int, end: int) -> Labour:
    """What ended in [begin, end), node time ns."""
    columns: defaultdict[Job, list[Ints]] = defaultdict(list)
    holes = False
    for frame in sorted(frames, key=lambda frame: (frame.anchor, frame.seq)):
        for event in frame.events:
            if isinstance(event, marks.Work):
                rows = _rows(event, frame.anchor, begin, end)
                if rows.shape[1]:
                    columns[Job(event.app, event.model)].append(rows)
            elif isinstance(event, marks.MarksHole) and event.trial is None:
                holes |= begin <= frame.anchor + event.t < end
    return Labour(
        {job: _work(np.concatenate(parts, axis=1)) for job, parts in sorted(columns.items())}, holes
    )


def busy_share(work: Work, begin: int, end: int) -> float:
    """The share (0-1) of a window in which batches ran; those that overlap count once."""
    order = np.argsort(work.begin_ns, kind="stable")
    begins = np.clip(work.begin_ns[order], begin, end)
    ends = np.clip(work.end_ns[order], begin, end)
    covered = np.concatenate(([begin], np.maximum.accumulate(ends)[:-1]))
    return float(np.maximum(ends - np.maximum(begins, covered), 0).sum()) / (end - begin)


def _rows(event: marks.Work, anchor: int, begin: int, end: int) -> Ints:
    """begin, end (node time), images, correct (-1: not told) of the batches that ended in the window."""
    begins, ends = (np.frombuffer(column, "<i8") for column in (event.begin, event.end))
    images = np.frombuffer(event.images, "<i4").astype(np.int64)
    correct = np.full_like(images, -1) if event.correct is None else np.frombuffer(event.correct, "<i4")
    at = ends + anchor
    chosen = (at >= begin) & (at < end) & (ends >= event.t - REACH_NS)
    return np.stack((begins + anchor, at, images, correct.astype(np.int64)))[:, chosen]


def _work(rows: Ints) -> Work:
    begins, ends, images, correct = rows[:, np.argsort(rows[1], kind="stable")]
    told = bool((correct >= 0).all())
    return Work(begins, ends, images, int(correct.sum()) if told else None, None)
