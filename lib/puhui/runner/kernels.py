"""Kernels that talk over ipc where it exists: no ports to race for, nothing on the network."""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

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
            return str(Path(tempfile.mkdtemp(prefix="puhui-")) / "k")
        return "127.0.0.1"

    def cleanup_ipc_files(self) -> None:
        """Remove the sockets and their folder."""
        super().cleanup_ipc_files()
        if self.transport == "ipc":
            shutil.rmtree(Path(self.ip).parent, ignore_errors=True)
