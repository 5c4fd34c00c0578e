"""A skip nobody agreed to fails the run; agreed ones stand in ``allowed_skips.txt``."""

from pathlib import Path

import pytest
from hypothesis import settings

# No test is timed: a busy machine must not fail a property.
settings.register_profile("puhui", deadline=None)
settings.load_profile("puhui")

ALLOWED_SKIPS = Path(__file__).with_name("allowed_skips.txt")

_unlisted: dict[str, str] = {}


def _allowed() -> set[str]:
    lines = ALLOWED_SKIPS.read_text(encoding="utf-8").splitlines()
    return {line.strip() for line in lines if line.strip() and not line.startswith("#")}


def _note_skip(report: pytest.TestReport | pytest.CollectReport) -> None:
    """Note skips and expected failures alike: either way nothing was proved."""
    if report.skipped and report.nodeid not in _allowed():
        _unlisted[report.nodeid] = str(getattr(report, "wasxfail", "") or report.longrepr)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    _note_skip(report)


def pytest_collectreport(report: pytest.CollectReport) -> None:
    _note_skip(report)


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    if _unlisted and exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if _unlisted:
        terminalreporter.section("skipped, but not listed in tests/allowed_skips.txt", red=True)
        for nodeid, reason in sorted(_unlisted.items()):
            terminalreporter.write_line(f"{nodeid}: {reason}")
