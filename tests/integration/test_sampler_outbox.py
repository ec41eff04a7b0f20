"""The sampler's way out: nothing waits, and what does not fit is accounted for."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from edge_node import sampler_wire as wire
from edge_node.sampler_outbox import Outbox, ReaderGone
from edge_node.sampling import Block, FrameBuilder

CHANNELS = tuple(f"c{at}" for at in range(16))


class Reader:
    """The agent's end of the pipe."""

    def __init__(self, fd: int) -> None:
        self.fd = fd
        self._unpacker = wire.Unpacker()
        os.set_blocking(fd, False)

    def blocks(self) -> list[Block]:
        """What has come since the last call."""
        bodies: list[bytes] = []
        try:
            while data := os.read(self.fd, 1 << 20):
                bodies += self._unpacker.feed(data)
        except BlockingIOError:
            pass
        reports = [wire.reports.decode(body) for body in bodies]
        return [report for report in reports if isinstance(report, Block)]


@pytest.fixture
def pipe() -> Iterator[tuple[Reader, int]]:
    reader, writer = os.pipe()
    yield Reader(reader), writer
    os.close(reader)
    os.close(writer)


def _builder() -> FrameBuilder:
    return FrameBuilder("main", CHANNELS, 10**6, 500)


def _block(builder: FrameBuilder, at: int) -> Block:
    for step in range(500):
        builder.add(at * 10**9 + step * 10**6, [1.0] * 16)
    return builder.cut()


def test_blocks_leave_in_order_however_slowly_they_are_read(pipe: tuple[Reader, int]) -> None:
    reader, writer = pipe
    outbox, builder = Outbox(writer), _builder()
    sent = [_block(builder, at) for at in range(60)]
    for block in sent:
        outbox.push(block)
    got = []
    while outbox.waiting:
        got += reader.blocks()
        outbox.pump()
    assert got + reader.blocks() == sent


def test_blocks_that_fit_nowhere_come_back_as_missed_ticks(pipe: tuple[Reader, int]) -> None:
    reader, writer = pipe
    outbox, builder = Outbox(writer, queue_bytes=100_000), _builder()
    for at in range(60):
        outbox.push(_block(builder, at))
    got = reader.blocks()
    outbox.pump()
    got += reader.blocks()
    outbox.push(_block(builder, 60))
    outbox.drain(1.0)
    got += reader.blocks()
    ends = [0, *(block.first + block.ticks for block in got)]
    assert [block.first for block in got] == ends[:-1]
    assert ends[-1] == 61 * 500
    assert sum(block.missed for block in got) > 0


def test_what_was_dropped_at_the_very_end_is_said_by_an_empty_block(pipe: tuple[Reader, int]) -> None:
    reader, writer = pipe
    outbox = Outbox(writer, queue_bytes=0)
    outbox.push(_block(_builder(), 0))
    outbox.drain(1.0)
    (block,) = reader.blocks()
    assert (block.samples, block.missed) == (0, 500)


def test_a_reader_that_never_reads_holds_nobody_up_for_ever(pipe: tuple[Reader, int]) -> None:
    _, writer = pipe
    outbox, builder = Outbox(writer), _builder()
    for at in range(60):
        outbox.push(_block(builder, at))
    outbox.drain(0.05)
    assert outbox.waiting


def test_an_agent_that_is_gone_is_noticed() -> None:
    reader, writer = os.pipe()
    outbox = Outbox(writer)
    os.close(reader)
    with pytest.raises(ReaderGone):
        outbox.note(wire.Note("main", "anyone?"))
    os.close(writer)


def test_messages_cut_anywhere_come_out_whole() -> None:
    data = wire.pack(wire.Note("main", "one")) + wire.pack(wire.Note("main", "two"))
    unpacker = wire.Unpacker()
    bodies = [body for at in range(len(data)) for body in unpacker.feed(data[at : at + 1])]
    assert [wire.reports.decode(body) for body in bodies] == [
        wire.Note("main", "one"),
        wire.Note("main", "two"),
    ]
