"""Why a connection to a broker ended or did not come about, and whether waiting alone can mend it."""

from __future__ import annotations

from collections import Counter
from functools import cache
from typing import NamedTuple

import aiomqtt
from aiomqtt.exceptions import MqttConnectError

# Refusals of CONNACK (MQTT 3.1.1, 3.2.2.3), and what paho makes of them.
REFUSALS = {
    1: "the broker does not speak MQTT 3.1.1",
    2: "the broker refuses the client's id",
    4: "the broker refuses the user's name or password",
    5: "the broker does not let this client in: wrong user, password or certificate",
}
REFUSALS |= {132: REFUSALS[1], 133: REFUSALS[2], 134: REFUSALS[4], 135: REFUSALS[5]}

SELDOM = 8
"""A link's first so many tries take some ten seconds: it is no hiccup any more."""


class Trouble(NamedTuple):
    """The cause in words; `refused`: somebody said no, and has to think again."""

    words: str
    refused: bool = False


class Outage:
    """What was in the way since a broker was last there: the same words are said again ever more seldom."""

    def __init__(self) -> None:
        self._tries: Counter[str] = Counter()

    def tries_to_tell(self, words: str) -> int | None:
        """How many tries have ended with these words, if a line is due: for 1, 8, 16, 32 and so on."""
        self._tries[words] += 1
        tries = self._tries[words]
        return tries if tries == 1 or (tries >= SELDOM and tries & (tries - 1) == 0) else None

    def over(self) -> None:
        """Somebody is connected: what comes next is news."""
        self._tries.clear()


@cache
def outage_of(url: str) -> Outage:  # noqa: ARG001 - the key of the cache
    """One for all links of this process to a broker, which would all say the same."""
    return Outage()


class Refusal(Exception):
    """The broker understood and said no."""


def trouble_of(error: Exception) -> Trouble:
    """What an error of the link means."""
    if isinstance(error, aiomqtt.MqttCodeError):
        words = REFUSALS.get(_number(error.rc)) if isinstance(error, MqttConnectError) else None
        return Trouble(words or str(error), refused=words is not None)
    cause = error.__cause__ or error
    words = cause.strerror if isinstance(cause, OSError) else None
    return Trouble(words or str(cause), isinstance(error, Refusal))


def is_failure(code: object) -> bool:
    """Whether a code of SUBACK says no."""
    return _number(code) >= 0x80


def _number(code: object) -> int:
    """A code of the library's, which comes as a number or as an object of its own."""
    value = getattr(code, "value", code)
    return value if isinstance(value, int) else 0
