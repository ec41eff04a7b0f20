from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec
import pytest

from telemetry.contract.errors import UserError
from telemetry.contract.secret import Secret
from telemetry.runtime.common import Common
from telemetry.runtime.config import Resolved, resolve


class Sensor(msgspec.Struct, frozen=True):
    driver: str


class Edge(msgspec.Struct, frozen=True, kw_only=True):
    node: str = "here"
    watch_hz: Annotated[float, msgspec.Meta(gt=0)] = 20.0
    spool_mib: int = 512
    rails: tuple[str, ...] = ()
    fast: bool = False
    sensors: tuple[Sensor, ...] = ()
    folder: Path = Path("spool")


SECTIONS = {"": Common, "edge": Edge}


def file(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "e3p.toml"
    path.write_text(text)
    return path


def edge(resolved: Resolved) -> Edge:
    return resolved.section("edge", Edge)


def test_without_any_source_the_defaults_hold() -> None:
    resolved = resolve(SECTIONS)
    assert edge(resolved) == Edge()
    assert set(resolved.origins.values()) == {"default"}


def test_the_file_stands_over_the_defaults(tmp_path: Path) -> None:
    path = file(tmp_path, 'mqtt = "mqtt://broker"\n[edge]\nnode = "tx2"\nsensors = [{driver = "rapl"}]\n')
    resolved = resolve(SECTIONS, file=path)
    assert resolved.section("", Common).mqtt == "mqtt://broker"
    assert edge(resolved).node == "tx2"
    assert edge(resolved).sensors == (Sensor("rapl"),)
    assert resolved.origins["edge.node"] == str(path)


def test_the_environment_stands_over_the_file(tmp_path: Path) -> None:
    path = file(tmp_path, '[edge]\nnode = "file"\n')
    resolved = resolve(SECTIONS, file=path, env={"E3P_EDGE_NODE": "env", "HOME": "/"})
    assert edge(resolved).node == "env"
    assert resolved.origins["edge.node"] == "E3P_EDGE_NODE"


def test_a_flag_stands_over_everything() -> None:
    resolved = resolve(SECTIONS, env={"E3P_MQTT": "mqtt://env"}, flags={"mqtt": "mqtt://flag"})
    assert resolved.section("", Common).mqtt == "mqtt://flag"
    assert resolved.origins["mqtt"] == "--mqtt"


def test_a_flag_that_was_not_given_changes_nothing() -> None:
    assert edge(resolve(SECTIONS, flags={"edge.node": None})).node == "here"


def test_text_of_the_environment_becomes_what_the_field_is() -> None:
    env = {"E3P_EDGE_WATCH_HZ": "5", "E3P_EDGE_SPOOL_MIB": "64", "E3P_EDGE_FAST": "true"}
    env |= {"E3P_EDGE_RAILS": "VDD_IN, VDD_SYS_GPU", "E3P_EDGE_FOLDER": "/var/spool/e3p"}
    wanted = Edge(
        watch_hz=5.0,
        spool_mib=64,
        fast=True,
        rails=("VDD_IN", "VDD_SYS_GPU"),
        folder=Path("/var/spool/e3p"),
    )
    assert edge(resolve(SECTIONS, env=env)) == wanted


def test_an_unknown_key_of_the_file_is_refused_with_the_nearest_known_one(tmp_path: Path) -> None:
    path = file(tmp_path, "[edge]\nwatch_hertz = 5\n")
    with pytest.raises(UserError, match=r"edge\.watch_hertz is no setting; did you mean edge\.watch_hz\?"):
        resolve(SECTIONS, file=path)


def test_an_unknown_section_of_the_file_is_refused_with_the_nearest_known_one(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"egde is no setting; did you mean edge\?"):
        resolve(SECTIONS, file=file(tmp_path, "[egde]\nnode = 'a'\n"))


def test_an_unknown_variable_is_a_warning_with_the_nearest_known_one() -> None:
    resolved = resolve(SECTIONS, env={"E3P_EGDE_NODE": "a"})
    assert resolved.warnings == ("E3P_EGDE_NODE is no setting of e3p; did you mean E3P_EDGE_NODE?",)


def test_variables_with_another_use_are_no_warning() -> None:
    assert resolve(SECTIONS, env={"E3P_SOCKET": "/run/x", "E3P_TEST_MQTT": "mqtt://x"}).warnings == ()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[edge]\nwatch_hz = "fast"\n', "expected a number, got text"),
        ("[edge]\nwatch_hz = -1\n", "expected a number > 0.0"),
        ("[edge]\nspool_mib = 1.5\n", "expected a whole number"),
        ("[edge]\nsensors = [{}]\n", "driver is missing"),
        ("mqtt = 5\n", "expected text or nothing, got a whole number"),
        ('log = "xml"\n', "'xml'"),
    ],
)
def test_a_wrong_value_is_refused_with_key_place_and_what_would_be_right(
    tmp_path: Path, text: str, words: str
) -> None:
    path = file(tmp_path, text)
    with pytest.raises(UserError) as caught:
        resolve(SECTIONS, file=path)
    line = str(caught.value)
    key = text.split("\n")[-2].split(" ", maxsplit=1)[0]
    assert words in line
    assert key in line
    assert str(path) in line
    assert "\n" not in line


def test_a_wrong_variable_is_named_as_the_place() -> None:
    with pytest.raises(UserError, match=r"edge\.watch_hz \(E3P_EDGE_WATCH_HZ\): 'fast' is wrong"):
        resolve(SECTIONS, env={"E3P_EDGE_WATCH_HZ": "fast"})


@pytest.mark.parametrize("content", [b"[edge\n", b"\xff\xfe\x00"])
def test_a_file_that_is_no_toml_is_refused_with_its_name(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "e3p.toml"
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"e3p\.toml"):
        resolve(SECTIONS, file=path)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"none\.toml: cannot be read"):
        resolve(SECTIONS, file=tmp_path / "none.toml")


def test_a_secret_is_shown_nowhere() -> None:
    resolved = resolve(SECTIONS, env={"E3P_MQTT_PASSWORD": "hunter2"})
    assert resolved.section("", Common).mqtt_password == Secret("hunter2")
    assert "hunter2" not in repr(resolved)
    assert ("mqtt_password", "hidden", "E3P_MQTT_PASSWORD") in list(resolved.rows())


def test_a_wrong_secret_is_not_repeated_in_the_refusal(tmp_path: Path) -> None:
    with pytest.raises(UserError) as caught:
        resolve(SECTIONS, file=file(tmp_path, "mqtt_password = 12345\n"))
    assert "12345" not in str(caught.value)


def test_everything_in_force_is_listed_with_its_place() -> None:
    rows = {key: (value, place) for key, value, place in resolve(SECTIONS, flags={"store": "x"}).rows()}
    assert rows["store"] == ("x", "--store")
    assert rows["edge.folder"] == ("spool", "default")
    assert rows["edge.watch_hz"] == (20.0, "default")
