"""What a node says of itself, retained on the broker: `state`, and the will in case it cannot. Pure."""

from __future__ import annotations

import msgspec

from edge_node.boots import Boot
from telemetry.contract.replies import State, StateName


class Presence:
    """The node's state in one boot. Times are node time ns."""

    def __init__(self, boot: Boot, software: str, since_ns: int) -> None:
        self.state = State(state="init", boot=boot.id, since=since_ns, software=software)

    @property
    def will(self) -> State:
        """What the broker says for us when the connection breaks."""
        return msgspec.structs.replace(self.state, state="lost")

    def become(self, state: StateName, since_ns: int) -> None:
        """Another state, from now on."""
        self.state = msgspec.structs.replace(self.state, state=state, since=since_ns)

    def is_wrong(self, seen: State, *, retained: bool) -> bool:
        """Whether what the broker says of this node has to be corrected.

        Our own boot's states are echoes, save `lost`: an earlier connection's will. Of another boot, a
        retained state or an end is an old one's; a live `ready` is another agent with our name, and two that
        corrected each other would never stop.
        """
        if seen.boot == self.state.boot:
            return seen.state == "lost" and self.state.state != "lost"
        return retained or seen.state in ("lost", "gone")
