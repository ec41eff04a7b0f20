"""The fleet's office: hears what the analyzer hears, keeps baselines and findings, and tells of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from analyzer.fleet.baselines import Baselines
from analyzer.fleet.certificates import certificate_signs
from analyzer.fleet.conduct import Conduct, Limits
from analyzer.fleet.register import Register
from analyzer.fleet.signs import Sign
from analyzer.fleet.windows import Windows
from telemetry.contract.events import EVENT, Finding
from telemetry.contract.ledger import ledger_row
from telemetry.contract.nodetime import NS_PER_S
from telemetry.store.events import AHEAD_NS, MEMORY_NS, findings_of
from telemetry.store.interface import Revision

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from telemetry.contract.documents import Result
    from telemetry.contract.frames import Frame, StreamKey
    from telemetry.contract.replies import State
    from telemetry.store.interface import Account, Store

LOOK_S = 1.0
DAY_S = 86_400.0


class Office:
    """Everything about the fleet of one analyzer. `certificates` are files of PEM that it shows or trusts."""

    def __init__(
        self, store: Store, limits: Limits, regression_percent: float, certificates: Sequence[str] = ()
    ) -> None:
        self._store = store
        self._limits = limits
        self._certificates = certificates
        self._register = Register()
        self._nodes: dict[str, Conduct] = {}
        self._windows = Windows(Baselines(store), regression_percent)
        self._untold: list[Finding] = []
        self._looked_at_s = float("-inf")
        self._certified_at_s = float("-inf")

    @property
    def lasting(self) -> list[Finding]:
        """The findings that last."""
        return self._register.lasting

    @property
    def shed(self) -> int:
        """How many findings were beyond the limits."""
        return self._register.shed

    @property
    def late(self) -> int:
        """How many windows of work came too late to be compared."""
        return self._windows.late

    async def open(self, now_ns: int) -> None:
        """Reads what earlier runs told and learned."""
        stored = await self._store.during(EVENT, now_ns - MEMORY_NS, now_ns + AHEAD_NS)
        self._register = Register(findings_of(stored))
        await self._windows.open()

    def hear(self, node: str, now_s: float) -> None:
        """Something new of a node is settled."""
        self._node(node, now_s).hear(now_s)

    def read(self, key: StreamKey, frame: Frame, now_s: float) -> None:
        """A small frame of a node was read."""
        self._node(key.node, now_s).take(key.boot, frame)

    def state(self, node: str, said: State, now_s: float) -> None:
        """A node's retained topic."""
        self._node(node, now_s).state(said, now_s)

    def leave(self, node: str, now_s: float, now_ns: int) -> None:
        """A node's retained topic is empty: it was forgotten."""
        self._node(node, now_s).leave(now_ns)

    def account(self, node: str, accounts: Iterable[Account], now_s: float) -> None:
        """What is held of a node."""
        missing = sum(ledger_row(account).missing_count for account in accounts)
        self._node(node, now_s).ledger(missing, now_s)

    def conclude(self, results: Iterable[Result]) -> None:
        """Results that say something new."""
        self._windows.put(results)

    async def step(self, now_s: float, now_ns: int) -> list[Finding]:
        """Looks at everything, once a second at most; the findings that were stored, to be published.

        Raises `StoreUnavailable`, and then keeps what was found for the next step.
        """
        if now_s - self._looked_at_s >= LOOK_S:
            self._looked_at_s = now_s
            manifests = {node: conduct.manifests for node, conduct in self._nodes.items()}
            signs = self._windows.look(manifests, now_s)
            for conduct in self._nodes.values():
                signs += conduct.look(now_s, now_ns)
            if now_s - self._certified_at_s >= DAY_S:
                self._certified_at_s = now_s
                signs += certificate_signs(self._certificates, now_ns)
            for sign in signs:
                self._untold += self._told(sign, now_ns)
        untold = list(self._untold)
        if untold:
            await self._store.put([as_revision(finding) for finding in untold])
        self._untold = self._untold[len(untold) :]
        await self._windows.keep(now_ns)
        return untold

    def _told(self, sign: Sign, now_ns: int) -> list[Finding]:
        """What a sign makes: a finding, and where a node was away, that it is back."""
        finding = self._register.take(sign, now_ns)
        if finding is None:
            return []
        if sign.turn != "end" or sign.kind not in ("lost", "silent"):
            return [finding]
        words = f"{sign.node} is back after {(sign.at - finding.begin) / NS_PER_S:.0f} s"
        back = Sign(
            turn="moment",
            kind="back",
            node=sign.node,
            at=sign.at,
            severity="info",
            words=words,
            cause=sign.kind,
            device=sign.device,
        )
        return [each for each in (finding, self._register.take(back, now_ns)) if each is not None]

    def _node(self, node: str, now_s: float) -> Conduct:
        conduct = self._nodes.get(node)
        if conduct is None:
            conduct = self._nodes[node] = Conduct(node, self._limits, now_s)
        return conduct


def as_revision(finding: Finding) -> Revision:
    """The finding as the store takes it."""
    doc = msgspec.json.encode(finding)
    return Revision(kind=EVENT, id=finding.id, revision=finding.revision, node=finding.node, doc=doc)
