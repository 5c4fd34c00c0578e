"""From submissions to pages, on the example with bad submissions beside it."""

from __future__ import annotations

import csv
import dataclasses
import datetime as dt
import json
import operator
import shutil
import zipfile
from collections import Counter
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import nbformat
import openpyxl
import pyarrow.parquet as pq
import pytest
from bs4 import BeautifulSoup

from puhui.indicators import evaluate, judge
from puhui.quarter import Quarter
from puhui.results import VERDICTS
from puhui.runner.quarterly import Request, run_quarter
from runner.extract import (
    BRANCH,
    EXAMPLE,
    FEW,
    INSURER,
    LENDER,
    SHEET,
    answers,
    extract,
    of_record,
    private,
    truth,
)
from vocabulary import PARAMS, PROJECT

GOOD = set(FEW)
COMPARE = {">=": operator.ge, "<=": operator.le, ">": operator.gt, "<": operator.lt}


def table(finished, name):
    return pq.read_table(finished.out / "results" / f"{name}.parquet").to_pylist()


def test_every_output_is_there(finished):
    county = [f"county.{kind}" for kind in ("html", "docx", "xlsx")]
    for name in ("index.html", *county, "inputs.lock", "manifest.json"):
        assert (finished.out / name).stat().st_size > 0, name
    pages = {p.stem for p in (finished.out / "institutions").glob("*.html")}
    assert pages == GOOD == {p.stem for p in (finished.out / "institutions").glob("*.xlsx")}
    names = {p.stem for p in (finished.out / "results").glob("*.parquet")}
    assert {"indicators", "measures", "findings", "tolerance", "regressions"} <= names
    assert {"contracts", "decomposition", "stability", "placebo", "unusual"} <= names


def test_filed_spreads_are_those_of_the_stored_returns(finished):
    """Worked out again with pandas from the store's returns, in fractions."""
    found = {}
    for path in sorted((finished.request.data / "store").rglob("returns.parquet")):
        raw = pq.read_table(path).to_pandas()
        as_filed = raw[raw.basis == "as_filed"]
        unit = path.parents[1].name.removeprefix("institution_id=")
        found |= {(unit, r.as_of, r.item): Fraction(r.value)
                  for r in as_filed.itertuples() if r.value is not None}  # fmt: skip

    def to_date(institution, end):
        pairs = (("D", "QS.incl_drawn"), ("F", "QS.incl_interest"))
        for letter, one in pairs:
            items = [f"S71_I_{row}.{letter}{band}" for row in (1, 3) for band in (1, 2, 3)]
            own = [found.get((institution, end, item)) for item in items]
            yield found.get((institution, end, one)) if None in own else sum(own)

    september, december = dt.date(2021, 9, 30), dt.date(2021, 12, 31)
    lpr = (80 * Fraction("3.85") + 12 * Fraction("3.80")) / 92
    rows = {(r["institution_id"], r["lent_in"]): r for r in table(finished, "filed_spreads")}
    for institution in (SHEET, LENDER):
        (d, f), (d0, f0) = to_date(institution, december), to_date(institution, september)
        spread = 100 * (100 * (f - f0) / (d - d0) - lpr)
        row = rows[institution, "2021Q4"]
        assert Fraction(int(row["spread_num"]), int(row["spread_den"])) == spread
        assert "2021年二季度" in rows[institution, "2021Q3"]["reason"]
    page = (finished.out / "institutions" / f"{SHEET}.html").read_text(encoding="utf-8")
    assert "由报表只能推算一个季度的利差" in page


def test_slopes_and_dynamics_say_why_they_have_no_number(finished):
    """Two lenders and a year: too few institutions for a slope, too few months for dynamics."""
    county = [r for r in table(finished, "slopes") if r["institution_id"] is None]
    assert [r["estimate"] for r in county] == [None] and county[0]["reason"]
    means = {r["equation"]: r for r in table(finished, "mean_regressions")}
    assert set(means) == {"lags", "correction", "filed", "filed_trend"}
    assert all(r["status"] == "none" and r["reason"] for r in means.values())
    page = (finished.out / "county.html").read_text(encoding="utf-8")
    assert "各机构斜率的差异未作检验" in page and "不作动态估计" in page


@pytest.mark.parametrize("bad", ["HCBAD001", "HCBAD002", "HCBAD003"])
def test_a_bad_submission_is_refused_in_one_clear_line_and_the_others_go_on(finished, bad):
    assert set(finished.outcome.failed) == {"HCBAD001", "HCBAD002", "HCBAD003"}
    assert finished.outcome.exit_code == 1
    line = finished.outcome.failed[bad]
    assert "填报工作簿.xlsx" in line
    assert "\n" not in line
    index = (finished.out / "index.html").read_text(encoding="utf-8")
    assert bad in index


def test_the_other_quarters_workbook_is_refused_by_its_quarter(finished):
    assert "2020年四季度" in finished.outcome.failed["HCBAD003"]


def test_rows_in_are_accepted_quarantined_or_non_data(finished):
    rows = table(finished, "intake")
    assert rows
    for row in rows:
        if row["status"] != "refused":
            parts = row["accepted"] + row["quarantined"] + row["non_data"]
            assert row["rows_in"] == parts, row


def test_every_stored_verdict_is_rederived_from_its_exact_value(finished):
    run = finished.outcome.run
    judged = 0
    for row in table(finished, "indicators"):
        indicator = run.params.indicators[row["indicator_id"]]
        facts = run.facts(row["institution_id"])
        if row["value_num"] is not None:
            assert judge(run.params, indicator, facts, row) == row["verdict"], row
        judged += row["verdict"] in ("met", "not_met", "on_track", "behind")
    assert judged > 5


def test_verdicts_follow_from_the_fractions_alone(finished):
    compared, only_flags = 0, {i.id for i in finished.outcome.run.params.indicators.values()
                               if i.only_flags}  # fmt: skip
    for row in table(finished, "indicators"):
        ruled = row["test"] in COMPARE and row["indicator_id"] not in only_flags
        if row["verdict"] in ("met", "not_met") and ruled:
            value = Fraction(int(row["value_num"]), int(row["value_den"]))
            passed = COMPARE[row["test"]](value, Fraction(row["threshold"]))
            assert passed is (row["verdict"] == "met"), row
            assert row["value"] == pytest.approx(float(value), rel=1e-11)
            compared += 1
    assert compared > 20


def test_what_has_no_value_says_why(finished):
    for row in table(finished, "indicators"):
        if row["value_num"] is None:
            assert row["reason"], row
            # Of answers some may be missing and one of the others be no.
            unanswered = any(a.endswith("=absent") for a in row["answers"] or ())
            assert row["verdict"] in ("no_data", "not_applicable") or unanswered, row


def test_every_clause_of_the_notice_is_in_the_results(finished):
    """Each institution has every clause but the county's own; C1 counts them."""
    clauses = set(finished.outcome.run.params.clauses)
    found = {}
    for row in table(finished, "clauses"):
        if row["branch_id"] is None:
            found.setdefault(row["institution_id"], []).append(row["clause"])
    assert set(found) == {*GOOD, "county"}
    for institution in GOOD:
        assert sorted(found[institution]) == sorted(clauses - {"C2.2c"})
    assert sorted(found["county"]) == ["C1", "C2.2c"]


def test_c1_of_the_county_counts_the_clauses_of_all(finished):
    rows = [r for r in table(finished, "clauses") if r["branch_id"] is None]
    (overall,) = (r for r in rows if (r["institution_id"], r["clause"]) == ("county", "C1"))
    own = [r for r in rows if r["institution_id"] in GOOD and r["clause"] != "C1"]
    now, before = overall["reason"].split("；上季：")
    for said, key in ((now, "verdict"), (before, "last_verdict")):
        for verdict, word in VERDICTS.items():
            count = sum(r[key] == verdict for r in own)
            named = dict(part.split(" ")[:2] for part in said.split("、"))
            assert named.get(word) == (str(count) if count and word != "不适用" else None), word


def test_totals_are_of_those_present_at_both_dates(finished):
    """The three lenders of the extract: two village banks (legal persons) and a branch."""
    rows = {r["indicator_id"]: r for r in table(finished, "indicators")
            if r["institution_id"] == "county"}  # fmt: skip
    measures = {
        (m["institution_id"], m["quarter"]): m["value"]
        for m in table(finished, "measures")
        if (m["measure_id"], m["source"], m["branch_id"]) == ("assessed_customers", "returns", None)
    }
    both = [measures[i, "2021Q4"] - measures[i, "2020Q4"] for i in (LENDER, SHEET)]
    assert Fraction(rows["C2.2c.LP.customers"]["value_num"]) == sum(both)
    assert rows["C2.2c.LP.customers"]["reason"].startswith("合计 2 家")


def fraction(row, prefix=""):
    num, den = row[f"{prefix}num"], row[f"{prefix}den"]
    return None if num is None else Fraction(int(num), int(den))


def test_true_values_and_bases_are_found_from_each_source(finished):
    run = finished.outcome.run
    sources = set()
    for expected in answers():
        if expected["source"] is None:
            continue
        indicator = run.params.indicators[expected["indicator_id"]]
        facts, branch = run.facts(expected["institution_id"]), expected["branch_id"]
        found = evaluate(run.bench, indicator, facts, branch, source=expected["source"])
        assert found.value == fraction(expected), expected
        if indicator.base and fraction(expected, "base_") is not None:
            at = run.quarter.bases[indicator.base]
            base = evaluate(run.bench, indicator, facts, branch, at=at, source=expected["source"])
            assert base.value == fraction(expected, "base_"), expected
        sources.add((expected["source"], branch is None))
    assert sources == {("returns", True), ("ledger", True), ("ledger", False)}


#: Within its tolerance on paper, as the truth says; with the year's write-offs of 4.7 million
#: added back the gap is 5.47 points (worked out a second time in tests/again).
RESERVED = {("HCCZ0002", "HCCZ0002B02", "C7.2")}


def test_true_verdicts_are_found_and_only_those(finished):
    keys = ("institution_id", "branch_id", "indicator_id")
    true = {tuple(e[k] for k in keys): e["verdict"] for e in of_record(answers())}
    told = {(branch is None, indicator) for _, branch, indicator in true}
    found = {
        tuple(r[k] for k in keys): r["verdict"]
        for r in table(finished, "indicators")
        if (r["branch_id"] is None, r["indicator_id"]) in told
    }
    assert len(told) == 6  # five of institutions, C7.2 of branches too
    assert {true[k] for k in RESERVED} == {"met"}
    true |= dict.fromkeys(RESERVED, "met_reserved")
    assert {k: v for k, v in found.items() if k in true} == true
    # Besides: branches of those who send no ledger, and one that a broken row invents.
    without = GOOD - {e["institution_id"] for e in answers() if e["source"] == "ledger"}
    register = (finished.request.data / "supervisor" / "branches.csv").read_text(encoding="utf-8")
    for (institution, branch, _), verdict in found.items() - true.items():
        assert branch is not None
        assert institution in without or branch not in register
        assert verdict in ("no_data", "not_applicable")


def test_planted_broken_rows_are_found_where_they_stand_and_no_others(finished):
    planted = {
        (p["institution_id"], p["file"].split("/", 3)[3], p["row"], p["check"], p["severity"])
        for p in truth("broken")
    }
    found = {
        (r["institution_id"], r["file"], str(r["row"]), r["check_id"], r["severity"])
        for r in table(finished, "findings")
        if r["institution_id"] in GOOD
    }
    assert len(planted) > 10
    assert found == planted


def test_so_few_institutions_are_too_few_for_rates_and_said_so_in_words(finished):
    rows = table(finished, "regressions")
    assert {r["model"] for r in rows} == {"A", "B", "C"}
    assert all(r["estimate"] is None and r["status"] == "none" for r in rows)
    assert "机构" in rows[0]["reason"]
    assert rows[0]["reason"] in (finished.out / "county.html").read_text(encoding="utf-8")


def test_planted_broken_spreads_are_in_the_result_table_and_no_others(finished):
    # The extract holds three quarters: a loan repaid before the first cannot be seen.
    held = {
        (s.institution_id, loan)
        for s in finished.outcome.run.snapshots
        if "loans" in s.tables
        for loan in pq.read_table(s.file("loans"), columns=["loan_id"])["loan_id"].to_pylist()
    }
    with (EXAMPLE / "truth" / "off_contract.csv").open(encoding="utf-8", newline="") as file:
        planted = {
            (r["institution_id"], r["loan_id"]): Decimal(r["true_spread_bp"])
            - Decimal(r["spread_on_file_bp"])
            for r in csv.DictReader(file)
            if (r["institution_id"], r["loan_id"]) in held
        }
    found = [r for r in table(finished, "contract_breaches") if r["stage"] == "origination"]
    assert {(r["institution_id"], r["loan_id"]): r["deviation_bp"] for r in found} == planted
    assert len(found) == len(planted) > 3
    off = {
        r["institution_id"]: r["off"]
        for r in table(finished, "contracts")
        if r["stage"] == "origination" and r["priced_in"] is None
    }
    by_bank = Counter(i for i, _ in planted)
    assert off == {None: len(planted), LENDER: by_bank[LENDER], BRANCH: by_bank[BRANCH]}


def test_effects_of_every_unit_are_gathered_and_add_up(finished):
    rows = table(finished, "decomposition")
    bases = ("last_full_year", "last_quarter")
    units = {(r["institution_id"], r["base"]) for r in rows}
    assert units == {(i, b) for i in (None, LENDER, BRANCH) for b in bases}
    cells = table(finished, "decomposition_cells")
    for row in rows:
        effects = sum(row[f"{n}_bp"] for n in ("rate", "mix", "entry", "exit"))
        assert effects == pytest.approx(row["change_bp"], abs=1e-9)
        of_cells = sum(
            c["contribution_bp"]
            for c in cells
            if (c["institution_id"], c["base"]) == (row["institution_id"], row["base"])
        )
        assert of_cells == pytest.approx(row["change_bp"], abs=1e-8)


def test_no_submitted_person_id_or_name_reaches_output_or_store(finished):
    submissions = finished.request.data / "submissions"
    handed_in = b"".join(_content(p) for p in submissions.rglob("*") if p.is_file())
    submitted = [text for t in private() if (text := t.encode()) in handed_in]
    assert len(submitted) > 10
    searched = 0
    for root in (finished.folder / "output", finished.folder / "data" / "store"):
        for path in root.rglob("*"):
            if path.is_file():
                content = _content(path)
                searched += 1
                leaked = [p.decode() for p in submitted if p in content]
                assert not leaked, (path, leaked[:3])
    assert searched > 30


def _content(path):
    if path.suffix == ".parquet":
        return str(pq.ParquetFile(path).read().to_pylist()).encode()
    if path.suffix in (".xlsx", ".docx", ".zip") and zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as parts:
            return b"".join(parts.read(n) for n in parts.namelist())
    content = path.read_bytes()
    if path.suffix in (".txt", ".csv"):
        return content.decode("gb18030", errors="replace").encode() + content
    return content


def test_manifest_counts_and_hashes_what_is_there(finished):
    manifest = finished.outcome.manifest
    # Of each 02 to 05, of the county 01, 03, 04 and 06.
    assert manifest["executed"] == 4 * len(GOOD) + 4
    for rows in manifest["rows"].values():
        assert rows["rows_in"] == rows["accepted"] + rows["quarantined"] + rows["non_data"]
    assert {"index.html", "county.html", "results/indicators.parquet"} <= set(manifest["outputs"])
    lock = json.loads((finished.out / "inputs.lock").read_text(encoding="utf-8"))
    assert {e["institution_id"] for e in lock["snapshots"]} == {*GOOD, "SUPERVISOR"}


def test_a_letter_says_what_is_not_judged_and_what_does_not_apply(finished):
    pages = finished.out / "institutions"
    said = {i: (pages / f"{i}.html").read_text(encoding="utf-8") for i in (INSURER, SHEET)}
    assert not [i for i, page in said.items() if "判断：。" in page]
    assert "判断：仅列示。" in said[SHEET]
    asked = [
        r
        for r in table(finished, "clauses")
        if (r["institution_id"], r["branch_id"]) == (INSURER, None)
        and r["clause"] != "C1"
        and r["verdict"] != "not_applicable"
    ]
    assert 0 < len(asked) < 20  # an insurer is asked little of the notice
    assert f"适用于你单位的条款 {len(asked)} 条" in said[INSURER]
    assert "没有收到可用的数据" not in said[INSURER]


def test_verdicts_rest_on_the_figures_the_parts_show(finished):
    parts = {
        (r["institution_id"], r["branch_id"], r["indicator_id"], r["part"]): Fraction(
            int(r["value_num"]), int(r["value_den"])
        )
        for r in table(finished, "parts")
    }
    gaps = [
        r
        for r in table(finished, "indicators")
        if r["indicator_id"] in ("C2.1a", "C7.2") and r["value_num"] is not None
    ]
    assert {r["indicator_id"] for r in gaps} == {"C2.1a", "C7.2"}
    for row in gaps:
        unit = (row["institution_id"], row["branch_id"], row["indicator_id"])
        one, other = {
            "C2.1a": ("growth_pct", "all_growth_pct"),
            "C7.2": ("inclusive_npl_pct", "all_npl_pct"),
        }[row["indicator_id"]]
        gap = Fraction(int(row["value_num"]), int(row["value_den"]))
        assert parts[*unit, one] - parts[*unit, other] == gap, row


#: Enough to see that what touches one leaves the other alone.
TWO = (SHEET, BRANCH)


@pytest.fixture(scope="module")
def again(tmp_path_factory):
    """A run of two institutions, to be disturbed."""
    folder = tmp_path_factory.mktemp("again")
    data = extract(folder, TWO)
    request = Request(Quarter.parse("2021Q4"), data, PARAMS, folder / "output")
    return request, run_quarter(request)


def executed(outcome):
    return set(outcome.manifest["notebook_seconds"])


PAGES = {*(f"05_institution/{i}" for i in TWO), "06_county/county"}


def of(institution):
    return {f"{n}/{institution}" for n in ("02_indicators", "03_rates", "04_eligibility")}


def test_a_second_run_redoes_nothing_then_a_resubmission_only_what_it_touches(again):
    request, first = again
    assert first.exit_code == 0
    unchanged = run_quarter(request).manifest
    counts = (unchanged["executed"], unchanged["folders_read"], unchanged["pages_written"])
    assert counts == (0, 0, 0)

    sheet = request.data / "submissions" / "2021Q4" / SHEET / "季度情况表.xlsx"
    book = openpyxl.load_workbook(sheet)
    cell = next(c for c in book.active["A"] if c.value == "QS.incl_npl")
    this_quarter = book.active.cell(cell.row, 4)
    this_quarter.value = float(this_quarter.value) + 2000
    book.save(sheet)
    resubmitted = run_quarter(request)
    county = {f"{n}/county" for n in ("01_intake", "03_rates", "04_eligibility")}
    assert executed(resubmitted) == county | of(SHEET) | PAGES
    rows = pq.read_table(resubmitted.run.config.folder / "results/indicators.parquet").to_pylist()
    village = next(
        r
        for r in rows
        if (r["institution_id"], r["branch_id"], r["indicator_id"]) == (SHEET, None, "C7.2")
    )
    assert (village["verdict"], village["revision"]) == ("not_met", 2)
    store = request.data / "store" / "quarter=2021Q4" / f"institution_id={SHEET}"
    assert sorted(p.name for p in store.iterdir()) == ["rev=0001", "rev=0002"]


def test_force_does_everything_again_and_says_the_same(again):
    request, _ = again
    before = run_quarter(request).manifest
    forced = run_quarter(dataclasses.replace(request, force=True)).manifest
    assert forced["executed"] == before["executed"] + before["unchanged"] > 8
    assert forced["folders_read"] == 4
    assert (forced["outputs"], forced["inputs"]) == (before["outputs"], before["inputs"])


def test_a_corrected_register_reaches_working_papers_and_pages(again):
    request, _ = again
    run_quarter(request)
    register = request.data / "supervisor" / "institutions.csv"
    text = register.read_text(encoding="utf-8-sig")
    register.write_text(text.replace("丙村镇银行", "丁村镇银行"), encoding="utf-8")
    renamed = run_quarter(request)
    assert of(SHEET) | PAGES <= executed(renamed)
    for page in ("index.html", "county.html", f"institutions/{SHEET}.html"):
        assert "丁村镇银行" in (renamed.run.config.folder / page).read_text(encoding="utf-8"), page


def test_a_corrected_benchmark_is_taken_up(again):
    request, _ = again
    run_quarter(request)
    own = request.data / "supervisor" / "benchmarks"
    own.mkdir()
    text = (PROJECT / "data/reference/benchmarks/lpr.csv").read_text(encoding="utf-8")
    changed = text.replace("2021-01-20,3.85", "2021-01-20,3.15")
    assert changed != text
    (own / "lpr.csv").write_text(changed, encoding="utf-8")
    assert {f"03_rates/{BRANCH}", "03_rates/county"} <= executed(run_quarter(request))


def test_a_corrected_list_of_other_measures_is_taken_up(again):
    request, _ = again
    run_quarter(request)
    shipped = PROJECT / "data/reference/benchmarks/lpr_measures.csv"
    own = request.data / "supervisor" / "benchmarks"
    own.mkdir(exist_ok=True)
    shutil.copy(shipped, own)
    assert executed(run_quarter(request)) == set()  # the same list in another place
    with (own / shipped.name).open("a", encoding="utf-8") as stream:
        stream.write("2021-12-01,,另一项措施,文件,high\n")
    assert {f"03_rates/{BRANCH}", "03_rates/county"} <= executed(run_quarter(request))


def test_losing_one_file_of_a_ledger_is_no_data_not_a_smaller_ledger(again):
    request, _ = again
    folder = request.data / "submissions" / "2021Q4" / BRANCH
    (folder / "EAST_504_对公信贷业务借据表.txt").write_bytes(b"")
    outcome = run_quarter(request)
    assert outcome.exit_code == 1
    rows = pq.read_table(outcome.run.config.folder / "results/indicators.parquet").to_pylist()
    run = outcome.run
    lent = {
        i.id
        for i in run.params.indicators.values()
        if i.formula is not None
        and any(
            n in run.params.measures and run.params.measures[n].ledger is not None
            for q, n in i.formula.columns
        )
    }
    mine = [
        r
        for r in rows
        if r["institution_id"] == BRANCH
        and r["indicator_id"] in lent
        and r["verdict"] != "not_applicable"
    ]
    assert {r["indicator_id"] for r in mine} > {"C2.1a", "C4.1a", "C7.2", "C4.4"}
    # What was filed or answered as a number needs no ledger; nothing else has a value.
    valued = [r for r in mine if r["value_num"] is not None]
    for row in valued:
        indicator, facts = run.params.indicators[row["indicator_id"]], run.facts(BRANCH)
        used = evaluate(run.bench, indicator, facts, row["branch_id"]).used
        assert "ledger" not in {m["source"] for m in used if m["quarter"] == "2021Q4"}, row
    lost = [r for r in mine if r not in valued]
    assert len(lost) > 5 * len(valued)
    assert {r["verdict"] for r in lost} == {"no_data"}
    # (Where a register decides whether there is anything to judge, that is missing first.)
    assert [r for r in lost if "EAST_504" not in r["reason"] and "缺表" not in r["reason"]] == []
    named = {r["indicator_id"] for r in lost if "EAST_504" in r["reason"]}
    assert named > {"C2.1a", "C3.1a", "C4.1a", "C4.4", "C7.2"}


def test_what_a_notebook_saved_before_it_failed_is_not_gathered(again, tmp_path):
    request, _ = again
    notebooks = tmp_path / "notebooks"
    shutil.copytree(PROJECT / "notebooks", notebooks)
    path = notebooks / "03_rates.ipynb"
    broken = nbformat.read(path, as_version=4)
    broken.cells[-1].source = "assert institution_id, '坏了'"
    nbformat.write(broken, path)
    outcome = run_quarter(dataclasses.replace(request, notebooks=notebooks))
    assert "坏了" in outcome.failed["county"]
    gathered = outcome.run.config.folder / "results" / "regressions.parquet"
    assert pq.read_table(gathered).num_rows == 0


def test_the_index_names_what_failed_its_cell_and_where_the_rest_of_it_is(again, tmp_path):
    request, _ = again
    notebooks = tmp_path / "notebooks"
    shutil.copytree(PROJECT / "notebooks", notebooks)
    path = notebooks / "04_eligibility.ipynb"
    broken = nbformat.read(path, as_version=4)
    broken.cells[-1].source = f"assert institution_id != '{BRANCH}', '坏了'"
    nbformat.write(broken, path)
    outcome = run_quarter(dataclasses.replace(request, notebooks=notebooks))
    folder = outcome.config.folder
    rows = BeautifulSoup((folder / "index.html").read_text(encoding="utf-8"), "html.parser")
    (row,) = (r for r in rows.find_all("tr") if "坏了" in r.get_text())
    # The parameters are a cell of their own, put in by papermill.
    cell = len(broken.cells) + 1
    for said in (BRANCH, "04_eligibility.ipynb", f"第 {cell} 格出错", "AssertionError：坏了"):
        assert said in row.get_text()
    links = [a["href"] for a in row.find_all("a")]
    assert [Path(link).suffix for link in links] == [".ipynb", ".log"]
    partial = nbformat.read(folder / links[0], as_version=4)
    assert partial.cells[-1].outputs[0].evalue == "坏了"
    assert "坏了" in (folder / links[1]).read_text(encoding="utf-8")
    assert (folder / "institutions" / f"{SHEET}.html").is_file()
    assert not (folder / "institutions" / f"{BRANCH}.html").exists()


def test_a_failed_county_notebook_is_said_and_its_old_page_is_gone(again, tmp_path):
    request, _ = again
    notebooks = tmp_path / "notebooks"
    shutil.copytree(PROJECT / "notebooks", notebooks)
    path = notebooks / "06_county.ipynb"
    broken = nbformat.read(path, as_version=4)
    broken.cells[-1].source = "raise ValueError('坏了')"
    nbformat.write(broken, path)
    outcome = run_quarter(dataclasses.replace(request, notebooks=notebooks))
    assert outcome.exit_code == 1
    assert "坏了" in outcome.failed["county"]
    index = (outcome.run.config.folder / "index.html").read_text(encoding="utf-8")
    assert "坏了" in index
    assert "county.html" not in index
    assert not (outcome.run.config.folder / "county.html").exists()
