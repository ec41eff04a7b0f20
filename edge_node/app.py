"""The agent's program, wired top to bottom: spool, marks socket, agent, until it is told to stop."""

from __future__ import annotations

import asyncio
from contextlib import closing

import anyio

from edge_node.agent import Agent, Legacy
from edge_node.marks_inbox import MarksInbox
from edge_node.metrics import expose
from edge_node.recorder import Recorder
from edge_node.settings import EdgeSettings
from edge_node.spool import Spool
from edge_node.spool_salvage import begin_afresh, open_spool
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
        self._legacy: Legacy | None = None

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
        path, max_bytes = self._settings.spool_path(), round(self._settings.spool_mib * MIB)
        while True:
            try:
                with closing(open_spool(path, max_bytes)) as spool:
                    if self._legacy and self._stop.is_set():
                        return await self._leave(spool, self._legacy)
                    return await self._live(spool)
            except SpoolBroken as error:
                broke = str(error)
            begin_afresh(path, max_bytes, broke, declare=self._legacy is None)

    async def _live(self, spool: Spool) -> None:
        with closing(MarksInbox(self._settings.socket_paths())) as inbox:
            agent = Agent(self._settings, self._address, spool, inbox, self._pulse, self._legacy)
            self._agent = agent
            try:
                await agent.run(self._stop)
            except SpoolBroken:
                self._legacy = agent.legacy
                raise

    async def _leave(self, spool: Spool, legacy: Legacy) -> None:
        """The spool broke while the agent ended: the fresh one holds what the next agent has to tell."""
        recorder = Recorder(spool, legacy.recorder.boot, self._settings.encoding)
        recorder.adopt(legacy.recorder)
        await recorder.commit(legacy.books)


async def run_agent(settings: EdgeSettings, address: Address, *, stop: anyio.Event | None = None) -> None:
    """Runs the agent until `stop` is set or SIGINT or SIGTERM comes. Raises `UserError`."""
    node = EdgeNode(settings, address)
    await run_services([node], stop=stop, grace_s=node.grace_s)
