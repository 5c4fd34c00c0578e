"""Section 6: days from application to money."""

from __future__ import annotations

from indicators.cases.case import Case, Sent, usual_cases

Q4 = "2021Q4"
INSURER = {"kind": "property_insurer"}
#: Days of disbursement of what was applied for on 1 June, by the days that took.
DAY = {
    10: "2021-06-11",
    14: "2021-06-15",
    15: "2021-06-16",
    16: "2021-06-17",
    20: "2021-06-21",
    29: "2021-06-30",
    30: "2021-07-01",
    31: "2021-07-02",
    60: "2021-07-31",
}


def took(
    *days: int, size: str = "small", more: str = "", lacks: dict[str, tuple[str, ...]] | None = None
) -> Sent:
    """Applications of one customer granted and paid out after so many days."""
    lines = [f"A{i} granted {DAY[d]}" for i, d in enumerate(days)]
    text = "\n".join(["application_id decision disbursed_on", *lines, more])
    return Sent(
        loans="loan_id\nL1",
        customers=f"customer_id size\nK1 {size}",
        registers={"applications": text},
        lacks=lacks or {},
    )


def usual(indicator: str) -> list[Case]:
    """Cases both numbers of days have."""
    nobody = "没有获批并放款的小微客户申请"
    return [
        *usual_cases(
            indicator,
            {Q4: took(10)},
            {Q4: Sent(loans="loan_id\nL1")},
            "缺表：贷款申请",
            wrong=INSURER,
        ),
        Case(
            indicator,
            "missing",
            "the register does not say when money was paid out",
            "no_data",
            None,
            "放款日期（disbursed_on）",
            sent={Q4: took(10, lacks={"applications": ("disbursed_on",)})},
        ),
        Case(
            indicator,
            "nothing_there",
            "one refused, one granted and not paid out yet",
            "not_applicable",
            None,
            nobody,
            sent={Q4: took(more="R refused -\nG granted -")},
        ),
        Case(
            indicator,
            "nothing_there",
            "the only customer is a large enterprise",
            "not_applicable",
            None,
            nobody,
            sent={Q4: took(60, size="large")},
        ),
    ]


MEDIAN = [
    *usual("C6.4b.median"),
    Case(
        "C6.4b.median",
        "at_limit",
        "10, 15 and 60 days: the middle one is 15, which is the limit",
        "met",
        "15",
        sent={Q4: took(60, 10, 15)},
        source="register",
    ),
    Case("C6.4b.median", "below", "10, 14 and 60", "met", "14", sent={Q4: took(10, 14, 60)}),
    Case("C6.4b.median", "above", "10, 16, 60", "not_met", "16", sent={Q4: took(10, 16, 60)}),
    Case(
        "C6.4b.median",
        "other",
        "of 10, 15, 16 and 60 the middle two are 15 and 16: 15.5",
        "not_met",
        "31/2",
        sent={Q4: took(10, 15, 16, 60)},
    ),
]

EIGHT = (10,) * 8

P90 = [
    *usual("C6.4b.p90"),
    Case(
        "C6.4b.p90",
        "at_limit",
        "of ten the ninth took 30 days, which is the limit; the tenth took 60",
        "met",
        "30",
        sent={Q4: took(*EIGHT, 30, 60)},
    ),
    Case("C6.4b.p90", "below", "the ninth took 29", "met", "29", sent={Q4: took(*EIGHT, 29, 60)}),
    Case(
        "C6.4b.p90", "above", "the ninth took 31", "not_met", "31", sent={Q4: took(*EIGHT, 31, 60)}
    ),
]

CASES = [*MEDIAN, *P90]
