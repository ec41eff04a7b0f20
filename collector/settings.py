"""The `[collector]` section of the configuration."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from telemetry.runtime.http import Port

MIB = 1024 * 1024

Number = Annotated[int, Meta(ge=1)]
Positive = Annotated[float, Meta(gt=0)]


class CollectorSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How much the collector gathers, holds and answers.

    A batch is written when it has `batch_frames` or its oldest frame has waited `batch_age_s`. The inbox
    holds what came and was not looked at yet; the queue, what waits for the store, bounded by samples and by
    bytes. What comes beyond is shed and counted, and its node still has it. `acks_per_s` bounds the `stored`
    messages to each node. Of more than `max_streams` sequences the collector forgets the oldest: the store
    knows them. A node has at most `node_streams` names of streams and begins `boots_per_hour` boots; beyond
    `max_letters` dead letters no more are taken. At `metrics_port` /healthz and /metrics answer; nowhere when
    it is None.
    """

    batch_frames: Number = 500
    batch_age_s: Positive = 0.02
    queue_samples: Number = 4_000_000
    queue_bytes: Number = 48 * MIB
    inbox_messages: Number = 20_000
    inbox_bytes: Number = 64 * MIB
    acks_per_s: Positive = 5.0
    max_nodes: Number = 10_000
    max_streams: Number = 50_000
    node_streams: Number = 64
    boots_per_hour: Number = 3_600
    max_letters: Number = 100_000
    metrics_port: Port | None = None
