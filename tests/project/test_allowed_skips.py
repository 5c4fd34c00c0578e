"""The skip rule of tests/conftest.py, on a small project of its own."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CONFTEST = Path(__file__).parents[1] / "conftest.py"

SKIPS = {
    "by mark": "import pytest\n\n@pytest.mark.skip(reason='later')\ndef test_one(): ...\n",
    "inside": "import pytest\n\ndef test_one():\n    pytest.skip('later')\n",
    "expected failure": "import pytest\n\n@pytest.mark.xfail\ndef test_one():\n    assert 0\n",
    "no parameters": (
        "import pytest\n\n@pytest.mark.parametrize('x', [])\ndef test_one(x): ...\n"
        "\ndef test_two(): ...\n"
    ),
    "whole module": "import pytest\n\npytest.importorskip('no_such_module_anywhere')\n",
}


def _run(folder: Path, source: str, *options: str, allowed: str = "") -> tuple[int, str]:
    """Exit code and output of pytest on a project of one file, under the hook and no plugin."""
    shutil.copy(CONFTEST, folder / "conftest.py")
    (folder / "allowed_skips.txt").write_text(allowed, encoding="utf-8")
    (folder / "pytest.ini").write_text("[pytest]\nmarkers = slow\n", encoding="utf-8")
    (folder / "test_it.py").write_text(source, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options]
    environment = os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    run = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=120, env=environment
    )
    return run.returncode, run.stdout


def test_run_without_skips_passes(tmp_path: Path) -> None:
    assert _run(tmp_path, "def test_one(): ...\n")[0] == 0


@pytest.mark.parametrize("source", SKIPS.values(), ids=SKIPS.keys())
def test_unlisted_skip_fails_and_is_named(tmp_path: Path, source: str) -> None:
    code, output = _run(tmp_path, source)
    assert code == 1
    assert "not listed in tests/allowed_skips.txt" in output


def test_listed_skip_passes(tmp_path: Path) -> None:
    assert _run(tmp_path, SKIPS["by mark"], allowed="# why\ntest_it.py::test_one\n")[0] == 0


def test_listing_one_skip_does_not_allow_another(tmp_path: Path) -> None:
    assert _run(tmp_path, SKIPS["by mark"], allowed="test_it.py::test_other\n")[0] == 1


def test_deselecting_is_not_skipping(tmp_path: Path) -> None:
    source = "import pytest\n\n@pytest.mark.slow\ndef test_one(): ...\n\ndef test_two(): ...\n"
    assert _run(tmp_path, source, "-m", "not slow")[0] == 0
