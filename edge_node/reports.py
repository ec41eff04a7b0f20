"""The frames that the agent makes of itself: manifest, health, clock."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path

from edge_node import processes
from edge_node.clock import PingBook
from edge_node.context import Context, read_context
from edge_node.health import Vital, fields_of
from edge_node.recorder import Recorder, Stamp
from telemetry.contract.frames import ClockFrame, Exchange, HealthFrame, ManifestFrame
from telemetry.contract.manifest import StreamInfo

MANIFEST = "manifest/node"
CLOCK = "clock/collector"
PEER = "collector"


class Reports:
    """Puts reports into the recorder. Times are monotonic ns."""

    def __init__(self, recorder: Recorder, pings: PingBook, root: Path = Path("/")) -> None:
        self.manifest: ManifestFrame | None = None
        self._recorder = recorder
        self._pings = pings
        self._root = root
        self._vital = Vital(root)
        self._context: Context | None = None

    def begin_boot(self, now_ns: int, streams: tuple[StreamInfo, ...]) -> None:
        """A boot begins with its manifest."""
        self._context = read_context(streams, self._root)
        self._recorder.put(MANIFEST, now_ns, partial(self._manifest, self._context))

    def renew_manifest(self, now_ns: int) -> bool:
        """Another manifest if the device has changed since the last one. Whether it has."""
        if self._context is None:
            return False
        context = read_context(self._context.streams, self._root)
        if context.hash == self._context.hash:
            return False
        self._context = context
        self._recorder.put(MANIFEST, now_ns, partial(self._manifest, context))
        return True

    def health(self, now_ns: int, sampler_pid: int | None, *, closing: bool = False) -> None:
        """How the agent and the device fare; `closing` is the boot's last."""
        self._recorder.put_health(now_ns, partial(self._health, sampler_pid, closing))

    def clock(self, now_ns: int) -> None:
        """What the pings since the last clock frame said, if they said anything."""
        if exchanges := self._pings.take():
            self._recorder.put(CLOCK, now_ns, partial(_clock, exchanges))

    def _manifest(self, context: Context, stamp: Stamp) -> ManifestFrame:
        self.manifest = context.manifest(stamp)
        return self.manifest

    def _health(self, sampler_pid: int | None, closing: bool, stamp: Stamp) -> HealthFrame:  # noqa: FBT001
        pids = [os.getpid(), *([sampler_pid] if sampler_pid else [])]
        cpu_s, rss_mib = processes.usage(pids, self._root / "proc")
        # Made after its own number was given, so that it counts itself.
        return HealthFrame(
            **stamp._asdict(),
            streams=self._recorder.accounts.report(stamp.boot, closing=closing),
            spool_bytes=self._recorder.spool_bytes,
            agent_cpu_s=round(cpu_s, 2),
            agent_rss_mib=round(rss_mib, 1),
            **fields_of(self._vital.read()),
        )


def _clock(exchanges: tuple[Exchange, ...], stamp: Stamp) -> ClockFrame:
    return ClockFrame(**stamp._asdict(), peer=PEER, exchanges=exchanges)
