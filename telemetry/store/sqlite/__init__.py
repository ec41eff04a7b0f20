"""The store in one SQLite file: the embedded default, shared by several processes at once."""

from __future__ import annotations

from telemetry.store.sqlite.store import SqliteStore

__all__ = ["SqliteStore"]
