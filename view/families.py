"""Families of models in words and a table: what the report and `e3p families` say alike. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from view.tables import Table

if TYPE_CHECKING:
    from analyzer.contrasts import Contrast
    from analyzer.families import Families, FamilyEffect

MOST_NAMED = 4
SIGNIFICANT = 0.05


def families_table(families: Families) -> Table:
    """Each family's effects with their 95 % intervals."""
    rows = tuple(
        (name, counts, what, f"{size} {of}", _g(found), f"{found.p:.2g}")
        for each in families.effects
        for name, counts, what, size, of, found in _quantities(each)
    )
    caption = (
        "Each family against all other models measured, with 95 %; g: in standard deviations of a model, "
        "p: by permutation"
    )
    return Table(caption, ("family", "models", "of", "difference", "g", "p"), rows, frozenset({3, 4, 5}))


def _quantities(each: FamilyEffect) -> Iterator[tuple[str, str, str, str, str, Contrast]]:
    counts = f"{each.models} / {each.others}"
    yield each.family, counts, "energy", _times(each.log_energy), "times", each.log_energy
    per_mac = each.log_energy_per_gmac
    yield each.family, counts, "energy per MAC", _times(per_mac), "times", per_mac
    yield each.family, counts, "accuracy", _points(each.accuracy), "points", each.accuracy


def family_lines(families: Families) -> Iterator[str]:
    """What each family comes to, then what nothing can be said of."""
    for effect in families.effects:
        yield _words(effect)
    for reason in dict.fromkeys(each.reason for each in families.untold):
        names = [each.name for each in families.untold if each.reason == reason]
        more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
        yield f"nothing said of {', '.join(names[:MOST_NAMED])}{more}: {reason}"


def _words(effect: FamilyEffect) -> str:
    counts = f"{effect.models} against {effect.others} models"
    energy, per_mac, accuracy = effect.log_energy, effect.log_energy_per_gmac, effect.accuracy
    least = max(energy.p_least, accuracy.p_least)
    if least > SIGNIFICANT:
        return (
            f"{effect.family}: {counts} are too few for any difference to be told from chance "
            f"(no p below {least:.2g} is possible)"
        )
    times = [
        f"{_times(found)} times the energy{of}"
        for found, of in ((energy, ""), (per_mac, " for each MAC"))
        if _is_told(found)
    ]
    told = [f"take {' and '.join(times)}"] if times else []
    if _is_told(accuracy):
        ends = sorted(100 * abs(end) for end in (accuracy.lo, accuracy.hi))
        size = f"{100 * abs(accuracy.difference):.1f} ({ends[0]:.1f} to {ends[1]:.1f})"
        told.append(f"are {size} points {'more' if accuracy.difference > 0 else 'less'} accurate")
    if not told:
        return f"{effect.family}: no difference from the other models can be told ({counts})"
    return f"{effect.family} models {' and '.join(told)} ({counts})"


def _is_told(contrast: Contrast) -> bool:
    """Whether both the interval and the permutations say that it is no chance."""
    return contrast.p <= SIGNIFICANT and contrast.lo * contrast.hi > 0


def _times(contrast: Contrast) -> str:
    middle, low, high = (math.exp(value) for value in (contrast.difference, contrast.lo, contrast.hi))
    return f"{middle:.2f} ({low:.2f} to {high:.2f})"


def _points(contrast: Contrast) -> str:
    return f"{100 * contrast.difference:+.1f} ({100 * contrast.lo:+.1f} to {100 * contrast.hi:+.1f})"


def _g(contrast: Contrast) -> str:
    return f"{contrast.g:+.2f} ({contrast.g_lo:+.2f} to {contrast.g_hi:+.2f})"
