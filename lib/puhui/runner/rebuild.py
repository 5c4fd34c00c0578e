"""Rebuild the outputs committed in ``notebooks/``: ``make notebooks``.

Notebooks are executed with their own default parameters, on the example, and written back
without what changes from run to run.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import nbformat

from puhui import params
from puhui.runner.notebooks import execute
from puhui.runner.project import project_root


def rebuild(folder: Path) -> list[Path]:
    """Execute every notebook of a folder in place; returns them in order."""
    limits = params.load(project_root() / "params").run.limits
    done = sorted(folder.glob("[0-9]*.ipynb"))
    for path in done:
        with tempfile.TemporaryDirectory() as temporary:
            executed = Path(temporary) / path.name
            execute(path, executed, {}, limits)
            clean(executed, path)
    return done


def clean(executed: Path, path: Path) -> None:
    """Write an executed notebook without times, paths, injected cells and rich outputs.

    Only printed text is kept: it is what nbval compares; tables and pictures are rebuilt
    by running the notebook.
    """
    original = nbformat.read(path, as_version=4)
    outputs = {c.id: c for c in nbformat.read(executed, as_version=4).cells}
    for number, cell in enumerate((c for c in original.cells if c.cell_type == "code"), 1):
        ran = outputs[cell.id]
        # A busy kernel sends what one cell prints in several pieces.
        printed = "".join(
            o.text for o in ran.outputs if o.output_type == "stream" and o.name == "stdout"
        )
        told = {"output_type": "stream", "name": "stdout", "text": printed}
        cell.outputs = [nbformat.from_dict(told)] if printed else []
        cell.execution_count = number if cell.outputs else None
    nbformat.write(original, path)


if __name__ == "__main__":
    for rebuilt in rebuild(project_root() / "notebooks"):
        sys.stdout.write(f"{rebuilt.name}\n")
