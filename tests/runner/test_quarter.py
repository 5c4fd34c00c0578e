"""From submissions to pages, on the example with bad submissions beside it."""

from __future__ import annotations

import json
from fractions import Fraction

import pyarrow.parquet as pq
import pytest

from puhui.indicators import evaluate, judge
from puhui.runner.quarterly import run_quarter
from vocabulary import PROJECT

GOOD = {"HCNS0001", "HCDX0001", "HCCZ0001"}


def table(finished, name):
    return pq.read_table(finished.out / "results" / f"{name}.parquet").to_pylist()


def test_every_output_is_there(finished):
    for name in ("index.html", "county.html", "county.xlsx", "inputs.lock", "manifest.json"):
        assert (finished.out / name).stat().st_size > 0, name
    pages = {p.stem for p in (finished.out / "institutions").glob("*.html")}
    assert pages == GOOD == {p.stem for p in (finished.out / "institutions").glob("*.xlsx")}
    names = {p.stem for p in (finished.out / "results").glob("*.parquet")}
    assert {"indicators", "measures", "findings", "tolerance", "regressions"} <= names


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
        assert judge(run.params, run.quarter, indicator, facts, row) == row["verdict"], row
        judged += row["verdict"] in ("met", "not_met", "on_track", "behind")
    assert judged > 5


def test_verdicts_follow_from_the_fractions_alone(finished):
    compared = 0
    for row in table(finished, "indicators"):
        if row["verdict"] in ("met", "not_met"):
            value = Fraction(int(row["value_num"]), int(row["value_den"]))
            limit = Fraction(row["threshold"])
            passed = value >= limit if row["test"] == ">=" else value <= limit
            assert passed is (row["verdict"] == "met"), row
            assert row["value"] == pytest.approx(float(value), rel=1e-11)
            compared += 1
    assert compared


def test_what_has_no_value_says_why(finished):
    for row in table(finished, "indicators"):
        if row["value_num"] is None:
            assert row["reason"], row
            assert row["verdict"] in ("no_data", "not_applicable")


def test_the_planted_truth_is_found_from_each_source(finished):
    truth = json.loads((PROJECT / "data/example/truth.json").read_text(encoding="utf-8"))
    run = finished.outcome.run
    for expected in truth["indicators"]:
        indicator = run.params.indicators[expected["indicator_id"]]
        facts, branch = run.facts(expected["institution_id"]), expected["branch_id"]
        found = evaluate(run.bench, indicator, facts, branch, source=expected["source"])
        assert found.value == Fraction(expected["num"], expected["den"]), expected
        if "base" in expected and indicator.base:
            at = run.quarter.bases[indicator.base]
            base = evaluate(run.bench, indicator, facts, branch, at=at, source=expected["source"])
            assert base.value == Fraction(expected["base"]["num"], expected["base"]["den"])


def test_the_planted_verdicts_are_found_and_only_those(finished):
    truth = json.loads((PROJECT / "data/example/truth.json").read_text(encoding="utf-8"))
    keys = ("institution_id", "branch_id", "indicator_id")
    planted = {tuple(e[k] for k in keys): e["verdict"] for e in truth["indicators"]}
    found = {tuple(r[k] for k in keys): r["verdict"] for r in table(finished, "indicators")}
    assert found == planted


def test_the_planted_broken_rows_are_quarantined_where_they_stand_and_no_others(finished):
    truth = json.loads((PROJECT / "data/example/truth.json").read_text(encoding="utf-8"))
    planted = {
        (p["institution_id"], p["file"].rsplit("/", 1)[-1], p["row"]) for p in truth["planted"]
    }
    found = {
        (r["institution_id"], r["file"].rsplit("/", 1)[-1], r["row"])
        for r in table(finished, "findings")
        if r["severity"] == "error" and r["institution_id"] in GOOD
    }
    assert found == planted


def test_three_institutions_are_too_few_for_rates_and_said_so_in_words(finished):
    rows = table(finished, "regressions")
    assert {r["model"] for r in rows} == {"A", "B"}
    assert all(r["estimate"] is None and r["status"] == "none" for r in rows)
    assert "机构" in rows[0]["reason"]
    assert rows[0]["reason"] in (finished.out / "county.html").read_text(encoding="utf-8")


def test_no_planted_person_id_or_name_reaches_output_or_store(finished):
    truth = json.loads((PROJECT / "data/example/truth.json").read_text(encoding="utf-8"))
    private = [text.encode() for texts in truth["private"].values() for text in texts]
    assert len(private) > 10
    searched = 0
    for root in (finished.folder / "output", finished.folder / "data" / "store"):
        for path in root.rglob("*"):
            if path.is_file():
                content = _content(path)
                searched += 1
                leaked = [p.decode() for p in private if p in content]
                assert not leaked, (path, leaked[:3])
    assert searched > 30


def _content(path):
    if path.suffix == ".parquet":
        return str(pq.ParquetFile(path).read().to_pylist()).encode()
    if path.suffix == ".xlsx":
        import zipfile

        with zipfile.ZipFile(path) as parts:
            return b"".join(parts.read(n) for n in parts.namelist())
    return path.read_bytes()


def test_manifest_counts_and_hashes_what_is_there(finished):
    manifest = json.loads((finished.out / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["executed"] == 3 * 3 + 2 + 3 + 1
    assert manifest["rows"]["rows_in"] == sum(
        manifest["rows"][k] for k in ("accepted", "quarantined", "non_data")
    )
    assert {"index.html", "county.html", "results/indicators.parquet"} <= set(manifest["outputs"])


def test_a_second_run_redoes_nothing_and_a_resubmission_only_what_it_touches(finished):
    before = {p: p.read_bytes() for p in finished.out.rglob("*.html") if "working" not in p.parts}
    again = run_quarter(finished.request).manifest
    assert (again["executed"], again["folders_read"], again["pages_written"]) == (0, 0, 0)
    assert all(p.read_bytes() == content for p, content in before.items())
