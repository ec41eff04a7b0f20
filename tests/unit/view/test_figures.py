"""Every figure is one that Plotly itself accepts, once its colours are put in."""

from __future__ import annotations

from typing import Any

import plotly.graph_objects as go
import pytest

from analyzer.ranking import rank
from tests.unit.ranking.made import trial, trials
from view.comparison import front_of, pareto, repeats
from view.power import power
from view.trace import Line, Picture, Stretch

FAST = trials("fast", [400.0, 410.0], accuracy=0.70)
GOOD = trials("good", [1000.0, 1010.0], accuracy=0.80)
WORSE = trials("worse", [1200.0, 1210.0], accuracy=0.75)
TOTAL = Line("total", (-0.1, 0.5, None, 1.2), (4.0, 9.0, None, 8.0))
SHOWN = Picture(
    1.0, (TOTAL, Line("gpu", (0.5,), (5.0,))), (Stretch(0, 0.5),), (Stretch(0.1, 0.2),), (Stretch(0.5, 0.9),)
)
REST = Picture(3.0, (Line("total", (0.0, 3.0), (3.0, 3.0)),))


def accepted(figure: dict[str, Any]) -> go.Figure:
    """Raises ``ValueError`` for a field that Plotly does not know."""

    def painted(value: Any) -> Any:
        if isinstance(value, str):
            return "#123456" if value.startswith("--") else value
        if isinstance(value, list | tuple):
            return [painted(each) for each in value]
        return {k: painted(v) for k, v in value.items()} if isinstance(value, dict) else value

    return go.Figure(painted(figure))


def test_the_pareto_plot_is_a_figure() -> None:
    assert accepted(pareto(rank([*FAST, *GOOD, *WORSE]), [*FAST, *GOOD, *WORSE]))


def test_the_front_is_of_models_that_no_other_beats_in_both() -> None:
    ranking = rank([*FAST, *GOOD, *WORSE])
    assert [ranking.rows[place - 1].model for place in front_of(ranking)] == ["fast", "good"]


def test_energies_far_apart_are_drawn_on_a_logarithmic_axis() -> None:
    far = trials("far", [90_000.0, 90_100.0])
    assert pareto(rank([*GOOD, *far]), [])["layout"]["xaxis"]["type"] == "log"
    assert "type" not in pareto(rank([*GOOD, *FAST]), [])["layout"]["xaxis"]


def test_a_bar_never_reaches_below_no_energy() -> None:
    wide = trials("wide", [1000.0, 100.0, 4000.0])
    bars = pareto(rank([*wide, *GOOD]), [])["data"][1]
    assert all(low <= x for low, x in zip(bars["error_x"]["arrayminus"], bars["x"], strict=True))


def test_repeats_are_a_figure_with_a_dot_for_each_trial() -> None:
    figure = accepted(repeats([*FAST, *GOOD, trial("bad", state="invalid")]) or {})
    assert len(figure.data[0].x) == 5


def test_trials_without_energy_are_no_dots() -> None:
    assert repeats([trial("none", j_per_1000=None, energy_j=0.0)]) is None


@pytest.mark.parametrize("rest", [None, REST])
def test_power_is_a_figure_with_and_without_the_rest_before_it(rest: Picture | None) -> None:
    assert accepted(power(SHOWN, rest, 3.0 if rest else None))


def test_gaps_idle_and_both_edges_are_drawn() -> None:
    shapes = power(SHOWN, REST, 3.0)["layout"]["shapes"]
    assert [shape["type"] for shape in shapes] == ["line", "line", "rect", "rect", "line"]


def test_names_are_text_and_no_tags() -> None:
    ranking = rank([*trials("<b>x</b>", [400.0, 410.0]), *GOOD])
    names = {note["text"] for note in pareto(ranking, [])["layout"]["annotations"]}
    assert names == {"&lt;b&gt;x&lt;/b&gt;", "good"}
