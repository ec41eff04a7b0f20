"""The card of a checkpoint: what it is, what it was made of, and how good it is. Pure."""

from __future__ import annotations

from typing import Any

Z95 = 1.959963984540054


def share(right: int, n: int) -> dict[str, Any]:
    """A fraction with its 95 % score interval (Wilson, J. Am. Stat. Assoc. 22, 1927)."""
    value, scale = right / n, 1 + Z95**2 / n
    centre = value + Z95**2 / (2 * n)
    half = Z95 * (value * (1 - value) / n + Z95**2 / (4 * n * n)) ** 0.5
    lo, hi = max(0.0, (centre - half) / scale), min(1.0, (centre + half) / scale)
    return {"value": value, "lo": lo, "hi": hi, "right": right, "n": n}


def markdown(card: dict[str, Any]) -> str:
    """The card as a page."""
    data, training, test = card["data"], card["training"], card["test"]
    recipe = ", ".join("%s %s" % (name, value) for name, value in training["recipe"].items() if value)
    software = ", ".join("%s %s" % each for each in sorted(card["software"].items()))
    rows = [
        ("model", card["model"]),
        ("classes", "%d: %s" % (card["outputs"], ", ".join(card["classes"]))),
        ("test accuracy", _percent(test)),
        ("validation accuracy", _percent(card["validation"])),
        ("best epoch", "%d of %s" % (card["epoch"], training["epochs"])),
        ("recipe", "%s: %s" % (training["recipe_name"], recipe)),
        ("weights before", training["weights"]),
        ("seed", training["seed"]),
        ("data", "%s, %s (SHA-256 %s)" % (card["dataset"], data["layout"], data["sha256"])),
        ("images", "%(train)d to learn from, %(held_out)d to validate, %(test)d to test" % data),
        ("image size", "x".join(map(str, card["data_config"]["input_size"]))),
        ("precision", training["precision"]),
        ("device", training["device"]),
        ("time", "%.0f s for %d steps, begun %s" % (training["seconds"], training["steps"], card["begun"])),
        ("software", software),
        ("checkpoint", "%s (SHA-256 %s)" % (card["file"], card["sha256"])),
    ]
    lines = ["# %s, fine-tuned on %s" % (card["model"], card["dataset"]), "", "| | |", "|---|---|"]
    lines += ["| %s | %s |" % row for row in rows]
    lines += [
        "",
        "The epoch was chosen by the validation images; the test images were looked at once, at the",
    ]
    lines += ["end. Intervals are 95 % score intervals.", "", "| epoch | loss | validation accuracy |"]
    lines += ["|---|---|---|"]
    lines += ["| %(epoch)d | %(loss).4f | %(accuracy).4f |" % each for each in card["history"]]
    return "\n".join(lines) + "\n"


def _percent(told: dict[str, Any]) -> str:
    words = "%.2f %% (%.2f to %.2f %%, %d of %d images)"
    return words % (100 * told["value"], 100 * told["lo"], 100 * told["hi"], told["right"], told["n"])
