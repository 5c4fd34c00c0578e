"""Where the project's own files are, and fingerprints of code and inputs."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from hashlib import sha256
from pathlib import Path

from puhui.errors import RunError


def project_root(start: Path | None = None) -> Path:
    """Find the project: the nearest folder upward with ``notebooks/`` and ``params/run.yaml``.

    The folder of the installed package is tried last, so that a copied project uses its own
    parameters.

    Raises
    ------
    RunError
        If there is none.
    """
    here = (start or Path.cwd()).resolve()
    for folder in [here, *here.parents, *Path(__file__).resolve().parents]:
        if (folder / "notebooks").is_dir() and (folder / "params" / "run.yaml").is_file():
            return folder
    raise RunError("找不到 puhui 项目目录。", remedy="请在项目目录内运行。")


def file_hash(path: Path) -> str:
    """SHA-256 of a file's bytes."""
    return sha256(path.read_bytes()).hexdigest()


def files_hash(paths: Iterable[Path], root: Path) -> str:
    """SHA-256 over relative names and contents of files."""
    digest = sha256()
    for path in sorted(paths):
        digest.update(str(path.relative_to(root)).encode() + b"\0" + file_hash(path).encode())
    return digest.hexdigest()


@cache
def code_fingerprint() -> str:
    """SHA-256 over the library's own source files and templates."""
    root = Path(__file__).resolve().parents[1]
    kept = {".py", ".j2", ".css", ".json", ".sql"}
    return files_hash((p for p in root.rglob("*") if p.suffix in kept and p.is_file()), root)


def combine(*parts: object) -> str:
    """Return one key from several texts."""
    return sha256("\0".join(str(p) for p in parts).encode()).hexdigest()
