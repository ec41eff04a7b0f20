"""Commands as they come: read, or refused in a reply where it is clear whose they are."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from e3p.campaigns.reading import Unlawful, read_command
from telemetry.contract.commands import MAX_COMMAND_BYTES, Command
from telemetry.contract.encode import ENCODINGS, Encoding, encode
from telemetry.contract.plan import CampaignPlan

COMMAND = Command(id="night-1", revision=3, wish="run", plan=CampaignPlan(name="night", models=("a",)))


def payload(**changed: Any) -> bytes:
    return msgspec.json.encode({**msgspec.to_builtins(COMMAND), **changed})


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_command_is_read_as_it_was_sent(encoding: Encoding) -> None:
    assert read_command(encode(COMMAND, encoding)) == COMMAND


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"wish": "reboot"}, "wish"),
        ({"plan": {"name": "night", "models": ["a"], "python": "/bin/sh"}}, "python"),
        ({"plan": {"name": "night"}}, "models"),
        ({"v": 2}, "only 1"),
    ],
)
def test_what_is_not_understood_is_refused_with_the_reason(changed: dict[str, Any], words: str) -> None:
    with pytest.raises(Unlawful) as refused:
        read_command(payload(**changed), now_ns=7)
    reply = refused.value.reply
    assert reply is not None
    assert (reply.id, reply.revision, reply.state, reply.said) == ("night-1", 3, "refused", 7)
    assert words in (reply.reason or "")


@pytest.mark.parametrize("changed", [{"id": "../x"}, {"id": 5}, {"revision": -1}, {"revision": "3"}])
def test_where_nobody_knows_whose_it_is_nothing_is_answered(changed: dict[str, Any]) -> None:
    with pytest.raises(Unlawful) as refused:
        read_command(payload(**changed))
    assert refused.value.reply is None


@pytest.mark.parametrize("junk", [b"", b"{", b"\xc1", b"[]", b"{" * 10_000])
def test_junk_is_no_command(junk: bytes) -> None:
    with pytest.raises(Unlawful):
        read_command(junk)


def test_a_command_that_is_too_large_is_not_even_parsed() -> None:
    with pytest.raises(Unlawful, match="has at most"):
        read_command(payload(padding="x" * MAX_COMMAND_BYTES))
