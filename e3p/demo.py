"""The demonstration: a server and an agent as separate processes, real models, two recorded devices."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import anyio
import msgspec

from analyzer.screening import Thresholds, screen
from e3p.children import Child
from e3p.output import say
from e3p.progress import Progress
from e3p.published import accuracy_refs, candidates
from e3p.recorded import Recorded, recorded_runs
from e3p.trialing import Trials
from e3p.watch import Watch
from edge_node.power.discover import best, discover
from telemetry.contract.documents import LedgerRow, Result
from telemetry.contract.errors import UserError
from telemetry.contract.ranking import Ranking
from telemetry.runtime.address import Address
from telemetry.store.books import read_ledger
from telemetry.store.open import opened_store

NODE = "demo"
READY_S = 30.0
RESULTS_S = 30.0
DATASET = "imagenet-1k"
EVERYTHING = "e3p/v1/#"


class Plan(NamedTuple):
    """What to run, and where its files go; `module` is a file with models of one's own."""

    out: Path
    models: Sequence[str]
    images: int
    trials: int
    debug: bool = False
    module: Path | None = None


class Shown(NamedTuple):
    """What came of it. `recorded` pairs each recorded run with our result for its window."""

    results: list[Result]
    recorded: list[tuple[Recorded, Result]]
    rankings: list[Ranking]
    ledger: list[LedgerRow]
    status: int


def store_of(plan: Plan) -> str:
    """The URL of the demonstration's store."""
    return f"sqlite:///{plan.out.absolute() / 'e3p.db'}"


async def run_demo(plan: Plan) -> Shown:
    """Runs it all; whatever happens, every process it started has ended when this returns."""
    try:
        plan.out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"--out {plan.out}: no folder can be made there ({error.strerror})") from None
    store = store_of(plan)
    with ExitStack() as stack:
        # The path of a Unix socket has room for about a hundred characters only.
        marks = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="e3p-"))) / "marks.sock"
        env = {**os.environ, "E3P_SOCKET": str(marks), "E3P_STORE": store}
        serve = ["serve", "--store", store, "--broker-port", "0", "--port", "0"]
        server = stack.enter_context(Child(serve, plan.out / "serve.log", env))
        ready = await server.ready()
        env["E3P_MQTT"] = ready["mqtt"]
        agent_env = {**env, "E3P_EDGE_SPOOL": str(plan.out / "edge.spool"), "E3P_EDGE_ALLOW_ESTIMATE": "true"}
        agent = stack.enter_context(Child(["edge", "--node", NODE], plan.out / "edge.log", agent_env))
        say(f"server at {env['E3P_MQTT']}, its store {store}")
        say(f"watch it while it runs: {ready['page']}")
        _tell_sensors()
        _tell_screening(plan.models)
        if plan.debug:
            say(f"process ids: demo {os.getpid()}, serve {server.pid}, edge {agent.pid}")
        status, results = await _trials(plan, Address.parse(env["E3P_MQTT"]), str(marks), agent)
        recorded = [await _replayed(run, plan, env) for run in recorded_runs()]
    return Shown(results, recorded, *await _books(store), status)


def _tell_screening(models: Sequence[str]) -> None:
    """Stage 1 on paper: who passes, and where the models that are measured now stand among them."""
    limits = Thresholds()
    known = candidates()
    passing = screen(known, limits).passing
    places = {each.model: f"number {each.rank}" for each in reversed(passing)}
    failing = {each.model for each in known} - places.keys()
    say(
        f"Stage 1: {len(passing)} of {len(known)} candidates pass (Top-1 from {limits.min_top1:g} %, "
        f"below {limits.max_params:g} M parameters and {limits.max_macs:g} G MACs); measured now:"
    )
    for model in models:
        other = "does not pass" if model in failing else "is not among the candidates"
        say(f"  {model}: {places.get(model, other)}")


def _tell_sensors() -> None:
    """Which sensor the agent takes here, and why not the others."""
    found = discover()
    taken = best(found)
    for each in found:
        mark = "taken" if taken is not None and each.spec == taken else "passed over"
        say(f"sensor {each.driver}: {mark}: {each.reason}")


async def _trials(plan: Plan, address: Address, marks: str, agent: Child) -> tuple[int, list[Result]]:
    """Runs the models under the agent's eyes; the runner's exit code and the analyzer's results."""
    watch = Watch(address, [EVERYTHING])
    spec = {
        "models": list(plan.models),
        "dataset": DATASET,
        "images": plan.images,
        "batch_size": 8,
        "trials": plan.trials,
        "min_s": 2,
        "warmup_s": 4,
        "idle_s": 3,
        "cooldown_s": 1,
        "cooldown_most_s": 5,
        "accuracy_refs": accuracy_refs(list(plan.models)),
        "module": plan.module and str(plan.module.absolute()),
    }
    trials = Trials(spec, sys.executable, marks)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(watch.run)
        await watch.connected()
        if not await watch.until(lambda: watch.states.get(NODE) == "ready", READY_S):
            raise UserError(f"the agent is not ready within {READY_S:g} s: its words are in {agent.log}")
        with Progress() as progress:
            status = await trials.run(progress.show)
        results = await watch.of_trials(trials.ended, RESULTS_S)
        tasks.cancel_scope.cancel()
    if plan.debug:
        for topic, count in sorted(watch.messages.items()):
            say(f"{count:6d}  {topic}")
    return status, sorted(results, key=lambda result: (result.model or "", result.index or 0))


async def _replayed(run: Recorded, plan: Plan, env: dict[str, str]) -> tuple[Recorded, Result]:
    """A recorded device goes the same way as a live one: over the broker, into the store."""
    words = [
        sys.executable,
        "-m",
        "e3p",
        "import",
        "ptd",
        str(run.log),
        "--node",
        run.node,
        "--device",
        run.device,
    ]
    window = ["--begin", run.begin, "--end", run.end, "--json"]
    with (plan.out / "import.log").open("ab") as log:
        done = await anyio.run_process([*words, *window], env=env, check=False, stderr=log)
    if done.returncode == 2:
        raise UserError(f"the import of {run.log.name} failed: its words are in {log.name}")
    return run, msgspec.json.decode(done.stdout, type=list[Result])[0]


async def _books(store: str) -> tuple[list[Ranking], list[LedgerRow]]:
    """What the store holds once every process has said its last word."""
    async with opened_store(store, create=False) as opened:
        rankings = [msgspec.json.decode(r.doc, type=Ranking) for r in await opened.latest("ranking")]
        return rankings, await read_ledger(opened)
