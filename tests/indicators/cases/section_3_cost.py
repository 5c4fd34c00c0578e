"""Section 3: all-in cost, interest and the bank's own fees by the year.

One loan of 1,000,000 at 5 % for twelve months: each 10,000 of fees is one percentage point. In
2020 the fee was 10,000, so that the cost was 6 %.
"""

from __future__ import annotations

from indicators.cases.case import Case, Sent, usual_cases

Q4, Q3, Q0 = "2021Q4", "2021Q3", "2020Q4"
INSURER = {"kind": "property_insurer"}


def charged(
    *fees: str,
    year: int = 2021,
    columns: str = "amount",
    lacks: dict[str, tuple[str, ...]] | None = None,
) -> Sent:
    """A loan drawn in March of a year, and the fees on it."""
    loans = f"loan_id drawn_on matures_on\nL1 {year}-03-01 {year + 1}-03-01"
    lines = [f"loan_id seq {columns}", *(f"L1 {i} {fee}" for i, fee in enumerate(fees))]
    return Sent(loans=loans, registers={"fees": "\n".join(lines)}, lacks=lacks or {})


BEFORE = charged("10000", year=2020)


def cost(edge: str, working: str, now: Sent, value: str | None, **more: object) -> Case:
    """A case against the 6 % of 2020."""
    given = {"sent": {Q0: BEFORE, Q4: now}, "verdict": "on_track", "base": "6", "wrong_way": 0}
    return Case("C3.3a", edge, working, value=value, **{**given, **more})


CASES = [
    *usual_cases(
        "C3.3a",
        {Q0: BEFORE, Q4: charged("10000")},
        {Q0: BEFORE, Q4: Sent(loans="loan_id drawn_on matures_on\nL1 2021-03-01 2022-03-01")},
        "缺表：收费明细",
        wrong=INSURER,
    ),
    cost(
        "at_limit",
        "10,100 of fees is 1.01 points: 6.01 %, up by 0.01, which is flat",
        charged("10100"),
        "601/100",
        source="ledger",
    ),
    cost(
        "below",
        "one fen more, 6.010001 %: up, for the first time",
        charged("10100.01"),
        "6010001/1000000",
        wrong_way=1,
        reason="首次出现不利变动",
    ),
    cost(
        "above",
        "one fen less, 6.009999 %: up by less than 0.01",
        charged("10099.99"),
        "6009999/1000000",
    ),
    cost(
        "wrong_twice",
        "10,200 of fees is 6.02 % in the third quarter and again in the fourth",
        charged("10200"),
        "301/50",
        sent={Q0: BEFORE, Q3: charged("10200"), Q4: charged("10200")},
        verdict="behind",
        wrong_way=2,
    ),
    cost("other", "no fees at all, signed by an empty sheet: 5 %", charged(), "5"),
    cost(
        "other",
        "20,000 less 10,000 waived, 700 borne by the bank, 900 of a guarantor: 10,000 count",
        charged(
            "20000 10000 bank borrower",
            "700 0 bank bank",
            "900 0 guarantor borrower",
            columns="amount waived charged_by borne_by",
        ),
        "6",
    ),
    cost(
        "other",
        "5,000 on half a year is 10,000 by the year, 2,000 that recurs each year is 2,000: 6.2 %",
        Sent(
            loans="loan_id drawn_on matures_on\nL1 2021-03-01 2021-09-01",
            registers={
                "fees": "loan_id seq amount recurring\nL1 1 5000 false\nL1 2 2000 true",
            },
        ),
        "31/5",
        wrong_way=1,
        reason="首次出现不利变动",
    ),
    cost(
        "no_base",
        "6 % now and nothing of 2020: shown",
        charged("10000"),
        "6",
        sent={Q4: charged("10000")},
        verdict="shown",
        base=None,
        wrong_way=None,
        reason="无可比基数",
    ),
    cost(
        "nothing_there",
        "the only loan was drawn in the year before",
        BEFORE,
        None,
        verdict="not_applicable",
        base=None,
        wrong_way=None,
        reason="当年没有发放普惠型小微企业贷款",
    ),
]
