"""A node's side of campaigns: takes commands, has its parts carried out one after the other, replies."""

from __future__ import annotations

import secrets
import signal
import subprocess
import time
from collections.abc import Awaitable, Callable, Sequence

import anyio

from e3p.campaigns import part as parts
from e3p.campaigns.keeping import Keeping
from e3p.campaigns.limits import refusal
from e3p.campaigns.part import Over, Part
from e3p.campaigns.reading import Unlawful, read_command
from e3p.plans import Run
from e3p.trialing import Event, ended_with_us, events_of
from edge_node.settings import EdgeSettings
from telemetry.contract.commands import Reply
from telemetry.contract.encode import encode
from telemetry.contract.topics import node_topic
from telemetry.runtime import logs
from telemetry.runtime.mqtt import Address, Link, LinkDown

AGAIN_S = 10.0
INBOX_MESSAGES = 100
INBOX_BYTES = 4 * 1024 * 1024

log = logs.get("campaigns")


class Campaigns:
    """A service beside the agent. `child` is the command line that carries out a part, by its id.

    It begins with what an earlier one left open, once the agent is there (`until_ready`).
    """

    name = "campaigns"

    def __init__(
        self,
        settings: EdgeSettings,
        address: Address,
        child: Callable[[str], Sequence[str]],
        until_ready: Callable[[], Awaitable[None]],
    ) -> None:
        self._settings = settings
        self._child = child
        self._until_ready = until_ready
        self._keeping = Keeping(settings)
        self._parts = self._keeping.parts()
        self._strikes: dict[str, int] = {}
        self._at: tuple[str, anyio.CancelScope] | None = None
        self._news = anyio.Event()
        self._node = settings.node_name()
        self._link = Link(
            address,
            client_id=f"e3p-campaigns-{self._node}-{secrets.token_hex(4)}",
            filters=[node_topic(self._node, "command")],
            inbox=INBOX_MESSAGES,
            inbox_bytes=INBOX_BYTES,
            on_connect=self._greet,
        )

    async def run(self) -> None:
        """Until cancelled; the trial that runs then is aborted, and run again by the next one."""
        async with anyio.create_task_group() as tasks:
            for work in (self._link.run, self._listen, self._work):
                tasks.start_soon(work)

    async def _listen(self) -> None:
        async for message in self._link.inbox():
            try:
                command = read_command(message.payload)
            except Unlawful as error:
                log.warning("a command is refused", why=str(error))
                if error.reply:
                    await self._say(error.reply)
                continue
            known = self._parts.get(command.id)
            order = max((part.order for part in self._parts.values()), default=-1) + 1
            # To stop is never refused.
            refused = refusal(command.plan, self._settings) if command.wish == "run" else None
            taken = parts.take(known, command, refused, order, time.time_ns())
            if taken is known:
                await self._say(taken.reply())
            elif await self._keep(taken):
                log.info("command", campaign=taken.id, wish=command.wish, state=taken.state, why=taken.reason)
                self._keeping.forget_old(self._parts)
                self._heed(taken)

    def _heed(self, part: Part) -> None:
        """What is at work and no longer wanted stops; what is wanted begins."""
        if self._at and self._at[0] == part.id and not part.is_open:
            self._at[1].cancel()
        self._news.set()

    async def _work(self) -> None:
        await self._until_ready()
        while True:
            self._news = anyio.Event()
            part = next((part for part in self._parts.values() if part.is_open), None)
            if part is None:
                await self._news.wait()
            elif await self._carry_out(part):
                with anyio.move_on_after(AGAIN_S):
                    await self._news.wait()

    async def _carry_out(self, part: Part) -> bool:
        """One child, from its start to what follows from its end; whether another one is to follow soon.

        What the owner allows is what he allows now.
        """
        if why := refusal(part.plan, self._settings):
            return not await self._keep(parts.refused(part, why, time.time_ns()))
        before = self._keeping.run(part)
        ended = Over(-signal.SIGINT)
        with anyio.CancelScope() as scope:
            self._at = (part.id, scope)
            ended = await self._have_it_done(part.id)
        self._at = None
        run = self._keeping.run(part)
        strikes = self._strikes.get(part.id, 0)
        step = parts.over(self._parts[part.id], before, run, ended, strikes, time.time_ns())
        self._strikes[part.id] = step.strikes
        is_kept = await self._keep(step.part, step.run if step.run is not run else None)
        log.info("child over", campaign=part.id, state=step.part.state, why=step.part.reason)
        return step.again or not is_kept

    async def _have_it_done(self, id_: str) -> Over:
        """Starts the child and follows it."""
        try:
            process = await anyio.open_process(
                list(self._child(id_)), stdin=subprocess.PIPE, stderr=None, start_new_session=True
            )
        except OSError as error:
            return Over(parts.REFUSED, f"its child cannot be started ({error.strerror})")
        said = Over(0)
        async with ended_with_us(process, signal.SIGINT):
            async for event in events_of(process):
                if event.get("event") == "over":
                    said = Over(0, event["why"], event["away"])
                else:
                    await self._follow(self._parts[id_], event)
            return said._replace(status=await process.wait())

    async def _follow(self, part: Part, event: Event) -> None:
        now_ns, run = time.time_ns(), self._keeping.run(part)
        if not part.is_open:
            return
        name = event.get("event")
        changed = part
        if name == "begun":
            changed = parts.running(part, run, now_ns)
        elif name in ("loading", "trial_begin"):
            changed = parts.busy(part, run.trials[event["order"]], now_ns)
        elif name in ("trial_end", "error"):
            changed = parts.progressed(part, run, now_ns)
        if changed is not part:
            await self._keep(changed)

    async def _keep(self, part: Part, run: Run | None = None) -> bool:
        """Writes it down, and a run that changed with it, then says it; whether it could be written."""
        try:
            if run is not None:
                self._keeping.shelf.keep(run)
            self._keeping.keep(part)
        except OSError as error:
            log.warning("a campaign cannot be kept", folder=self._keeping.folder, why=error.strerror)
            return False
        self._parts[part.id] = part
        await self._say(part.reply())
        return True

    async def _greet(self, _: Link) -> None:
        """After each connect all is said again: the last words may have been lost."""
        for part in list(self._parts.values()):
            await self._say(part.reply())

    async def _say(self, reply: Reply) -> None:
        """Without a link nothing is said; it is when the link is back."""
        try:
            await self._link.publish(node_topic(self._node, "reply"), encode(reply, "json"))
        except LinkDown:
            return
