"""The page as one self-contained HTML file: style, script, Plotly and figures inside, nothing loaded."""

from __future__ import annotations

from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from view.markup import embedded, soft
from view.page import Page
from view.soak import SoakPage

TEMPLATES = "templates"


def render(page: Page | SoakPage, template: str = "report.html.j2") -> str:
    """The HTML of a page, by its template."""
    environment = Environment(
        loader=PackageLoader("view", TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["figure"] = embedded
    environment.filters["soft"] = soft
    return environment.get_template(template).render(
        page=page, style=_own("report.css"), script=_own("report.js"), plotly=_inside_script(get_plotlyjs())
    )


def _own(name: str) -> Markup:
    return Markup(files("view").joinpath(TEMPLATES, name).read_text(encoding="utf-8"))  # noqa: S704 - our own


def _inside_script(source: str) -> Markup:
    """A script that may stand inside a script element."""
    return Markup(source.replace("</script", "<\\/script").replace("<!--", "<\\!--"))  # noqa: S704
