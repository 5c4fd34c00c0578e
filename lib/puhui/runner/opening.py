"""Opening a run from a notebook."""

from __future__ import annotations

from pathlib import Path

from puhui.quarter import Quarter
from puhui.runner.preparing import prepare
from puhui.runner.project import project_root
from puhui.runner.workspace import Run, RunConfig


def open_run(run_file: str = "", *, quarter: str = "2021Q4") -> Run:
    """Open a run for a notebook.

    Parameters
    ----------
    run_file
        ``working/run.json`` of a run; empty opens the packaged example of the project the
        notebook lies in, taking its submissions in first if that has not been done.
    quarter
        Quarter of the example run.

    Returns
    -------
    Run
    """
    if run_file:
        return Run(RunConfig.read(Path(run_file)))
    root = project_root()
    existing = root / "output" / quarter / "working" / "run.json"
    if existing.is_file():
        return Run(RunConfig.read(existing))
    example = root / "data" / "example"
    return prepare(example, root / "params", root / "output", Quarter.parse(quarter)).run
