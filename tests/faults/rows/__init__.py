"""The rows of the fault table, in its order."""

from __future__ import annotations

from tests.faults.row import Row
from tests.faults.rows import backlogs, clocks, disks, fleets, kills, servers, spools, traffic

ROWS: tuple[Row, ...] = (
    *kills.ROWS,
    *servers.ROWS,
    *disks.ROWS,
    *spools.ROWS,
    *traffic.ROWS,
    *backlogs.ROWS,
    *clocks.ROWS,
    *fleets.ROWS,
)
LONG: tuple[Row, ...] = fleets.LONG
"""Rows that are played only when they are named."""
