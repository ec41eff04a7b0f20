"""Which rails of a board make its total, and which are parts of it. Data, told apart by the rails' names.

Sources: the "Power Monitor" tables of NVIDIA's Jetson Linux Developer Guides (32.x, 35.x, 36.x), and for the
shunts the device trees of the Linux kernel (tegra210-p2180, tegra186-p3310, -p2771, tegra194-p2888, -p3668,
tegra234-p3701, -p3767). Rails of the carrier board (VDD_MUX, VDD_5V0_IO_SYS, …) are not fed through the
module: they are no parts of its total.
"""

from __future__ import annotations

import msgspec


class Layout(msgspec.Struct, frozen=True, kw_only=True):
    """The rails of one family of boards.

    `total` is the rail that feeds the whole module, or None where the total is the sum of `parts`; `parts` do
    not overlap. `known_by` are rails that no other board with this total has. `max_w` is more than the
    module's supply can give: only a slip of units or a broken reading lies above it. `shunt_mohm` is for
    where the system does not tell.
    """

    boards: str
    total: str | None
    parts: tuple[str, ...]
    known_by: tuple[str, ...] = ()
    max_w: float
    shunt_mohm: float


# The first layout is the board's whose `known_by` and `total`, or all `parts` where that is None, are there.
LAYOUTS = (
    Layout(
        boards="Jetson Nano",
        total="POM_5V_IN",
        parts=("POM_5V_GPU", "POM_5V_CPU"),
        max_w=30.0,
        shunt_mohm=5.0,
    ),
    Layout(
        boards="Jetson TX1",
        total="VDD_IN",
        parts=("VDD_GPU", "VDD_CPU"),
        known_by=("VDD_GPU", "VDD_CPU"),
        max_w=30.0,
        shunt_mohm=20.0,
    ),
    Layout(
        boards="Jetson TX2, Xavier NX, Orin NX or Orin Nano",
        total="VDD_IN",
        parts=(
            "VDD_SYS_GPU",
            "VDD_SYS_CPU",
            "VDD_SYS_SOC",
            "VDD_SYS_DDR",
            "VDD_5V0_DDR",
            "VDD_4V0_WIFI",
            "VDD_3V8_WIFI",
            "VDD_CPU_GPU",
            "VDD_CPU_GPU_CV",
            "VDD_SOC",
        ),
        max_w=60.0,
        shunt_mohm=5.0,
    ),
    # VDDQ_VDD2_1V8AO (memory) is inside VIN_SYS_5V0, which is no total: it feeds neither the GPU nor the CPU.
    Layout(
        boards="Jetson AGX Orin",
        total=None,
        parts=("VDD_GPU_SOC", "VDD_CPU_CV", "VIN_SYS_5V0"),
        max_w=120.0,
        shunt_mohm=2.0,
    ),
    Layout(
        boards="Jetson AGX Xavier",
        total=None,
        parts=("GPU", "CPU", "SOC", "CV", "VDDRQ", "SYS5V"),
        max_w=100.0,
        shunt_mohm=5.0,
    ),
)

# What the shunts measure where it is not the layout's own value.
SHUNT_MOHM = {
    "VDD_GPU": 10.0,
    "VDD_CPU": 10.0,
    "VDD_SYS_GPU": 10.0,
    "VDD_SYS_CPU": 10.0,
    "VDD_SYS_SOC": 10.0,
    "VDD_SYS_DDR": 10.0,
    "VDD_5V0_DDR": 10.0,
    "VDD_4V0_WIFI": 10.0,
    "VDD_3V8_WIFI": 10.0,
    "VDD_MUX": 20.0,
}


def layout_of(rails: set[str]) -> Layout | None:
    """The board's layout, without the parts that this board lacks; None where the rails are of none."""
    for layout in LAYOUTS:
        if rails.issuperset((layout.total, *layout.known_by) if layout.total else layout.parts):
            parts = tuple(name for name in layout.parts if name in rails)
            return msgspec.structs.replace(layout, parts=parts)
    return None


def shunt_ohm(rail: str, layout: Layout | None) -> float | None:
    """The shunt that the board's design gives a rail, or None where that is not known."""
    mohm = SHUNT_MOHM.get(rail, layout.shunt_mohm if layout else None)
    return mohm and mohm * 1e-3
