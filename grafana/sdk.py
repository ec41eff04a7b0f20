"""Dashboards as the SDK builds and reads them. Nothing else touches it: it needs Python 3.11."""

from __future__ import annotations

import json
from string import ascii_uppercase
from typing import Any

from grafana_foundation_sdk.builders import (
    barchart,
    stat,
    statetimeline,
    statushistory,
    table,
    timeseries,
    trend,
    xychart,
)
from grafana_foundation_sdk.builders import common as build
from grafana_foundation_sdk.builders import dashboard as board
from grafana_foundation_sdk.cog import plugins, runtime
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import common
from grafana_foundation_sdk.models import dashboard as models
from grafana_foundation_sdk.models import xychart as xy

from grafana.bundle import Json
from grafana.flux import REF, Flux, variant
from grafana.panels import JUDGED, TONES, Dashboard, Kind, Note, Panel, Steps, Variable

TAG = "e3p"
MOST_ROWS = 5_000
"""Grafana takes one and a half times as many rows of a table; by itself as many as the panel has pixels."""
Value = models.DynamicConfigValue
BUILDERS: dict[Kind, type[Any]] = {
    "timeseries": timeseries.Panel,
    "table": table.Panel,
    "stat": stat.Panel,
    "statushistory": statushistory.Panel,
    "statetimeline": statetimeline.Panel,
    "barchart": barchart.Panel,
    "xychart": xychart.Panel,
    "trend": trend.Panel,
}
OVER_TIME = ("timeseries", "trend")
TABLES = ("table", "barchart", "xychart", "trend")


def rendered(dashboard: Dashboard, others: tuple[Dashboard, ...]) -> Json:
    """The JSON of a dashboard, with links to the others."""
    made = (
        board.Dashboard(dashboard.title)
        .uid(dashboard.uid)
        .description(dashboard.words)
        .tags([TAG])
        .timezone("browser")
        .time(dashboard.since, "now")
        .refresh("30s")
        .tooltip(models.DashboardCursorSync.CROSSHAIR)
        .links([_link(other) for other in others])
        .variables([_variable(each) for each in dashboard.variables])
    )
    for number, panel in enumerate(dashboard.panels, 1):
        made = made.with_panel(_panel(panel, number))
    built = read_back(json.loads(json.dumps(made.build(), cls=JSONEncoder)))
    built["annotations"] = {"list": [_note(each) for each in dashboard.notes]}
    return built


def read_back(rendered: Json) -> Json:
    """What is left of a dashboard that went through the SDK's types."""
    plugins.register_default_plugins()
    runtime.register_dataquery_variant(variant())
    model = models.Dashboard.from_json(rendered)
    back: Json = json.loads(json.dumps(model, cls=JSONEncoder))
    return back


def _link(other: Dashboard) -> board.DashboardLink:
    return (
        board.DashboardLink(other.title)
        .type(models.DashboardLinkType.LINK)
        .icon("dashboard")
        .tooltip(other.words)
        .url(f"/d/{other.uid}")
        .include_vars(include_vars=True)
        .keep_time(keep_time=True)
    )


def _variable(variable: Variable) -> board.QueryVariable:
    made = (
        board.QueryVariable(variable.name)
        .label(variable.label)
        .description(variable.words)
        .datasource(REF)
        .query({"refId": variable.name, "query": variable.query, "maxDataPoints": MOST_ROWS})
        .refresh(models.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(models.VariableSort.ALPHABETICAL_ASC)
        .multi(variable.many)
        .include_all(variable.many)
    )
    if variable.many:
        made = made.all_value(".*").current(models.VariableOption(text="All", value="$__all"))
    return made


def _note(note: Note) -> Json:
    """An annotation. The SDK's own type of its query knows only Grafana's built-in source."""
    query = {"refId": "Anno", "datasource": REF.to_json(), "query": note.query}
    fields = {name: {"source": "field", "value": name} for name in ("time", "timeEnd", "text", "tags")}
    base = models.AnnotationQuery(name=note.name, datasource=REF, enable=True, icon_color=note.colour)
    plain: Json = json.loads(json.dumps(base, cls=JSONEncoder))
    return {**plain, "target": query, "mappings": fields}


def _panel(panel: Panel, number: int) -> Any:  # noqa: ANN401 - each kind of panel has a builder of its own
    made = (
        BUILDERS[panel.kind]()
        .id(number)
        .title(panel.title)
        .description(panel.words)
        .datasource(REF)
        .span(panel.span)
        .height(panel.height)
        .unit(panel.unit)
        .no_value(panel.empty)
        .thresholds(_thresholds(panel.steps))
        .targets([Flux(letter, query) for letter, query in zip(ascii_uppercase, panel.queries, strict=False)])
    )
    if panel.name is not None:
        made = made.display_name(panel.name)
    if panel.kind in TABLES:
        made = made.max_data_points(MOST_ROWS)
    if panel.joined is not None:
        made = made.with_transformation(_joined(panel.joined))
    for column in {**panel.units, **panel.marks, **panel.links}:
        made = made.override_by_name(column, _column(panel, column))
    return _of_kind(panel, made)


def _of_kind(panel: Panel, made: Any) -> Any:  # noqa: ANN401 - each kind of panel has a builder of its own
    if panel.kind in OVER_TIME:
        made = made.legend(_legend()).tooltip(build.VizTooltipOptions().mode(common.TooltipDisplayMode.MULTI))
        made = made.line_width(1).fill_opacity(8).span_nulls(span_nulls=False)
    if panel.points:
        made = made.draw_style(common.GraphDrawStyle.POINTS).point_size(6)
    if panel.band:
        made = _banded(made)
    if panel.kind in ("table", "barchart"):  # a message that fills a panel is too long for a cell
        made = made.override_by_regexp(".*", [Value("noValue", "–")])
    if panel.kind == "table":
        made = made.override_by_regexp(f"^({'|'.join(JUDGED)})$", _judged())
    if panel.kind == "stat":
        made = made.reduce_options(build.ReduceDataOptions().calcs(["lastNotNull"]).values(values=False))
        made = made.color_mode(common.BigValueColorMode.BACKGROUND_SOLID)
    if panel.kind in ("stat", "statushistory", "statetimeline"):
        made = made.color_scheme(board.FieldColor().mode(models.FieldColorModeId.THRESHOLDS))
    if panel.kind in ("barchart", "trend") and panel.x is not None:
        made = made.x_field(panel.x)
    if panel.kind == "xychart":
        made = _crossed(panel, made)
    return made


def _banded(made: Any) -> Any:  # noqa: ANN401 - each kind of panel has a builder of its own
    """Minimum and maximum as a shade around the mean: they are lines of their own queries' names."""
    faint = [Value("custom.lineWidth", 0), Value("custom.hideFrom", {"legend": True})]
    made = made.override_by_regexp(".* min$", [*faint, Value("custom.fillOpacity", 0)])
    return made.override_by_regexp(".* max$", [*faint, Value("custom.fillOpacity", 20)])


def _crossed(panel: Panel, made: Any) -> Any:  # noqa: ANN401 - each kind of panel has a builder of its own
    """Points of one column against another; a second query's points are drawn over those of the first."""
    assert panel.x is not None  # noqa: S101 - a panel of this kind has both
    assert panel.y is not None  # noqa: S101
    series = [
        xychart.XYSeriesConfig()
        .frame(xychart.XychartXYSeriesConfigFrame().matcher(_matcher("byIndex", at)))
        .x(xychart.XychartXYSeriesConfigX().matcher(_matcher("byName", panel.x)))
        .y(xychart.XychartXYSeriesConfigY().matcher(_matcher("byName", panel.y)))
        for at in range(len(panel.queries))
    ]
    return made.mapping(xy.SeriesMapping.MANUAL).series(series).legend(_legend()).show(xy.XYShowMode.POINTS)


def _matcher(kind: str, options: object) -> xychart.MatcherConfig:
    return xychart.MatcherConfig().id(kind).options(options)


def _legend() -> build.VizLegendOptions:
    return (
        build.VizLegendOptions()
        .display_mode(common.LegendDisplayMode.LIST)
        .placement(common.LegendPlacement.BOTTOM)
        .show_legend(show_legend=True)
    )


def _thresholds(steps: Steps) -> board.ThresholdsConfig:
    made = [models.Threshold(value=value, color=colour) for value, colour in steps]
    return board.ThresholdsConfig().mode(models.ThresholdsMode.ABSOLUTE).steps(made)


def _column(panel: Panel, column: str) -> list[Value]:
    """What sets a column apart: its unit, its colours, where it leads."""
    found = []
    if column in panel.units:
        found.append(Value("unit", panel.units[column]))
    if column in panel.marks:
        found.append(Value("thresholds", _thresholds(panel.marks[column]).build()))
        found.append(Value("custom.cellOptions", {"type": "color-background", "mode": "basic"}))
    if column in panel.links:
        found.append(Value("links", [{"title": f"Show {column}", "url": panel.links[column]}]))
    return found


def _judged() -> list[Value]:
    """Words in colours."""
    tones = {word: {"color": colour, "index": at} for at, (word, colour) in enumerate(TONES.items())}
    return [
        Value("mappings", [{"type": "value", "options": tones}]),
        Value("custom.cellOptions", {"type": "color-text"}),
    ]


def _joined(column: str) -> models.DataTransformerConfig:
    return models.DataTransformerConfig(id_val="joinByField", options={"byField": column, "mode": "outer"})
