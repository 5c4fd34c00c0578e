"""Warm kernels: forked from a process that has imported everything already (Linux).

:class:`WarmProvisioner` is a Jupyter kernel provisioner, chosen by the kernelspec ``puhui``; so
papermill, nbclient and JupyterLab use it without knowing. An ordinary kernel takes seconds of
imports, a forked one a fraction. State is fresh for each: a fork shares nothing with others.
Where there is no ``fork`` to rely on, or the template cannot start, kernels are ordinary ones.
"""

from __future__ import annotations

import atexit
import json
import logging
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.provisioning.local_provisioner import LocalProvisioner

#: Name of the kernelspec whose kernels are forked.
KERNEL = "puhui"
#: Folder of that kernelspec.
SPEC = Path(__file__).with_name("kernelspec")
#: Environment of every kernel: one thread of BLAS, so that results do not depend on cores, and
#: none of the allocator, so that a template that has only imported things can be forked.
KERNEL_ENVIRONMENT = {
    "JE_ARROW_MALLOC_CONF": "background_thread:false",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MPLBACKEND": "agg",
    "PYTHONWARNINGS": "ignore",
    "PYDEVD_DISABLE_FILE_VALIDATION": "1",
}
_LOG = logging.getLogger(__name__)
HAS_WARM = sys.platform == "linux" and hasattr(os, "pidfd_open")


class ForkedProcess:
    """A process forked by the template, with the manners of :class:`subprocess.Popen`."""

    stdin = stdout = stderr = None

    def __init__(self, pid: int, descriptor: int) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._descriptor = descriptor

    def poll(self) -> int | None:
        """Whether it has ended; how it ended its parent, the template, does not tell."""
        if self.returncode is None and select.select([self._descriptor], [], [], 0)[0]:
            self._ended()
        return self.returncode

    def wait(self) -> int:
        """Wait for its end."""
        if self.returncode is None:
            select.select([self._descriptor], [], [])
            self._ended()
        return self.returncode or 0

    def _ended(self) -> None:
        self.returncode = -1
        os.close(self._descriptor)

    def send_signal(self, number: int) -> None:
        """Send a signal, to no other process that might have taken its id since."""
        if self.poll() is None:
            signal.pidfd_send_signal(self._descriptor, number)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it."""
        self.send_signal(signal.SIGKILL)


class Template:
    """The process kernels are forked from: one for this process, started when first asked."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._connection: socket.socket | None = None
        self._ready = False
        self._unusable = False
        self._reads: tuple[str, ...] = ()

    def start(self, params: Path | None = None, data: Path | None = None) -> None:
        """Start the template without waiting until it has imported everything.

        It reads the parameters in ``params`` for a run on ``data``, if these are given, so that
        what is forked from it need not.
        """
        if HAS_WARM and not self._unusable:
            if params is not None and data is not None:
                self._reads = (str(params.resolve()), str(data.resolve()))
            with self._lock:
                self._start()

    def _start(self) -> None:
        if self._process is not None and self._process.poll() is None:
            return
        self._close()
        mine, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        command = [sys.executable, "-m", "puhui.runner.template", str(its.fileno()), *self._reads]
        self._process = subprocess.Popen(
            command,
            pass_fds=[its.fileno()],
            env={**os.environ, **KERNEL_ENVIRONMENT},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        its.close()
        self._connection = mine

    def fork(
        self, target: str, argv: Sequence[str], env: Mapping[str, str], cwd: str
    ) -> ForkedProcess | None:
        """Fork a process that calls ``target`` (``module:name``) with ``argv=``.

        ``None`` if there is no template.
        """
        if not HAS_WARM or self._unusable:
            return None
        asked = {"target": target, "argv": list(argv), "env": dict(env), "cwd": cwd}
        request = json.dumps(asked).encode()
        with self._lock:
            for _ in range(2):  # a template that was killed is started again, once
                self._start()
                try:
                    return self._forked(request)
                except OSError:
                    self._close()
                if self._unusable:
                    break
        return None

    def _forked(self, request: bytes) -> ForkedProcess:
        connection = self._connection
        if connection is None:
            raise ConnectionError
        if not self._ready:
            self._greeted(connection.recv(4096).decode())
        connection.send(request)
        answer, descriptors, _, _ = socket.recv_fds(connection, 64, 1)
        if not descriptors:
            raise ConnectionError
        return ForkedProcess(int(answer), descriptors[0])

    def _greeted(self, said: str) -> None:
        """Take the template at its word; one that cannot be forked is not tried again."""
        if said != "ready":
            self._unusable = bool(said)  # nothing said: it was killed
            if said:
                _LOG.warning("kernels are ordinary ones: the template says %s", said)
            raise ConnectionError
        self._ready = True

    def close(self) -> None:
        """End the template, and every kernel forked from it that still runs."""
        with self._lock:
            self._close()

    def _close(self) -> None:
        self._ready = False
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


TEMPLATE = Template()
_LAUNCH = "ipykernel.kernelapp:IPKernelApp.launch_instance"
atexit.register(TEMPLATE.close)


class WarmProvisioner(LocalProvisioner):
    """Provisions kernels by forking; in all else the provisioner of local kernels."""

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        """Fork a kernel from the template, or launch an ordinary one."""
        env = {**(kwargs.get("env") or os.environ), **KERNEL_ENVIRONMENT}
        arguments = cmd[cmd.index("ipykernel_launcher") + 1 :]
        cwd = str(kwargs.get("cwd") or os.getcwd())
        process = TEMPLATE.fork(_LAUNCH, arguments, env, cwd)
        if process is None:
            return await super().launch_kernel(cmd, **{**kwargs, "env": env})
        # The library declares the process as None.
        self.process = process  # type: ignore[assignment]
        self.pid = self.pgid = process.pid
        return self.connection_info


def install() -> None:
    """Make the kernelspec known to papermill and JupyterLab of this environment."""
    from jupyter_client.kernelspec import KernelSpecManager

    KernelSpecManager().install_kernel_spec(str(SPEC), KERNEL, prefix=sys.prefix)


if __name__ == "__main__":
    install()
