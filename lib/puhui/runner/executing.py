"""The papermill engine of this suite: kernels ready ahead, a log, and a bound on output.

Registered with papermill under :data:`ENGINE`; the notebook, the parameters and the kernels are
papermill's affair as ever.
"""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, TextIO

import psutil
from nbclient.exceptions import DeadKernelError
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import NBClientEngine, NotebookExecutionManager, papermill_engines
from traitlets import Instance

from puhui.params.run import Limits
from puhui.runner.kernels import folder

ENGINE = "puhui"
#: Seconds between two savings of a notebook that is being executed.
_SAVED_EVERY = 1.0


class OutputFlood(Exception):
    """A cell put out more than the run file allows."""

    def __init__(self, cell_index: int) -> None:
        super().__init__(cell_index)
        self.cell_index = cell_index


@dataclass(frozen=True)
class Execution:
    """How one notebook is executed.

    Attributes
    ----------
    turn
        Held while cells run; kernels start before it is given and end after.
    log
        Where what happened is written as it happens.
    """

    limits: Limits
    turn: AbstractContextManager[Any]
    log: TextIO


class Engine(NBClientEngine):  # type: ignore[misc]
    """Executes a notebook as papermill's own engine does, with an :class:`Execution`."""

    @classmethod
    def execute_notebook(
        cls,
        nb: Any,
        kernel_name: str | None,
        output_path: str | None = None,
        *,
        execution: Execution,
        **kwargs: Any,
    ) -> Any:
        """Execute; the notebook is saved every second and whatever happens at the end."""
        manager = _Manager(nb, output_path, execution.log)
        manager.notebook_start()
        try:
            _Client(
                manager,
                execution=execution,
                kernel_name=kernel_name,
                timeout=execution.limits.cell,
                startup_timeout=execution.limits.kernel_start,
                kernel_manager_class=kwargs["kernel_manager_class"],
                stderr_file=execution.log,
                # Nothing is left to do for a kernel whose last cell has ended; what it leaves
                # among temporary files goes with the folder it is given for them.
                shutdown_kernel="immediate",
                # Errors of cells are in the notebook; a history of cells is nobody's.
                extra_arguments=["--log-level=50", "--HistoryManager.enabled=False"],
            ).execute(env={**os.environ, "TMPDIR": str(folder())})
        finally:
            manager.notebook_complete()
        return manager.nb


class _Manager(NotebookExecutionManager):  # type: ignore[misc]
    """Papermill's, saving less often and keeping a log."""

    def __init__(self, nb: Any, output_path: str | None, log: TextIO) -> None:
        super().__init__(nb, output_path=output_path, progress_bar=False)
        self._log, self._ended = log, False

    def save(self, **kwargs: Any) -> None:
        since = (self.now() - self.last_save_time).total_seconds()
        if self._ended or since >= _SAVED_EVERY:
            super().save(**kwargs)

    def cell_complete(self, cell: Any, cell_index: int | None = None, **kwargs: Any) -> None:
        super().cell_complete(cell, cell_index, **kwargs)
        ran = cell.metadata.papermill
        if cell.cell_type == "code" and cell_index is not None:
            seconds = ran.get("duration") or 0.0
            say(self._log, f"第 {cell_index + 1} 格 {seconds:.2f} 秒 {ran['status']}")

    def notebook_complete(self, **kwargs: Any) -> None:
        self._ended = True
        super().notebook_complete(**kwargs)


class _Client(PapermillNotebookClient):  # type: ignore[misc]
    """Papermill's, waiting for its turn and stopping a cell that floods."""

    execution = Instance(Execution)

    def __init__(self, manager: _Manager, **kwargs: Any) -> None:
        super().__init__(manager, **kwargs)
        self._put_out: dict[int, int] = {}
        self._flooded: int | None = None

    def execute(self, **kwargs: Any) -> Any:
        try:
            return super().execute(**kwargs)
        except DeadKernelError:
            if self._flooded is None:
                raise
            raise OutputFlood(self._flooded) from None

    def papermill_execute_cells(self) -> None:
        with self.execution.turn:
            say(self.execution.log, f"内核进程 {self.km.provisioner.pid}")
            super().papermill_execute_cells()

    def process_message(self, msg: dict[str, Any], cell: Any, cell_index: int) -> Any:
        if self._flooded is not None:
            return None  # what still comes from a kernel that was ended
        left = round(self.execution.limits.output_mb * 10**6) - self._put_out.get(cell_index, 0)
        length = _length(msg["content"])
        if length <= left:
            self._put_out[cell_index] = self._put_out.get(cell_index, 0) + length
            return super().process_message(msg, cell, cell_index)
        self._flooded = cell_index
        psutil.Process(self.km.provisioner.pid).kill()
        if msg["msg_type"] != "stream":
            return None
        begun = {**msg["content"], "text": msg["content"]["text"][: max(left, 0)]}
        return super().process_message({**msg, "content": begun}, cell, cell_index)


def _length(content: Any) -> int:
    """Characters of a message's texts."""
    if isinstance(content, str):
        return len(content)
    if isinstance(content, Mapping):
        return sum(map(_length, content.values()))
    return sum(map(_length, content)) if isinstance(content, list) else 0


def say(log: TextIO, text: str) -> None:
    """Write a line with the time it was written."""
    now = dt.datetime.now().astimezone().isoformat(sep=" ", timespec="seconds")
    log.write(f"{now} {text}\n")
    log.flush()


papermill_engines.register(ENGINE, Engine)
