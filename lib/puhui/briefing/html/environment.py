"""The one Jinja environment of all pages, the notebook template included."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from puhui.briefing.table import Chart, Column, Table, cell_text, plain

TEMPLATES = Path(__file__).parent / "templates"


def _svg(chart: Chart) -> Markup:
    """Return the chart's SVG, named for screen readers by its alternative text.

    The drawing is made by :mod:`puhui.briefing.charts`, where all text is outlines.
    """
    label = Markup('<svg role="img" aria-label="{}"').format(plain(chart.alt))
    return Markup(chart.svg.replace("<svg", str(label), 1))


#: A column whose cells are all this short is not broken into lines.
_SHORT = 9
#: A column with a cell longer than this is given room for it.
_LONG = 24
#: Tables with more columns are printed across the page.
_WIDE = 9
#: A table with no more rows needs no sorting.
_FEW_ROWS = 2


def _shapes(table: Table) -> list[str]:
    """Class of each column: figures, short text, or text that wraps."""
    shapes = []
    for n, column in enumerate(table.columns):
        longest = max((len(cell_text(row[n], column)) for row in table.rows), default=0)
        text = "s" if longest <= _SHORT else "t" if longest <= _LONG else "l"
        shapes.append("n" if column.numeric else text)
    return shapes


def _is_wide(table: Table) -> bool:
    return len(table.columns) - table.grouped > _WIDE


def _is_sortable(table: Table) -> bool:
    """Whether a reader may put the rows in another order: nothing hangs on theirs."""
    return not (table.grouped or table.matrix or table.ordered) and len(table.rows) > _FEW_ROWS


def _cell(value: object, column: Column) -> str:
    return cell_text(value, column)


def configure(environment: Environment) -> Environment:
    """Give an environment the filters and the stylesheet the templates use."""
    environment.filters["svg"] = _svg
    environment.filters["cell"] = _cell
    environment.filters["shapes"] = _shapes
    environment.filters["is_wide"] = _is_wide
    environment.filters["is_sortable"] = _is_sortable
    environment.filters["plain"] = plain
    environment.globals["stylesheet"] = stylesheet()
    environment.globals["script"] = script()
    environment.globals["script_source"] = script_source()
    return environment


@cache
def stylesheet() -> Markup:
    """Return the stylesheet put into every page."""
    return Markup((TEMPLATES / "page.css").read_text(encoding="utf-8"))


@cache
def script() -> Markup:
    """Return the script put into every page: it sorts tables and filters the index."""
    return Markup((TEMPLATES / "page.js").read_text(encoding="utf-8"))


@cache
def script_source() -> str:
    """Return what the page's security policy allows: this very script and no other."""
    digest = sha256(script().encode()).digest()
    return f"sha256-{b64encode(digest).decode()}"


@cache
def environment() -> Environment:
    """Return the environment all pages are made in."""
    return configure(
        Environment(
            loader=FileSystemLoader(TEMPLATES),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
        )
    )


def render(template: str, values: Mapping[str, object]) -> str:
    """Render a template of the package."""
    return environment().get_template(template).render(**values)
