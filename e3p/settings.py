"""What is in force: defaults, ``e3p.toml``, ``E3P_…`` variables, flags, for every part of the program."""

from __future__ import annotations

import os
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import NamedTuple

import msgspec

from analyzer.settings import AnalyzerSettings
from collector.settings import CollectorSettings
from e3p.output import say
from edge_node.settings import EdgeSettings
from grafana.settings import GrafanaSettings
from telemetry.runtime import logs
from telemetry.runtime.common import Common
from telemetry.runtime.config import Resolved, resolve
from telemetry.runtime.http import Port
from telemetry.runtime.logs import Level
from telemetry.store.access import Access
from telemetry.store.interface import Store
from telemetry.store.open import open_store, opened_store

FILE = Path("e3p.toml")
MIB = 1024 * 1024


class ServeSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The `[serve]` section: where `e3p serve` listens, for browsers and with its own broker.

    Without `live` there are only /healthz and /metrics.
    """

    host: str = "127.0.0.1"
    port: Port = 8080
    live: bool = True
    broker_host: str = "127.0.0.1"
    broker_port: Port = 1883


class LiveSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The `[live]` section: where `e3p live` has its page."""

    host: str = "127.0.0.1"
    port: Port = 8081


class Settings(NamedTuple):
    """Every section, and where each value came from."""

    common: Common
    serve: ServeSettings
    live: LiveSettings
    edge: EdgeSettings
    collector: CollectorSettings
    analyzer: AnalyzerSettings
    grafana: GrafanaSettings
    resolved: Resolved

    def store(self, *, create: bool = True) -> Store:
        """The store, not opened yet; without `create` it must be there. Raises `UserError`."""
        return open_store(self.common.store, create=create, access=self.access)

    def opened_store(self, *, create: bool = True) -> AbstractAsyncContextManager[Store]:
        """The store, open for the length of the block. Raises `UserError`, `StoreUnavailable`."""
        return opened_store(self.common.store, create=create, access=self.access)

    @property
    def access(self) -> Access:
        """What the store needs beside its URL. Raises `UserError`."""
        common = self.common
        letter_bytes = common.store_letter_mib * MIB
        return Access(
            common.store_secret(),
            common.store_ca,
            common.store_gzip,
            common.store_raw_days,
            letter_bytes,
            common.store_window_days,
        )


SECTIONS: dict[str, type[msgspec.Struct]] = {
    "": Common,
    "serve": ServeSettings,
    "live": LiveSettings,
    "edge": EdgeSettings,
    "collector": CollectorSettings,
    "analyzer": AnalyzerSettings,
    "grafana": GrafanaSettings,
}


def load(config: Path | None = None, *, level: Level = "warning", **flags: object) -> Settings:
    """Reads everything; a flag is a top-level key, or ``section__key``. Raises `UserError`.

    `level` is what the command itself logs where nobody set one: a service tells what it does, a command that
    answers a question only warns.
    """
    file = config or _file_of_this_folder()
    named = {key.replace("__", "."): value for key, value in flags.items()}
    resolved = resolve(SECTIONS, file=file, env=os.environ, flags=named)
    for warning in resolved.warnings:
        say(f"e3p: warning: {warning}")
    common = resolved.section("", Common)
    asked = resolved.origins["log_level"] != "default"
    logs.configure(common.log, common.log_level if asked else level)
    return Settings(
        common,
        resolved.section("serve", ServeSettings),
        resolved.section("live", LiveSettings),
        resolved.section("edge", EdgeSettings),
        resolved.section("collector", CollectorSettings),
        resolved.section("analyzer", AnalyzerSettings),
        resolved.section("grafana", GrafanaSettings),
        resolved,
    )


def _file_of_this_folder() -> Path | None:
    """None also in a folder that this user may not look into: `sudo -u e3p e3p …` in somebody's home."""
    try:
        return FILE if FILE.exists() else None
    except PermissionError:
        return None
