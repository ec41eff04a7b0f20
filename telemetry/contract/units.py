"""Field types of the contract: numbers with their unit and range, checked where a message is decoded."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from telemetry.contract.nodetime import INT64_MAX, INT64_MIN

MAX_PAYLOAD_BYTES = 4 * 1024 * 1024
MAX_TEXT = 256
MAX_CHANNELS = 64
MAX_DEPTH = 16
MAX_SEQ = 2**53 - 1

Ns = Annotated[int, Meta(ge=INT64_MIN, le=INT64_MAX, description="nanoseconds")]
Id = Annotated[int, Meta(ge=INT64_MIN, le=INT64_MAX, description="any number of the sender's choice")]
Interval = Annotated[int, Meta(gt=0, le=INT64_MAX, description="a duration in nanoseconds")]
Seq = Annotated[int, Meta(ge=0, le=MAX_SEQ, description="number of a frame in its sequence")]
NextSeq = Annotated[int, Meta(ge=0, le=MAX_SEQ + 1, description="the first number not used yet")]
Through = Annotated[int, Meta(ge=-1, le=MAX_SEQ, description="the last number of a run from 0; -1: none")]
Count = Annotated[int, Meta(ge=0, le=INT64_MAX, description="how many")]
Name = Annotated[str, Meta(min_length=1, max_length=MAX_TEXT)]
