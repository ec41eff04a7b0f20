"""The page as one self-contained HTML file: style, script, Plotly and figures inside, nothing loaded."""

from __future__ import annotations

import json
import re
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape
from plotly.offline import get_plotlyjs

from view.comparison import Figure
from view.page import Page

TEMPLATES = "templates"


def render(page: Page) -> str:
    """The HTML of a page."""
    environment = Environment(
        loader=PackageLoader("view", TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["figure"] = _embedded
    environment.filters["soft"] = _soft
    return environment.get_template("report.html.j2").render(
        page=page, style=_own("report.css"), script=_own("report.js"), plotly=_inside_script(get_plotlyjs())
    )


def _own(name: str) -> Markup:
    return Markup(files("view").joinpath(TEMPLATES, name).read_text(encoding="utf-8"))  # noqa: S704 - our own


def _embedded(figure: Figure) -> Markup:
    """JSON that may stand inside a script element, whatever names it holds."""
    text = json.dumps(figure, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return Markup(text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e"))  # noqa: S704


def _soft(text: str) -> Markup:
    """A name that may be broken after its dots and underscores, and nowhere else."""
    return Markup(re.sub(r"([_/]|\.(?=[A-Za-z]))(?=\w)", r"\1<wbr>", str(escape(text))))  # noqa: S704 - escaped


def _inside_script(source: str) -> Markup:
    """A script that may stand inside a script element."""
    return Markup(source.replace("</script", "<\\/script").replace("<!--", "<\\!--"))  # noqa: S704
