"""The picture of the page: the same figures give the same file."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")

import matplotlib.pyplot as plt

from studies.soak.study import FAULTY, Study

PICTURE = "soak.png"


def draw(study: Study, folder: Path) -> None:
    """Draw the drift of every node's J per image with its interval, and what was put in."""
    folder.mkdir(parents=True, exist_ok=True)
    nodes = [each for each in study.judged if each.level == "results"]
    truths = [sum(fault.size for fault in faults if fault.kind == "drift") for faults in FAULTY]
    with mpl.rc_context({"font.size": 9, "axes.spines.top": False, "axes.spines.right": False}):
        figure, axis = plt.subplots(figsize=(8.0, 3.4), layout="constrained")
        for at, node in enumerate(nodes):
            drift = next(each for each in node.drift if each.metric == "j_per_image")
            bars = [[drift.per_day - (drift.lo or 0.0)], [(drift.hi or 0.0) - drift.per_day]]
            axis.errorbar(at, drift.per_day, bars, fmt="o", ms=3, color="#08306b", capsize=3, lw=1)
            axis.plot(at, truths[at] if at < len(truths) else 0.0, "x", color="#c33", ms=6)
        axis.axhspan(-0.5, 0.5, color="#e8f1e8", zorder=0)
        axis.set_xticks(range(len(nodes)), [node.node for node in nodes], rotation=60, ha="right")
        axis.set_ylabel("drift of J per image, % a day")
        axis.plot([], [], "x", color="#c33", label="what was put in")
        axis.errorbar([], [], [], fmt="o", ms=3, color="#08306b", label="what was found, with 95 %")
        axis.legend(frameon=False, loc="upper right")
        figure.savefig(folder / PICTURE, dpi=130, metadata={"Software": None})
        plt.close(figure)
