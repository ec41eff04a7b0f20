"""The units are ones that systemd takes, start commands that there are, and leave them little room."""

from __future__ import annotations

import configparser
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.servers import missing_server

ROOT = Path(__file__).resolve().parents[2]
UNITS = ROOT / "deploy" / "systemd"
E3P = Path(sys.executable).with_name("e3p")
INSTALLED = "/opt/e3p/bin/e3p"
NAMES = ["e3p-edge", "e3p@serve", "e3p@collect", "e3p@analyze"]
MAX_EXPOSURE = 25
"""In tenths, as systemd counts: 100 is a program that may do anything; below 50 is "OK"."""
JUDGES_FILES = 250


def unit_of(name: str) -> Path:
    """The file of a unit, or of the template it is made from."""
    template, at, _ = name.partition("@")
    return UNITS / f"{template}{at}.service"


def analyze(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    binary = shutil.which("systemd-analyze") or missing_server("no systemd-analyze: apt-get install systemd")
    return subprocess.run([binary, *arguments], capture_output=True, text=True, check=False)


@pytest.fixture
def unit(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A unit as it is installed, but for where e3p lies on this machine."""
    name: str = request.param
    path = tmp_path / f"{name}.service"
    path.write_text(unit_of(name).read_text().replace(INSTALLED, str(E3P)))
    return path


@pytest.mark.parametrize("unit", NAMES, indirect=True)
def test_systemd_has_nothing_to_say_against_a_unit(unit: Path) -> None:
    done = analyze("verify", unit)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("unit", NAMES, indirect=True)
def test_a_unit_leaves_its_program_little_room(unit: Path) -> None:
    if int(analyze("--version").stdout.split()[1]) < JUDGES_FILES:
        pytest.skip("this systemd judges units that run, not files")
    done = analyze("security", "--offline=true", f"--threshold={MAX_EXPOSURE}", unit)
    assert done.returncode == 0, done.stdout + done.stderr


def section(name: str) -> configparser.SectionProxy:
    unit = configparser.ConfigParser(strict=False, interpolation=None, delimiters=["="])
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read(unit_of(name))
    return unit["Service"]


@pytest.mark.parametrize("name", NAMES)
def test_a_unit_starts_a_command_that_there_is(name: str) -> None:
    words = section(name)["ExecStart"].replace("%i", name.partition("@")[2]).split()
    assert words[0] == INSTALLED
    done = subprocess.run([E3P, *words[1:], "--help"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", NAMES)
def test_a_unit_waits_for_ready_and_watches_what_it_started(name: str) -> None:
    service = section(name)
    assert (service["Type"], service["Restart"]) == ("notify", "always")
    assert int(service["WatchdogSec"]) > 0
    assert service["User"] == "e3p"


def test_the_agent_still_sees_what_its_sensors_need() -> None:
    service = section("e3p-edge")
    assert "PrivateDevices" not in service
    assert "char-nvidia*" in service["DeviceAllow"]
    assert not {"ProtectProc", "ProcSubset", "PrivateUsers", "InaccessiblePaths"} & set(service)


def test_influxdb_gets_a_fresh_log_before_each_start(tmp_path: Path) -> None:
    service, drop_in = tmp_path / "influxdb.service", tmp_path / "influxdb.service.d" / "e3p.conf"
    drop_in.parent.mkdir()
    service.write_text("[Service]\nExecStart=/bin/true\n")
    installed = "/usr/local/sbin/influxdb-fresh-wal"
    words = (UNITS / "influxdb.conf").read_text()
    assert f"ExecStartPre={installed} " in words
    drop_in.write_text(words.replace(installed, str(ROOT / "deploy" / "influxdb" / "fresh-wal.sh")))
    done = analyze("verify", service)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
