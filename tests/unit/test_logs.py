from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest

from telemetry.contract.secret import Secret
from telemetry.runtime import logs

log = logs.get("collector")


@pytest.fixture(autouse=True)
def _levels_as_before() -> Iterator[None]:
    root, ours = logging.getLogger(), logging.getLogger(logs.ROOT)
    before = (root.handlers[:], root.level, ours.level)
    yield
    root.handlers[:] = before[0]
    root.setLevel(before[1])
    ours.setLevel(before[2])


def json_lines(stream: io.StringIO) -> list[dict]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_an_event_is_one_json_object_a_line() -> None:
    stream = io.StringIO()
    logs.configure("json", stream=stream)
    log.info("stored", frames=12, watts=1.5, node="tx2", empty=None)
    (line,) = json_lines(stream)
    assert line.pop("time").endswith("Z")
    assert line == {
        "level": "info",
        "log": "collector",
        "event": "stored",
        "frames": 12,
        "watts": 1.5,
        "node": "tx2",
        "empty": None,
    }


def test_text_reads_from_left_to_right() -> None:
    stream = io.StringIO()
    logs.configure("text", stream=stream)
    log.warning("broker lost", why="connection refused", again_in_s=0.2)
    line = stream.getvalue()
    assert line.endswith(' WARNING collector broker lost why="connection refused" again_in_s=0.2\n')


@pytest.mark.parametrize("style", ["json", "text"])
def test_a_line_break_in_a_fact_makes_no_second_line(style: logs.Format) -> None:
    stream = io.StringIO()
    logs.configure(style, stream=stream)
    log.error("refused\nforged line", topic="a\nb\r\nc")
    assert stream.getvalue().count("\n") == 1


@pytest.mark.parametrize("style", ["json", "text"])
def test_no_secret_is_written(style: logs.Format) -> None:
    stream = io.StringIO()
    logs.configure(style, stream=stream)
    log.info("connecting", password="hunter2", api_token="hunter2", value=Secret("hunter2"))
    log.info("at mqtt://user:hunter2@broker", url="mqtt://user:hunter2@broker", all=["mqtt://u:hunter2@b"])
    log.info("failed", error=OSError("mqtt://user:hunter2@broker"))
    assert "hunter2" not in stream.getvalue()


def test_a_fact_cannot_overwrite_the_lines_own_fields() -> None:
    stream = io.StringIO()
    logs.configure("json", stream=stream)
    log.info("stored", level="high", time=5)
    (line,) = json_lines(stream)
    assert (line["level"], line["level_"], line["time_"]) == ("info", "high", 5)


def test_what_json_cannot_say_is_said_as_text() -> None:
    stream = io.StringIO()
    logs.configure("json", stream=stream)
    log.info("odd", value=object, nan=float("nan"), error=ValueError("no"))
    (line,) = json_lines(stream)
    assert line["error"] == "no"
    assert line["nan"] is None


def test_events_below_the_level_are_left_out() -> None:
    stream = io.StringIO()
    logs.configure("text", "warning", stream)
    log.info("stored")
    log.debug("stored")
    assert stream.getvalue() == ""


def test_libraries_are_heard_from_warning_up() -> None:
    stream = io.StringIO()
    logs.configure("json", "debug", stream)
    logging.getLogger("urllib3").info("chatter")
    logging.getLogger("urllib3").warning("trouble with %s", "this")
    (line,) = json_lines(stream)
    assert (line["log"], line["event"]) == ("urllib3", "trouble with this")


def test_configuring_twice_writes_each_line_once() -> None:
    stream = io.StringIO()
    logs.configure("text", stream=stream)
    logs.configure("text", stream=stream)
    log.info("stored")
    assert stream.getvalue().count("\n") == 1


def test_a_traceback_stays_inside_its_json_line() -> None:
    stream = io.StringIO()
    logs.configure("json", stream=stream)
    try:
        int("broken")
    except ValueError:
        logging.getLogger("library").exception("failed")
    (line,) = json_lines(stream)
    assert "ValueError: invalid literal" in line["traceback"]
