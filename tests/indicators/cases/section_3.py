"""Section 3: rates, fees, cover kept, first checks."""

from __future__ import annotations

from indicators.cases.case import Case, Sent, answer_cases, usual_cases

Q4, Q0 = "2021Q4", "2020Q4"
INSURER = {"kind": "property_insurer"}


def drawn(*loans: tuple[str, str], year: str = "2021", more: str = "", lacks=None) -> Sent:
    """Inclusive loans drawn in a year: amounts and rates at drawdown."""
    names, _, cells = more.partition("=")
    lines = [f"loan_id amount rate_at_drawdown drawn_on {names}"]
    lines += [f"L{i} {a} {r} {year}-03-01 {cells}" for i, (a, r) in enumerate(loans)]
    return Sent(loans="\n".join(lines), lacks=lacks or {})


FIVE = drawn(("1000000", "5"), year="2020")
NO_RATE = {"loans": ("rate_at_drawdown",)}
NOT_DRAWN = "当年没有发放普惠型小微企业贷款"

C3_1A = [
    *usual_cases(
        "C3.1a",
        {Q0: FIVE, Q4: drawn(("1000000", "5"))},
        {Q0: FIVE, Q4: drawn(("1000000", "5"), lacks=NO_RATE)},
        "发放利率（rate_at_drawdown）",
        wrong=INSURER,
    ),
    Case(
        "C3.1a",
        "plain",
        "1,000,000 at 4 % and 3,000,000 at 6 %: (4 + 18) / 4 = 5.5 %; 5 % in the year before",
        "shown",
        "11/2",
        sent={Q0: FIVE, Q4: drawn(("1000000", "4"), ("3000000", "6"))},
        base="5",
        source="ledger",
    ),
    Case(
        "C3.1a",
        "plain",
        "the one sheet: interest for a year of 220,000 on 4,000,000 drawn is 5.5 %",
        "shown",
        "11/2",
        "无可比基数",
        sent={Q4: Sent(returns="item value\nQS.incl_drawn 4000000\nQS.incl_interest 220000")},
        base=None,
        source="returns",
    ),
    Case(
        "C3.1a",
        "no_base",
        "5.5 % in the year, and nothing of the year before",
        "shown",
        "11/2",
        "无可比基数",
        sent={Q4: drawn(("1000000", "4"), ("3000000", "6"))},
        base=None,
    ),
    Case(
        "C3.1a",
        "nothing_there",
        "the only loan was drawn in the year before",
        "not_applicable",
        None,
        NOT_DRAWN,
        sent={Q0: FIVE, Q4: FIVE},
    ),
    Case(
        "C3.1a",
        "other",
        "a restructured loan was not priced by the market: only the 5 % counts",
        "shown",
        "5",
        sent={
            Q0: FIVE,
            Q4: Sent(
                loans="loan_id amount rate_at_drawdown issue_kind\n"
                "L1 1000000 5 new\nL2 1000000 12 restructured"
            ),
        },
        base="5",
    ),
]

C3_1B = [
    *usual_cases(
        "C3.1b",
        {Q0: FIVE, Q4: drawn(("1000000", "5"))},
        {Q0: FIVE, Q4: drawn(("1000000", "5"), lacks=NO_RATE)},
        "发放利率（rate_at_drawdown）",
        wrong=INSURER,
    ),
    Case(
        "C3.1b",
        "at_limit",
        "5.10 less 5.00 is 10 basis points, which is the limit",
        "met",
        "10",
        sent={Q0: FIVE, Q4: drawn(("1000000", "5.1"))},
    ),
    Case(
        "C3.1b",
        "below",
        "a millionth of a point less: 9.9999 basis points",
        "met",
        "99999/10000",
        sent={Q0: FIVE, Q4: drawn(("1000000", "5.099999"))},
    ),
    Case(
        "C3.1b",
        "above",
        "a millionth of a point more, 10.0001: the limit is ours, so it is marked and not a breach",
        "met",
        "100001/10000",
        "超过本项目自定的提示线",
        sent={Q0: FIVE, Q4: drawn(("1000000", "5.100001"))},
        flags=("near_limit",),
    ),
    Case(
        "C3.1b",
        "other",
        "a fall of 100 basis points never fails",
        "met",
        "-100",
        sent={Q0: FIVE, Q4: drawn(("1000000", "4"))},
    ),
    Case(
        "C3.1b",
        "other",
        "of 2022 the limit is 0: a millionth of a point above the year before is marked",
        "met",
        "1/10000",
        "超过本项目自定的提示线",
        sent={
            Q4: drawn(("1000000", "5")),
            "2022Q4": drawn(("1000000", "5.000001"), year="2022"),
        },
        flags=("near_limit",),
        quarter="2022Q4",
    ),
    Case(
        "C3.1b",
        "no_base",
        "nothing was sent for 2020",
        "no_data",
        None,
        "2020Q4 未报送",
        sent={Q4: drawn(("1000000", "5"))},
    ),
    Case(
        "C3.1b",
        "nothing_there",
        "nothing was drawn in 2020 to compare with",
        "not_applicable",
        None,
        "当年或上年没有发放普惠型小微企业贷款",
        sent={Q0: drawn(("1000000", "5"), year="2019"), Q4: drawn(("1000000", "5"))},
    ),
    Case(
        "C3.1b",
        "nothing_there",
        "nothing was drawn in 2021",
        "not_applicable",
        None,
        "当年或上年没有发放普惠型小微企业贷款",
        sent={Q0: FIVE, Q4: FIVE},
    ),
]

PRICED = Sent(
    loans="loan_id amount benchmark product\n"
    "L1 2000000 lpr:1Y working_capital\n"
    "L2 1000000 lpr:5Y working_capital\n"
    "L3 1000000 other working_capital\n"
    "L4 9000000 - discount"
)

C3_1C = [
    *usual_cases(
        "C3.1c",
        {Q4: PRICED},
        {Q4: Sent(loans=PRICED.loans, lacks={"loans": ("benchmark",)})},
        "定价基准（benchmark）",
        wrong=INSURER,
    ),
    Case(
        "C3.1c",
        "plain",
        "2,000,000 and 1,000,000 on LPR of 4,000,000 without the discounted bill: 75 %",
        "shown",
        "75",
        sent={Q4: PRICED},
        source="ledger",
    ),
    Case(
        "C3.1c",
        "other",
        "an empty cell in a column that was sent says that there is no benchmark: 0 %",
        "shown",
        "0",
        sent={Q4: drawn(("1000000", "5"), more="benchmark=-")},
    ),
    Case(
        "C3.1c",
        "nothing_there",
        "the only loan was drawn in the year before",
        "not_applicable",
        None,
        NOT_DRAWN,
        sent={Q4: drawn(("1000000", "5"), year="2020", more="benchmark=lpr:1Y")},
    ),
]


def fees(due: str, waived: str) -> Sent:
    """Fees due and waived, as answered."""
    return Sent(answers=f"item value\nC3.3c.due {due}\nC3.3c.waived {waived}")


C3_3C = [
    *usual_cases(
        "C3.3c",
        {Q4: fees("100", "1")},
        {Q4: Sent(answers="item value\nC3.3c.waived 1")},
        "答卷缺 C3.3c.due",
    ),
    Case(
        "C3.3c",
        "missing",
        "the answer on fees due is a word",
        "no_data",
        None,
        "不是数",
        sent={Q4: fees("若干", "1")},
    ),
    Case(
        "C3.3c",
        "at_limit",
        "nothing waived of 100: 0 %, and it is to be more",
        "not_met",
        "0",
        sent={Q4: fees("100", "0")},
    ),
    Case(
        "C3.3c",
        "above",
        "one fen waived of 100 yuan: 0.01 %",
        "met",
        "1/100",
        sent={Q4: fees("100", "0.01")},
        source="register",
    ),
    Case(
        "C3.3c",
        "below",
        "a fen less than nothing waived, as an answer may wrongly say: -0.01 %",
        "not_met",
        "-1/100",
        sent={Q4: fees("100", "-0.01")},
    ),
    Case(
        "C3.3c",
        "nothing_there",
        "no fees were due",
        "not_applicable",
        None,
        "当年没有应收费用",
        sent={Q4: fees("0", "0")},
    ),
    Case(
        "C3.3c",
        "none_there",
        "answered that there are no such charges",
        "not_applicable",
        None,
        "机构答复",
        sent={Q4: Sent(answers="item value\nC3.3c.all 不适用")},
    ),
    Case(
        "C3.3c",
        "other",
        "the clause is for everyone, insurers too: 1 of 100 is 1 %",
        "met",
        "1",
        sent={Q4: fees("100", "1")},
        facts=INSURER,
    ),
]

COVER = {"insurance": "line\nloan_guarantee_insurance"}
KEPT = "item value document_no in_force_from\nC3.4c.kept 否 - -"

C3_4C = [
    *answer_cases("C3.4c", "C3.4c.kept", wrong_kind={}, facts=INSURER, registers=COVER),
    Case(
        "C3.4c",
        "nothing_there",
        "the register of lines was sent without a row: nothing that could be withdrawn",
        "not_applicable",
        None,
        "没有与小微贷款有关的险种",
        sent={Q4: Sent(answers=KEPT, registers={"insurance": "line"})},
        facts=INSURER,
    ),
    Case(
        "C3.4c",
        "other",
        "without the register of lines nobody knows that there are none: the answer stands",
        "not_met",
        "0",
        "C3.4c.kept 否",
        sent={Q4: Sent(answers=KEPT)},
        facts=INSURER,
    ),
]


def checked(in_time: int, late: int, never: int = 0, *, lacks=None) -> Sent:
    """Loans whose first check was due on 30 June: made that day, a day later, or not at all."""
    made = ["2021-06-30"] * in_time + ["2021-07-01"] * late + ["-"] * never
    lines = [f"L{i} 2021-06-30 {day}" for i, day in enumerate(made)]
    text = "\n".join(["loan_id first_check_due_on first_check_on", *lines])
    return Sent(loans=text, lacks=lacks or {})


C3_6C = [
    *usual_cases(
        "C3.6c",
        {Q4: checked(19, 1)},
        {Q4: checked(19, 1, lacks={"loans": ("first_check_on",)})},
        "首次检查日期（first_check_on）",
        wrong=INSURER,
    ),
    Case(
        "C3.6c",
        "missing",
        "no column of days checks are due",
        "no_data",
        None,
        "首次检查应完成日期（first_check_due_on）",
        sent={Q4: checked(19, 1, lacks={"loans": ("first_check_due_on",)})},
    ),
    Case(
        "C3.6c",
        "at_limit",
        "19 of 20 on the day they were due, one a day later: 95 %, which is the limit",
        "met",
        "95",
        sent={Q4: checked(19, 1)},
        source="ledger",
    ),
    Case(
        "C3.6c",
        "below",
        "one fewer: 18 of 20 is 90 %",
        "not_met",
        "90",
        sent={Q4: checked(18, 1, 1)},
    ),
    Case("C3.6c", "above", "20 of 20", "met", "100", sent={Q4: checked(20, 0)}),
    Case(
        "C3.6c",
        "nothing_there",
        "the only check falls due the day after the quarter's end",
        "not_applicable",
        None,
        "没有应完成的首次贷后检查",
        sent={Q4: Sent(loans="loan_id first_check_due_on first_check_on\nL1 2022-01-01 -")},
    ),
    Case(
        "C3.6c",
        "other",
        "a renewal's check counts under renewals: 1 of the 1 other loan",
        "met",
        "100",
        sent={
            Q4: Sent(
                loans="loan_id issue_kind first_check_due_on first_check_on\n"
                "L1 new 2021-06-30 2021-06-01\nL2 renewal 2021-06-30 -"
            )
        },
    ),
]

CASES = [*C3_1A, *C3_1B, *C3_1C, *C3_3C, *C3_4C, *C3_6C]
