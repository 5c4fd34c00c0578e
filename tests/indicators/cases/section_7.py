"""Section 7: the tolerance for bad loans, its passing down, and rules of exemption.

K1 is a small enterprise with a line of 1,000,000 (inclusive); K2 is large, outside the scope.
Few loans: every row from a ledger is marked small.
"""

from __future__ import annotations

from indicators.cases.case import Case, Sent, answer_cases

Q4 = "2021Q4"
INSURER = {"kind": "property_insurer", "level": "branch", "is_local_legal_person": False}
LARGE = {"kind": "large", "level": "branch", "is_local_legal_person": False}
NOT_FOR_IT = "不适用于该类机构"
PEOPLE = "customer_id size credit_line\nK1 small 1000000\nK2 large 900000000"
SMALL = ("small",)


def own(value: str) -> dict[str, Sent]:
    """The bank's own tolerance, in points."""
    return {Q4: Sent(answers=f"item value\nC7.1.tolerance_pp {value}")}


C7_1 = [
    Case("C7.1", "nothing", "no submission", "no_data", None, "2021Q4 未报送"),
    Case("C7.1", "at_limit", "3.00 of the 3 points allowed", "met", "3", sent=own("3.00")),
    Case(
        "C7.1",
        "below",
        "2.99 points",
        "met",
        "299/100",
        sent=own("2.99"),
        source="register",
    ),
    Case("C7.1", "above", "3.01 points", "not_met", "301/100", sent=own("3.01")),
    Case(
        "C7.1",
        "other",
        "before 2019 two points were allowed: 2.01 is over",
        "not_met",
        "201/100",
        sent={"2018Q4": Sent(answers="item value\nC7.1.tolerance_pp 2.01")},
        quarter="2018Q4",
    ),
    Case(
        "C7.1",
        "missing",
        "the sheet does not answer it",
        "no_data",
        None,
        "答卷缺 C7.1.tolerance_pp",
        sent={Q4: Sent(answers="item value\nC7.1.passed_down 是")},
    ),
    Case(
        "C7.1",
        "missing",
        "a percent sign makes it no number",
        "no_data",
        None,
        "“3%”不是数",
        sent=own("3%"),
    ),
    Case(
        "C7.1",
        "wrong_kind",
        "an insurer lends nothing",
        "not_applicable",
        None,
        NOT_FOR_IT,
        sent=own("3.00"),
        facts=INSURER,
    ),
]

C7_1_PASSED_DOWN = answer_cases("C7.1.passed_down", "C7.1.passed_down", wrong_kind=INSURER)


def book(bad: str, good: str, rest: str = "2970000", rest_bad: str = "30000") -> str:
    """Four loans: inclusive bad and good, others good and bad."""
    return (
        "loan_id customer_id balance five_class\n"
        f"L1 K1 {bad} substandard\nL2 K1 {good} normal\n"
        f"L3 K2 {rest} normal\nL4 K2 {rest_bad} loss"
    )


def lent(*amounts: str, lacks: tuple[str, ...] = ()) -> dict[str, Sent]:
    """A ledger of the four loans."""
    return {Q4: Sent(loans=book(*amounts), customers=PEOPLE, lacks={"loans": lacks})}


LIMIT = lent("50000", "950000")

C7_2 = [
    Case("C7.2", "nothing", "no submission", "no_data", None, "2021Q4 未报送"),
    Case(
        "C7.2",
        "at_limit",
        "50,000 of 1,000,000 is 5 %; 80,000 of 4,000,000 is 2 %: 3 points, which is allowed",
        "met",
        "3",
        sent=LIMIT,
        flags=SMALL,
    ),
    Case(
        "C7.2",
        "above",
        "a fen more of the million turns bad: 5.000001 % less 2.00000025 % is 3.00000075",
        "not_met",
        "300000075/100000000",
        sent=lent("50000.01", "949999.99"),
        flags=SMALL,
    ),
    Case(
        "C7.2",
        "below",
        "a fen less: 4.999999 % less 1.99999975 % is 2.99999925",
        "met",
        "299999925/100000000",
        sent=lent("49999.99", "950000.01"),
        flags=SMALL,
    ),
    Case(
        "C7.2",
        "nothing_there",
        "the only loan is a large firm's",
        "not_applicable",
        None,
        "没有普惠型小微企业贷款余额",
        sent={Q4: Sent(loans="loan_id customer_id balance\nL3 K2 100", customers=PEOPLE)},
    ),
    Case(
        "C7.2",
        "missing",
        "no column of the five classes",
        "no_data",
        None,
        "五级分类（five_class）",
        sent=lent("50000", "950000", lacks=("five_class",)),
    ),
    Case(
        "C7.2",
        "missing",
        "the sheet lacks all loans, and there is no ledger",
        "no_data",
        None,
        "G01.loans",
        sent={Q4: Sent(returns="item value\nQS.incl_balance 100\nQS.incl_npl 1\nQS.npl 1")},
    ),
    Case(
        "C7.2",
        "wrong_kind",
        "an insurer lends nothing",
        "not_applicable",
        None,
        NOT_FOR_IT,
        sent=LIMIT,
        facts=INSURER,
    ),
    Case(
        "C7.2",
        "other",
        "before 2019 two points were allowed: 3 is over",
        "not_met",
        "3",
        sent={"2018Q4": Sent(loans=book("50000", "950000"), customers=PEOPLE)},
        quarter="2018Q4",
        flags=SMALL,
    ),
    Case(
        "C7.2",
        "other",
        "filed 35 of 1,000 is 3.5 %, 100 of 10,000 is 1 %: 2.5 points; the ledger is not asked",
        "met",
        "5/2",
        sent={
            Q4: Sent(
                loans=book("999999", "1"),
                customers=PEOPLE,
                returns="item value\nQS.incl_balance 1000\nQS.incl_npl 35\n"
                "QS.all_loans 10000\nQS.npl 100",
            )
        },
        source="returns",
    ),
]

# B1 holds the inclusive loans, B2 the others; B3 lends to K2 only.
BRANCHES = """
loan_id branch_id customer_id balance five_class
L1      B1        K1          {bad}   substandard
L2      B1        K1          {good}  normal
L3      B2        K1          100     normal
L4      B3        K2          {rest}  normal
"""


def branches(bad: str, good: str, rest: str, returns: str = "") -> dict[str, Sent]:
    """A ledger over three branches, and perhaps filed figures beside it."""
    text = BRANCHES.format(bad=bad, good=good, rest=rest)
    return {Q4: Sent(loans=text, customers=PEOPLE, returns=returns)}


# B1: 5 of 100 bad. The whole bank: 5 of 100 + 100 + 50 = 250, which is 2 %.
FIVE = branches("5", "95", "50")
FILED = "item value\nG01.loans 1000\nG11.npl 10"

C7_2_BRANCH = [
    Case(
        "C7.2",
        "branch",
        "5 of 100 at B1 is 5 %, 5 of 250 in the whole bank 2 %: 3 points",
        "met",
        "3",
        sent=FIVE,
        branch="B1",
        flags=SMALL,
        source="ledger",
    ),
    Case(
        "C7.2",
        "branch",
        "5.01 of 100 is 5.01 %, of 250 2.004 %: 3.006 points",
        "not_met",
        "1503/500",
        sent=branches("5.01", "94.99", "50"),
        branch="B1",
        flags=SMALL,
    ),
    Case(
        "C7.2",
        "branch",
        "nothing bad at B2: 0 % less the bank's 2 %",
        "met",
        "-2",
        sent=FIVE,
        branch="B2",
        flags=SMALL,
    ),
    Case(
        "C7.2",
        "branch",
        "B3 has a large firm's loan only",
        "not_applicable",
        None,
        "没有普惠型小微企业贷款余额",
        sent=FIVE,
        branch="B3",
    ),
    Case(
        "C7.2",
        "branch",
        "the whole bank's filed figures are of record: 5 % less 10 of 1,000, 1 %: 4 points",
        "not_met",
        "4",
        sent=branches("5", "95", "50", FILED),
        branch="B1",
        flags=SMALL,
        source="ledger",
    ),
    Case(
        "C7.2",
        "branch",
        "of a large bank's branch 5 % less the 2 % its legal person published, which is 3; its "
        "filed 1 % does not matter",
        "met",
        "3",
        sent=branches("5", "95", "50", FILED),
        branch="B1",
        facts={**LARGE, "legal_person_npl_ratio": 2},
        flags=SMALL,
    ),
    Case(
        "C7.2",
        "branch",
        "5 % less a published 1 % is 4 points",
        "not_met",
        "4",
        sent=FIVE,
        branch="B1",
        facts={**LARGE, "legal_person_npl_ratio": 1},
        flags=SMALL,
    ),
    Case(
        "C7.2",
        "branch",
        "the register has no published ratio: the reporting unit's filed 1 % stands in",
        "not_met",
        "4",
        sent=branches("5", "95", "50", FILED),
        branch="B1",
        facts=LARGE,
        flags=SMALL,
    ),
    Case(
        "C7.2",
        "branch",
        "a local bank is itself the legal person: its own 2 %, not what the register has (1 %)",
        "met",
        "3",
        sent=FIVE,
        branch="B1",
        facts={"legal_person_npl_ratio": 1},
        flags=SMALL,
    ),
    Case(
        "C7.2",
        "branch",
        "the reporting unit itself is measured against itself: 5 of 200 is 2.5 %, less 2 %",
        "met",
        "1/2",
        sent=FIVE,
        facts={**LARGE, "legal_person_npl_ratio": 1},
        flags=SMALL,
    ),
    Case(
        "C7.2",
        "branch",
        "a branch of which nothing is known",
        "no_data",
        None,
        "未报送",
        sent=FIVE,
        branch="B9",
    ),
]

THREE = ("C7.4.standard", "C7.4.procedural", "C7.4.simple")
C7_4 = answer_cases("C7.4", "C7.4.public", others=THREE, wrong_kind=INSURER)

EXEMPT: dict[tuple[str, str], str] = {}

CASES = [*C7_1, *C7_1_PASSED_DOWN, *C7_2, *C7_2_BRANCH, *C7_4]
