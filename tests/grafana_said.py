"""What an analyzer says after hours or weeks: a silence that is over, and a soak's verdict."""

from __future__ import annotations

import msgspec

from telemetry.contract.events import Finding
from telemetry.contract.soak import Change, Drift, Episode, Held, Soak, Windows
from telemetry.contract.soak_plan import SoakPlan, SoakWatch
from telemetry.store.interface import Revision
from tests.analyzing import S
from tests.grafana_scene import HOUR_S, SINCE_S

HELD = Held(
    name="drift",
    unit="%/day",
    budget=2.0,
    verdict="fail",
    words="more energy by the day",
    value=9.0,
    lo=7.0,
    hi=11.0,
)
DRIFT = Drift(
    metric="j_per_image",
    unit="%/day",
    per_day=9.0,
    lo=7.0,
    hi=11.0,
    level=1.0,
    level_u95=0.02,
    level_unit="J",
    windows=180,
    blocks=30,
    correlation=0.1,
)
WINDOWS = Windows(
    expected=180, complete=175, degraded=3, missing=2, resting=0, compared=170, throttled=2, frozen=0
)


def said_of(day: int) -> list[Revision]:
    """Documents for the store."""
    at = day + 13 * HOUR_S * S
    since = day + SINCE_S * S
    over = Finding(
        id="orin-2/silent",
        kind="silent",
        node="orin-2",
        at=at,
        words="nothing came for a minute",
        severity="warning",
        begin=since,
        until=since + 60 * S,
    )
    return [
        _document("event", over.id, over.node, over),
        _document("soak", "soak-1", "orin-1", soak(day)),
    ]


def soak(day: int) -> Soak:
    """Three hours of `orin-1`, which drifted, was throttled once, and failed."""
    begin, end = day + 9 * HOUR_S * S, day + 12 * HOUR_S * S
    throttled = Episode(
        kind="throttled", begin=begin + 60 * S, end=begin + 180 * S, words="2 minutes, thermal"
    )
    return Soak(
        soak="soak-1",
        name="nightly",
        node="orin-1",
        app="camera",
        model="vit-small",
        begin=begin,
        end=end,
        planned_end=end,
        at=end,
        is_over=True,
        verdict="fail",
        reasons=("drift",),
        held=(HELD,),
        drift=(DRIFT,),
        changes=(Change(metric="j_per_image", unit="J", at=day + SINCE_S * S, step=0.12, lo=0.11, hi=0.13),),
        episodes=(throttled,),
        windows=WINDOWS,
        plan=SoakPlan(name="nightly", duration="3 h", watch=SoakWatch(app="camera")),
    )


def _document(kind: str, id_: str, node: str | None, said: msgspec.Struct) -> Revision:
    return Revision(kind=kind, id=id_, revision=1, node=node, doc=msgspec.json.encode(said))
