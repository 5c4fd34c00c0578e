"""The command line as a user meets it: texts, exit codes, one-line errors."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import pytest

from puhui.quarter import Quarter
from puhui.results import VERDICTS
from puhui.runner.preparing import prepare
from puhui.store import Store
from runner.extract import LENDER, answers, extract, of_record, truth
from vocabulary import PARAMS, PROJECT

#: A one-sheet workbook with rows broken on purpose.
MESSY = "HCCZ0003"
WHO = (LENDER, MESSY)


def puhui(*arguments, cwd=PROJECT):
    code = "from puhui.cli import main; main()"
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def example(tmp_path_factory):
    """An extract of the example, taken in and measured, with its own store and output."""
    folder = tmp_path_factory.mktemp("cli")
    data = extract(folder, WHO)
    prepare(data, PARAMS, folder / "output", Quarter.parse("2021Q4"))
    return folder


def verdict(branch):
    """Chinese word of what is true of the lender's or a branch's C7.2."""
    (row,) = (
        r
        for r in of_record(answers(WHO))
        if (r["institution_id"], r["branch_id"], r["indicator_id"]) == (LENDER, branch, "C7.2")
    )
    return VERDICTS[row["verdict"]]


def test_explain_tells_formula_measures_threshold_clause_and_source(example):
    done = puhui("explain", "2021Q4", "C7.2", LENDER, "--out", example / "output")
    assert done.returncode == 0, done.stderr
    words = ("C7.2", "公式", "普惠型小微企业不良贷款余额", "报表", "3.00", "精确值")
    for said in (*words, verdict(None)):
        assert said in done.stdout, said


def test_explain_goes_down_to_the_loans_of_a_branch(example):
    branch = f"{LENDER}B02"
    done = puhui(
        "explain", "2021Q4", "C7.2", LENDER, "--branch", branch,
        "--out", example / "output", "--rows", 3, "--sql",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert verdict(branch) in done.stdout
    assert "SELECT" in done.stdout
    listed = [line for line in done.stdout.splitlines() if line.startswith(f"2021Q4\t{LENDER}\t")]
    assert len(listed) >= 3
    assert all(branch in line for line in listed[:3])


@pytest.mark.parametrize("indicator", ["C4.7b", "C2.2.balance", "C2.5b"])
def test_explain_lists_as_many_register_rows_as_it_counted(example, indicator):
    given = (indicator, LENDER, "--out", example / "output", "--rows", 1000)
    done = puhui("explain", "2021Q4", *given)
    assert done.returncode == 0, done.stderr
    counts = re.findall(r"指标量：2021Q4 (.+?) = .*，(\d+) 行（登记表", done.stdout)
    assert counts
    for label, rows in counts:
        _, _, after = done.stdout.partition(f"明细（2021Q4 {label}，前 1000 行）：\n")
        listed = after.split("明细（")[0].splitlines()[1:]
        assert len([line for line in listed if line.startswith("2021Q4\t")]) == int(rows), label


def test_explain_tells_the_countys_totals(example):
    given = ("C2.2c.LP.customers", "county", "--out", example / "output")
    done = puhui("explain", "2021Q4", *given)
    assert done.returncode == 0, done.stderr
    inside = [line for line in done.stdout.splitlines() if line.startswith("计入：")]
    assert f"合计 {len(inside)} 家" in done.stdout
    assert inside


def test_an_unknown_indicator_is_one_line_that_lists_the_known_ones(example):
    done = puhui("explain", "2021Q4", "C9.9", LENDER, "--out", example / "output")
    assert done.returncode == 2
    assert "没有指标 C9.9" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(("npl", "verdict"), [("50000", "met"), ("50000.01", "not_met")])
def test_eval_judges_given_measures_with_the_same_code(tmp_path, npl, verdict):
    lines = ["measure,period,value", "facts.kind,,village", "facts.level,,legal_person"]
    lines += [f"incl_npl,,{npl}", "incl_balance,,1000000", "npl,,80000", "all_loans,,4000000"]
    given = tmp_path / "measures.csv"
    given.write_text("\n".join(lines), encoding="utf-8")
    done = puhui("eval", "C7.2", given)
    assert done.returncode == 0, done.stderr
    assert f"（{verdict}）" in done.stdout


def test_fit_prints_every_field_as_json(tmp_path):
    # y = 1 + 2x exactly; three clusters.
    table = tmp_path / "t.csv"
    rows = [f"{x},{1 + 2 * x},{'abc'[x % 3]}" for x in range(9)]
    table.write_text("\n".join(["x,y,g", *rows]), encoding="utf-8")
    done = puhui("fit", table, "--y", "y", "--x", "x", "--cluster", "g", "--json")
    assert done.returncode == 0, done.stderr
    fitted = json.loads(done.stdout)
    assert dict(zip(fitted["terms"], fitted["beta"], strict=True)) == {"intercept": 1, "x": 2}
    assert fitted["residual_sd"] == 0
    assert (fitted["n"], fitted["g"]) == (9, 3)


def test_fit_of_a_duplicate_column_names_the_pair(tmp_path):
    table = tmp_path / "t.csv"
    table.write_text("x,z,y\n1,1,1\n2,2,3\n4,4,3\n", encoding="utf-8")
    done = puhui("fit", table, "--y", "y", "--x", "x", "--x", "z")
    assert done.returncode == 2
    assert "x" in done.stderr and "z" in done.stderr and "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("run", "2021年四季度"), "季度"),
        (("run", "2021Q4", "--data", "nowhere"), "nowhere"),
        (("run", "2030Q1"), "2030Q1"),
        (("run",), "quarter"),
    ],
)
def test_what_cannot_start_ends_with_2_and_one_line(tmp_path, arguments, said):
    done = puhui(*arguments, *(("--out", tmp_path) if len(arguments) > 1 else ()))
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_an_institution_that_did_not_submit_ends_with_2_and_one_line(example, tmp_path):
    given = ("--data", example / "data", "--out", tmp_path, "--institution", "NOSUCH01")
    done = puhui("run", "2021Q4", *given)
    assert done.returncode == 2
    assert "NOSUCH01" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_store_held_by_another_run_ends_with_3(example):
    marker = json.loads((example / "data" / "store" / "store.json").read_text(encoding="utf-8"))
    store = Store(example / "data" / "store", key_fingerprint=marker["key_fingerprint"])
    with store.lock():
        done = puhui("check", "2021Q4", "--data", example / "data", "--out", example / "output")
    assert done.returncode == 3
    assert "占用" in done.stderr


def test_check_lists_row_counts_and_findings_with_their_cells(example):
    done = puhui("check", "2021Q4", "--data", example / "data", "--out", example / "output")
    assert done.returncode == 0, done.stderr
    planted = truth("broken", (MESSY,))
    assert planted
    for row in planted:
        file = row["file"].split("/", 3)[3]
        place = f"{row['check']} {MESSY} {file} {row['sheet']} "
        assert re.search(rf"{re.escape(place)}[A-Z]+{row['row']}\b", done.stdout), row


def test_check_of_a_refused_submission_ends_with_1_and_says_so(example):
    bad = example / "data" / "submissions" / "2021Q4" / "HCBAD001"
    bad.mkdir()
    (bad / "填报工作簿.xlsx").write_bytes(b"")
    done = puhui("check", "2021Q4", "--data", example / "data", "--out", example / "output")
    assert done.returncode == 1
    assert "退回" in done.stderr and "填报工作簿.xlsx" in done.stderr


def test_whatif_tells_both_sides_and_writes_nothing(example):
    files = {p: p.read_bytes() for p in (example / "output").rglob("*") if p.is_file()}
    given = ("--tolerance", "0.5", "--comparator", "branch", "--institution", LENDER)
    done = puhui("whatif", "2021Q4", *given, "--out", example / "output")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert len(lines) > 3 and all(line.startswith("【假设】") for line in lines)
    assert "容忍度为 0.5 个百分点" in lines[0] and "不写入结果" in lines[0]
    assert "界限 3.00" in lines[1] and "界限 0.5）" in lines[1] and verdict(None) in lines[1]
    assert {p: p.read_bytes() for p in (example / "output").rglob("*") if p.is_file()} == files


def test_whatif_refuses_what_is_no_number(example):
    done = puhui("whatif", "2021Q4", "--tolerance", "three", "--out", example / "output")
    assert done.returncode == 2 and "“three”不是数" in done.stderr


def test_help_names_every_command():
    done = puhui("--help")
    for command in ("run", "check", "explain", "fit", "eval", "whatif", "lab"):
        assert command in done.stdout
