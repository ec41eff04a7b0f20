from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry.contract.errors import UserError
from telemetry.contract.hiding import hide_secrets

WORDS = st.text(st.characters(exclude_characters=" :/@'\"?&=", exclude_categories=("Z", "C")), min_size=1)
PASSWORDS = st.text(st.characters(exclude_characters="'\"", exclude_categories=("Z", "C")), min_size=1)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("mqtt://node:pass@host:1883", "mqtt://node:hidden@host:1883"),
        ("mqtt://node:p@ss/w:rd@host", "mqtt://node:hidden@host"),
        ("mqtt://:pass@host", "mqtt://:hidden@host"),
        ("node:pass@host", "node:hidden@host"),
        ("influxdb://h:8086/?org=o&token=abc&bucket=b", "influxdb://h:8086/?org=o&token=hidden&bucket=b"),
    ],
)
def test_what_does_not_belong_into_an_address_is_hidden(text: str, shown: str) -> None:
    assert hide_secrets(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "mqtt://node@host:1883",
        "mqtt://[::1]:1883 and influxdb://host:8086/?org=a&bucket=b",
        '{"time": "12:30:01", "name": "a@b", "n": 1}',
        "sqlite:////var/lib/e3p/e3p.db",
        "field events[2].hits: 2 hits for 3 images",
    ],
)
def test_other_text_stays_as_it_is(text: str) -> None:
    assert hide_secrets(text) == text


@given(WORDS, PASSWORDS, WORDS)
def test_no_password_in_an_address_survives(user: str, password: str, host: str) -> None:
    text = f"broker address mqtt://{user}:{password}@{host}:1883 is refused"
    assert hide_secrets(text) == f"broker address mqtt://{user}:hidden@{host}:1883 is refused"


def test_a_persons_error_repeats_no_secret() -> None:
    assert (
        str(UserError("store 'sqlite://me:pass@there': wrong")) == "store 'sqlite://me:hidden@there': wrong"
    )
