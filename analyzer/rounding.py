"""How many digits of a drawn figure are a result."""

from __future__ import annotations


def rounded(value: float, digits: int = 6) -> float:
    """Return significant digits: what a machine's own way of adding may change is not a result."""
    return float(f"{value:.{digits}g}")
