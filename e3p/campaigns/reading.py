"""A command as it came: read, or refused with the words for a reply. Pure but for the clock it is told."""

from __future__ import annotations

import re
import time

from telemetry.contract.commands import MAX_COMMAND_BYTES, Command, Reply
from telemetry.contract.decode import decode_message
from telemetry.contract.errors import Refused
from telemetry.contract.payload import Map, parse_payload
from telemetry.contract.units import MAX_SEQ, MAX_TEXT

ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


class Unlawful(Exception):
    """What is no command; `reply` says so to whoever sent it, where it could be read so far."""

    def __init__(self, words: str, reply: Reply | None = None) -> None:
        super().__init__(words)
        self.reply = reply


def read_command(payload: bytes, now_ns: int | None = None) -> Command:
    """The command of a message. Raises `Unlawful`."""
    if len(payload) > MAX_COMMAND_BYTES:
        raise Unlawful(f"{len(payload)} bytes; a command has at most {MAX_COMMAND_BYTES}")
    raw: Map = {}
    try:
        raw = parse_payload(payload)
        return decode_message(payload, Command)
    except Refused as reason:
        words = f"it does not understand the command: {reason}"[:MAX_TEXT]
        raise Unlawful(words, _reply(raw, words, now_ns or time.time_ns())) from None


def _reply(raw: Map, words: str, now_ns: int) -> Reply | None:
    id_, revision = raw.get("id"), raw.get("revision")
    if not isinstance(id_, str) or not ID.fullmatch(id_):
        return None
    if type(revision) is not int or not 0 <= revision <= MAX_SEQ:
        return None
    return Reply(id=id_, revision=revision, said=now_ns, state="refused", reason=words)
