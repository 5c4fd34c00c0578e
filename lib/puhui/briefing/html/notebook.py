"""Executed notebooks as pages: our own nbconvert template, without any cell's code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from jinja2 import Environment
from markupsafe import Markup
from nbconvert.exporters.templateexporter import TemplateExporter

from puhui.briefing.html.environment import TEMPLATES, environment
from puhui.briefing.html.outlines import share_outlines
from puhui.errors import NotebookFailed


# nbconvert carries no types, hence the ignore.
class PageExporter(TemplateExporter):  # type: ignore[misc]
    """nbconvert exporter on the environment of all pages, so that autoescape holds here too."""

    export_from_notebook = None
    output_mimetype = "text/html"

    def __init__(self) -> None:
        super().__init__(
            template_file="notebook.html.j2",
            template_paths=[str(TEMPLATES)],
            exclude_input=True,
        )

    def _file_extension_default(self) -> str:
        return ".html"

    def _create_environment(self) -> Environment:
        return environment()


def export_notebook(
    nb: Any,
    *,
    title: str,
    meta: Mapping[str, str],
    provenance: Sequence[tuple[str, str]] = (),
) -> str:
    """Return one self-contained page of what an executed notebook displays.

    The page holds the HTML and pictures that cells display (sections made by
    :func:`~puhui.briefing.html.render_section`); code, printed text and markdown cells
    speak to the analyst and stay in the notebook.

    Parameters
    ----------
    nb
        Executed notebook (``nbformat.NotebookNode``).
    title
        The page's one main heading.
    meta
        ``Source.meta``: office, and ``issued``, a line below the heading.
    provenance
        Footer lines, label and text; see :func:`~puhui.briefing.html.pages.provenance`.

    Raises
    ------
    NotebookFailed
        If a cell of the notebook ended in an error, or nothing is displayed.
    """
    parts = [part for n, cell in enumerate(nb.cells) for part in _displayed(cell, n)]
    if not parts:
        raise NotebookFailed("笔记本没有可导出的内容。", where=title, remedy="请先运行笔记本。")
    page = {
        "title": title,
        "office": meta.get("office", ""),
        "issued": meta.get("issued", ""),
        "parts": parts,
        "provenance": tuple(provenance),
    }
    text, _ = PageExporter().from_notebook_node(nb, resources={"page": page})
    return share_outlines(str(text))


def _displayed(cell: Any, n: int) -> list[Markup]:
    parts: list[Markup] = []
    for output in cell.get("outputs", ()):
        if output["output_type"] == "error":
            raise NotebookFailed(
                f"{output.get('ename', '')} {output.get('evalue', '')}".strip(),
                where=f"第 {n + 1} 格",
            )
        data = output.get("data", {})
        if "text/html" in data:
            parts.append(Markup(data["text/html"]))
        elif "image/png" in data:
            alt = output.get("metadata", {}).get("image/png", {}).get("alt", "")
            source = "data:image/png;base64," + "".join(data["image/png"].split())
            parts.append(Markup('<p><img alt="{}" src="{}"></p>').format(alt, source))
    return parts
