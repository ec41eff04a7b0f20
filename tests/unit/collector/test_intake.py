from __future__ import annotations

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from tests.collecting import TOPIC, Line, Moody, payload

TOPICS = st.sampled_from([TOPIC, "e3p/v1/n1/marks/main", "e3p/v1/n1/state", "e3p/v1/n1/power"]) | st.text(
    max_size=40
)


@st.composite
def bent(draw: st.DrawFn) -> bytes:
    """A good message with a few bytes changed, and perhaps its end torn off."""
    body = bytearray(payload(0))
    for _ in range(draw(st.integers(0, 4))):
        body[draw(st.integers(0, len(body) - 1))] = draw(st.integers(0, 255))
    return bytes(body[: draw(st.integers(0, len(body)))])


def gathered(topic: str, body: bytes) -> int:
    """How many items one message gives; the store is away, so that a meter's message is shed."""
    store = Moody(None)  # type: ignore[arg-type]
    store.leave()

    async def take() -> int:
        line = Line(store)
        await line.intake.take(topic, body)
        return len(line.desk.gather) + int(line.counted("shed_total", bound="store"))

    return asyncio.run(take())


@given(TOPICS, bent() | st.binary(max_size=60))
def test_each_message_is_a_frame_or_a_letter_and_none_stops_the_intake(topic: str, body: bytes) -> None:
    assert gathered(topic, body) == 1 or topic == "e3p/v1/n1/state"
