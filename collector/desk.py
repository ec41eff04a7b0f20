"""The desk: what the collector's services share, and the clocks that they read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from collector.acks import Acks
from collector.admission import Admission
from collector.bell import Bell
from collector.books import Books
from collector.clock import Clocks
from collector.gather import Gather, Item
from collector.metrics import Metrics
from collector.settings import CollectorSettings
from telemetry.contract.encode import Encoding
from telemetry.contract.frames import StreamKey
from telemetry.runtime import logs
from telemetry.runtime.pulse import Pulse

Bound = Literal["memory", "nodes", "streams", "boots", "letters", "store"]
STUCK_S = 120.0
"""How long one word with the store may take before something is wrong with more than the store."""

log = logs.get("collector")


@dataclass(frozen=True)
class Times:
    """The two clocks: UTC in ns, and one that only rises, in seconds."""

    utc_ns: Callable[[], int]
    now_s: Callable[[], float]


@dataclass
class Desk:
    """Frames go from the intake to the writer through `gather`, answers to the replies through `acks`.

    `encodings` are what each node spoke last: it is answered in the same. `letters`: how many are stored.
    """

    settings: CollectorSettings
    times: Times
    metrics: Metrics
    gather: Gather = field(init=False)
    books: Books = field(init=False)
    acks: Acks = field(init=False)
    clocks: Clocks = field(default_factory=Clocks)
    admission: Admission = field(init=False)
    encodings: dict[str, Encoding] = field(default_factory=dict)
    letters: int = 0
    gathered: Bell = field(default_factory=Bell)
    settled: Bell = field(default_factory=Bell)
    pulse: Pulse = field(init=False)
    _told: set[Bound] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.gather = Gather(self.settings)
        self.admission = Admission(self.settings)
        self.books = Books(self.settings.max_streams)
        self.pulse = Pulse(STUCK_S, self.times.now_s)
        self.acks = Acks(self.books, self.settings.acks_per_s)

    def admit(self, *keys: StreamKey) -> bool:
        """Whether a message that tells of these sequences of a node is let in; one that is not is shed.

        All are looked at, so that those for which there is room are known when the message comes again.
        """
        bounds = [self.admission.bound(key, self.times.now_s()) for key in keys]
        return self._let_in(keys[0].node, next(filter(None, bounds), None))

    def has_room_for_letters(self) -> bool:
        """Whether another dead letter is taken; one that is not is shed."""
        return self._let_in(None, "letters" if self.letters >= self.settings.max_letters else None)

    def _let_in(self, node: str | None, bound: Bound | None) -> bool:
        self.metrics.nodes.set(len(self.admission))
        if bound is None:
            return True
        self.shed(bound)
        if bound not in self._told:
            self._told.add(bound)
            log.warning("a bound is reached: messages are shed", bound=bound, node=node)
        return False

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
