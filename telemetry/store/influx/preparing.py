"""`e3p store setup`: the raw bucket's retention, the bucket for years, and the tasks that fill it."""

from __future__ import annotations

from telemetry.store.influx.downsampling import TASKS, Task
from telemetry.store.influx.server import Server
from telemetry.store.influx.setup import DAY_S, find_bucket, kept_s, make_bucket, org_id, retention_rules
from telemetry.store.steps import Step


async def set_up(server: Server, raw_days: int | None) -> list[Step]:
    """Does what is missing. Raises `UserError` where the token may not, `StoreUnavailable`."""
    raw, results, archive, long = server.address.buckets
    steps = [await _bucket(server, raw, None if raw_days is None else raw_days * DAY_S)]
    steps += [await _bucket(server, name, 0) for name in (results, archive, long)]
    org = await org_id(server)
    return [*steps, *[await _task(server, org, task) for task in TASKS]]


async def _bucket(server: Server, name: str, wanted_s: int | None) -> Step:
    """A bucket with its retention; `wanted_s` None: whatever it has."""
    found = await find_bucket(server, name)
    if found is None:
        await make_bucket(server, name, wanted_s or 0)
        return Step(what="bucket", name=name, outcome="made", words=_kept(wanted_s or 0))
    held_s = kept_s(found)
    if wanted_s is None or held_s == wanted_s:
        return Step(what="bucket", name=name, outcome="kept", words=_kept(held_s))
    change = {"retentionRules": retention_rules(wanted_s)}
    await server.call("PATCH", f"/api/v2/buckets/{found['id']}", change)
    return Step(
        what="bucket", name=name, outcome="changed", words=f"{_kept(wanted_s)}, before {_kept(held_s)}"
    )


async def _task(server: Server, org: str, task: Task) -> Step:
    """A task with its program; one of this name that does something else is changed."""
    name, flux = task.name(server.address), task.flux(server.address)
    words = f"{' and '.join(task.windows)} of the last {task.reach}, every {task.every}"
    found = await server.call("GET", "/api/v2/tasks", orgID=org, name=name)
    if not found["tasks"]:
        await server.call("POST", "/api/v2/tasks", {"orgID": org, "flux": flux, "status": "active"})
        return Step(what="task", name=name, outcome="made", words=words)
    held = found["tasks"][0]
    if held["flux"] == flux and held["status"] == "active":
        return Step(what="task", name=name, outcome="kept", words=words)
    await server.call("PATCH", f"/api/v2/tasks/{held['id']}", {"flux": flux, "status": "active"})
    return Step(what="task", name=name, outcome="changed", words=words)


def _kept(seconds: int) -> str:
    if not seconds:
        return "for ever"
    days = seconds / DAY_S
    return f"{days:g} day{'s' * (days != 1)}"
