"""Executing notebooks by papermill, and only those whose inputs changed."""

from __future__ import annotations

import errno
import json
import os
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from puhui.errors import NotebookFailed
from puhui.params.run import Timeouts
from puhui.runner.project import combine
from puhui.runner.state import State
from puhui.runner.warm import KERNEL, KERNEL_ENVIRONMENT, TEMPLATE


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
    timeouts: Timeouts,
    *,
    jobs: int,
    on_done: Callable[[Done], None],
) -> list[Done]:
    """Execute tasks on ``jobs`` threads; a failure stops nothing else.

    Returns
    -------
    list of Done
        In the order of ``tasks``; ``executed`` is false where nothing had changed.
    """
    os.environ.update(KERNEL_ENVIRONMENT)
    if not all(_is_done(task, state) for task in tasks):
        TEMPLATE.start()
    results: dict[str, Done] = {}
    with ThreadPoolExecutor(max_workers=max(1, jobs)) as pool, _stopping(pool):
        futures = {pool.submit(_execute_if_needed, task, state, timeouts): task for task in tasks}
        for future in as_completed(futures):
            done = future.result()
            if done.failure:
                state.forget(done.task.id)
            elif done.executed:
                state.done(done.task.id, done.task.key)
            results[done.task.id] = done
            on_done(done)
    return [results[t.id] for t in tasks]


@contextmanager
def _stopping(pool: ThreadPoolExecutor) -> Iterator[None]:
    """On Ctrl-C start nothing more and end the kernels, so that the threads come back.

    Where nothing can be written any more, what has not begun need not begin.
    """
    try:
        yield
    except OSError:
        pool.shutdown(wait=False, cancel_futures=True)
        raise
    except KeyboardInterrupt:
        pool.shutdown(wait=False, cancel_futures=True)
        for child in psutil.Process().children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                child.kill()
        raise


def _is_done(task: Task, state: State) -> bool:
    return state.is_done(task.id, task.key, (*task.makes, task.output))


def _execute_if_needed(task: Task, state: State, timeouts: Timeouts) -> Done:
    if _is_done(task, state):
        return Done(task, executed=False, seconds=0.0)
    started = time.perf_counter()
    for path in task.makes:
        path.unlink(missing_ok=True)
    try:
        execute(task.notebook, task.output, task.parameters, timeouts)
        missing = [p.name for p in task.makes if not p.is_file()]
        failure = f"没有留下 {'、'.join(missing)}" if missing else ""
    except NotebookFailed as error:
        failure = str(error)
    if failure:
        # What a notebook saved before it failed must not be gathered.
        for path in task.makes:
            path.unlink(missing_ok=True)
    return Done(task, True, time.perf_counter() - started, failure)


def execute(notebook: Path, output: Path, parameters: dict[str, str], timeouts: Timeouts) -> None:
    """Execute one notebook by papermill; the partial notebook is kept on failure.

    Raises
    ------
    NotebookFailed
        A cell raised, the kernel died, or time ran out; names notebook and cell.
    """
    import papermill
    from nbclient.exceptions import CellTimeoutError, DeadKernelError

    output.parent.mkdir(parents=True, exist_ok=True)
    # papermill formats the output path with the parameters: braces must not reach it.
    staged = output.with_name(f".{output.name}")
    try:
        papermill.execute_notebook(
            str(notebook),
            str(staged).replace("{", "{{").replace("}", "}}"),
            parameters=parameters,
            kernel_name=KERNEL,
            progress_bar=False,
            log_output=False,
            # Saved as each cell begins, so that what was done is there whatever happens next.
            request_save_on_cell_execute=True,
            autosave_cell_every=0,
            execution_timeout=timeouts.cell,
            start_timeout=timeouts.kernel_start,
            # Errors of cells are in the notebook; the kernel's own log would only drown progress.
            extra_arguments=["--log-level=50"],
            kernel_manager_class="puhui.runner.kernels.QuietKernelManager",
        )
    except papermill.PapermillExecutionError as error:
        if "Errno 28" in str(error.evalue):  # the same would befall every other notebook
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(output)) from error
        said = f"第 {error.cell_index + 1} 格出错：{error.ename}：{error.evalue}"
        raise NotebookFailed(said, where=notebook.name) from error
    except CellTimeoutError as error:
        said = f"有一格超过 {timeouts.cell} 秒没有算完，已中止（run.yaml 的 timeouts 可改）。"
        raise NotebookFailed(said, where=notebook.name) from error
    except (DeadKernelError, RuntimeError) as error:
        raise NotebookFailed(f"内核中止：{error}", where=notebook.name) from error
    finally:
        if staged.is_file():
            staged.replace(output)


def read(path: Path) -> Any:
    """Read a notebook."""
    import nbformat

    return nbformat.read(path, as_version=4)
