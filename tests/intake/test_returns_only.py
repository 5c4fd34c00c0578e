"""A table of returns alone, long or wide: tolerance and the two increases without a ledger."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from intake import builders as b
from intake import returned as r
from puhui.indicators import result_table
from puhui.quarter import Quarter
from puhui.runner.preparing import prepare

FRAME = r.figures()
CLAUSES = ("C7.2", "C2.1a", "C2.1b")
REGISTER = (
    "机构编号,机构名称,机构类型,机构层级,法人机构编号,是否地方法人,县区代码,法人各项贷款不良率"
)
LONG, WIDE = "long", "wide"


def data_folder(folder: Path, quarter: str, shape: str) -> Path:
    """The table up to a quarter, in that quarter's shared folder, and a register."""
    upto = FRAME[FRAME["quarter"] <= quarter]
    shared = folder / "submissions" / quarter / "_shared"
    if shape == LONG:
        r.text_file(shared / "各行报表.csv", r.long_rows(upto), "gbk")
    else:
        r.workbook(shared / "各行报表.xlsx", r.wide_rows(upto))
    lines = [REGISTER]
    lines += [
        f"{r.name_of(n)},第{n}农商行,农村商业银行,法人机构,,是,411526,"
        for n in range(r.LEGAL_PERSONS)
    ]
    lines += [
        f"{r.name_of(n)},第{n}支行,大型银行,分支机构,YBFR0001,否,411526,1.35"
        for n in range(r.LEGAL_PERSONS, r.BRANCHES)
    ]
    (folder / "supervisor").mkdir()
    text = "\n".join([*lines, ""])
    (folder / "supervisor" / "institutions.csv").write_text(text, encoding="utf-8-sig")
    return folder


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """A prepared run by quarter and shape."""
    made = {}
    for quarter in r.JUDGED:
        for shape in (LONG, WIDE):
            folder = tmp_path_factory.mktemp(f"{quarter}{shape}")
            data = data_folder(folder / "data", quarter, shape)
            at = Quarter.parse(quarter)
            made[quarter, shape] = prepare(data, b.ROOT / "params", folder / "out", at).run
    return made


def answers(run):
    """(institution, clause) → (verdict, exact value or None, reason)."""
    found = {}
    for institution in run.config.institutions:
        for row in result_table(run.bench, run.facts(institution), ()).to_pylist():
            if row["indicator_id"] in CLAUSES:
                num, den = row["value_num"], row["value_den"]
                value = None if num is None else Fraction(int(num), int(den))
                found[institution, row["indicator_id"]] = (row["verdict"], value, row["reason"])
    return found


def worked(quarter):
    """The same from the frame: exact fractions of fen and heads."""
    expected = {}
    base = FRAME[FRAME["quarter"] == r.BASE].set_index("institution")
    for row in FRAME[FRAME["quarter"] == quarter].to_dict("records"):
        start = base.loc[row["institution"]]
        number = int(row["institution"][4:])

        def part(one, whole):
            return None if one is None or whole is None else Fraction(one, whole)

        values = {"C7.2": None, "C2.1a": None, "C2.1b": None}
        inclusive = part(row["QS.incl_npl"], row["QS.incl_balance"])
        every = part(row["QS.npl"], row["QS.all_loans"])
        if inclusive is not None and every is not None:
            values["C7.2"] = 100 * (inclusive - every)
        own = part(row["QS.assessed_balance"], start["QS.assessed_balance"])
        loans = part(row["QS.all_loans"], start["QS.all_loans"])
        if own is not None and loans is not None:
            values["C2.1a"] = 100 * (own - loans)
        values["C2.1b"] = Fraction(row[r.COUNT] - start[r.COUNT])
        for clause, value in values.items():
            if number >= r.BRANCHES:
                verdict, value = "not_applicable", None
            elif value is None:
                verdict = "no_data"
            else:
                passed = value <= 3 if clause == "C7.2" else value >= 0
                verdict = "met" if passed else "not_met"
            expected[row["institution"], clause] = (verdict, value)
    return expected


def store_content(run):
    """Rows of every snapshot, and the tables they stand in."""
    content = {}
    for snapshot in run.snapshots:
        for table in snapshot.tables:
            rows = pq.ParquetFile(snapshot.file(table)).read().to_pylist()
            key = snapshot.quarter, snapshot.institution_id, table
            content[key] = sorted(map(str, rows))
    return content


@pytest.mark.parametrize("shape", [LONG, WIDE])
@pytest.mark.parametrize("quarter", r.JUDGED)
def test_verdicts_and_values_are_those_of_the_frame(runs, quarter, shape):
    found = {key: answer[:2] for key, answer in answers(runs[quarter, shape]).items()}
    assert len(found) == r.COUNT_OF_ALL * len(CLAUSES)
    assert found == worked(quarter)


def test_the_forty_do_not_all_answer_alike():
    """The comparison above would show a wrong sign: every verdict occurs for every clause."""
    for quarter in r.JUDGED:
        expected = worked(quarter)
        for clause in CLAUSES:
            verdicts = [v for (_, c), (v, _) in expected.items() if c == clause]
            assert min(verdicts.count("met"), verdicts.count("not_met")) >= 3


@pytest.mark.parametrize("shape", [LONG, WIDE])
@pytest.mark.parametrize(
    ("number", "clause", "verdict"),
    [
        (r.AT_THREE, "C7.2", "met"), (r.A_FEN_OVER, "C7.2", "not_met"),
        (r.EQUAL_GROWTH, "C2.1a", "met"), (r.A_FEN_SLOW, "C2.1a", "not_met"),
        (r.SAME_HEADS, "C2.1b", "met"), (r.A_HEAD_LESS, "C2.1b", "not_met"),
    ],
)  # fmt: skip
def test_exactly_at_the_limit_passes_and_a_fen_or_a_head_beyond_fails(
    runs, shape, number, clause, verdict
):
    for quarter in r.JUDGED:
        assert answers(runs[quarter, shape])[r.name_of(number), clause][0] == verdict


@pytest.mark.parametrize("shape", [LONG, WIDE])
@pytest.mark.parametrize(
    ("number", "clause", "item"),
    [
        (r.NO_ASSESSED, "C2.1a", "QS.assessed_balance"),
        (r.NO_BASE, "C2.1a", "QS.assessed_balance"),
        (r.NO_NPL, "C7.2", "QS.npl"),
        (r.NO_INCLUSIVE_NPL, "C7.2", "QS.incl_npl"),
    ],
)
def test_a_missing_item_is_named_and_nothing_stands_in_for_it(runs, shape, number, clause, item):
    for quarter in r.JUDGED:
        verdict, value, reason = answers(runs[quarter, shape])[r.name_of(number), clause]
        assert (verdict, value) == ("no_data", None)
        assert item in reason and "QS.incl_balance" not in reason
        if number == r.NO_BASE:
            assert r.BASE in reason


def test_long_and_wide_are_the_same_in_the_store(runs):
    for quarter in r.JUDGED:
        content = store_content(runs[quarter, LONG])
        assert content == store_content(runs[quarter, WIDE])
        assert {key[2] for key in content} == {"returns", "institutions"}  # no ledger
        upto = FRAME[FRAME["quarter"] <= quarter]
        held = sum(len(rows) for key, rows in content.items() if key[2] == "returns")
        assert held == int(upto[list(r.ITEMS)].notna().sum().sum())


def test_nothing_is_found_wrong_and_every_row_is_counted(runs):
    for run in runs.values():
        assert run.intake("findings").num_rows == 0
        for row in run.intake().to_pylist():
            assert row["status"] == "accepted"
            assert row["rows_in"] == row["accepted"] + row["quarantined"] + row["non_data"]


def test_an_institution_no_register_knows_is_of_kind_other(runs):
    run = runs["2021Q4", WIDE]
    kinds = {row["institution_id"]: row["kind"] for row in run.register.to_pylist()}
    assert kinds[r.name_of(0)] == "rural_commercial"
    assert kinds[r.name_of(r.LEGAL_PERSONS)] == "large"
    assert kinds[r.name_of(r.COUNT_OF_ALL - 1)] == "other"
