"""Whatever bytes come: ``python -m tests.fuzz --inputs 1000000 --seed 1`` feeds every decoder with damage.

An input is a valid message with bits flipped, bytes cut, doubled, inserted or taken from another message, or
with a field replaced by some other value, or noise. Each must give a value or the refusal that its decoder
promises, and never another error; the slowest input and the memory that all of them took are told.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import random
import resource
import sys
import time
import traceback
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from typing import Any, NamedTuple

import msgspec

from edge_node.marks_lines import BadLine, parse_line
from telemetry.contract.decode import decode_message, receive
from telemetry.contract.errors import Refused
from telemetry.contract.replies import Dead, Ping, Pong, State, Stored, StoredStream
from telemetry.contract.topics import FRAME_KINDS
from tests.unit.contract.plain import plain

REFUSALS = (Refused, BadLine)
HEAD = {"v": 1, "pid": 7, "n": 0, "t": 5, "trial": "t"}
LABELS = {"model": "m", "dataset": "d", "batch_size": 1, "group": "g", "index": 0}
BEGINS = {**HEAD, "kind": "trial_begin", **LABELS}
ENDS = {**HEAD, "kind": "trial_end", "status": "ok", "images": 4}
REPLIES = (
    State(state="ready", boot="b", since=5, software="s"),
    Ping(id=1, t1=5),
    Pong(id=1, t1=5, t2=6, t3=7),
    Stored(streams=(StoredStream(boot="b", stream="power/main", through=3, ranges=((5, 9),)),)),
    Dead(key="k", topic="t", reason="r", at=5),
)
ODD: tuple[Any, ...] = (
    None, True, -1, 0, 2**63, 2**64 - 1, -(2**63), 1e308, float("nan"), float("inf"), "", "x" * 300, "\0",
    b"", b"\xff" * 9, [], [[]], [[1, 0]], {}, {"": {}}, {"kind": "batches"}, [None] * 100, "123456789012",
)  # fmt: skip


class Target(NamedTuple):
    """A decoder, and messages that it takes, as the maps that they are."""

    name: str
    decode: Callable[[bytes], object]
    examples: list[dict[str, Any]]


class Found(NamedTuple):
    """What a part of the inputs came to."""

    inputs: int
    taken: int
    refused: int
    slowest_s: float
    errors: list[str]


def targets() -> list[Target]:
    """Every way by which bytes of others come in."""
    found = [Target(kind, _frame(f"e3p/v1/n/{kind}/main"), [plain(kind)]) for kind in FRAME_KINDS]
    meter = {"v": 1, "t": [10**18, 10**18 + 5], "ch": ["total"], "w": [[1.0], [2.0]]}
    found.append(Target("meter", _frame("e3p/v1/n/power/meter"), [meter]))
    found += [
        Target(type(each).__name__, _message(type(each)), [msgspec.to_builtins(each)]) for each in REPLIES
    ]
    return [*found, Target("line", lambda data: parse_line(data, 5), [BEGINS, ENDS])]


def fuzz(inputs: int, seed: int) -> Found:
    """So many inputs, spread over all targets."""
    chance = random.Random(seed)
    every = targets()
    pool = [
        codec.encode(example)
        for t in every
        for example in t.examples
        for codec in (msgspec.json, msgspec.msgpack)
    ]
    taken = refused = 0
    slowest_s = 0.0
    errors: list[str] = []
    for _ in range(inputs):
        target = chance.choice(every)
        data = damaged(chance, target, pool)
        began_s = time.perf_counter()
        try:
            target.decode(data)
            taken += 1
        except REFUSALS:
            refused += 1
        except Exception:  # noqa: BLE001 - this is what is looked for
            errors.append(f"{target.name}: {data!r}\n{traceback.format_exc()}")
        slowest_s = max(slowest_s, time.perf_counter() - began_s)
    return Found(inputs, taken, refused, slowest_s, errors)


def damaged(chance: random.Random, target: Target, pool: list[bytes]) -> bytes:
    """One input."""
    codec: Any = chance.choice((msgspec.json, msgspec.msgpack))
    example = chance.choice(target.examples)
    way = chance.random()
    if way < 0.1:
        return chance.randbytes(chance.randrange(200))
    if way < 0.5:
        try:
            return bytes(codec.encode(replaced(chance, example)))
        except (OverflowError, ValueError):  # what this encoding cannot carry
            return b""
    return spoilt(chance, bytearray(codec.encode(example)), pool)


def replaced(chance: random.Random, value: Any) -> Any:
    """The same, with an odd value somewhere in it."""
    if chance.random() < 0.2 or not value or not isinstance(value, (dict, list)):
        return chance.choice(ODD)
    copy: Any = value.copy()
    at = chance.choice(list(value)) if isinstance(value, dict) else chance.randrange(len(value))
    copy[at] = replaced(chance, value[at])
    if isinstance(copy, dict) and chance.random() < 0.1:
        copy[chance.choice(["", "later", "boot", "kind", "w"])] = chance.choice(ODD)
    return copy


def spoilt(chance: random.Random, data: bytearray, pool: list[bytes]) -> bytes:
    """One to three changes of bytes."""
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        at = chance.randrange(len(data) + 1)
        match chance.randrange(5):
            case 0 if data:
                data[at % len(data)] ^= 1 << chance.randrange(8)
            case 1:
                del data[at : at + chance.randrange(1, 30)]
            case 2:
                data[at:at] = data[: chance.randrange(1, 30)]
            case 3:
                data[at:at] = chance.randbytes(chance.randrange(1, 9))
            case _:
                other = chance.choice(pool)
                data[at:] = other[chance.randrange(len(other)) :]
    return bytes(data)


def main() -> int:
    """Exit code 1 when any decoder raised what it does not promise."""
    options = _options()
    began_s = time.monotonic()
    jobs = os.cpu_count() or 1
    shares = [options.inputs // jobs + (at < options.inputs % jobs) for at in range(jobs)]
    with ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn")) as pool:
        found = list(pool.map(fuzz, shares, [options.seed * 1000 + at for at in range(jobs)]))
    errors = [error for each in found for error in each.errors]
    for error in errors[:20]:
        print(error)
    memory_mib = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(
        f"{options.inputs:,} inputs (seed {options.seed}): {sum(each.taken for each in found):,} taken, "
        f"{sum(each.refused for each in found):,} refused, {len(errors)} other errors; slowest "
        f"{1e3 * max(each.slowest_s for each in found):.1f} ms, {memory_mib:.0f} MiB at most, "
        f"{time.monotonic() - began_s:.0f} s"
    )
    return 1 if errors else 0


def _frame(topic: str) -> Callable[[bytes], object]:
    return lambda data: receive(topic, data)


def _message(kind: type[Any]) -> Callable[[bytes], object]:
    return lambda data: decode_message(data, kind)


def _options() -> argparse.Namespace:
    words = (__doc__ or "").partition("\n")[0]
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=words)
    parser.add_argument("--inputs", type=int, default=1_000_000, help="how many (1,000,000)")
    parser.add_argument("--seed", type=int, default=1, help="of all that is left to chance (1)")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
