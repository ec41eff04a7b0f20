"""The energy of a window: readings in, joules with an interval, a state and its reasons out. All pure."""

from __future__ import annotations

from analyzer.energy.compare import ratio_u95
from analyzer.energy.facts import SensorFacts, facts_of, margin_ns
from analyzer.energy.integrate import Integral
from analyzer.energy.lines import COVERAGE_FACTOR, Line, comparable_j, expanded_j
from analyzer.energy.net import Net, Rest, above_idle, moved_w
from analyzer.energy.states import FLAGS, REASONS, judge, worst
from analyzer.energy.trace import Piece, Trace, join
from analyzer.energy.window import Known, WindowEnergy, measure

__all__ = [
    "COVERAGE_FACTOR",
    "FLAGS",
    "REASONS",
    "Integral",
    "Known",
    "Line",
    "Net",
    "Piece",
    "Rest",
    "SensorFacts",
    "Trace",
    "WindowEnergy",
    "above_idle",
    "comparable_j",
    "expanded_j",
    "facts_of",
    "join",
    "judge",
    "margin_ns",
    "measure",
    "moved_w",
    "ratio_u95",
    "worst",
]
