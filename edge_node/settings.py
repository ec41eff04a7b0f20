"""The `[edge]` section of the configuration, and the places that follow from it."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from edge_node.power.discover import TrialsOn
from edge_node.power.sensor import SensorSpec
from telemetry.contract.encode import Encoding
from telemetry.contract.topics import FLEET, is_node
from telemetry.runtime.http import Port

Rate = Annotated[float, Meta(gt=0, le=1000)]
Positive = Annotated[float, Meta(gt=0)]

SYSTEM_STATE = Path("/var/lib/e3p")
SYSTEM_RUN = Path("/run/e3p")
SOCKET_NAME = "marks.sock"


class EdgeSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The agent on a device. Rates are samples a second, `spool_mib` and `spool_days` bound what it keeps.

    `node` None is the host's name. Without `sensors` the best one found is taken that sees what trials run on
    (`trials_on`); an `estimate` only with `allow_estimate`. `drain_s` is how long a stop waits for the
    collector to acknowledge the last frames. At `metrics_port` /healthz and /metrics answer; None: nowhere.

    Campaigns from the server run only where `campaigns` is on: plans that take `campaign_hours` or less (at
    least), on `campaign_python` (None: the agent's own), with data from the folders named in `campaign_data`.
    """

    node: str | None = None
    trials_on: TrialsOn = "cpu"
    sensors: tuple[SensorSpec, ...] = ()
    allow_estimate: bool = False
    watch_hz: Rate = 20.0
    trial_hz: Rate = 200.0
    encoding: Encoding = "msgpack"
    spool: str | None = None
    spool_mib: Positive = 256.0
    spool_days: Positive = 30.0
    socket: str | None = None
    drain_s: Annotated[float, Meta(ge=0)] = 5.0
    metrics_port: Port | None = None
    campaigns: Literal["off", "on"] = "off"
    campaign_data: dict[str, str] = {}
    campaign_python: str | None = None
    campaign_hours: Positive = 24.0

    def __post_init__(self) -> None:
        if self.node is not None and not is_node(self.node):
            raise ValueError(f"node {self.node!r}: 1-64 of A-Z a-z 0-9 _ - expected, and not {FLEET!r}")

    def node_name(self) -> str:
        """The node's name in topics."""
        return self.node or lawful_node(socket.gethostname())

    def spool_path(self, env: Mapping[str, str] = os.environ) -> Path:
        """Where the spool lies: as set, else the user's state folder, else (for root) /var/lib/e3p."""
        if self.spool:
            return Path(self.spool).expanduser()
        folder = SYSTEM_STATE
        if state := env.get("XDG_STATE_HOME"):
            folder = Path(state) / "e3p"
        elif os.geteuid() != 0:
            folder = Path("~/.local/state/e3p").expanduser()
        return folder / f"{self.node_name()}.spool"

    def socket_paths(self, env: Mapping[str, str] = os.environ) -> list[Path]:
        """Where applications may send marks to, the first that can be made is taken."""
        if named := self.socket or env.get("E3P_SOCKET"):
            return [Path(named)]
        personal = env.get("XDG_RUNTIME_DIR")
        return [SYSTEM_RUN / SOCKET_NAME, *([Path(personal) / "e3p" / SOCKET_NAME] if personal else [])]


def lawful_node(host: str) -> str:
    """A host's name as a node's: what cannot stand in a topic becomes ``-``."""
    name = re.sub(r"[^A-Za-z0-9_-]", "-", host)[:64] or "node"
    return name if is_node(name) else f"{name}-node"
