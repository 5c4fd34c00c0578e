"""Kernels that talk over ipc where it exists: no ports to race for, nothing on the network."""

from __future__ import annotations

import atexit
import os
import shutil
import sys
import tempfile
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any

import psutil
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from traitlets import default

from puhui.runner.warm import SPEC

HAS_IPC = sys.platform != "win32"


class QuietKernelManager(AsyncKernelManager):
    """Kernel manager whose sockets lie in a folder of their own; used through papermill."""

    @property
    def kernel_spec(self) -> KernelSpec:
        """That of warm kernels, whether or not it was installed for others to find."""
        return KernelSpec.from_resource_dir(str(SPEC))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if HAS_IPC:
            kwargs.setdefault("transport", "ipc")
        super().__init__(*args, **kwargs)

    @default("ip")  # type: ignore[untyped-decorator]
    def _ip_default(self) -> str:
        # The library's own default is one relative name that kernels side by side would share.
        if self.transport == "ipc":
            return str(folder() / str(next(_NUMBERS)))
        return "127.0.0.1"


_NUMBERS = count(1)


@cache
def folder() -> Path:
    """Folder for sockets and temporary files of this process's kernels.

    It ends with this process; those of processes that were killed are swept away.
    """
    parent = Path(tempfile.gettempdir())
    for left in parent.glob("puhui-kernels-*-*"):
        owner = left.name.split("-")[2]
        if owner.isdigit() and not psutil.pid_exists(int(owner)):
            shutil.rmtree(left, ignore_errors=True)
    made = Path(tempfile.mkdtemp(prefix=f"puhui-kernels-{os.getpid()}-", dir=parent))
    atexit.register(shutil.rmtree, made, ignore_errors=True)
    return made
