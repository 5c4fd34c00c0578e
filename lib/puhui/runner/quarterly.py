"""``puhui run`` and ``puhui check``: the stages of a quarter, one after the other."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from puhui.quarter import Quarter
from puhui.runner import publishing
from puhui.runner.notebooks import Done, execute_all
from puhui.runner.plan import Planner, results_key
from puhui.runner.preparing import (
    Prepared,
    Progress,
    institutions_without_submission,
    prepare,
    quiet,
    with_failures,
)
from puhui.runner.project import project_root
from puhui.runner.state import State
from puhui.runner.workspace import Run


@dataclass(frozen=True)
class Request:
    """What the user asked for."""

    quarter: Quarter
    data: Path
    params: Path
    out: Path
    institutions: tuple[str, ...] = ()
    top: int = 0
    jobs: int = 2
    notebooks: Path | None = None


@dataclass(frozen=True)
class Outcome:
    """What became of a run."""

    run: Run
    manifest: dict[str, Any]
    failed: dict[str, str]
    refused: tuple[str, ...]

    @property
    def exit_code(self) -> int:
        """0 done; 1 some institution refused or failed while the others are complete."""
        return 1 if self.failed or self.refused else 0


Event = tuple[str, int, int, str]


@dataclass
class _Clock:
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        started = time.perf_counter()
        yield
        self.seconds[name] = time.perf_counter() - started


def check_quarter(request: Request, progress: Progress = quiet) -> Prepared:
    """Intake only: findings and row counts, no notebooks."""
    return prepare(
        request.data,
        request.params,
        request.out,
        request.quarter,
        institutions=request.institutions,
        top=request.top,
        threads=request.jobs,
        progress=progress,
    )


def run_quarter(request: Request, progress: Progress = quiet) -> Outcome:
    """Run a quarter from submissions to pages; redo only what changed.

    Raises
    ------
    PuhuiError
        If nothing could start; failures of single institutions are in the outcome.
    """
    clock = _Clock()
    with clock.stage("intake_and_measures"):
        prepared = check_quarter(request, progress)
    run = prepared.run
    planner = Planner(run, request.notebooks or project_root() / "notebooks")
    state = State(run.config.working / "state.json")
    with clock.stage("working_papers"):
        papers = planner.working()
        working = execute_all(
            papers, state, jobs=request.jobs, on_done=_counter(progress, "计算底稿", len(papers))
        )
    with clock.stage("gather"):
        institutions, failed = publishing.complete(run, working)
        run = with_failures(run, failed)
        gathered = publishing.gather(run, institutions)
    with clock.stage("briefings"):
        tasks = Planner(run, planner.notebooks).pages(institutions, results_key(gathered))
        briefed = execute_all(
            tasks, state, jobs=request.jobs, on_done=_counter(progress, "编制通报", len(tasks))
        )
        failed |= publishing.complete(run, briefed)[1]
        run = with_failures(run, failed)
    with clock.stage("pages"):
        pages = publishing.export(run, briefed, state)
        ready = [i for i in institutions if i not in failed]
        publishing.remove_stale(run, ready)
        publishing.write_index(run, ready, institutions_without_submission(run))
        done = [*working, *briefed]
        read = sum(t.read for t in prepared.taken)
        manifest = publishing.manifest(run, done, read, len(pages), clock.seconds)
    refused = tuple(
        f"{t.folder}/{line}"
        for t in prepared.taken
        if t.quarter == request.quarter
        for line in t.refused
    )
    return Outcome(run, manifest, dict(run.config.failed), refused)


def _counter(progress: Progress, stage: str, total: int) -> Callable[[Done], None]:
    count = 0

    def on_done(done: Done) -> None:
        nonlocal count
        count += 1
        progress(stage, count, total, done.task.id)

    return on_done
