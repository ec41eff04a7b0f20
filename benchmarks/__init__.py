"""Benchmarks: what it costs, and what the obvious alternative costs in the same run."""

from __future__ import annotations
