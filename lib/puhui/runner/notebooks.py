"""Executing notebooks by papermill, and only those whose inputs changed."""

from __future__ import annotations

import errno
import json
import os
import re
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError, ThreadPoolExecutor, as_completed
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from puhui.errors import NotebookFailed
from puhui.params.run import Limits
from puhui.runner.project import combine
from puhui.runner.state import State
from puhui.runner.template import without_grammar
from puhui.runner.warm import KERNEL


@dataclass(frozen=True)
class Task:
    """One notebook to execute with one set of parameters.

    ``key`` fingerprints everything its outputs depend on; ``makes`` are files it must leave.
    """

    id: str
    notebook: Path
    output: Path
    parameters: dict[str, str]
    key: str
    makes: tuple[Path, ...]
    institution_id: str = ""


@dataclass(frozen=True)
class Done:
    """What became of a task."""

    task: Task
    executed: bool
    seconds: float
    failure: str = ""


def notebook_key(path: Path) -> str:
    """Fingerprint of a notebook's sources; committed outputs do not count."""
    # Without nbformat, whose import alone would cost a run that has nothing to do a second.
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return combine(*(f"{c['cell_type']}\n{''.join(c['source'])}" for c in cells))


def execute_all(
    tasks: Sequence[Task],
    state: State,
    limits: Limits,
    *,
    jobs: int,
    on_done: Callable[[Done], None],
) -> list[Done]:
    """Execute tasks, ``jobs`` at a time; a failure stops nothing else.

    Returns
    -------
    list of Done
        In the order of ``tasks``; ``executed`` is false where nothing had changed.
    """
    without_grammar()
    jobs = max(1, jobs)
    turn = _Turn(jobs)
    results: dict[str, Done] = {}
    # Twice as many threads as jobs: while some compute, the kernels of the next get ready.
    with ThreadPoolExecutor(max_workers=2 * jobs) as pool, stopping(pool, turn.stop):
        futures = [pool.submit(_execute_if_needed, task, state, limits, turn) for task in tasks]
        for future in as_completed(futures):
            done = future.result()
            if done.failure:
                state.forget(done.task.id)
            elif done.executed:
                state.done(done.task.id, done.task.key)
            results[done.task.id] = done
            on_done(done)
    return [results[t.id] for t in tasks]


class _Turn:
    """Lets so many compute at a time, and nobody any more once it is stopped."""

    def __init__(self, jobs: int) -> None:
        self._free = threading.BoundedSemaphore(jobs)
        self._stopped = False

    def stop(self) -> None:
        """Let nobody begin."""
        self._stopped = True

    def __enter__(self) -> None:
        self._free.acquire()
        if self._stopped:
            self._free.release()
            raise CancelledError

    def __exit__(self, *_: object) -> None:
        self._free.release()


@contextmanager
def stopping(pool: ThreadPoolExecutor, stop: Callable[[], None] = lambda: None) -> Iterator[None]:
    """On Ctrl-C start nothing more and end child processes, so that the threads come back.

    Where nothing can be written any more, what has not begun need not begin.
    """
    try:
        yield
    except OSError:
        stop()
        pool.shutdown(wait=False, cancel_futures=True)
        raise
    except KeyboardInterrupt:
        stop()
        pool.shutdown(wait=False, cancel_futures=True)
        for child in psutil.Process().children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                child.kill()
        raise


def _is_done(task: Task, state: State) -> bool:
    return state.is_done(task.id, task.key, (*task.makes, task.output))


def _execute_if_needed(
    task: Task, state: State, limits: Limits, turn: AbstractContextManager[Any]
) -> Done:
    if _is_done(task, state):
        return Done(task, executed=False, seconds=0.0)
    started = time.perf_counter()
    for path in task.makes:
        path.unlink(missing_ok=True)
    try:
        execute(task.notebook, task.output, task.parameters, limits, turn)
        missing = [p.name for p in task.makes if not p.is_file()]
        failure = f"没有留下 {'、'.join(missing)}" if missing else ""
    except NotebookFailed as error:
        failure = str(error)
    if failure:
        # What a notebook saved before it failed must not be gathered.
        for path in task.makes:
            path.unlink(missing_ok=True)
    return Done(task, True, time.perf_counter() - started, failure)


def execute(
    notebook: Path,
    output: Path,
    parameters: dict[str, str],
    limits: Limits,
    turn: AbstractContextManager[Any] | None = None,
) -> None:
    """Execute one notebook by papermill; the partial notebook is kept on failure.

    A log lies beside the output. Kernels are started before ``turn`` is held and ended after, so
    that the next one is ready while this one computes.

    Raises
    ------
    NotebookFailed
        A cell raised, the kernel died, time ran out or output flooded; names notebook and cell.
    """
    import papermill

    from puhui.runner.executing import ENGINE, Execution, say

    output.parent.mkdir(parents=True, exist_ok=True)
    # papermill formats the output path with the parameters: braces must not reach it.
    staged = output.with_name(f".{output.name}")
    log_path = output.with_suffix(".log")
    log_path.unlink(missing_ok=True)  # it may be a link of a published one
    with log_path.open("w", encoding="utf-8") as log:
        say(log, notebook.name)
        try:
            papermill.execute_notebook(
                str(notebook),
                str(staged).replace("{", "{{").replace("}", "}}"),
                engine_name=ENGINE,
                execution=Execution(limits, turn or nullcontext(), log),
                parameters=parameters,
                kernel_name=KERNEL,
                progress_bar=False,
                kernel_manager_class="puhui.runner.kernels.QuietKernelManager",
            )
        except Exception as error:
            said = _in_words(error, limits)
            if said is None:
                raise
            say(log, f"{said}\n{_traceback(error)}")
            raise NotebookFailed(said, where=notebook.name) from error
        finally:
            if staged.is_file():
                staged.replace(output)


def _in_words(error: Exception, limits: Limits) -> str | None:
    """Say why a notebook failed; ``None`` for what would befall every other notebook too."""
    import papermill
    from nbclient.exceptions import CellTimeoutError, DeadKernelError

    from puhui.runner.executing import OutputFlood

    if isinstance(error, papermill.PapermillExecutionError):
        if "Errno 28" in str(error.evalue):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)) from error
        return f"第 {error.cell_index + 1} 格出错：{error.ename}：{error.evalue}"
    if isinstance(error, CellTimeoutError):
        return f"有一格超过 {limits.cell} 秒没有算完，已中止（run.yaml 的 limits 可改）。"
    if isinstance(error, OutputFlood):
        return (
            f"第 {error.cell_index + 1} 格输出超过 {limits.output_mb:g} MB，已中止"
            "（run.yaml 的 limits 可改）。"
        )
    if isinstance(error, (DeadKernelError, RuntimeError)):
        return f"内核中止：{error}"
    return None


def _traceback(error: Exception) -> str:
    """Return a cell's traceback without the colours it is given for a terminal."""
    lines = getattr(error, "traceback", None) or []
    return re.sub(r"\x1b\[[0-9;]*m", "", "\n".join(lines))


def read(path: Path) -> Any:
    """Read a notebook."""
    import nbformat

    return nbformat.read(path, as_version=4)
