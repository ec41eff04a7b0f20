"""Whose clock is wrong: told by pings, and by frames from the future, never by old frames (pure)."""

from __future__ import annotations

from telemetry.contract.nodetime import NS_PER_S

WRONG_NS = 300 * NS_PER_S
"""Five minutes between a node's clock and the collector's is no delay of the network."""


MAX_KNOWN = 10_000


class Clocks:
    """The nodes whose clock is bad. Each judgement returns whether it changed."""

    def __init__(self) -> None:
        self._bad: set[str] = set()
        self._ahead: set[tuple[str, str]] = set()

    @property
    def bad(self) -> frozenset[str]:
        """The nodes whose clock is off by more than five minutes."""
        return frozenset(self._bad)

    def ping(self, node: str, node_ns: int, utc_ns: int) -> bool:
        """A ping sent at node time `node_ns` came at `utc_ns`: the newest one counts."""
        return self._judge(node, bad=abs(node_ns - utc_ns) > WRONG_NS)

    def frame(self, node: str, boot: str, node_ns: int, utc_ns: int) -> bool:
        """A frame of node time `node_ns` came at `utc_ns`. Each boot is ahead once only."""
        if node_ns - utc_ns <= WRONG_NS or (node, boot) in self._ahead:
            return False
        if len(self._ahead) >= MAX_KNOWN:
            self._ahead.clear()
        self._ahead.add((node, boot))
        return self._judge(node, bad=True)

    def _judge(self, node: str, *, bad: bool) -> bool:
        if (node in self._bad) == bad or (bad and len(self._bad) >= MAX_KNOWN):
            return False
        if bad:
            self._bad.add(node)
        else:
            self._bad.discard(node)
        return True
