"""What was told: each finding begins once and ends once, and thousands of them cannot flood. Pure."""

from __future__ import annotations

from collections import Counter, deque
from typing import TYPE_CHECKING

from msgspec.structs import replace

from telemetry.contract.events import Finding, FindingKind
from telemetry.contract.nodetime import NS_PER_S

if TYPE_CHECKING:
    from collections.abc import Iterable

    from analyzer.fleet.signs import Sign

OPEN_OF_NODE = 30
"""What lasts of one node at a time; a person reads no more."""
NEW_A_MINUTE = 60
MINUTE_NS = 60 * NS_PER_S
REMEMBERED = 10_000

Key = tuple[FindingKind, str | None, str | None]


class Register:
    """The findings that last, and the ids of those that were told. `shed` counts those beyond the limits."""

    def __init__(self, known: Iterable[Finding] = ()) -> None:
        self._open: dict[Key, Finding] = {}
        self._told: dict[str, None] = {}
        self._new: deque[int] = deque(maxlen=NEW_A_MINUTE)
        self.shed = 0
        for finding in known:
            self._keep(finding)

    @property
    def lasting(self) -> list[Finding]:
        """The findings that last."""
        return list(self._open.values())

    def take(self, sign: Sign, now_ns: int) -> Finding | None:
        """The finding that a sign makes or ends; None where that is no news, or too much of it."""
        if sign.turn == "end":
            held = self._open.get((sign.kind, sign.node, sign.subject))
            return held and self._kept(_ended(held, sign))
        finding = _begun(sign, now_ns)
        if finding.id in self._told or _key(finding) in self._open:
            return None
        if self._is_full(finding, now_ns):
            self.shed += 1
            return None
        self._new.append(now_ns)
        return self._kept(finding)

    def _kept(self, finding: Finding) -> Finding:
        self._keep(finding)
        return finding

    def _keep(self, finding: Finding) -> None:
        self._told[finding.id] = None
        if len(self._told) > REMEMBERED:
            del self._told[next(iter(self._told))]
        if finding.lasts:
            self._open[_key(finding)] = finding
        else:
            self._open.pop(_key(finding), None)

    def _is_full(self, finding: Finding, now_ns: int) -> bool:
        of_node = Counter(held.node for held in self._open.values())[finding.node]
        crowded = len(self._new) == NEW_A_MINUTE and now_ns - self._new[0] < MINUTE_NS
        return crowded or (finding.lasts and of_node >= OPEN_OF_NODE)


def _begun(sign: Sign, now_ns: int) -> Finding:
    return Finding(
        kind=sign.kind,
        id=f"{sign.kind}/{sign.node or '-'}/{sign.subject or '-'}/{sign.at}",
        node=sign.node,
        at=now_ns,
        words=sign.words,
        severity=sign.severity,
        subject=sign.subject,
        device=sign.device,
        model=sign.model,
        begin=sign.at,
        until=sign.at if sign.turn == "moment" else None,
        value=sign.value,
        expected=sign.expected,
        unit=sign.unit,
        cause=sign.cause,
    )


def _ended(held: Finding, sign: Sign) -> Finding:
    return replace(held, revision=held.revision + 1, until=max(sign.at, held.begin))


def _key(finding: Finding) -> Key:
    return finding.kind, finding.node, finding.subject
