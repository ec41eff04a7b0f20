"""Fills in the page's templates."""

from __future__ import annotations

from functools import cache
from typing import Any

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

from view.markup import embedded, soft


def fill(template: str, **facts: Any) -> str:  # noqa: ANN401 - whatever the template speaks of
    """The HTML of a template."""
    return _environment().get_template(f"{template}.html.j2").render(**facts)


@cache
def _environment() -> Environment:
    """The report's templates stand behind the page's own: they share their tables."""
    loader = ChoiceLoader([PackageLoader("view.live"), PackageLoader("view")])
    environment = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["figure"] = embedded
    environment.filters["soft"] = soft
    return environment
