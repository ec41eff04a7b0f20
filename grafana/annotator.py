"""Annotations written into a Grafana while the analyzer works, where that is asked for.

What cannot be written now waits, bounded and counted; the analyzer itself never waits for a Grafana.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import aiohttp
import anyio

from grafana.annotations import TAG, Annotation, annotation_of
from telemetry.contract.errors import UserError
from telemetry.contract.topics import FLEET_EVENT, every_node
from telemetry.runtime import logs
from telemetry.runtime.mqtt import Link
from telemetry.runtime.retry import Retry

if TYPE_CHECKING:
    from grafana.settings import GrafanaSettings
    from telemetry.runtime.address import Address
    from telemetry.runtime.service import Service

WAITING = 1_000
ALWAYS = Retry()
ANSWER_S = 10.0
LATER = {401, 403, 429}
"""What a person or time mends; any other refusal is of this one annotation."""

log = logs.get("annotator")


class Annotator:
    """A service: it listens to what the analyzer tells, on a link of its own."""

    name = "annotator"

    def __init__(self, url: str, token: str, link: Link, retry: Retry = ALWAYS) -> None:
        self._url = f"{url.rstrip('/')}/api/annotations"
        self._headers = {"Authorization": f"Bearer {token}"}
        self._link = link
        self._retry = retry
        self._waiting: dict[str, Annotation] = {}
        self._arrived = anyio.Event()
        self._trouble: str | None = None
        self.written = 0
        self.dropped = 0

    async def run(self) -> None:
        """Runs until cancelled."""
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._listen)
            tasks.start_soon(self._write)

    def take(self, topic: str, payload: bytes) -> None:
        """One message; the oldest that waits makes room for it."""
        found = annotation_of(topic, payload)
        if found is None:
            return
        self._waiting.pop(found.key, None)
        self._waiting[found.key] = found
        if len(self._waiting) > WAITING:
            del self._waiting[next(iter(self._waiting))]
            self.dropped += 1
        self._arrived.set()

    async def _listen(self) -> None:
        async for message in self._link.inbox():
            self.take(message.topic, message.payload)

    async def _write(self) -> None:
        failures = 0
        timeout = aiohttp.ClientTimeout(total=ANSWER_S)
        async with aiohttp.ClientSession(headers=self._headers, timeout=timeout) as session:
            while True:
                while self._waiting:
                    done = await self._try(session, next(iter(self._waiting.values())))
                    failures = 0 if done else failures + 1
                    if not done:
                        await self._retry.sleep(self._retry.wait_s(failures))
                self._arrived = anyio.Event()
                await self._arrived.wait()

    async def _try(self, session: aiohttp.ClientSession, found: Annotation) -> bool:
        """Whether it is done with; one that came meanwhile under its key is another."""
        try:
            refused = await self._put(session, found)
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            return self._troubled(str(error) or type(error).__name__)
        if refused in LATER or refused >= 500:
            return self._troubled(f"status {refused}")
        self._well()
        if refused:
            self.dropped += 1
            log.warning("annotation refused", key=found.key, status=refused)
        else:
            self.written += 1
        if self._waiting.get(found.key) is found:
            del self._waiting[found.key]
        return True

    async def _put(self, session: aiohttp.ClientSession, found: Annotation) -> int:
        """The status of a refusal, 0 where none was. What an earlier run wrote is changed, not doubled."""
        asked = [("tags", TAG), ("tags", found.own_tag), ("limit", "1")]
        async with session.get(self._url, params=asked) as answer:
            if answer.status >= 400:
                return answer.status
            held = await answer.json()
        if held:
            sent = session.patch(f"{self._url}/{held[0]['id']}", json=found.body)
        else:
            sent = session.post(self._url, json=found.body)
        async with sent as answer:
            return answer.status if answer.status >= 400 else 0

    def _troubled(self, why: str) -> bool:
        if self._trouble is None:
            log.warning("grafana takes no annotations", url=self._url, why=why, waiting=len(self._waiting))
        self._trouble = why
        return False

    def _well(self) -> None:
        if self._trouble is not None:
            log.info("grafana takes annotations again", url=self._url, dropped=self.dropped)
        self._trouble = None


def annotators(settings: GrafanaSettings, address: Address) -> list[Service]:
    """The link and the annotator, where `annotate` asks for them. Raises `UserError`."""
    if not settings.annotate:
        return []
    token = settings.secret()
    if settings.url is None or token is None:
        missing = "grafana.url" if settings.url is None else "grafana.token or grafana.token_file"
        raise UserError(f"grafana.annotate: {missing} is due too: whereto, and with the right of whom")
    filters = [every_node("result"), FLEET_EVENT]
    link = Link(address, client_id=f"e3p-annotator-{secrets.token_hex(4)}", filters=filters)
    return [link, Annotator(settings.url, token.reveal(), link)]
