"""``--pdf``: pages of a run printed on A4 by Chromium, where there is one."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from puhui.errors import RunError
from puhui.runner.measuring import Progress
from puhui.runner.project import combine, file_hash
from puhui.runner.state import State

#: Where a browser of another name or place may be given.
GIVEN = "PUHUI_CHROMIUM"
_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "msedge")
_SECONDS = 180
#: The moment of printing, which Chromium writes into a document.
_DATE = re.compile(rb"(/(?:CreationDate|ModDate) \(D:)(\d{14})")
_LASTING = b"20000101000000"


def find_browser() -> str | None:
    """Return the browser that prints: ``PUHUI_CHROMIUM``, or one known by name."""
    names = (os.environ.get(GIVEN), *_NAMES)
    return next((path for name in names if name and (path := shutil.which(name))), None)


def print_pages(
    pages: Iterable[Path], folder: Path, state: State, browser: str, jobs: int, progress: Progress
) -> list[Path]:
    """Print pages beside themselves; those printed before from the same page are left.

    Parameters
    ----------
    pages
        HTML pages below ``folder``.
    browser
        Executable of Chromium.
    jobs
        Pages printed side by side.

    Returns
    -------
    The documents, in the order of ``pages``.

    Raises
    ------
    RunError
        If the browser prints nothing.
    """
    made = []
    due: list[tuple[Path, str, str]] = []
    for page in pages:
        name = f"pdf/{page.relative_to(folder).as_posix()}"
        key = combine(file_hash(page))
        made.append(page.with_suffix(".pdf"))
        if not state.is_done(name, key, [made[-1]]):
            due.append((page, name, key))
    with ThreadPoolExecutor(max(1, jobs)) as pool:
        printed = pool.map(lambda one: print_page(one[0], browser), due)
        for n, ((page, name, key), _) in enumerate(zip(due, printed, strict=True), start=1):
            state.done(name, key)
            progress("打印", n, len(due), page.stem)
    return made


def print_page(page: Path, browser: str) -> Path:
    """Print one page beside itself; raises :class:`RunError` if nothing comes of it."""
    target = page.with_suffix(".pdf")
    target.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory(prefix="puhui-print-") as profile:
        command = [
            browser,
            "--headless",
            "--disable-gpu",
            "--disable-background-networking",
            "--no-first-run",
            "--no-pdf-header-footer",
            f"--user-data-dir={profile}",
            f"--print-to-pdf={target}",
            page.resolve().as_uri(),
        ]
        if os.name == "posix" and os.geteuid() == 0:
            command.insert(1, "--no-sandbox")  # Chromium refuses to sandbox for root
        try:
            done = subprocess.run(command, capture_output=True, timeout=_SECONDS)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise _failed(page, browser, str(error)) from None
    if not target.is_file():
        lines = done.stderr.decode(errors="replace").strip().splitlines()
        raise _failed(page, browser, lines[-1] if lines else f"退出码 {done.returncode}")
    target.write_bytes(_DATE.sub(rb"\g<1>" + _LASTING, target.read_bytes()))
    return target


def _failed(page: Path, browser: str, reason: str) -> RunError:
    return RunError(
        f"{browser} 没有打印出 {page.name}：{reason}",
        remedy=f"请检查浏览器，或用环境变量 {GIVEN} 另指定，或去掉 --pdf。",
    )
