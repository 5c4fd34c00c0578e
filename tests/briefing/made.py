"""A small county of hand-made results: three institutions, every kind of verdict."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pyarrow as pa

from puhui import results
from puhui.briefing.source import ClauseWords, IndicatorWords, Source
from puhui.briefing.words import Words
from puhui.quarter import Quarter

WORDS = Path(__file__).parents[2] / "params" / "words"
RURAL, LARGE, VILLAGE = "RCB00001", "LGB00001", "VLB00001"

CATALOGUE = {
    row[0]: IndicatorWords(*row)
    for row in (
        ("C2.1a", "两增：贷款增速差", "C2.1", "2", "must", "增速不低于各项贷款。", "百分点",
         "余额÷年初余额−1，减去各项贷款同一算法", "不低于 0"),
        ("C2.1b", "两增：户数较年初增量", "C2.1", "2", "must", "户数不少于年初。", "户",
         "户数−年初户数", "不低于 0"),
        ("C3.1a", "当年累放贷款加权平均利率", "C3.1", "3", "must", "按保本微利原则定价。", "%",
         "发放额×利率之和÷发放额之和", "仅列示"),
        ("C4.1a", "小微企业信用贷款占比", "C4.1", "4", "strive", "信用贷款占比上升。", "%",
         "信用贷款余额÷小微企业贷款余额", "较年初不下降"),
        ("C7.2", "普惠型小微企业贷款不良率与各项贷款不良率之差", "C7.2", "7", "must",
         "不良率之差在规定的百分点以内。", "百分点", "普惠不良率−各项贷款不良率", "不超过 3.00"),
    )
}  # fmt: skip


NOTICE = {
    row[0]: ClauseWords(*row)
    for row in (
        ("C1", "1", "", "逐条清点，不打总分。"),
        ("C2.1", "2", "must", "增速、户数不低于年初。"),
        ("C2.2c", "2", "must", "全县合计完成计划。"),
        ("C3.1", "3", "must", "按保本微利原则定价。"),
        ("C4.1", "4", "strive", "信用贷款占比上升。"),
        ("C7.2", "7", "must", "不良率之差在规定的百分点以内。"),
    )
}

#: A clause is as bad as the worst of its indicators.
WORST_FIRST = (
    "not_met", "behind", "no_data", "to_verify", "met_reserved", "met", "on_track", "shown",
    "not_applicable",
)  # fmt: skip


def clauses(indicators):
    """Rows of ``clauses`` for rows of ``indicators``, C1 included."""
    found = {}
    for row in indicators:
        if row.get("branch_id") is None:
            clause = CATALOGUE[row["indicator_id"]].clause
            found.setdefault((row["institution_id"], clause), []).append(row)
    made = [
        {
            "quarter": "2021Q4",
            "institution_id": institution,
            "clause": clause,
            **{k: worst[k] for k in ("verdict", "flags", "indicator_id")},
            "reason": worst.get("reason"),
        }
        for (institution, clause), rows in found.items()
        for worst in [min(rows, key=lambda r: WORST_FIRST.index(r["verdict"]))]
    ]
    counted = [
        {
            "quarter": "2021Q4",
            "institution_id": i,
            "clause": "C1",
            "verdict": "shown",
            "reason": "达标 1 条",
        }
        for i in dict.fromkeys(i for i, _ in found)
    ]
    return [*counted, *made]


def indicator(institution: str, indicator_id: str, value: str | None, verdict: str, **more):
    """One row of ``indicators``; ``value`` and ``base`` are decimal text."""
    row = {
        "quarter": "2021Q4",
        "institution_id": institution,
        "indicator_id": indicator_id,
        "unit": CATALOGUE[indicator_id].unit,
        "verdict": verdict,
        "flags": more.pop("flags", []),
        "source": more.pop("source", "ledger"),
        "revision": 1,
        **more,
    }
    for name in ("value", "base_value"):
        text = value if name == "value" else row.get(name)
        if text is not None:
            exact = Fraction(text)
            stem = name.removesuffix("_value")
            row |= {
                name: float(exact),
                f"{stem}_num": str(exact.numerator),
                f"{stem}_den": str(exact.denominator),
            }
    return row


def tolerance(
    institution: str, branch: str | None, incl: str, all_: str, verdict: str, **more: object
):
    gap = Fraction(incl) - Fraction(all_)
    return {
        "quarter": "2021Q4",
        "institution_id": institution,
        "branch_id": branch,
        "inclusive_npl_pct": float(Fraction(incl)),
        "all_npl_pct": float(Fraction(all_)),
        "gap_pp": float(gap),
        "gap_num": str(gap.numerator),
        "gap_den": str(gap.denominator),
        "tolerance_pp": "3.00",
        "comparator": "institution",
        "verdict": verdict,
        "flags": [],
        "source": "ledger",
        **more,
    }


def part(institution: str, indicator_id: str, name: str, value: str):
    """One row of ``parts``; ``value`` is a decimal or a fraction."""
    exact = Fraction(value)
    return {
        "quarter": "2021Q4",
        "institution_id": institution,
        "indicator_id": indicator_id,
        "part": name,
        "value": float(exact),
        "value_num": str(exact.numerator),
        "value_den": str(exact.denominator),
        "unit": "%",
    }


# Growth as the stocks below have it: 11.2345/10, 55/50; 2.2/2, 9/8.9; the village's as filed.
PARTS = [
    part(RURAL, "C2.1a", "growth_pct", "12.345"),
    part(RURAL, "C2.1a", "all_growth_pct", "10"),
    part(RURAL, "C2.1b", "customers", "988"),
    part(RURAL, "C2.1b", "customers_year_start", "1000"),
    part(LARGE, "C2.1a", "growth_pct", "10"),
    part(LARGE, "C2.1a", "all_growth_pct", "100/89"),
    part(LARGE, "C2.1b", "customers", "231"),
    part(LARGE, "C2.1b", "customers_year_start", "200"),
    part(VILLAGE, "C2.1a", "growth_pct", "4.999"),
    part(VILLAGE, "C2.1a", "all_growth_pct", "5"),
]


def spread(institution: str, priced_in: str, loans: int, rate: str, benchmark: str):
    """One row of ``spreads``."""
    exact = 100 * (Fraction(rate) - Fraction(benchmark))
    return {
        "quarter": "2021Q4",
        "institution_id": institution,
        "priced_in": priced_in,
        "loans": loans,
        "amount": 1e6,
        "mean_rate": float(rate),
        "mean_benchmark": float(benchmark),
        "spread_bp": float(exact),
        "spread_num": str(exact.numerator),
        "spread_den": str(exact.denominator),
    }


SPREADS = [
    spread(RURAL, "2021Q4", 20, "5.55", "3.8"),
    spread(RURAL, "2021Q1", 31, "5.95", "3.85"),
    spread(RURAL, "2021Q2", 8, "6.1", "3.85"),
    spread(LARGE, "2021Q4", 5, "4.2", "3.85"),
]


INDICATORS = [
    indicator(RURAL, "C2.1a", "1.2345", "met", test=">=", threshold="0"),
    indicator(RURAL, "C2.1b", "-12", "not_met", test=">=", threshold="0"),
    indicator(RURAL, "C3.1a", "5.6789", "shown", base="last_full_year", base_value="5.9"),
    indicator(RURAL, "C4.1a", "23.404", "met", base="year_start", base_value="23.401", test="up"),
    indicator(RURAL, "C7.2", "3.004", "not_met", test="<=", threshold="3.00",
              flags=["near_limit", "provisional"]),
    indicator(LARGE, "C2.1a", "8.5", "shown",
              reason="分支机构按上级下达的任务考核，本指标仅列示。"),
    indicator(LARGE, "C2.1b", "31", "shown"),
    indicator(LARGE, "C3.1a", "4.25", "shown", base="last_full_year", base_value="4.3"),
    indicator(LARGE, "C4.1a", "40.5", "behind", base="year_start", base_value="42", test="up"),
    indicator(LARGE, "C7.2", "0.5", "met", test="<=", threshold="3.00"),
    indicator(VILLAGE, "C2.1a", "-0.001", "not_met", test=">=", threshold="0", source="returns"),
    indicator(VILLAGE, "C2.1b", "0", "met", test=">=", threshold="0", source="returns"),
    indicator(VILLAGE, "C3.1a", None, "no_data", source=None,
              reason="报表：缺“QS.incl_interest”"),
    indicator(VILLAGE, "C4.1a", None, "no_data", source=None, reason="报表：缺“QS.mse_balance”"),
    indicator(VILLAGE, "C7.2", "3", "met", test="<=", threshold="3.00", source="returns"),
]  # fmt: skip

TOLERANCE = [
    tolerance(RURAL, None, "5.004", "2", "not_met"),
    tolerance(RURAL, "01", "4.2", "2", "met"),
    tolerance(RURAL, "02", "7.25", "2", "not_met"),
    tolerance(RURAL, "03", "1.1", "2", "met"),
    tolerance(LARGE, None, "1.3", "0.8", "met"),
    tolerance(VILLAGE, None, "5", "2", "met"),
]


def _stock(institution: str, quarter: str, source: str, **values: str):
    return [
        {
            "quarter": quarter,
            "institution_id": institution,
            "measure_id": name,
            "source": source,
            "value": Decimal(value),
            "revision": 1,
        }
        for name, value in values.items()
    ]


MEASURES = [
    *_stock(RURAL, "2021Q4", "ledger", assessed_balance="1123450000.00",
            all_loans="5500000000.00", assessed_customers="988"),
    *_stock(RURAL, "2020Q4", "ledger", assessed_balance="1000000000.00",
            all_loans="5000000000.00", assessed_customers="1000"),
    *_stock(LARGE, "2021Q4", "ledger", assessed_balance="220000000.00",
            all_loans="900000000.00", assessed_customers="231"),
    *_stock(LARGE, "2020Q4", "ledger", assessed_balance="200000000.00",
            all_loans="890000000.00", assessed_customers="200"),
    *_stock(VILLAGE, "2021Q4", "returns", assessed_balance="90000000.00",
            all_loans="120000000.00", assessed_customers="310"),
]  # fmt: skip

INTAKE = [
    {"quarter": "2021Q4", "institution_id": RURAL, "revision": 1,
     "status": "accepted_with_errors", "file": "台账.xlsx", "table": "loans", "rows_in": 2012,
     "accepted": 2000, "quarantined": 7, "non_data": 5,
     "quarantined_balance": Decimal("1234567.89"), "message": ""},
    {"quarter": "2021Q4", "institution_id": VILLAGE, "revision": 2, "status": "accepted",
     "file": "季报.xlsx", "table": "returns", "rows_in": 60, "accepted": 58, "quarantined": 0,
     "non_data": 2, "quarantined_balance": None, "message": ""},
]  # fmt: skip

FINDINGS = [
    {"quarter": "2021Q4", "institution_id": RURAL, "revision": 1, "check_id": check,
     "severity": severity, "phase": "row", "table": "loans", "column": "balance",
     "file": "台账.xlsx", "sheet": "贷款借据", "row": n, "cell": f"K{n}", "value": "12",
     "message": message}
    for check, severity, message, times in (
        ("E0012", "error", "贷款余额大于发放金额。", 7), ("W0003", "warning", "行业为空。", 2))
    for n in range(10, 10 + times)
]  # fmt: skip

_FIT = {"quarter": "2021Q4", "scope": "all", "window_from": "2019-10-01",
        "window_to": "2021-12-31", "formula": "rate ~ benchmark", "weights": "不加权", "n": 4321,
        "clusters": 8, "g_star": 5.25, "dependent_mean": 5.4321, "status": "weak"}  # fmt: skip
REGRESSIONS = [
    {**_FIT, "model": "A", "term": "benchmark", "estimate": 0.61234, "se_crv1": 0.05,
     "se_crv3": 0.0721},
    {**_FIT, "model": "B", "term": "benchmark", "estimate": -0.2, "se_crv1": 0.15,
     "se_crv3": 0.21},
    {**_FIT, "model": "B", "term": "trend_days", "estimate": -0.000123, "se_crv1": 0.00001,
     "se_crv3": 0.00002},
]  # fmt: skip
IDENTIFICATION = [
    {"quarter": "2021Q4", "benchmark": "LPR 1Y", "window_from": "2019-10-01",
     "window_to": "2021-12-31", "regime": n, "date_from": start, "date_to": end, "rate": rate,
     "days": days, "loans": 500 + n, "institutions": 8}
    for n, (start, end, rate, days) in enumerate((
        ("2019-11-20", "2020-02-19", 4.15, 92), ("2020-04-20", "2021-12-19", 3.85, 609)))
]  # fmt: skip

ALL = {
    "indicators": INDICATORS,
    "tolerance": TOLERANCE,
    "measures": MEASURES,
    "intake": INTAKE,
    "findings": FINDINGS,
    "regressions": REGRESSIONS,
    "identification": IDENTIFICATION,
    "parts": PARTS,
    "spreads": SPREADS,
}


def make_source(names: dict[str, str] | None = None, **tables: list[dict[str, object]]) -> Source:
    """The county, with some names or tables replaced."""
    name = {RURAL: "乙农村商业银行", LARGE: "甲银行潢川支行", VILLAGE: "丙村镇银行"} | (names or {})
    kinds = {RURAL: "rural_commercial", LARGE: "large", VILLAGE: "village"}
    rows = [
        {
            "institution_id": i,
            "name": name[i],
            "kind": kinds[i],
            "level": "branch" if i == LARGE else "legal_person",
            "is_local_legal_person": i != LARGE,
        }
        for i in kinds
    ]
    branches = [
        {"branch_id": b, "institution_id": RURAL, "name": n}
        for b, n in (("01", "城关支行"), ("02", "来龙支行"))
    ]
    if "clauses" not in tables:
        tables["clauses"] = clauses(tables.get("indicators", INDICATORS))
    return Source(
        quarter=Quarter.parse("2021Q4"),
        results={k: results.from_rows(k, v) for k, v in (ALL | tables).items()},
        institutions=pa.Table.from_pylist(rows),
        branches=pa.Table.from_pylist(branches),
        catalogue=CATALOGUE,
        notice=NOTICE,
        words=Words.load(sorted(WORDS.glob("*.yaml"))),
        meta={"office": "潢川监管组", "version": "puhui 0.1", "params": "0a1b2c", "inputs": "3 份"},
        failed={},
    )
