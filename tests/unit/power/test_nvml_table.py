"""How NVIDIA's GPUs measure, by architecture, driver and field."""

from __future__ import annotations

import pytest

from edge_node.power import nvml_table


@pytest.mark.parametrize(
    ("architecture", "capability", "driver", "field", "expected"),
    [
        (7, (8, 6), "525.60.11", "draw", (100.0, 1000.0)),
        (7, (8, 6), "530.30.02", "draw", (100.0, 100.0)),
        (7, (8, 6), "550.54.14", "draw", (100.0, 1000.0)),
        (7, (8, 6), "550.54.14", "instant", (100.0, 100.0)),
        (7, (8, 0), "550.54.14", "instant", (100.0, 25.0)),
        (7, (8, 0), "470.82.01", "draw", (100.0, 25.0)),
        (8, (8, 9), "550.54.14", "instant", (100.0, 100.0)),
        (9, (9, 0), "550.54.14", "draw", (100.0, 1000.0)),
        (6, (7, 5), "550.54.14", "instant", (100.0, 100.0)),
        (5, (7, 0), "470.82.01", "draw", (20.0, 10.0)),
        (4, (6, 1), "550.54.14", "instant", (20.0, 10.0)),
        (3, (5, 2), "470.82.01", "draw", (100.0, None)),
        (2, (3, 0), "470.82.01", "draw", (15.0, None)),
        (10, (12, 0), "570.86.10", "instant", (100.0, None)),
        (10, (12, 0), "570.86.10", "draw", (100.0, 1000.0)),
    ],
)
def test_the_table_tells_period_and_averaging_by_architecture_and_driver(
    architecture: int,
    capability: tuple[int, int],
    driver: str,
    field: nvml_table.Field,
    expected: tuple[float, float | None],
) -> None:
    assert nvml_table.response(architecture, capability, driver, field)[:2] == expected


def test_what_the_table_does_not_know_is_said_to_be_unknown() -> None:
    assert "not in our table" in nvml_table.response(10, (12, 0), "570.86.10", "instant").source
