"""The template process: imports what notebooks need, then forks a process for each request.

Started by :mod:`puhui.runner.warm` with one end of a socket. A request is a JSON object with
``target`` (``module:name`` of what is called), ``argv``, ``env`` and ``cwd``; the answer is the
process id with a descriptor of the process. When the other end closes, however that came about,
the template ends, and every process forked from it.

Nothing but imports and the reading of what is never changed, parameters and the charts' font,
happens here: no engine, no query, no figure and no thread, or a fork of it would not be as good
as new.
"""

from __future__ import annotations

import ctypes
import gc
import importlib
import json
import os
import pkgutil
import random
import signal
import socket
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

#: What notebooks and the library import on their way; a kernel has them from the start.
STACK = (
    "IPython.core.completerlib",
    "duckdb",
    "fontTools.subset",
    "fontTools.ttLib.tables.otConverters",
    "ipykernel.debugger",
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
    "puhui.briefing.docx",
    "puhui.briefing.xlsx",
    "puhui.eligibility",
    "puhui.indicators",
    "puhui.rates",
    "puhui.results",
    "puhui.runner.preparing",
    "pyarrow.compute",
    "pyarrow.dataset",
    "pyarrow.pandas_compat",
    "pyarrow.parquet",
    "scipy.stats",
    "seaborn",
    "sqlglot.generators.duckdb",
    "statsmodels.api",
)


def without_grammar() -> None:
    """Keep jsonschema from loading a grammar of IRIs, which takes a second of every process.

    Only schemas with that format would ask for it, and the schema of notebooks has none.
    """
    sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]


#: Longest request: arguments and environment of a kernel.
LONGEST = 1 << 20
_PR_SET_PDEATHSIG = 1


def main(descriptor: int, reads: Sequence[str] = ()) -> None:
    """Import the stack, say ``ready`` (or what went wrong), then fork on request.

    ``reads`` are a params folder and the data folder of the run, if its parameters are to be read.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the runner's affair
    without_grammar()
    connection = socket.socket(fileno=descriptor)
    connection.set_inheritable(False)
    libc = ctypes.CDLL(None, use_errno=True)
    connection.send(_prepared(reads).encode())
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for a kernel here
    gc.collect()
    gc.freeze()
    while request := connection.recv(LONGEST):
        _fork(connection, json.loads(request), libc)


def _prepared(reads: Sequence[str]) -> str:
    try:
        for name in STACK:
            importlib.import_module(name)
        from puhui.briefing import glyphs
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    glyphs.font_of("")
    if reads:
        _read(*reads)
    threads = len(list(Path("/proc/self/task").iterdir()))
    return "ready" if threads == 1 else f"{threads} threads after imports"


def _read(folder: str, data: str) -> None:
    """Read parameters; whoever opens them says what is wrong with them."""
    from puhui import params
    from puhui.errors import PuhuiError

    with suppress(PuhuiError, OSError):
        params.load(Path(folder), data_folder=Path(data))


def _fork(connection: socket.socket, request: dict[str, Any], libc: ctypes.CDLL) -> None:
    template = os.getpid()
    pid = os.fork()
    if pid == 0:
        connection.close()
        code = 1
        try:
            _become(request, template, libc)
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


def _become(request: dict[str, Any], template: int, libc: ctypes.CDLL) -> None:
    """Do in this fresh process what was asked for."""
    import numpy as np

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
    pkgutil.resolve_name(request["target"])(argv=request["argv"])


if __name__ == "__main__":
    # `python -m` puts the working folder first; a kernel's imports must not depend on it.
    sys.path[:] = [p for p in sys.path if p not in ("", str(Path.cwd()))]
    main(int(sys.argv[1]), sys.argv[2:])
