"""HTML of pages: one Jinja environment with autoescape, one stylesheet, no network."""

from puhui.briefing.html.notebook import export_notebook
from puhui.briefing.html.pages import Link, Status, index_page, render_section, render_table

__all__ = [
    "Link",
    "Status",
    "export_notebook",
    "index_page",
    "render_section",
    "render_table",
]
