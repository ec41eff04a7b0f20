"""The child that carries out a node's part: what `e3p trial` does, on the run of a campaign.

It tells what happens in JSON lines on standard output, writes down what has ended before it tells of it, and
ends with the agent that started it.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from typing import TYPE_CHECKING

import anyio
import msgspec

from e3p.asking import run_of
from e3p.campaign import Campaign
from e3p.campaigns.keeping import Keeping
from e3p.campaigns.limits import with_folders
from e3p.trialing import NoAgent, by_its_own_name, find_agent
from e3p.watch import NoBroker
from telemetry.contract.errors import UserError

if TYPE_CHECKING:
    from e3p.campaigns.part import Part
    from e3p.plans import Run
    from e3p.settings import Settings

TOLD = ("plan", "loading", "trial_begin", "trial_end", "error")
RESULTS_S = 30.0


def carry_out(settings: Settings, id_: str) -> int:
    """Runs what is left of a part; the exit code: 2 where nothing of it can ever run as it is."""
    keeping = Keeping(settings.edge)
    part = keeping.parts().get(id_)
    if part is None:
        raise UserError(f"{id_}: no such campaign in {keeping.folder}")
    threading.Thread(target=_end_with_the_agent, daemon=True).start()
    with keeping.alone():
        try:
            return _carry_out(settings, keeping, part)
        except (NoBroker, NoAgent) as error:
            _tell({"event": "over", "why": str(error), "away": True})
            return 1
        except (UserError, OSError) as error:
            _tell({"event": "over", "why": str(error), "away": False})
            return 2


def _carry_out(settings: Settings, keeping: Keeping, part: Part) -> int:
    run = prepared(settings, keeping, part)
    keeping.shelf.keep(run)
    _tell({"event": "begun"})
    marks = find_agent(settings.edge.socket_paths())
    campaign = Campaign(run, keeping.shelf, marks, by_its_own_name, _tell)
    return 0 if anyio.run(campaign.run, settings.common.address(), RESULTS_S).is_whole else 1


def prepared(settings: Settings, keeping: Keeping, part: Part) -> Run:
    """The run of a part as it goes on now: with the owner's folders and interpreter of today.

    What was left out stays so, until a command asks for all of it again.
    """
    done = keeping.run(part)
    plan = with_folders(part.plan, settings.edge)
    fresh = run_of(plan, settings.edge.campaign_python or sys.executable)
    left_out = done.left_out if part.left_out else ()
    return msgspec.structs.replace(fresh, group=part.id, goes_on=True, ended=done.ended, left_out=left_out)


def _tell(event: dict[str, object]) -> None:
    if event.get("event") in (*TOLD, "begun", "over"):
        sys.stdout.write(msgspec.json.encode(event).decode() + "\n")
        sys.stdout.flush()


def _end_with_the_agent() -> None:
    """The agent holds the other end of standard input, and lets go of it however it ends.

    Its descriptor is read, because an interpreter cannot end while a thread waits inside of `sys.stdin`.
    """
    while os.read(0, 1):
        pass
    os.kill(os.getpid(), signal.SIGINT)
