"""What the dashboards of a node and of a trial share: power by rail, with trials marked in it."""

from __future__ import annotations

from grafana.asked import ONLY_PARTS, ONLY_TOTALS, power, trial_windows
from grafana.panels import WATT, Note, Panel
from grafana.queries import OF_NODE

LABEL = "${__field.name} ${__field.labels.stream} ${__field.labels.of}"
NOTES = (Note(name="Trials", colour="blue", query=trial_windows(OF_NODE)),)


def power_panels(title: str) -> tuple[Panel, Panel]:
    """The totals of one node's streams, and the rails that they are made of; titles begin with this word."""
    total, parts = (
        Panel(
            kind="timeseries",
            title=f"{title}, {what}",
            words=words,
            empty=empty,
            queries=(power(OF_NODE, chosen),),
            unit=WATT,
            name=LABEL,
            band=True,
            height=10,
        )
        for what, words, empty, chosen in (
            (
                "total",
                "Each stream's mean of each interval, minimum and maximum around it; trials are marked.",
                "No power of this node in this time range; raw power is kept for 30 days.",
                ONLY_TOTALS,
            ),
            (
                "parts",
                "The rails that the total is made of, or that are measured beside it.",
                "Its sensor has a total only, or no power came in this time range.",
                ONLY_PARTS,
            ),
        )
    )
    return total, parts
