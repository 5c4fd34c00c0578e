"""``puhui params check`` as a user meets it: texts and exit codes."""

from __future__ import annotations

import shutil
import subprocess
import sys

from vocabulary import PARAMS, PROJECT


def params_check(folder):
    code = "from puhui.cli import main; main()"
    command = [sys.executable, "-c", code, "params", "check", "--params", str(folder)]
    return subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)


def test_right_parameters_end_with_0_and_are_counted():
    done = params_check(PARAMS)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "参数无误：条款 " in done.stdout and "政策项 " in done.stdout


def test_problems_end_with_1_and_are_all_told_with_line_text_and_suggestion(tmp_path):
    folder = tmp_path / "params"
    shutil.copytree(PARAMS, folder)
    for name, text in (("groups.yaml", "new: LQ\n"), ("clauses.yaml", "new: {sektion: 1}\n")):
        with (folder / name).open("a", encoding="utf-8") as stream:
            stream.write(text)
    done = params_check(folder)
    assert done.returncode == 1
    assert done.stdout.count("错误　") == 3
    assert "params/groups.yaml:" in done.stdout and "    new: LQ\n" in done.stdout
    assert "不认识的键“sektion”。 是否想写“section”？" in done.stdout
    assert "Traceback" not in done.stderr


def test_no_folder_ends_with_2_and_one_line(tmp_path):
    done = params_check(tmp_path / "nowhere")
    assert done.returncode == 2
    assert "nowhere" in done.stderr and "Traceback" not in done.stderr
