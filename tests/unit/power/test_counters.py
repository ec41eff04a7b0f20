"""When the sampler reads a sensor's energy counter: with each frame, or seldom and at the ends of windows."""

from __future__ import annotations

from edge_node.power.synthetic import Options, SyntheticSensor
from edge_node.sampler_child import Stream
from edge_node.sampling import Block

MS = 1_000_000
TICK = 5 * MS


class Kept:
    """An outbox that keeps its blocks."""

    def __init__(self) -> None:
        self.blocks: list[Block] = []

    def push(self, block: Block) -> None:
        self.blocks.append(block)


class Shy(SyntheticSensor):
    """Its counter wants five seconds of peace."""

    counter_every_s = 5.0


def _frames(sensor: SyntheticSensor, ends_ns: list[int], flushed_ns: int | None = None) -> list[bool]:
    """Which of the frames with their last sample at these times carry the counter."""
    stream, kept = Stream(sensor, TICK, start_ns=0), Kept()
    for end_ns in ends_ns:
        stream.builder.add(end_ns, sensor.read(end_ns))
        if end_ns == flushed_ns:
            stream.flush(end_ns, kept)  # type: ignore[arg-type]
        else:
            stream.cut(kept, is_end=False)  # type: ignore[arg-type]
    return [block.counter_j is not None for block in kept.blocks]


def test_a_counter_that_may_be_read_is_in_each_frame() -> None:
    assert _frames(SyntheticSensor(Options(counter=True)), [250 * MS, 500 * MS, 750 * MS]) == [True] * 3


def test_a_counter_that_goes_stale_is_left_alone_for_its_time() -> None:
    seconds = [second * 1000 * MS for second in range(1, 13)]
    carried = _frames(Shy(Options(counter=True)), seconds)
    assert [second for second, is_there in enumerate(carried, 1) if is_there] == [5, 10]


def test_at_the_end_of_a_window_it_is_read_all_the_same() -> None:
    seconds = [second * 1000 * MS for second in range(1, 10)]
    carried = _frames(Shy(Options(counter=True)), seconds, flushed_ns=7000 * MS)
    assert [second for second, is_there in enumerate(carried, 1) if is_there] == [5, 7]


def test_a_change_of_the_rate_is_an_end_too() -> None:
    sensor, kept = Shy(Options(counter=True)), Kept()
    stream = Stream(sensor, TICK, start_ns=0)
    stream.builder.add(MS, sensor.read(MS))
    stream.retune(2 * TICK, 2 * MS, kept)  # type: ignore[arg-type]
    assert [block.counter_j is not None for block in kept.blocks] == [True]
