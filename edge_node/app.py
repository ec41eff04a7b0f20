"""The agent's program, wired top to bottom: spool, marks socket, agent, until it is told to stop."""

from __future__ import annotations

import asyncio
from contextlib import closing

import anyio

from edge_node.agent import Agent, Legacy
from edge_node.marks_inbox import MarksInbox
from edge_node.metrics import expose
from edge_node.settings import EdgeSettings
from edge_node.spool import keep_aside, open_spool
from edge_node.spool_schema import SpoolBroken
from telemetry.runtime.http import Health
from telemetry.runtime.mqtt import Address
from telemetry.runtime.pulse import Pulse
from telemetry.runtime.service import run_services
from telemetry.runtime.watchdog import Manager

MIB = 1024 * 1024
GRACE_S = 10.0
SILENT_S = 60.0
SILENT_TICKS = 10


class EdgeNode:
    """The agent as a service: stopped in order when it is cancelled, begun anew when its spool breaks."""

    name = "edge"

    def __init__(self, settings: EdgeSettings, address: Address) -> None:
        self._settings = settings
        self._address = address
        self._stop = asyncio.Event()
        self._pulse = Pulse(max(Manager().patience_s or SILENT_S, SILENT_TICKS / settings.watch_hz))
        self._agent: Agent | None = None

    @property
    def grace_s(self) -> float:
        """How long its end may take."""
        return self._settings.drain_s + GRACE_S

    async def until_ready(self) -> None:
        """Returns once it samples and takes marks."""
        await self._pulse.begun.wait()

    def trouble(self) -> str | None:
        """What keeps it from sampling or spooling; None while all is well, connected or not."""
        return self._pulse.trouble()

    def health(self) -> Health:
        """How the agent fares, for `/healthz`: well while it samples, connected or not."""
        if self._agent is None:
            return Health(well=False, facts={"why": "no agent runs yet"})
        why = self.trouble()
        facts = {"node": self._settings.node_name(), **self._agent.numbers()}
        return Health(why is None, facts if why is None else {"why": why, **facts})

    def metrics(self) -> bytes:
        """What the agent counts, for `/metrics`; nothing before it runs."""
        return expose(self._agent.numbers()) if self._agent else b""

    async def run(self) -> None:
        """Raises `UserError` for sensors, socket or spool that cannot be had."""
        work = asyncio.create_task(self._work())
        try:
            await asyncio.shield(work)
        finally:
            if not work.done():
                self._stop.set()
                with anyio.CancelScope(shield=True):
                    await work

    async def _work(self) -> None:
        """One agent after the other: another one begins only when a spool broke in use."""
        legacy: Legacy | None = None
        while legacy is None or not self._stop.is_set():
            spool = open_spool(self._settings.spool_path(), round(self._settings.spool_mib * MIB))
            with closing(spool), closing(MarksInbox(self._settings.socket_paths())) as inbox:
                agent = self._agent = Agent(self._settings, self._address, spool, inbox, self._pulse, legacy)
                try:
                    await agent.run(self._stop)
                    return
                except SpoolBroken as error:
                    legacy, broke = agent.legacy, str(error)
            keep_aside(spool.path, broke)


async def run_agent(settings: EdgeSettings, address: Address, *, stop: anyio.Event | None = None) -> None:
    """Runs the agent until `stop` is set or SIGINT or SIGTERM comes. Raises `UserError`."""
    node = EdgeNode(settings, address)
    await run_services([node], stop=stop, grace_s=node.grace_s)
