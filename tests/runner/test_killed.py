"""A run that is killed and started again ends as an undisturbed one, and leaves nothing about."""

from __future__ import annotations

import shutil
import signal
from pathlib import Path

import pytest

from runner.extract import BRANCH, SHEET, extract
from runner.killing import killed_at, left_over, outputs, start


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory) -> tuple[Path, dict[str, str]]:
    """Submissions nobody has read yet, and what a run without trouble makes of them."""
    folder = tmp_path_factory.mktemp("killed")
    extract(folder, (SHEET, BRANCH))
    data = folder / "calm"
    shutil.copytree(folder / "data", data)
    assert start(data, folder / "calm-out", folder / "said").wait() == 0
    assert left_over(data, folder / "calm-out") == []
    return folder / "data", outputs(folder / "calm-out")


@pytest.mark.slow
@pytest.mark.parametrize("stage", ["接收与校验", "计算指标量", "计算底稿", "编制通报"])
def test_killed_in_a_stage_and_started_again(tmp_path, undisturbed, stage):
    data, out, said = tmp_path / "data", tmp_path / "out", tmp_path / "said"
    shutil.copytree(undisturbed[0], data)
    killed_at(start(data, out, said), said, stage)
    assert not (out / "2021Q4").exists()
    assert start(data, out, said).wait() == 0
    assert outputs(out) == undisturbed[1]
    assert left_over(data, out) == []


@pytest.mark.slow
@pytest.mark.parametrize("stage", ["接收与校验", "计算底稿"])
def test_interrupted_by_ctrl_c_and_started_again(tmp_path, undisturbed, stage):
    data, out, said = tmp_path / "data", tmp_path / "out", tmp_path / "said"
    shutil.copytree(undisturbed[0], data)
    assert killed_at(start(data, out, said), said, stage, by=signal.SIGINT)
    assert not (out / "2021Q4").exists()
    assert start(data, out, said).wait() == 0
    assert outputs(out) == undisturbed[1]
    assert left_over(data, out) == []


@pytest.mark.slow
def test_killed_at_every_step_of_publishing(tmp_path, undisturbed):
    data, out, said = tmp_path / "data", tmp_path / "out", tmp_path / "said"
    shutil.copytree(undisturbed[0], data)
    assert start(data, out, said).wait() == 0
    submitted = next((data / "submissions" / "2021Q4").rglob("*.xlsx"))
    step, died = 0, True
    while died:
        step += 1
        submitted.touch()  # or there would be nothing to publish
        died = start(data, out, said, step).wait() != 0
        # Whatever was reached, the next start has a whole folder to go on from.
        assert start(data, out, said).wait() == 0
        assert outputs(out) == undisturbed[1]
        assert left_over(data, out) == []
    assert step > 6
