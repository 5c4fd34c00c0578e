"""``puhui run`` and ``puhui check``: the stages of a quarter, one after the other."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from puhui.errors import RunError
from puhui.params.loading import chain, series_folders
from puhui.quarter import Quarter
from puhui.runner import publishing
from puhui.runner.as_judged import same_inputs
from puhui.runner.locking import LOCK, InputsLock
from puhui.runner.measuring import Progress
from puhui.runner.notebooks import Done, Task, execute_all
from puhui.runner.packs import PACKS
from puhui.runner.plan import Planner
from puhui.runner.preparing import (
    Prepared,
    institutions_without_submission,
    prepare,
    quiet,
    with_failures,
)
from puhui.runner.printing import print_pages
from puhui.runner.project import code_fingerprint, combine, project_root
from puhui.runner.staging import Staging
from puhui.runner.state import State
from puhui.runner.unchanged import Trace, nothing_to_do
from puhui.runner.warm import TEMPLATE
from puhui.runner.workspace import COUNTY, EDITS, Run, RunConfig


@dataclass(frozen=True)
class Request:
    """What the user asked for."""

    quarter: Quarter
    data: Path
    params: Path
    out: Path
    institutions: tuple[str, ...] = ()
    top: int = 0
    jobs: int = 0
    """Notebooks executed side by side; 0: as the run file says."""
    notebooks: Path | None = None
    as_judged: Path | None = None
    """An ``inputs.lock`` whose very snapshots are judged."""
    force: bool = False
    """Do everything again, whether or not anything changed."""
    audiences: tuple[str, ...] = ()
    """Whom packs are written for; none: everybody."""
    browser: str = ""
    """Chromium that prints the pages as well; empty: they are not printed."""

    @property
    def staging(self) -> Staging:
        """Where the run is made before it is published."""
        return Staging(self.out, self.quarter)

    @property
    def store(self) -> Path:
        """Snapshots of what was submitted."""
        return self.data / "store"

    @property
    def notebook_folder(self) -> Path:
        """Where the notebooks are."""
        return self.notebooks or project_root() / "notebooks"

    @property
    def asked(self) -> str:
        """Fingerprint of what was asked for, and of the code that answers."""
        # How many work side by side changes nothing of what they make.
        same = replace(self, jobs=0, force=False)
        return combine(code_fingerprint(), same, self.out.resolve())

    def read(self) -> list[Path]:
        """Files and folders a run reads, but for the store."""
        folders = chain(self.params)
        given = ["submissions", "supervisor", "confirmations.csv"]
        apart = [self.notebook_folder, *([self.as_judged] if self.as_judged else [])]
        named = [self.data / name for name in given if (self.data / name).exists()]
        # Edits of a later day count too: their folder is looked at, there or not.
        return [*named, self.data / EDITS, *folders, *series_folders(folders, self.data), *apart]


@dataclass(frozen=True)
class Outcome:
    """What became of a run."""

    config: RunConfig
    manifest: dict[str, Any]

    @cached_property
    def run(self) -> Run:
        """The run as notebooks open it."""
        return Run(self.config)

    @property
    def failed(self) -> dict[str, str]:
        """Institutions without a page, and why."""
        return dict(self.config.failed)

    @property
    def refused(self) -> tuple[str, ...]:
        """Files of the quarter that were sent back, a line each."""
        return tuple(self.manifest["refused"])

    @property
    def notes(self) -> tuple[str, ...]:
        """Where a run made again cannot be as it was."""
        return tuple(self.manifest["as_judged"])

    @property
    def exit_code(self) -> int:
        """0 done; 1 some institution refused or failed while the others are complete."""
        return 1 if self.failed or self.refused else 0


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
    with request.staging.held():
        return _prepare(request, progress)


def _prepare(request: Request, progress: Progress) -> Prepared:
    published = request.staging.final
    chosen = bool(request.institutions) or request.top > 0
    before = published / "working" / "run.json"
    if chosen and before.is_file() and not RunConfig.read(before).chosen:
        raise RunError(
            f"{published} 已有全部机构的结果，只编制部分机构会盖掉它们。",
            remedy="请用 --out 另指定输出目录。",
        )
    if request.as_judged is not None:
        _not_over_others(request, request.as_judged)
    request.staging.begin(afresh=request.force)
    return prepare(
        request.data,
        request.params,
        request.staging.root,
        request.quarter,
        institutions=[i.upper() for i in request.institutions],
        top=request.top,
        jobs=request.jobs,
        progress=progress,
        as_judged=request.as_judged,
        force=request.force,
        audiences=request.audiences,
    )


def _not_over_others(request: Request, path: Path) -> None:
    """Refuse to put an old judgement where the results of other revisions stand."""
    published = request.staging.final
    there = published / LOCK
    if there.is_file() and not same_inputs(there, InputsLock.read(path)):
        raise RunError(
            f"{published} 是另一批版本的结果，按锁定文件重做会盖掉它们。",
            remedy="请用 --out 另指定输出目录。",
        )


def run_quarter(request: Request, progress: Progress = quiet) -> Outcome:
    """Run a quarter from submissions to pages; redo only what changed.

    Raises
    ------
    PuhuiError
        If nothing could start; failures of single institutions are in the outcome.
    """
    staging = request.staging
    with staging.held():
        interrupted = staging.folder.is_dir()
        if not (request.force or interrupted) and nothing_to_do(
            request.asked, request.store, staging.final
        ):
            return _as_it_is(request)
        trace = Trace.before(request.asked, request.read())
        made = _run_quarter(request, progress)
        published = replace(made.config, out=str(request.out.resolve()))
        published.write_to(made.config.file)
        staging.publish(keep=made.run.params.run.keep_runs)
        if not {*made.config.institutions, COUNTY} & made.config.failed.keys():
            trace.keep(request.store, staging.final)  # what failed is tried again
        return replace(made, config=published)


def _as_it_is(request: Request) -> Outcome:
    """Leave what is published as it is, and let the manifest say so."""
    config = RunConfig.read(request.staging.final / "working" / "run.json")
    return Outcome(config, publishing.nothing_done(config))


def _run_quarter(request: Request, progress: Progress) -> Outcome:
    clock = _Clock()
    TEMPLATE.start(request.params, request.data)  # gets ready while submissions are read
    with clock.stage("intake_and_measures"):
        prepared = _prepare(request, progress)
    run = prepared.run
    notebooks = request.notebook_folder
    work = _Workshop(run, request.jobs or run.params.run.jobs, progress)
    with clock.stage("working_papers"):
        working = work.execute("计算底稿", Planner(run, notebooks).working())
    with clock.stage("gather"):
        institutions, failed = publishing.complete(run, working)
        run = with_failures(run, failed)
        gathered = publishing.gather(run, institutions)
    with clock.stage("briefings"):
        exporter = publishing.Exporter(run, work.state)
        pages = Planner(run, notebooks).pages(institutions, gathered)
        briefed = work.execute("编制通报", pages, exporter.export)
        failed |= publishing.complete(run, briefed)[1]
        run = with_failures(run, failed)
    ready = [i for i in institutions if i not in failed]
    publishing.remove_stale(run, ready)
    with clock.stage("print"):
        work.print_pages(request.browser)
    with clock.stage("pages"):
        done = [*working, *briefed]
        publishing.write_index(run, ready, institutions_without_submission(run), done)
        manifest = publishing.manifest(run, prepared, done, len(exporter.written), clock.seconds)
    return Outcome(run.config, manifest)


class _Workshop:
    """Executes stages of notebooks with the run's limits, reporting progress."""

    def __init__(self, run: Run, jobs: int, progress: Progress) -> None:
        self.state = State(run.config.working / "state.json")
        self._limits = run.params.run.limits
        self._folder = run.config.folder
        self._jobs = jobs
        self._progress = progress

    def print_pages(self, browser: str) -> None:
        """Print every page but the index; without a browser, remove what was printed before."""
        folder = self._folder
        pages = [folder / "county.html", *sorted((folder / "institutions").glob("*.html"))]
        pages += sorted((folder / PACKS).glob("*/*.html"))
        made: list[Path] = []
        if browser:
            there = [p for p in pages if p.is_file()]
            made = print_pages(there, folder, self.state, browser, self._jobs, self._progress)
        for path in folder.rglob("*.pdf"):
            if path not in made and "working" not in path.relative_to(folder).parts:
                path.unlink()

    def execute(
        self, stage: str, tasks: list[Task], then: Callable[[Done], None] = lambda _: None
    ) -> list[Done]:
        """Execute tasks; ``then`` is called with each, in this thread, while others go on."""
        report = _counter(self._progress, stage, len(tasks))

        def on_done(done: Done) -> None:
            then(done)
            report(done)

        return execute_all(tasks, self.state, self._limits, jobs=self._jobs, on_done=on_done)


def _counter(progress: Progress, stage: str, total: int) -> Callable[[Done], None]:
    count = 0

    def on_done(done: Done) -> None:
        nonlocal count
        count += 1
        progress(stage, count, total, done.task.id)

    return on_done
