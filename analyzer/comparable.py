"""Which tables and rows may be compared with each other, and why others may not. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from analyzer.configurations import Configuration
from analyzer.scoring import Scored
from telemetry.contract.errors import UserError
from telemetry.contract.ranking import RankingGroup

Setting = tuple[str, str, int]
"""Model, precision and batch size."""

LEAST_COMMON = 3
"""Two models have two orders only: no agreement can be told from chance."""


def name_of(group: RankingGroup) -> str:
    """A table's device, mode and sensor in words."""
    mode = f" in mode {group.power_mode}" if group.power_mode else ""
    return f"{group.device or 'a device of unknown kind'}{mode} ({group.sensor or 'unknown sensor'})"


def check_alike(groups: Sequence[RankingGroup]) -> None:
    """Refuse what may not be compared. Raises `UserError` with the reason and what would be right."""
    for what, option, values in (
        ("origins", "--origin", {group.origin for group in groups}),
        ("data sets", "--dataset", {group.dataset for group in groups}),
    ):
        if len(values) > 1:
            named = ", ".join(sorted(str(value) for value in values))
            raise UserError(
                f"energies of different {what} are never compared ({named}): choose one by {option}"
            )
    if len(groups) < 2:
        there = f"only {name_of(groups[0])}" if groups else "none"
        raise UserError(
            f"two devices are needed to compare, there is {there}: measure the same models on another"
        )


def settings_of(scored: Scored, *, best_settings: bool) -> dict[Setting, int]:
    """Return each setting with its place in the scores, best first: of two backends the better counts."""
    found: dict[Setting, int] = {}
    for at, configuration in enumerate(scored.configurations):
        found.setdefault(_setting(configuration, best_settings=best_settings), at)
    return found


def _setting(configuration: Configuration, *, best_settings: bool) -> Setting:
    model, precision, batch_size, _ = configuration.key
    return (model, "", 0) if best_settings else (model, precision, batch_size)


def common_settings(
    groups: Sequence[RankingGroup], settings: Sequence[dict[Setting, int]], *, best_settings: bool
) -> list[Setting]:
    """Return what all tables have, in the order of the first.

    Raises:
        UserError: fewer than 3; the message says how many each has, and whether other settings would do.
    """
    common = [key for key in settings[0] if all(key in other for other in settings[1:])]
    if len(common) >= LEAST_COMMON:
        return common
    counts = [f"{len(each)} on {name_of(group)}" for group, each in zip(groups, settings, strict=True)]
    lacking = (
        f"{len(common)} models are measured on all devices ({', '.join(counts)}), {LEAST_COMMON} are needed"
    )
    models = set.intersection(*({key[0] for key in each} for each in settings))
    if not best_settings and len(models) >= LEAST_COMMON:
        raise UserError(
            f"{lacking}, in one precision and batch size; in others {len(models)} are: --best-settings "
            "compares each device's best setting of a model"
        )
    raise UserError(f"{lacking}: measure the same models on each, in the same precision and batch size")
