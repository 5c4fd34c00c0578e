"""nbval sees what it should: a changed parameter makes a checked cell fail."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys

import pytest

from runner.extract import answers, extract, history, of_record
from vocabulary import PROJECT

#: The institution 04 opens by default.
WHO = "HCNS0001"


@pytest.fixture(scope="module")
def copied(tmp_path_factory):
    """The project without outputs and with one institution, as an analyst would try something."""
    folder = tmp_path_factory.mktemp("copy")
    for name in ("notebooks", "params", "data/reference"):
        ignored = shutil.ignore_patterns(".ipynb_checkpoints")
        shutil.copytree(PROJECT / name, folder / name, ignore=ignored)
    data = extract(folder / "cut", (WHO,))
    history(data, (WHO,))
    data.rename(folder / "data" / "example")
    return folder


def nbval(folder, notebook):
    command = [sys.executable, "-m", "pytest", "--nbval-lax", "--nbval-kernel-name", "python3"]
    plain = ["-p", "no:cacheprovider", "-o", "addopts=", str(folder / "notebooks" / notebook)]
    environment = {**os.environ, "MPLBACKEND": "agg"}
    return subprocess.run(
        [*command, *plain], cwd=folder, capture_output=True, text=True, env=environment
    )


def below_the_gap():
    """A tolerance in hundredths just below what the institution's own gap truly is."""
    (row,) = (
        r
        for r in of_record(answers((WHO,)))
        if (r["branch_id"], r["indicator_id"]) == (None, "C7.2")
    )
    assert row["verdict"] == "met"
    hundredths = (100 * int(row["num"]) - 1) // int(row["den"])
    assert 0 < hundredths < 300
    return f"{hundredths // 100}.{hundredths % 100:02d}"


def test_a_tolerance_below_its_gap_makes_a_checked_cell_of_04_fail(copied):
    unchanged = nbval(copied, "04_eligibility.ipynb")
    assert unchanged.returncode == 0, unchanged.stdout[-2000:]
    policy = copied / "params" / "policy.yaml"
    text = policy.read_text(encoding="utf-8")
    setting = re.search(r"^npl_tolerance_pp:.*?(?=^\S)", text, re.M | re.S)
    edited = re.sub(r'value: "?3(\.00)?"?', f'value: "{below_the_gap()}"', setting[0])
    assert edited != setting[0]
    policy.write_text(text.replace(setting[0], edited), encoding="utf-8")
    shutil.rmtree(copied / "output")
    changed = nbval(copied, "04_eligibility.ipynb")
    assert changed.returncode == 1
    assert re.search(r"\d+ failed", changed.stdout), changed.stdout[-2000:]
    # The institution's gap was within the tolerance and is beyond the lower one.
    assert re.search(r"^.*机构 not_met$", changed.stdout, re.M), changed.stdout[-3000:]
