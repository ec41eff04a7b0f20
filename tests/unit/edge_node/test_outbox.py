"""The ring in memory between a frame's number and its commit."""

from __future__ import annotations

from edge_node.accounts import Loss, Name
from edge_node.outbox import ROW_BYTES, Outbox, Row


def _row(stream: str, seq: int, size: int = 1000 - ROW_BYTES) -> Row:
    return Row(Name("b", stream), seq, seq, 5, bytes(size))


def test_frames_come_out_in_the_order_they_were_put() -> None:
    outbox = Outbox()
    rows = [_row("power/main", 0), _row("marks/app", 0), _row("power/main", 1)]
    for row in rows:
        outbox.put(row)
    assert outbox.take() == (rows, [])
    assert outbox.take() == ([], [])


def test_what_could_not_be_committed_comes_out_first() -> None:
    outbox = Outbox()
    outbox.put(_row("power/main", 0))
    rows, losses = outbox.take()
    outbox.put(_row("power/main", 1))
    outbox.restore(rows, losses)
    assert [row.seq for row in outbox.take()[0]] == [0, 1]


def test_a_full_ring_drops_the_oldest_power_frame_and_says_so() -> None:
    outbox = Outbox(ring_bytes=3000)
    outbox.put(_row("marks/app", 0))
    for seq in range(3):
        dropped = outbox.put(_row("power/main", seq))
    loss = Loss(Name("b", "power/main"), 0, 0, 5)
    assert dropped == [loss]
    rows, losses = outbox.take()
    assert [(row.name.stream, row.seq) for row in rows] == [
        ("marks/app", 0),
        ("power/main", 1),
        ("power/main", 2),
    ]
    assert losses == [loss]


def test_manifests_go_last() -> None:
    outbox = Outbox(ring_bytes=2000)
    for stream in ("manifest/node", "marks/app", "marks/app"):
        outbox.put(_row(stream, 0))
    assert [row.name.stream for row in outbox.take()[0]] == ["manifest/node", "marks/app"]


def test_a_drop_is_declared_though_the_next_commit_fails_too() -> None:
    outbox = Outbox(ring_bytes=1000)
    outbox.put(_row("power/main", 0))
    outbox.put(_row("power/main", 1))
    outbox.restore(*outbox.take())
    assert [loss.first for loss in outbox.take()[1]] == [0]
