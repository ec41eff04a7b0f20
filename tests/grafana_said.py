"""What the analyzer says after hours or weeks, as it words it: findings, and a soak's verdict."""

from __future__ import annotations

import msgspec

from telemetry.contract.events import Finding
from telemetry.contract.soak import Change, Drift, Episode, Held, Soak, Windows
from telemetry.contract.soak_plan import SoakPlan, SoakWatch
from telemetry.store.interface import Revision
from tests.analyzing import S
from tests.grafana_scene import HOUR_S, SINCE_S


def said_of(day: int) -> list[Revision]:
    """A soak's verdict, and findings, as the analyzer words them."""
    at = day + 13 * HOUR_S * S
    since = day + SINCE_S * S
    regression = Finding(
        id="orin-1/regression/vit-small",
        kind="regression",
        node="orin-1",
        at=at,
        words="vit-small takes 12 % more energy for an image since 10:00",
        severity="alarm",
        model="vit-small",
        device="jetson-orin-nx",
        begin=since,
        value=1.12,
        expected=1.0,
        unit="J",
    )
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
    frozen = Finding(
        id="tx2-1/frozen/main",
        kind="frozen",
        node="tx2-1",
        at=at,
        words="power/main says the same since 11:00",
        severity="alarm",
        subject="power/main",
        begin=day + 11 * HOUR_S * S,
    )
    found = [_document("event", each.id, each.node, each) for each in (regression, over, frozen)]
    return [*found, _document("soak", "soak-1", "orin-1", soak(day))]


def soak(day: int) -> Soak:
    """Three hours of `orin-1`, which drifted, was throttled once, and failed."""
    begin, end = day + 9 * HOUR_S * S, day + 12 * HOUR_S * S
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
        held=(
            Held(
                name="drift",
                unit="%/day",
                budget=2.0,
                verdict="fail",
                words="more energy by the day",
                value=9.0,
                lo=7.0,
                hi=11.0,
            ),
        ),
        drift=(
            Drift(
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
            ),
        ),
        changes=(Change(metric="j_per_image", unit="J", at=day + SINCE_S * S, step=0.12, lo=0.11, hi=0.13),),
        episodes=(
            Episode(kind="throttled", begin=begin + 60 * S, end=begin + 180 * S, words="thermal, 2 minutes"),
        ),
        windows=Windows(
            expected=180, complete=175, degraded=3, missing=2, resting=0, compared=170, throttled=2, frozen=0
        ),
        plan=SoakPlan(name="nightly", duration="3 h", watch=SoakWatch(app="camera")),
    )


def _document(kind: str, id_: str, node: str | None, said: msgspec.Struct) -> Revision:
    return Revision(kind=kind, id=id_, revision=1, node=node, doc=msgspec.json.encode(said))
