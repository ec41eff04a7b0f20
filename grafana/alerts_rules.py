"""What people are woken for. Pure.

Findings of the fleet are judged by the analyzer, with all that it knows of a node: their rules ask which
of them last. Whether the store keeps up, and whether anything comes at all, is asked of the collector's pace.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from grafana.alerts_queries import AGE, BUSY, lasting
from grafana.choices import FLEET, QUALITY

DOCS = "docs/grafana.md"
DAY_S = 86_400
NODE = "{{ .Labels.node }}"
SUBJECT = "{{ with .Labels.subject }} ({{ . }}){{ end }}"
MODEL = "{{ with .Labels.model }} with {{ . }}{{ end }}"


class Rule(NamedTuple):
    """It fires for each series of `query` whose value is over `above`, once that held for `held`.

    `panel` is where more is to be seen: a dashboard's uid and the panel's title. `silence` is what no data
    means, `failure` what a query that fails means, in Grafana's own words.
    """

    name: str
    title: str
    severity: Literal["critical", "warning"]
    query: str
    held: str
    summary: str
    todo: str
    above: float = 0.0
    range_s: int = 90 * DAY_S
    panel: tuple[str, str] = (FLEET, "Findings that last")
    silence: str = "OK"
    failure: str = "KeepLast"

    @property
    def uid(self) -> str:
        """By which Grafana knows it again."""
        return f"e3p-{self.name}"

    @property
    def runbook(self) -> str:
        """The part of the documentation that says more."""
        return f"{DOCS}#{self.title.lower().replace(' ', '-')}"


RULES = (
    Rule(
        name="silent",
        title="A node is silent",
        severity="critical",
        query=lasting("silent", "lost"),
        held="2m",
        summary=f"{NODE} is silent",
        todo="See whether it has power and network; its frames wait on it and come later. Several at once: "
        "the broker, or the collector. One that left for good: e3p node forget NAME.",
    ),
    Rule(
        name="clock",
        title="A clock is bad",
        severity="warning",
        query=lasting("clock_bad"),
        held="5m",
        summary=f"the clock of {NODE} is more than five minutes off",
        todo="Energies stay right, but its times cannot be compared with those of others. Let chrony or "
        "systemd-timesyncd run on it; e3p clock NODE shows the offset.",
    ),
    Rule(
        name="spool",
        title="A spool is filling",
        severity="warning",
        query=lasting("spool_filling"),
        held="5m",
        summary=f"frames gather on {NODE}",
        todo="It measures more than it can send: the network is too slow, or the collector sheds (e3p doctor "
        "on the node). Once the spool is full the oldest frames are declared lost.",
    ),
    Rule(
        name="frozen",
        title="A sensor is frozen",
        severity="critical",
        query=lasting("frozen"),
        held="1m",
        summary=f"the sensor of {NODE}{SUBJECT} repeats one value",
        todo="Energies since then carry the flag frozen and are not to be published. Load the driver anew, "
        "or restart the device; e3p doctor on it shows every sensor's update period.",
    ),
    Rule(
        name="regression",
        title="Energy has regressed",
        severity="warning",
        query=lasting("regression"),
        held="1m",
        summary=f"{NODE} needs more energy per image than its normal{SUBJECT}{MODEL}",
        todo="The finding names what changed just before: software, power mode, or nothing. Compare clocks "
        "and temperatures on the node's dashboard, and nodes of its kind on that of the fleet.",
    ),
    Rule(
        name="hole",
        panel=(QUALITY, "Holes"),
        title="The ledger has a hole",
        severity="warning",
        query=lasting("hole"),
        held="10m",
        summary=f"frames of {NODE}{SUBJECT} are missing",
        todo="e3p ledger names them: made, and neither stored nor a dead letter. Windows over the hole are "
        "degraded. A node that still has them sends them again.",
    ),
    Rule(
        name="certificate",
        title="A certificate expires",
        severity="warning",
        query=lasting("certificate"),
        held="1m",
        summary="the certificate of {{ .Labels.subject }} expires soon",
        todo="e3p pki list shows every date, e3p pki node NAME makes a new one, and docs/security.md says "
        "where it goes.",
    ),
    Rule(
        name="store",
        panel=(QUALITY, "Share of time spent in writing"),
        title="The store is slow",
        severity="critical",
        query=BUSY,
        range_s=300,
        above=0.8,
        held="5m",
        summary="the store is away, or writing takes nearly all of the collector's time",
        todo="Nothing is lost while it lasts: nodes keep their frames. Look at InfluxDB's processor, disk "
        "and memory; e3p doctor --server tries it. docs/benchmarks.md says what a server holds.",
        failure="Alerting",
    ),
    Rule(
        name="nothing",
        panel=(QUALITY, "Frames and samples stored, by second"),
        title="Nothing is stored",
        severity="critical",
        query=AGE,
        range_s=DAY_S,
        above=300.0,
        held="2m",
        summary="nothing has been stored for {{ humanizeDuration .Values.B.Value }}",
        todo="Nodes keep their frames meanwhile. Is the broker up, is the collector (/healthz), are there "
        "nodes at all?",
    ),
)
