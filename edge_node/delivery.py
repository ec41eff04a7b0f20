"""Which frames to send now: the contract's delivery rules, without a clock or a network (docs/contract.md).

A frame is in flight from when it is sent until the collector says `stored`. Everything else in the spool
waits. PUBACK means nothing here.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

MAX_FRAMES = 64
MAX_BYTES = 4 * 1024 * 1024
FIRST_TIMEOUT_S = 10.0
MAX_TIMEOUT_S = 300.0
OLDEST_EVERY = 10
PROBES = 4
NEVER = float("-inf")


class Waiting(NamedTuple):
    """A frame of the spool: the newest has the largest `id`."""

    id: int
    size_bytes: int


class _Flight(NamedTuple):
    size_bytes: int
    sent_at: float


class Delivery:
    """The window of frames in flight, and what goes into it next. Times are monotonic seconds.

    `sends` counts frames sent, each time anew.
    """

    def __init__(self) -> None:
        self._flights: dict[int, _Flight] = {}
        self._bytes = 0
        self._timeout_s = FIRST_TIMEOUT_S
        self._doubled_at = NEVER
        self._turn = 0
        self._answered = self._probed = False
        self.sends = 0

    def __repr__(self) -> str:
        return f"Delivery({len(self._flights)} in flight, {self._bytes} bytes, time-out {self._timeout_s} s)"

    @property
    def in_flight(self) -> Collection[int]:
        """The ids that are sent and not settled."""
        return self._flights.keys()

    @property
    def timeout_s(self) -> float:
        """How long an answer is waited for now."""
        return self._timeout_s

    @property
    def room(self) -> int:
        """How many more frames may be sent, their bytes aside."""
        return 0 if self._bytes >= MAX_BYTES else MAX_FRAMES - len(self._flights)

    def choose(self, newest: Sequence[Waiting], oldest: Sequence[Waiting]) -> list[Waiting]:
        """What to send now, of frames that are not in flight: newest first, every tenth the oldest.

        `newest` begins with the newest and `oldest` with the oldest; both may name the same frames.
        """
        chosen: dict[int, Waiting] = {}
        size_bytes = self._bytes
        ends = {True: iter(oldest), False: iter(newest)}
        while len(self._flights) + len(chosen) < MAX_FRAMES:
            of_the_oldest = (self._turn + len(chosen)) % OLDEST_EVERY == OLDEST_EVERY - 1
            frame = next((f for f in ends[of_the_oldest] if f.id not in chosen), None)
            if frame is None or (size_bytes and size_bytes + frame.size_bytes > MAX_BYTES):
                break
            chosen[frame.id] = frame
            size_bytes += frame.size_bytes
        return list(chosen.values())

    def sent(self, frame: Waiting, now_s: float) -> None:
        """A frame went out, for the first time or again."""
        self.sends += 1
        if frame.id not in self._flights:
            self._bytes += frame.size_bytes
            self._turn += 1
        self._flights[frame.id] = _Flight(frame.size_bytes, now_s)

    def settled(self, ids: Collection[int]) -> None:
        """A `stored` covered these: the time-out falls back, because somebody answers."""
        if ids:
            self._answered, self._probed = self._answered or self._probed, False
            self._timeout_s = FIRST_TIMEOUT_S
        self.forget(ids)

    def forget(self, ids: Collection[int]) -> None:
        """These left the spool."""
        for id_ in ids:
            if flight := self._flights.pop(id_, None):
                self._bytes -= flight.size_bytes

    def overdue(self, now_s: float) -> list[int]:
        """The ids to send again, oldest first. The time-out doubles once for each round without an answer.

        Into a silence go only a few, to find out whether it is over. Whoever answers then may have the rest
        in its hands, so its time-out begins anew.
        """
        if self._answered:
            self._answered = False
            self._restart(self._flights, now_s)
        late = sorted(id_ for id_, flight in self._flights.items() if self._due_at(flight) <= now_s)
        probing = self._is_silent
        if any(self._doubled_at <= self._flights[id_].sent_at > NEVER for id_ in late):
            self._timeout_s = min(2 * self._timeout_s, MAX_TIMEOUT_S)
            self._doubled_at = now_s
        if probing and late:
            self._probed = True
            late, rest = late[:PROBES], late[PROBES:]
            self._restart(rest, now_s)
        return late

    def next_due(self) -> float:
        """When the first frame in flight will be overdue; infinity when none is."""
        return min(map(self._due_at, self._flights.values()), default=float("inf"))

    def reconnected(self) -> None:
        """The link came back: everything in flight is due at once, whatever was sent before."""
        self._timeout_s = FIRST_TIMEOUT_S
        for id_, flight in self._flights.items():
            self._flights[id_] = flight._replace(sent_at=NEVER)

    @property
    def _is_silent(self) -> bool:
        """Whether a whole round was sent again, and nobody has answered since."""
        return self._timeout_s > FIRST_TIMEOUT_S

    def _restart(self, ids: Iterable[int], now_s: float) -> None:
        for id_ in list(ids):
            self._flights[id_] = self._flights[id_]._replace(sent_at=now_s)

    def _due_at(self, flight: _Flight) -> float:
        return flight.sent_at + self._timeout_s
