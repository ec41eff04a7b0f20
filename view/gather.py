"""Reads a report's material from the store, and nothing else from anywhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from analyzer.energy.facts import SensorFacts, facts_of
from analyzer.exclusions import read_exclusions
from analyzer.notebook import Notebook
from analyzer.revisions import result_id, result_of
from analyzer.span import Span, on_own_clock
from analyzer.trials import Trial, spans_of
from analyzer.work import work_of
from telemetry.contract.documents import EventRefused, Result
from telemetry.contract.errors import UserError
from telemetry.contract.frames import ManifestFrame, MarksFrame, PowerFrame, StreamKey
from telemetry.contract.nodetime import NS_PER_S
from telemetry.store.books import read_ledger
from view.material import Choice, Material, Shown, by_origin
from view.trace import Picture, Readings, picture

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from telemetry.contract.ranking import Ranking
    from telemetry.store.interface import Account, Store

    Rank = Callable[[Sequence[Result], dict[str, str]], Sequence[Ranking]]

MOST_WINDOWS = 120
"""Traces in one report: the file stays small enough to send, and opens at once."""
TRACE_POINTS = 800
"""A trace is some seven hundred pixels wide."""
MARGIN = 0.08
MARGIN_MOST_NS = 10 * NS_PER_S
REST_POINTS = 200


async def gather(store: Store, choice: Choice, rank: Rank) -> Material:
    """Everything for a report of the results chosen; `rank` ranks them without the trials excluded.

    Raises:
        UserError: there is no such result.
    """
    results = await _results(store, choice)
    nodes = sorted({result.node for result in results})
    books = {node: await _Node.read(store, node) for node in nodes}
    newest = sorted(results, key=lambda result: result.begin)[-MOST_WINDOWS:]
    excluded = await read_exclusions(store)
    refused = [
        msgspec.json.decode(revision.doc, type=EventRefused)
        for node in nodes
        for revision in await store.latest("event_refused", node)
    ]
    return Material(
        results=results,
        windows=[await books[result.node].shown(result) for result in newest],
        rankings=by_origin(rank(results, excluded)),
        manifests={frame.hash: frame for book in books.values() for frame in book.manifests.values()},
        histories=[await _history(store, result) for result in results if result.revision > 1],
        excluded=excluded,
        refused_events=refused,
        letters=await store.letters(bodies=False),
        ledger=[row for node in nodes for row in await read_ledger(store, node)],
    )


async def _results(store: Store, choice: Choice) -> list[Result]:
    found = [result_of(revision) for revision in await store.latest("result")]
    if not found:
        raise UserError(f"{store.url} has no results yet: run `e3p trial` or `e3p import` first")
    chosen = [result for result in found if choice.takes(result)]
    if not chosen:
        there = sorted({f"{'/'.join(filter(None, (r.device, r.dataset)))} ({r.origin})" for r in found})
        asked = ", ".join(f"{name} {value}" for name, value in choice._asdict().items() if value)
        raise UserError(f"{store.url} has no results of {asked}; it has {', '.join(there)}")
    return sorted(chosen, key=lambda result: (result.model or "", result.begin, result.source))


async def _history(store: Store, result: Result) -> list[Result]:
    return [result_of(revision) for revision in await store.history("result", result_id(result))]


class _Node:
    """One node's frames: what its windows look like."""

    def __init__(self, store: Store, accounts: Sequence[Account]) -> None:
        self._store = store
        self._accounts = {account.key: account for account in accounts}
        self._trials: dict[str, Trial] = {}
        self.manifests: dict[str, ManifestFrame] = {}

    @classmethod
    async def read(cls, store: Store, node: str) -> _Node:
        """The node with its manifests and marks read."""
        book = cls(store, await store.accounts(node))
        notebook = Notebook(node)
        for key, account in book._accounts.items():
            if not key.stream.startswith(("marks/", "manifest/")):
                continue
            for _, frame in await store.frames(key, account.stored):
                if isinstance(frame, ManifestFrame):
                    notebook.know(key.boot, frame)
                    book.manifests[frame.hash] = frame
                elif isinstance(frame, MarksFrame):
                    notebook.add(key, frame)
        book._trials = {trial.opening.trial: trial for trial in notebook.trials()}
        return book

    async def shown(self, result: Result) -> Shown:
        """A result with the power of its window, and of the rest before it."""
        trial = self._trials.get(result.trial) if result.trial else None
        spans = spans_of(trial) if trial else self._spans(result)
        batches: Iterable[tuple[int, int]] = ()
        if trial is not None:
            work = work_of(trial)
            first, last = work.begin_ns + trial.begin.anchor, work.end_ns + trial.begin.anchor
            batches = zip(first.tolist(), last.tolist(), strict=True)
        margin_ns = min(round((result.end - result.begin) * MARGIN), MARGIN_MOST_NS)
        readings = await self._readings(result, spans, margin_ns)
        power = picture(readings, result.begin, result.end, batches, most=TRACE_POINTS)
        return Shown(result, power, await self._rest(result, trial))

    async def _rest(self, result: Result, trial: Trial | None) -> Picture | None:
        if trial is None or trial.idle is None:
            return None
        span = trial.idle.span
        readings = await self._readings(result, [span], 0)
        return picture(readings, span.begin + span.shift, span.end + span.shift, most=REST_POINTS)

    async def _readings(self, result: Result, spans: Sequence[Span], margin_ns: int) -> Readings:
        """The frames of the result's stream that overlap the spans or the margin around them.

        A meter's readings lie on another host's clock, and are not drawn.
        """
        if result.meter:
            return Readings([], None, SensorFacts())
        frames = []
        for span in spans:
            wide = span.wider(margin_ns, margin_ns)
            key = StreamKey(result.node, span.boot, f"power/{result.stream}")
            if key in self._accounts:
                held = await self._store.covering(key, wide.begin, wide.end)
                frames += [
                    (span.shift, frame)
                    for frame in held
                    if isinstance(frame, PowerFrame) and frame.t0 <= wide.end and frame.last >= wide.begin
                ]
        manifest = self.manifests.get(result.manifest_hash or "")
        info = next((s for s in manifest.streams if s.stream == result.stream), None) if manifest else None
        return Readings(frames, info.total if info else None, facts_of(info) if info else SensorFacts())

    def _spans(self, result: Result) -> list[Span]:
        """A window that no trial tells of, on every boot of the node."""
        return [
            on_own_clock(key.boot, account.anchor, result.begin, result.end)
            for key, account in self._accounts.items()
            if key.stream == f"power/{result.stream}" and account.anchor is not None
        ]
