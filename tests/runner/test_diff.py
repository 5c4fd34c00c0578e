"""``puhui diff``: what a resubmission changed, and what is the same."""

from __future__ import annotations

import csv
import dataclasses
import shutil
from fractions import Fraction

import pyarrow as pa
import pytest

from puhui import params, results
from puhui.errors import RunError
from puhui.indicators import result_table
from puhui.quarter import Quarter
from puhui.runner.difference_report import CSV_HEADER, Names, lines, write_csv
from puhui.runner.differences import Side, compare, open_side
from puhui.runner.locking import InputsLock, Locked
from puhui.runner.preparing import prepare
from puhui.runner.publishing import gather
from runner.extract import EXAMPLE, QUARTER, answers, extract
from vocabulary import PARAMS

WHO = "HCNS0003"
SNAPSHOT = Locked("2021Q4", "AAAA", 1, "a" * 64, "f" * 64)
LOCK = InputsLock(
    "2021Q4", "2021-12-31", "1", "c" * 64, "p" * 64, "k", {}, ("AAAA",), False, {}, (), {},
    (SNAPSHOT,),
)  # fmt: skip
ROW = {
    "quarter": "2021Q4", "institution_id": "AAAA", "branch_id": None, "indicator_id": "C7.2",
    "value": 0.5, "value_num": "1", "value_den": "2", "unit": "百分点", "base_num": None,
    "base_den": None, "test": "<=", "threshold": "3.00", "verdict": "met", "flags": [],
    "source": "returns", "reason": None, "revision": 1,
}  # fmt: skip
NAMES = Names({"AAAA": "甲银行"}, {"C7.2": "容忍度"})


def side(name, *rows, **lock):
    table = results.from_rows("indicators", [{**ROW, **row} for row in rows])
    return Side(name, dataclasses.replace(LOCK, **lock), table)


def changes(before, after):
    return [(c.indicator_id, c.branch_id, c.aspects) for c in compare(before, after).changes]


def said(before, after):
    return "\n".join(lines(compare(before, after), NAMES))


def test_equal_sides_do_not_differ_even_under_other_parameters_and_code():
    found = compare(side("甲", {}), side("乙", {}, params="q" * 64, code="d" * 64))
    assert not found.any
    assert (found.moved, found.changes, found.compared) == ((), (), 1)
    text = "\n".join(lines(found, NAMES))
    assert "pppppppppppp" in text and "qqqqqqqqqqqq" in text
    assert "比较 1 项，0 项不同。" in text


@pytest.mark.parametrize(
    ("new", "aspects", "words"),
    [
        ({"value_num": "2", "value_den": "3"}, ("value",), "数值：0.5000 → 0.6667 百分点"),
        # 1/2 and 500001/1000000 are the same to four decimals, but not exactly.
        (
            {"value_num": "500001", "value_den": "1000000"},
            ("value",),
            "数值：0.5 → 0.500001 百分点",
        ),
        # They differ in the fourteenth digit: only the fractions tell them apart.
        (
            {"value_num": "50000000000001", "value_den": "100000000000000"},
            ("value",),
            "数值：1/2 → 50000000000001/100000000000000 百分点",
        ),
        ({"value_num": None, "value_den": None}, ("value",), "数值：0.5000 → 无 百分点"),
        ({"unit": "户"}, ("value",), "数值：1/2 百分点 → 1/2 户"),
        ({"base_num": "1", "base_den": "4"}, ("base",), "基数：无 → 0.2500 百分点"),
        ({"threshold": "2.00"}, ("threshold",), "限值：<= 3.00 → <= 2.00"),
        ({"verdict": "not_met"}, ("verdict",), "结论：达标 → 未达标"),
        ({"flags": ["small"]}, ("flags",), "标志：无 → 样本小"),
        ({"reason": "缺列：金额"}, ("reason",), "说明：无 → 缺列：金额"),
        (
            {"verdict": "not_met", "value_num": "7", "reason": "甲"},
            ("value", "verdict", "reason"),
            "（数值 1、结论 1、说明 1），涉及 1 家机构",
        ),
    ],
)
def test_each_aspect_that_changed_is_told_and_no_other(new, aspects, words):
    before, after = side("甲", {}), side("乙", new)
    assert changes(before, after) == [("C7.2", None, aspects)]
    assert words in said(before, after)
    assert changes(before, before) == []


@pytest.mark.parametrize("same", [{"value": 0.50001}, {"source": "ledger"}, {"revision": 2}])
def test_floats_for_reading_source_and_revision_alone_are_no_change_of_result(same):
    assert changes(side("甲", {}), side("乙", same)) == []


def test_the_order_of_flags_is_no_change():
    one, other = {"flags": ["small", "provisional"]}, {"flags": ["provisional", "small"]}
    assert changes(side("甲", one), side("乙", other)) == []


def test_what_stands_on_one_side_only_is_told():
    more = {"branch_id": "B1", "verdict": "behind"}
    before, after = side("甲", {}), side("乙", {}, more)
    assert changes(before, after) == [("C7.2", "B1", ("presence",))]
    assert "有无：没有这一项 → 未达预期" in said(before, after)
    assert "有无：未达预期 → 没有这一项" in said(after, before)


@pytest.mark.parametrize(
    ("snapshots", "words"),
    [
        ((dataclasses.replace(SNAPSHOT, revision=2, sha256="b"),), "甲银行：第 1 版 → 第 2 版"),
        ((dataclasses.replace(SNAPSHOT, sha256="b"),), "甲银行：第 1 版，但内容不同"),
        ((), "甲银行：只有前者用到（第 1 版）"),
        (
            (SNAPSHOT, dataclasses.replace(SNAPSHOT, institution_id="BBBB")),
            "BBBB：只有后者用到（第 1 版）",
        ),
    ],
)
def test_snapshots_that_differ_are_told_and_count_as_a_difference(snapshots, words):
    before, after = side("甲", {}), side("乙", {}, snapshots=snapshots)
    assert compare(before, after).any
    assert words in said(before, after)
    assert "读入的版本：1 份不同" in said(before, after)


def test_why_a_result_changed_though_its_submission_did_not():
    changed = {"verdict": "not_met"}
    assert "（报送、名录、参数和程序都未变）" in said(side("甲", {}), side("乙", changed))
    assert "不同的有：参数）" in said(side("甲", {}), side("乙", changed, params="q"))
    register = Locked("2021Q4", "SUPERVISOR", 1, "a", "f")
    moved = side("乙", changed, snapshots=(SNAPSHOT, register))
    assert "不同的有：监管名录）" in said(side("甲", {}), moved)


def test_the_table_holds_every_change_and_no_formula(tmp_path):
    changed = {"verdict": "not_met", "value_num": "-7", "reason": "=HYPERLINK(1)"}
    found = compare(side("甲", {}), side("乙", changed))
    path = tmp_path / "new" / "变动.csv"
    write_csv(found, NAMES, path)
    with path.open(encoding="utf-8-sig", newline="") as stream:
        header, *rows = list(csv.reader(stream))
    assert tuple(header) == CSV_HEADER
    unit = ["AAAA", "甲银行", "", "C7.2", "容忍度"]
    origin = ["报表", "第 1 版", "报表", "第 1 版"]
    assert rows == [
        [*unit, "数值", "0.5000", "-3.5000 百分点", *origin],
        [*unit, "结论", "达标", "未达标", *origin],
        [*unit, "说明", "无", "'=HYPERLINK(1)", *origin],
    ]


@pytest.fixture(scope="module")
def resubmitted(tmp_path_factory):
    """Two output folders: before and after the corrected return of the example."""
    folder = tmp_path_factory.mktemp("diff")
    data = extract(folder, (WHO,))
    judge(data, folder / "first")
    corrected = EXAMPLE / "resubmissions" / QUARTER / WHO
    shutil.copytree(corrected, data / "submissions" / QUARTER / WHO, dirs_exist_ok=True)
    judge(data, folder / "second")
    return folder


def judge(data, out):
    """What ``puhui run`` leaves of a quarter as far as diff reads it."""
    run = prepare(data, PARAMS, out, Quarter.parse(QUARTER)).run
    facts, branches = run.facts(WHO), run.branches(WHO)
    run.save("indicators", WHO, result_table(run.bench, facts, branches))
    gather(run, [WHO])


def opened(folder, *paths):
    return [open_side(folder / p, data=folder / "data", params_folder=PARAMS) for p in paths]


def truly_changed():
    """Indicators of the institution whose filed answer the example's truth has changed."""
    one, two = (
        {
            r["indicator_id"]: (r["verdict"], r["num"], r["den"], r["base_num"], r["base_den"])
            for r in answers((WHO,), revision=revision)
            if r["branch_id"] is None and r["source"] == "returns"
        }
        for revision in ("1", "2")
    )
    return {i for i in two if two[i] != one[i]}, set(two), two


def test_the_corrected_return_of_the_example_changes_what_is_true_of_it(resubmitted):
    found = compare(*opened(resubmitted, f"first/{QUARTER}", f"second/{QUARTER}"))
    moved = [(m.quarter, m.institution_id, m.before, m.after) for m in found.moved]
    assert moved == [(QUARTER, WHO, 1, 2)]
    changed, known, true = truly_changed()
    whole = [c for c in found.changes if (c.institution_id, c.branch_id) == (WHO, None)]
    own = {c.indicator_id: c for c in whole}
    assert set(own) & known == changed != set()
    tolerance = own["C7.2"]
    assert {"value", "verdict"} <= set(tolerance.aspects)
    assert [r["verdict"] for r in (tolerance.before, tolerance.after)] == ["not_met", "met"]
    value = Fraction(int(tolerance.after["value_num"]), int(tolerance.after["value_den"]))
    assert value == Fraction(int(true["C7.2"][1]), int(true["C7.2"][2]))
    names = Names.of(params.load(PARAMS), resubmitted / "data", found.before.lock)
    text = "\n".join(lines(found, names))
    assert f"{QUARTER} {names.institution(WHO)}：第 1 版 → 第 2 版" in text
    assert names.institution(WHO) != WHO
    assert "结论：未达标 → 达标" in text


def test_locks_are_judged_anew_and_give_what_the_folders_hold(resubmitted):
    folders = compare(*opened(resubmitted, f"first/{QUARTER}", f"second/{QUARTER}"))
    locks = [f"{f}/{QUARTER}/inputs.lock" for f in ("first", "second")]
    found = compare(*opened(resubmitted, *locks))
    assert [dataclasses.astuple(c) for c in found.changes] == [
        dataclasses.astuple(c) for c in folders.changes
    ]
    assert found.moved == folders.moved
    mixed = compare(*opened(resubmitted, f"first/{QUARTER}", locks[0]))
    assert not mixed.any and mixed.compared == folders.compared > 0


def test_folders_are_compared_without_store_and_then_without_names(resubmitted, tmp_path):
    found = compare(*opened(resubmitted, f"first/{QUARTER}", f"second/{QUARTER}"))
    names = Names.of(params.load(PARAMS), tmp_path, found.before.lock)
    assert names.institution(WHO) == WHO
    assert list(tmp_path.iterdir()) == []


def test_what_is_neither_folder_nor_lock_is_said(resubmitted, tmp_path):
    for path, words in ((tmp_path, "没有一个季度的结果"), (tmp_path / "nowhere", "找不到")):
        with pytest.raises(RunError, match=words):
            opened(resubmitted, path)


def test_an_old_table_is_compared_by_its_exact_columns():
    """A flag column that is null reads as no flags."""
    table = results.from_rows("indicators", [ROW])
    nulls = table.set_column(
        table.schema.get_field_index("flags"),
        "flags",
        pa.nulls(1, table.schema.field("flags").type),
    )
    assert not compare(side("甲", {}), Side("乙", LOCK, nulls)).any
