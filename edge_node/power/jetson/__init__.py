"""Jetson boards: the power of the module's rails, from the INA3221 chips that are soldered on it."""

from __future__ import annotations

from edge_node.power.jetson.sensor import find, open_sensor

__all__ = ["find", "open_sensor"]
