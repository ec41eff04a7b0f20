"""All dashboards, in the order in which a person reads them."""

from __future__ import annotations

from grafana.dashboards import fleet, node, quality, ranking, soak, trials
from grafana.panels import Dashboard

DASHBOARDS: tuple[Dashboard, ...] = (
    fleet.DASHBOARD,
    node.DASHBOARD,
    trials.DASHBOARD,
    ranking.DASHBOARD,
    soak.DASHBOARD,
    quality.DASHBOARD,
)
