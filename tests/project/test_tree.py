"""What may stand in the repository at all: no machine's paths, no big files, no heavy import."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PRUNED = {".git", ".venv", ".venv-canary", "output", "build", "dist", "store", "__pycache__"}
MAX_BYTES = 5_000_000

# Put together from parts, so that this file does not contain what it looks for.
FOREIGN = {
    "registry host": (
        "py" + r"pi\.org",
        "python" + r"hosted\.",
        r"registry\." + "npm",
        "deb" + r"\.deb",
    ),
    "machine path": (
        r"(?:^|[^A-Za-z0-9_.])/(?:" + "|".join(("wo" + "rk", "fa" + "rm", "ro" + "ot")) + ")/",
        r"(?:^|[^A-Za-z0-9_.])/(?:ho" + r"me|Use" + r"rs)/[a-z]",
        r"[A-Z]:\\Use" + r"rs\\",
        "/tm" + "p/w/",
    ),
    "workplace tool": ("fa" + r"rm-(?:studio|bench)",),
}


def _tracked() -> list[Path]:
    """Files under version control; the whole tree but work folders where git cannot say."""
    command = ["git", "-c", "safe.directory=*", "-C", str(ROOT), "ls-files", "-z"]
    try:
        listing = subprocess.run(command, capture_output=True, check=True).stdout
        files = [ROOT / name for name in listing.decode("utf-8").split("\0") if name]
    except (FileNotFoundError, subprocess.CalledProcessError):
        files = [p for p in ROOT.rglob("*") if not PRUNED & set(p.relative_to(ROOT).parts)]
    return [path for path in files if path.is_file()]


def _foreign_lines(content: bytes) -> list[str]:
    if b"\0" in content:
        return []
    found = []
    for line in content.decode("utf-8", errors="replace").splitlines():
        for kind, patterns in FOREIGN.items():
            if any(re.search(pattern, line) for pattern in patterns):
                found.append(f"{kind}: {line.strip()[:120]}")
    return found


def test_files_are_found() -> None:
    names = {path.relative_to(ROOT).as_posix() for path in _tracked()}
    assert {"pyproject.toml", "requirements.txt", "lib/puhui/schema.py"} <= names


def test_no_machine_path_host_or_workplace_tool_is_named() -> None:
    found = {
        path.relative_to(ROOT).as_posix(): lines
        for path in _tracked()
        if (lines := _foreign_lines(path.read_bytes()))
    }
    assert found == {}


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("https://py" + "pi.org/simple", "registry host"),
        ("open('/wo" + "rk/main/x')", "machine path"),
        ("/ho" + "me/someone/data", "machine path"),
        ("C:\\Use" + "rs\\someone", "machine path"),
        ("fa" + "rm-bench run", "workplace tool"),
    ],
)
def test_the_search_sees_what_it_should(line: str, kind: str) -> None:
    assert [text.split(":")[0] for text in _foreign_lines(line.encode())] == [kind]


@pytest.mark.parametrize(
    "line", ["output/2021Q4/working/01.ipynb", "a net" + "work/x", "./wo" + "rk/"]
)
def test_ordinary_paths_are_left_alone(line: str) -> None:
    assert _foreign_lines(line.encode()) == []


def test_no_big_file() -> None:
    sizes = {path.relative_to(ROOT).as_posix(): path.stat().st_size for path in _tracked()}
    assert {name: size for name, size in sizes.items() if size > MAX_BYTES} == {}


def test_command_line_imports_nothing_heavy() -> None:
    heavy = {
        "duckdb", "IPython", "jupyter_client", "jupyterlab", "matplotlib", "nbclient", "nbconvert",
        "nbformat", "numpy", "pandas", "papermill", "pyarrow", "scipy", "seaborn", "statsmodels",
    }  # fmt: skip
    program = (
        "import puhui.cli, sys; print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    )
    command = [sys.executable, "-c", program]
    environment = os.environ | {"PYTHONPATH": str(ROOT / "lib")}
    run = subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment)
    assert run.returncode == 0, run.stderr
    assert heavy & set(run.stdout.split()) == set()
