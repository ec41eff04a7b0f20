"""What a person chooses at the top of a dashboard, and where things lead."""

from __future__ import annotations

from grafana.asked import choices
from grafana.panels import Variable
from grafana.queries import EVER, OF_NODES, keep, pipe, source

FLEET, NODE, TRIALS, RANKING, SOAK, QUALITY = (
    "e3p-fleet",
    "e3p-node",
    "e3p-trials",
    "e3p-ranking",
    "e3p-soak",
    "e3p-quality",
)
"""The dashboards' uids."""

DEVICE = Variable(
    name="device",
    label="Device",
    words="Kinds of devices, from the nodes' manifests",
    query=pipe(source("node", "device", start=EVER), keep("_value"), "group()", "distinct()"),
)
_NODES = pipe(
    source("node", "device", start=EVER),
    "last()",
    "filter(fn: (r) => r._value =~ /^${device:regex}$/)",
    keep("node"),
    "group()",
    'distinct(column: "node")',
)
NODES = Variable(name="node", label="Node", words="Nodes of these kinds", query=_NODES)
ONE_NODE = Variable(name="node", label="Node", words="One node", query=_NODES, many=False)
MODEL = Variable(
    name="model", label="Model", words="Models that were measured", query=choices("window", "model", OF_NODES)
)
DATASET = Variable(
    name="dataset", label="Data set", words="Data sets of trials", query=choices("window", "dataset")
)
OF_MODELS = "r.model =~ /^${model:regex}$/"
OF_DATASETS = "r.dataset =~ /^${dataset:regex}$/"
OF_DEVICES = "r.device =~ /^${device:regex}$/"

TO_NODE = f"/d/{NODE}?var-node=${{__value.text}}&${{__url_time_range}}"
TO_TRIALS = f"/d/{TRIALS}?var-model=${{__value.text}}&${{__url_time_range}}"
TO_TRIAL = (
    f"/d/{TRIALS}?var-node=${{__data.fields.node}}&var-trial=${{__value.text}}"
    "&from=${__data.fields.from}&to=${__data.fields.to}"
)
TO_RANKING = f"/d/{RANKING}?var-device=${{__value.text}}&${{__url_time_range}}"
