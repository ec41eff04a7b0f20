"""Structured logs: an event and its facts, as one JSON object a line or as readable text."""

from __future__ import annotations

import logging
import re
import sys
from datetime import datetime, timezone
from typing import Any, Literal, TextIO

import msgspec

from telemetry.contract.hiding import hide_secrets

ROOT = "e3p"
Format = Literal["text", "json"]
Level = Literal["debug", "info", "warning", "error"]

_SECRET = re.compile(r"password|passwd|secret|token|credential", re.IGNORECASE)
_PLAIN = re.compile(r"[^\s\"'=]+")


class Log:
    """Writes events of one part of the program: ``log.info("stored", frames=12)``."""

    def __init__(self, name: str) -> None:
        self._logger = logging.getLogger(f"{ROOT}.{name}")

    def debug(self, event: str, **facts: object) -> None:
        self._write(logging.DEBUG, event, facts)

    def info(self, event: str, **facts: object) -> None:
        self._write(logging.INFO, event, facts)

    def warning(self, event: str, **facts: object) -> None:
        self._write(logging.WARNING, event, facts)

    def error(self, event: str, **facts: object) -> None:
        self._write(logging.ERROR, event, facts)

    def _write(self, level: int, event: str, facts: dict[str, object]) -> None:
        self._logger.log(level, "%s", event, extra={"facts": facts})


def get(name: str) -> Log:
    """The log of a part: ``logs.get("collector")``."""
    return Log(name)


def configure(style: Format = "text", level: Level = "info", stream: TextIO | None = None) -> None:
    """Sends all logs to `stream` (standard error): ours from `level` up, the libraries' from warning up."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonLines() if style == "json" else Text())
    root = logging.getLogger()
    for old in [held for held in root.handlers if isinstance(held.formatter, (JsonLines, Text))]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(logging.WARNING)
    logging.getLogger(ROOT).setLevel(level.upper())


class JsonLines(logging.Formatter):
    """``{"time": …, "level": …, "log": …, "event": …, facts}``: one object a line."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": _time(record).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "log": record.name.removeprefix(f"{ROOT}."),
            "event": record.getMessage(),
        }
        for name, value in _facts(record).items():
            line[f"{name}_" if name in line else name] = value
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return hide_secrets(msgspec.json.encode(line, enc_hook=str).decode())


class Text(logging.Formatter):
    """``12:34:56 WARNING collector event fact=value …``, times in UTC."""

    def format(self, record: logging.LogRecord) -> str:
        words = [
            _time(record).strftime("%H:%M:%S"),
            record.levelname,
            record.name.removeprefix(f"{ROOT}."),
            _one_line(record.getMessage()),
        ]
        words += [f"{name}={_quoted(value)}" for name, value in _facts(record).items()]
        if record.exc_info:
            words.append("\n" + self.formatException(record.exc_info))
        return hide_secrets(" ".join(words))


def _time(record: logging.LogRecord) -> datetime:
    return datetime.fromtimestamp(record.created, timezone.utc)


def _facts(record: logging.LogRecord) -> dict[str, object]:
    facts: dict[str, object] = getattr(record, "facts", {})
    return {name: "hidden" if _SECRET.search(name) else value for name, value in facts.items()}


def _quoted(value: object) -> str:
    text = value if isinstance(value, str) else str(value)
    return text if _PLAIN.fullmatch(text) else msgspec.json.encode(text).decode()


def _one_line(text: str) -> str:
    return text.replace("\r", "\\r").replace("\n", "\\n")
