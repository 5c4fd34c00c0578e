"""The template process: imports what notebooks need, then forks a kernel for each request.

Started by :mod:`puhui.runner.warm` with one end of a socket. A request is a JSON object with
``argv`` (of ``ipykernel``), ``env`` and ``cwd``; the answer is the kernel's process id with a
descriptor of the process. When the other end closes, however that came about, the template
ends, and every kernel with it.

Nothing but imports happens here: no engine, no query, no figure and no thread, or a fork of it
would not be as good as new.
"""

from __future__ import annotations

import ctypes
import gc
import importlib
import json
import os
import random
import signal
import socket
import sys
from pathlib import Path
from typing import Any

#: What notebooks and the library import on their way; a kernel has them from the start.
STACK = (
    "IPython.core.completerlib",
    "duckdb",
    "ipykernel.kernelapp",
    "ipykernel.zmqshell",
    "matplotlib.figure",
    "matplotlib.pyplot",
    "matplotlib_inline.backend_inline",
    "numpy",
    "pandas",
    "puhui.briefing.charts",
    "puhui.briefing.county",
    "puhui.briefing.html",
    "puhui.briefing.institution",
    "puhui.briefing.plain",
    "puhui.eligibility",
    "puhui.indicators",
    "puhui.rates",
    "puhui.results",
    "puhui.runner.preparing",
    "pyarrow.compute",
    "pyarrow.parquet",
    "scipy.stats",
    "seaborn",
    "statsmodels.api",
)
#: Longest request: arguments and environment of a kernel.
LONGEST = 1 << 20
_PR_SET_PDEATHSIG = 1


def main(descriptor: int) -> None:
    """Import the stack, say ``ready`` (or what went wrong), then fork on request."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the runner's affair
    connection = socket.socket(fileno=descriptor)
    connection.set_inheritable(False)
    libc = ctypes.CDLL(None, use_errno=True)
    connection.send(_prepared().encode())
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for a kernel here
    gc.collect()
    gc.freeze()
    while request := connection.recv(LONGEST):
        _fork(connection, json.loads(request), libc)


def _prepared() -> str:
    try:
        for name in STACK:
            importlib.import_module(name)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    threads = len(list(Path("/proc/self/task").iterdir()))
    return "ready" if threads == 1 else f"{threads} threads after imports"


def _fork(connection: socket.socket, request: dict[str, Any], libc: ctypes.CDLL) -> None:
    template = os.getpid()
    pid = os.fork()
    if pid == 0:
        connection.close()
        code = 1
        try:
            _become_kernel(request, template, libc)
            code = 0
        finally:
            os._exit(code)
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:  # dead already
        connection.send(b"0")
        return
    socket.send_fds(connection, [str(pid).encode()], [descriptor])
    os.close(descriptor)


def _become_kernel(request: dict[str, Any], template: int, libc: ctypes.CDLL) -> None:
    """Run a kernel in this fresh process until it is told to stop."""
    import numpy as np
    from ipykernel.kernelapp import IPKernelApp

    os.setsid()
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != template:  # it died before we could ask to be told
        return
    for number in (signal.SIGINT, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ.clear()
    os.environ.update(request["env"])
    os.chdir(request["cwd"])
    random.seed()
    np.random.seed()
    IPKernelApp.launch_instance(argv=request["argv"])


if __name__ == "__main__":
    # `python -m` puts the working folder first; a kernel's imports must not depend on it.
    sys.path[:] = [p for p in sys.path if p not in ("", str(Path.cwd()))]
    main(int(sys.argv[1]))
