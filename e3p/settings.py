"""What is in force: defaults, ``e3p.toml``, ``E3P_…`` variables, flags, for every part of the program."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal, NamedTuple

import msgspec

from analyzer.settings import AnalyzerSettings
from collector.settings import CollectorSettings
from e3p.output import say
from edge_node.settings import EdgeSettings
from telemetry.runtime import logs
from telemetry.runtime.address import Address, Tls, read_password
from telemetry.runtime.config import Resolved, resolve

FILE = Path("e3p.toml")


class Common(msgspec.Struct, frozen=True, kw_only=True):
    """The top level: where broker and store are, how to log, where the page listens."""

    mqtt: str = "mqtt://127.0.0.1:1883"
    mqtt_ca: str | None = None
    mqtt_cert: str | None = None
    mqtt_key: str | None = None
    mqtt_password_file: str | None = None
    store: str = ""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["text", "json"] = "text"
    host: str = "127.0.0.1"
    port: int = 8080

    def address(self, url: str | None = None) -> Address:
        """The broker's address, or that of `url` with the same certificates and password."""
        tls = Tls(self.mqtt_ca, self.mqtt_cert, self.mqtt_key)
        password = read_password(file=self.mqtt_password_file)
        return Address.parse(url or self.mqtt, tls=tls if any(tls) else None, password=password)


class Settings(NamedTuple):
    """Every section, and where each value came from."""

    common: Common
    edge: EdgeSettings
    collector: CollectorSettings
    analyzer: AnalyzerSettings
    resolved: Resolved


SECTIONS: dict[str, type[msgspec.Struct]] = {
    "": Common,
    "edge": EdgeSettings,
    "collector": CollectorSettings,
    "analyzer": AnalyzerSettings,
}


def load(config: Path | None = None, **flags: object) -> Settings:
    """Reads everything; a flag is a top-level key, or ``section__key``. Raises `UserError`."""
    file = config or (FILE if FILE.exists() else None)
    named = {key.replace("__", "."): value for key, value in flags.items()}
    resolved = resolve(SECTIONS, file=file, env=os.environ, flags=named)
    for warning in resolved.warnings:
        say(f"e3p: warning: {warning}")
    common = resolved.section("", Common)
    if not common.store:
        common = msgspec.structs.replace(common, store=default_store())
    logs.configure(common.log_format, common.log_level)
    return Settings(
        common,
        resolved.section("edge", EdgeSettings),
        resolved.section("collector", CollectorSettings),
        resolved.section("analyzer", AnalyzerSettings),
        resolved,
    )


def default_store() -> str:
    """The store used where none is named: one SQLite file in the user's state folder."""
    state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return f"sqlite:///{Path(state).absolute() / 'e3p' / 'e3p.db'}"
