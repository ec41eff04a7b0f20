"""Real devices, recorded by a calibrated meter: our energy beside the official one."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest

from analyzer.query import reanalyze
from e3p.importing import Job, import_recording
from e3p.recordings import boot_of, parcels
from e3p.settings import load
from e3p.times import parse_time
from edge_node.power import ptdaemon
from telemetry.contract.documents import Result
from telemetry.store.books import read_ledger
from telemetry.store.open import opened_store

DATA = Path(__file__).parents[1] / "data" / "mlperf-power-v2.0"
WITH_ERROR_VALUES = "Orin_TRT_MaxQ__ssd-resnet34__Offline.spl.txt"
LINES = [
    f"Time,02-17-2022 12:00:{second:02d}.000,Watts,{30 + second % 3}.5,Volts,12.0,Amps,2.5,PF,0.99,Mark,x"
    for second in range(60)
]


class Run(NamedTuple):
    """A recorded run: its log, its window as the log writes it, its official energy."""

    file: Path
    begin: str
    end: str
    official_j: float


def recorded() -> dict[str, Run]:
    with (DATA / "runs.csv").open(encoding="utf-8", newline="") as lines:
        return {
            row["file"]: Run(DATA / row["file"], row["power_begin"], row["power_end"], float(row["energy_j"]))
            for row in csv.DictReader(lines)
        }


RUNS = recorded()


def e3p(*arguments: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    """The command line as a person runs it, in a folder of its own."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("E3P_")}
    command = [sys.executable, "-m", "e3p", *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, timeout=120, check=False)


def import_ptd(file: Path, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    node = [] if "--node" in arguments else ["--node", "orin"]
    return e3p("import", "ptd", file, *node, "--store", "sqlite:///e3p.db", *arguments, cwd=cwd)


def window(run: Run) -> tuple[str, ...]:
    return "--begin", run.begin, "--end", run.end


def answered(done: subprocess.CompletedProcess[str], code: int) -> list[dict[str, Any]]:
    assert done.returncode == code, done.stderr
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


def job_of(run: Run) -> Job:
    recording = ptdaemon.read(run.file)
    boot = boot_of(run.file, "orin")
    edges = parse_time(run.begin), parse_time(run.end)
    return Job("orin", boot, parcels(recording, "orin", boot, "jetson"), [edges])


@pytest.mark.anyio
@pytest.mark.parametrize("name", RUNS)
async def test_a_recorded_run_has_the_official_energy(name: str, tmp_path: Path) -> None:
    run = RUNS[name]
    job, settings = job_of(run), load(store=f"sqlite:///{tmp_path}/e3p.db")
    (result,) = await import_recording(job, settings)
    assert result.energy_j == pytest.approx(run.official_j, rel=0.001 if name == WITH_ERROR_VALUES else 0.005)
    assert (result.origin, result.kind, result.revision) == ("replayed", "interval", 1)
    assert result.state != "invalid"
    async with opened_store(settings.common.store, create=False) as store:
        rows = await read_ledger(store, "orin")
        assert all(row.closed and row.ticks_off in (0, None) for row in rows)
        assert await import_recording(job, settings) == [result]
        assert await reanalyze(store, -(2**63), 1) == []
        assert await read_ledger(store, "orin") == rows
        assert [revision.revision for revision in await store.latest("result")] == [1]


def test_all_recorded_runs_are_there() -> None:
    assert len(RUNS) == 23


def test_the_command_line_gives_the_energy_of_a_recorded_run_twice_the_same(tmp_path: Path) -> None:
    run = RUNS[WITH_ERROR_VALUES]
    first = import_ptd(run.file, *window(run), "--device", "jetson-agx-orin", "--json", cwd=tmp_path)
    (result,) = answered(first, 0)
    assert result["energy_j"] == pytest.approx(run.official_j, rel=0.001)
    assert (result["device"], result["origin"], result["state"]) == ("jetson-agx-orin", "replayed", "valid")
    assert "error values of the meter" in first.stderr
    ledger = answered_ledger(tmp_path)
    second = import_ptd(run.file, *window(run), "--device", "jetson-agx-orin", "--json", cwd=tmp_path)
    assert answered(second, 0) == [result]
    assert answered_ledger(tmp_path) == ledger
    assert e3p("reanalyze", "--store", "sqlite:///e3p.db", cwd=tmp_path).stdout == "nothing changed\n"


def answered_ledger(folder: Path) -> dict[str, Any]:
    done = e3p("ledger", "--store", "sqlite:///e3p.db", "--json", cwd=folder)
    assert done.returncode == 0, done.stderr
    ledger: dict[str, Any] = json.loads(done.stdout)
    assert ledger["closed"] is True
    assert sum(row["missing_count"] for row in ledger["streams"]) == 0
    return ledger


def log(folder: Path, *lines: str) -> Path:
    file = folder / "power.spl.txt"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file


def test_a_table_for_people_has_energy_budget_and_state(tmp_path: Path) -> None:
    done = import_ptd(log(tmp_path, *LINES), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    for word in ("energy", "replayed", "budget of main", "sampling", "valid"):
        assert word in done.stdout


def test_several_windows_have_a_result_each(tmp_path: Path) -> None:
    times = [f"02-17-2022 12:00:{second:02d}.000" for second in (5, 25, 30, 55)]
    edges = "--begin", times[0], "--end", times[1], "--begin", times[2], "--end", times[3]
    results = answered(import_ptd(log(tmp_path, *LINES), *edges, "--json", cwd=tmp_path), 0)
    assert [round((result["end"] - result["begin"]) / 1e9) for result in results] == [20, 25]


def test_a_zone_moves_the_times_and_not_the_energy(tmp_path: Path) -> None:
    file = log(tmp_path, *LINES)
    (here,) = answered(import_ptd(file, "--node", "here", "--json", cwd=tmp_path), 0)
    (there,) = answered(import_ptd(file, "--node", "there", "--tz", "Asia/Tokyo", "--json", cwd=tmp_path), 0)
    assert here["begin"] - there["begin"] == 9 * 3600 * 10**9
    assert there["energy_j"] == here["energy_j"]


def test_a_window_outside_of_the_log_is_invalid_and_its_energy_null(tmp_path: Path) -> None:
    edges = "--begin", "02-18-2022 12:00:00.000", "--end", "02-18-2022 12:01:00.000"
    done = import_ptd(log(tmp_path, *LINES), *edges, "--json", cwd=tmp_path)
    (result,) = answered(done, 1)
    assert (result["state"], result["reasons"]) == ("invalid", ["no_samples"])
    assert result.get("energy_j") is None
    assert result.get("mean_w") is None
    assert result["samples"] == 0


def test_a_last_line_that_was_cut_is_left_out_and_told(tmp_path: Path) -> None:
    done = import_ptd(log(tmp_path, *LINES, "Time,02-17-2022 12:01"), "--json", cwd=tmp_path)
    (result,) = answered(done, 0)
    assert result["samples"] == 60
    assert "1 last line cut short (left out)" in done.stderr


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (["Time,12:00,Amps,3"], "power.spl.txt:1: not a line of a PTDaemon log"),
        (["a;b;c", *LINES], "power.spl.txt:1: not a line of a PTDaemon log"),
        ([*LINES[:9], "half a line", *LINES[9:]], "power.spl.txt:10: not a line of a PTDaemon log"),
        ([LINES[0].replace("30.5", "many")], "power.spl.txt:1: watts 'many'"),
        ([LINES[0].replace("02-17", "02-31")], "power.spl.txt:1: time '02-31-2022"),
        ([LINES[5], LINES[4]], "power.spl.txt:2: time 02-17-2022 12:00:04.000 lies before"),
        ([""], "empty"),
    ],
)
def test_a_file_that_is_no_such_log_is_refused_by_its_line(
    lines: list[str], words: str, tmp_path: Path
) -> None:
    refused(import_ptd(log(tmp_path, *lines), cwd=tmp_path), words)
    assert not (tmp_path / "e3p.db").exists()


def test_a_binary_file_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "power.bin"
    file.write_bytes(bytes(range(256)) * 8)
    refused(import_ptd(file, cwd=tmp_path), "power.bin: not text")
    file.write_bytes(b"Time,\0,Watts")
    refused(import_ptd(file, cwd=tmp_path), "power.bin: binary")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--tz", "Middle/Earth"), "time zone 'Middle/Earth' is unknown"),
        (("--begin", "12:00"), "1 --begin and 0 --end: give one --end for each --begin"),
        (("--end", "02-17-2022 12:00:10.000"), "0 --begin and 1 --end"),
        (("--begin", "02-17-2022 12:00:10.000", "--end", "02-17-2022 12:00:10.000"), "ends after it begins"),
        (("--begin", "noon", "--end", "02-17-2022 12:00:10.000"), "'noon' is no time"),
        (("--begin", "0", "--end", "99999999999999999999"), "lies beyond the years"),
        (("--node", "tx2/garage"), "--node 'tx2/garage'"),
        (("--node", "fleet"), "--node 'fleet'"),
        (("--node", ""), "--node ''"),
        (("--device", "x" * 300), "--device"),
        (("--store", "mysql://x"), "mysql"),
        (("--store", "sqlite:////dev/null/e3p.db"), "/dev/null/e3p.db"),
        (("--colour", "red"), "--colour"),
    ],
)
def test_a_wrong_argument_is_refused_by_its_name(
    arguments: tuple[str, ...], words: str, tmp_path: Path
) -> None:
    refused(import_ptd(log(tmp_path, *LINES), *arguments, cwd=tmp_path), words)


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    refused(import_ptd(tmp_path / "nothing.txt", cwd=tmp_path), "nothing.txt: No such file or directory")
    refused(import_ptd(tmp_path, cwd=tmp_path), "Is a directory")


def test_a_file_that_was_read_differently_before_is_refused(
    tmp_path: Path,
) -> None:
    file = log(tmp_path, *LINES)
    answered(import_ptd(file, "--json", cwd=tmp_path), 0)
    for changed in (("--tz", "Asia/Tokyo"), ("--device", "jetson-nano")):
        refused(import_ptd(file, *changed, cwd=tmp_path), "read differently")
    letters = e3p("dead", "list", "--store", "sqlite:///e3p.db", "--json", cwd=tmp_path)
    assert json.loads(letters.stdout)["letters"] == []


def refused(done: subprocess.CompletedProcess[str], words: str) -> None:
    """Exit 2, nothing on standard output, and one line that says what was wrong."""
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith("e3p: ")
    assert words in line
    assert "Traceback" not in line


def test_results_are_those_of_the_contract(tmp_path: Path) -> None:
    """The list that --json prints reads back as `Result` documents."""
    done = import_ptd(log(tmp_path, *LINES), "--json", cwd=tmp_path)
    (result,) = msgspec.json.decode(done.stdout, type=list[Result])
    assert (result.v, result.node, result.stream, result.kind) == (1, "orin", "main", "interval")
