"""The desk: what the collector's services share, and the clocks that they read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from collector.acks import Acks
from collector.bell import Bell
from collector.books import Books
from collector.clock import Clocks
from collector.gather import Gather, Item
from collector.metrics import Metrics
from collector.settings import CollectorSettings
from telemetry.contract.encode import Encoding
from telemetry.runtime.pulse import Pulse

Bound = Literal["memory", "nodes", "store"]
STUCK_S = 120.0
"""How long one word with the store may take before something is wrong with more than the store."""


@dataclass(frozen=True)
class Times:
    """The two clocks: UTC in ns, and one that only rises, in seconds."""

    utc_ns: Callable[[], int]
    now_s: Callable[[], float]


@dataclass
class Desk:
    """Frames go from the intake to the writer through `gather`, answers to the replies through `acks`.

    `nodes` are those seen, each with the encoding it spoke last: it is answered in the same.
    """

    settings: CollectorSettings
    times: Times
    metrics: Metrics
    gather: Gather = field(init=False)
    books: Books = field(init=False)
    acks: Acks = field(init=False)
    clocks: Clocks = field(default_factory=Clocks)
    nodes: dict[str, Encoding] = field(default_factory=dict)
    gathered: Bell = field(default_factory=Bell)
    settled: Bell = field(default_factory=Bell)
    pulse: Pulse = field(init=False)

    def __post_init__(self) -> None:
        self.gather = Gather(self.settings)
        self.books = Books(self.settings.max_streams)
        self.pulse = Pulse(STUCK_S, self.times.now_s)
        self.acks = Acks(self.books, self.settings.acks_per_s)

    def admit(self, node: str) -> bool:
        """Whether this is a known node, or there was room for a new one."""
        if node not in self.nodes:
            if len(self.nodes) >= self.settings.max_nodes:
                return False
            self.nodes[node] = "msgpack"
            self.metrics.nodes.set(len(self.nodes))
        return True

    def shed(self, bound: Bound) -> None:
        """Counts a message that is not taken: its node still has it."""
        self.metrics.shed.labels(bound).inc()

    def put(self, item: Item) -> bool:
        """Puts an item down for the writer, or sheds and counts it where there is no room."""
        empty = not self.gather
        if not self.gather.add(item, self.times.now_s()):
            self.shed("memory")
            return False
        if empty or self.gather.full:
            self.gathered.ring()
        return True
