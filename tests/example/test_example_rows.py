"""Rows of the example are possible, snapshots agree, planted rows stand where truth says."""

from __future__ import annotations

import csv
import datetime as dt
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from example.submitted import ROOT, TRUTH, raw
from puhui import schema
from puhui.example import Example, small
from puhui.example.identity import person_id, uscc
from puhui.example.market import lpr_bp

LEDGERS = ("HCNS0001", "HCDX0001")
ENDS = {"2020Q4": dt.date(2020, 12, 31), "2021Q4": dt.date(2021, 12, 31)}


@pytest.fixture(scope="module")
def example() -> Example:
    return small()


@pytest.fixture(params=[(q, i) for q in ENDS for i in LEDGERS], ids=str)
def snapshot(request: pytest.FixtureRequest, example: Example) -> tuple[dt.date, dict[str, Any]]:
    return ENDS[request.param[0]], example.tables[request.param]


def person_valid(number: str) -> bool:
    """GB 11643: the weighted sum with the check digit (X is 10) is 1 modulo 11."""
    digits = [10 if c == "X" else int(c) for c in number]
    return sum(d * pow(2, 17 - i, 11) for i, d in enumerate(digits)) % 11 == 1


def uscc_valid(code: str) -> bool:
    """GB 32100: the weighted sum with the check character is 0 modulo 31."""
    values = {c: i for i, c in enumerate("0123456789ABCDEFGHJKLMNPQRTUWXY")}
    return sum(values[c] * pow(3, i, 31) for i, c in enumerate(code[:17])) % 31 == (
        -values[code[17]] % 31
    )


def test_validators_know_the_standards_own_samples() -> None:
    assert person_valid("11010519491231002X") and not person_valid("110105194912310021")
    assert uscc_valid("91350100M000100Y43") and not uscc_valid("91350100M000100Y44")
    assert person_valid(person_id(7, 1, 999)) and uscc_valid(uscc("91", 123456))


def test_ids_unique_and_certificates_valid(snapshot: tuple[dt.date, dict[str, Any]]) -> None:
    _, tables = snapshot
    for table, key in (("loans", "loan_id"), ("customers", "customer_id")):
        ids = [row[key] for row in tables[table]]
        assert len(ids) == len(set(ids)) > 100
    numbers = [c["certificate_no"] for c in tables["customers"]]
    assert len(numbers) == len(set(numbers))
    for number in numbers:
        assert uscc_valid(number) if number.startswith("9") else person_valid(number)


def test_rows_are_possible(snapshot: tuple[dt.date, dict[str, Any]]) -> None:
    day, tables = snapshot
    customers = {c["customer_id"]: c for c in tables["customers"]}
    for x in tables["loans"]:
        assert dt.date(2019, 10, 1) <= x["drawn_on"] <= day
        assert x["priced_on"] <= x["drawn_on"] < x["matures_on"]
        assert 0 <= x["balance"] <= x["amount"]
        assert x["amount"] <= x["credit_line_at_drawdown"] + 10_000_000
        closed = x["closed_on"] is not None
        assert closed == (x["closure"] is not None) == (x["balance"] == 0)
        assert not closed or (x["drawn_on"] < x["closed_on"] <= day)
        assert not closed or x["closed_on"].year == day.year
        assert x["balance"] <= customers[x["customer_id"]]["credit_line"] + 10_000_000
        late = (day - x["overdue_since"]).days + 1 if x["overdue_since"] else 0
        assert (x["status"] == "overdue") == (late > 0)
        assert x["status"] != "overdue" or late <= 90 or x["five_class"] not in ("normal",)
        assert (x["issue_kind"] == "renewal") == (x["predecessor_loan_id"] is not None)


def test_floating_rates_are_lpr_plus_spread(snapshot: tuple[dt.date, dict[str, Any]]) -> None:
    _, tables = snapshot
    priced = [x for x in tables["loans"] if x["spread_bp"] is not None]
    assert {x["rate_type"] for x in tables["loans"]} == {"fixed", "floating"}
    assert {x["benchmark"] for x in priced} == {"lpr:1Y", "lpr:5Y"}
    for x in priced:
        tenor = x["benchmark"].removeprefix("lpr:")
        assert x["rate_at_drawdown"] == lpr_bp(tenor, x["priced_on"]) + x["spread_bp"]
        if x["repriced_on"]:
            assert x["rate_now"] == lpr_bp(tenor, x["repriced_on"]) + x["spread_bp"]


def test_lpr_agrees_with_the_reference_series_on_every_day() -> None:
    path = Path(__file__).parents[2] / "data" / "reference" / "benchmarks" / "lpr.csv"
    with path.open(encoding="utf-8") as file:
        series = [
            (dt.date.fromisoformat(r["date"]), round(float(r["lpr_1y"]) * 100), r["lpr_5y"])
            for r in csv.DictReader(file)
        ]
    day = dt.date(2019, 9, 20)
    while day <= dt.date(2021, 12, 31):
        _, one, five = [s for s in series if s[0] <= day][-1]
        assert (lpr_bp("1Y", day), lpr_bp("5Y", day)) == (one, round(float(five) * 100)), day
        day += dt.timedelta(days=1)


@pytest.mark.parametrize("institution", LEDGERS)
def test_snapshots_consistent(example: Example, institution: str) -> None:
    then = {x["loan_id"]: x for x in example.tables["2020Q4", institution]["loans"]}
    now = {x["loan_id"]: x for x in example.tables["2021Q4", institution]["loans"]}
    fixed = ("amount", "drawn_on", "matures_on", "rate_at_drawdown", "customer_id", "branch_id")
    for loan_id in then.keys() & now.keys():
        assert all(then[loan_id][c] == now[loan_id][c] for c in fixed)
        assert now[loan_id]["balance"] <= then[loan_id]["balance"]
    for loan_id, x in then.items():
        assert (x["closed_on"] is None) == (loan_id in now)
    for loan_id in now.keys() - then.keys():
        assert now[loan_id]["drawn_on"].year == 2021
    known = then | now
    for x in known.values():
        if x["predecessor_loan_id"]:
            before = known[x["predecessor_loan_id"]]
            assert before["closed_on"] == x["drawn_on"]


def test_variety(example: Example) -> None:
    """Words the pages must be able to speak about occur in both ledgers together."""
    loans = [x for i in LEDGERS for x in example.tables["2021Q4", i]["loans"]]
    customers = [c for i in LEDGERS for c in example.tables["2021Q4", i]["customers"]]
    sizes = {c["size"] for c in customers if c["kind"] == "enterprise"}
    assert sizes == set(schema.CODES["size"])
    assert {"individual_business", "mse_owner", "farmer", "other_personal"} <= {
        c["kind"] for c in customers
    }
    for column in ("guarantee", "five_class", "closure"):
        assert {x[column] for x in loans} - {None} == set(schema.CODES[column])
    assert {"new", "renewal", "refinance"} == {x["issue_kind"] for x in loans}
    assert "discount" in {x["product"] for x in loans}


def test_planted_rows_stand_where_truth_says() -> None:
    sheet = raw("2021Q4", "贷款借据")
    heads = {c.name: list(sheet.iloc[2]).index(c.label) for c in schema.columns("loans")[1:2]}
    heads |= {"balance": list(sheet.iloc[2]).index("贷款余额")}
    heads |= {"amount": list(sheet.iloc[2]).index("发放金额")}
    checks = set()
    for p in TRUTH["planted"]:
        if p["sheet"] == "贷款借据":
            row = sheet.iloc[p["row"] - 1]
            assert row[heads["loan_id"]] == p["key"]
            if p["check"] == "balance_above_amount":
                assert row[heads["balance"]] > row[heads["amount"]]
            checks.add(p["check"])
        elif p["sheet"] is None:
            lines = (ROOT / p["file"]).read_bytes().decode("gbk").split("\r\n")
            cells = dict(zip(lines[0].split("|"), lines[p["row"] - 1].split("|"), strict=True))
            assert cells["XDJJH"] == p["key"]
            if p["check"] == "bad_date":
                with pytest.raises(ValueError):
                    pd.to_datetime(cells["DKFFRQ"], format="%Y%m%d")
    assert checks >= {"bad_date", "unknown_code", "duplicate_key", "missing_customer"}
    assert checks >= {"balance_above_amount", "matures_before_drawn", "bad_number"}


def test_row_counts_are_the_files_own() -> None:
    for count in TRUTH["row_counts"]:
        if count["file"].endswith(("txt", "csv")):
            text = (ROOT / count["file"]).read_bytes().decode("gbk")
            assert text.count("\r\n") - 1 == count["rows"] == count["planted"] + count["sound"]
        elif count["table"] == "loans":
            rows = len(raw(count["quarter"], "贷款借据")) - 3
            assert rows == count["rows"] + count["trailer_rows"]


def test_private_things_are_in_the_submissions_and_marked() -> None:
    text = "".join(p.read_bytes().decode("gbk") for p in ROOT.rglob("EAST_*.txt"))
    private = TRUTH["private"]
    assert all("样" in name for name in private["names"])
    assert sum(number in text for number in private["certificates"]) > 100
    assert all(n.startswith("4115261900") or n.startswith("92") for n in private["certificates"])
