"""Dead letters: what could not be taken, why, and its way back."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import NamedTuple

from collector.gather import Arrival
from collector.meter import Meters
from telemetry.contract.decode import Received, Unreadable, receive
from telemetry.contract.errors import Refused, UserError
from telemetry.contract.frames import StreamKey
from telemetry.contract.replies import Dead
from telemetry.contract.units import MAX_PAYLOAD_BYTES, MAX_TEXT
from telemetry.store.interface import Letter, Outcome, Store, Verdict

MAX_REASON = 1_024
"""A topic is up to 64 kB long, and a path in a message may be: nothing of a letter but its body is large."""
REFUSED = {
    Verdict.CONFLICT: Refused("conflict", "seq", "another body is stored under this key"),
    Verdict.ANCHOR: Refused("anchor", "anchor", "another anchor is stored for this boot"),
}
"""What the store refuses by its own rules, as the reason of a letter."""


class Replayed(NamedTuple):
    """What became of a letter: `verdict` when its frame was taken, `reason` when it stays a letter."""

    key: str
    verdict: Outcome | None
    reason: str | None

    @property
    def taken(self) -> bool:
        """Whether the letter is none any more."""
        return self.verdict is not None


def letter_key(topic: str, body: bytes) -> str:
    """The hash of topic and body: a repeat is the same letter. No topic holds the NUL between them."""
    return hashlib.blake2b(topic.encode() + b"\0" + body, digest_size=16).hexdigest()


def make_letter(topic: str, body: bytes, reason: Refused, at_ns: int) -> Letter:
    """The letter of a message that was refused at `at_ns` (UTC ns); one too large rests without its body."""
    stream, seq = (reason.key, reason.seq) if isinstance(reason, Unreadable) else (None, None)
    return _letter(topic, body, reason, at_ns, (stream, seq))


def refusal(outcome: Outcome) -> Refused | None:
    """Why the store did not take a frame; None when it has it."""
    if isinstance(outcome, Verdict):
        return REFUSED.get(outcome)
    return Refused("store", "frame", outcome.reason)


def refused_by_store(arrival: Arrival, reason: Refused, at_ns: int) -> Letter:
    """The letter of a frame that the store refused."""
    received = arrival.received
    address = (received.key, received.frame.seq)
    return _letter(str(received.topic), arrival.payload, reason, at_ns, address)


def announcement(letter: Letter) -> Dead:
    """What all are told of a letter."""
    return Dead(key=letter.key, topic=letter.topic, reason=letter.reason, at=letter.at)


async def find_letter(store: Store, key: str) -> Letter:
    """The letter with this key, or the only one whose key begins so. Raises `UserError`."""
    found = [each.key for each in await store.letters(bodies=False) if each.key.startswith(key)]
    if not key or not found:
        raise UserError(f"{key!r}: no such dead letter; `e3p dead list` shows their keys")
    if len(found) > 1:
        raise UserError(f"{key!r}: {len(found)} dead letters begin so; give more of the key")
    return (await store.letters(found))[0]


async def drop_letters(store: Store, letters: Sequence[Letter]) -> None:
    """Forgets letters for good: the ledger then names their frames as missing."""
    await store.drop_letters([letter.key for letter in letters])


async def replay(store: Store, letter: Letter, meters: Meters | None = None) -> Replayed:
    """Sends a letter through the line again; one that is taken now is a letter no more."""
    if letter.body is None:
        return Replayed(letter.key, None, f"{letter.reason} (its body was not kept)")
    try:
        received = await _received(store, letter.topic, letter.body, meters)
    except Refused as reason:
        return Replayed(letter.key, None, str(reason))
    outcome = Verdict.REPEAT if received is None else (await store.write([received]))[0]
    if refused := refusal(outcome):
        return Replayed(letter.key, None, str(refused))
    await store.drop_letters([letter.key])
    return Replayed(letter.key, outcome, None)


async def _received(store: Store, topic: str, body: bytes, meters: Meters | None) -> Received | None:
    got = receive(topic, body)
    if isinstance(got, Received):
        return got
    meters = meters or Meters()
    await meters.look_up(store, *got)
    return meters.frame(*got)


def _letter(
    topic: str, body: bytes, reason: Refused, at_ns: int, address: tuple[StreamKey | None, int | None]
) -> Letter:
    return Letter(
        key=letter_key(topic, body),
        topic=topic[:MAX_TEXT],
        reason=str(reason)[:MAX_REASON],
        at=at_ns,
        body=body if len(body) <= MAX_PAYLOAD_BYTES else None,
        stream=address[0],
        seq=address[1],
    )
