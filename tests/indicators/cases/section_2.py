"""Section 2: the two increases, plans, first loans, local focus.

K1 is a small enterprise with a line of 1,000,000 (inclusive); K2 is large, outside the scope.
"""

from __future__ import annotations

from indicators.cases.case import Case, Sent

Q4, Q0 = "2021Q4", "2020Q4"
PEOPLE = "customer_id size credit_line\nK1 small 1000000\nK2 large 900000000"
INSURER = {"kind": "property_insurer"}
POLICY_BANK = {"kind": "policy", "level": "branch", "is_local_legal_person": False}
LARGE = {"kind": "large", "level": "branch", "is_local_legal_person": False}


def book(inclusive: str, other: str, lacks: dict[str, tuple[str, ...]] | None = None) -> Sent:
    """A ledger of one inclusive loan and one other."""
    text = f"loan_id customer_id balance\nL1 K1 {inclusive}\nL2 K2 {other}"
    return Sent(loans=text, customers=PEOPLE, lacks=lacks or {})


def borrowers(count: int, lacks: dict[str, tuple[str, ...]] | None = None) -> Sent:
    """A ledger of ``count`` inclusive customers with 100 each."""
    lines = [f"L{i} K1{i} 100" for i in range(count)]
    text = "\n".join(["loan_id customer_id balance", *lines])
    return Sent(loans=text, lacks=lacks or {})


C2_1A = [
    Case("C2.1a", "nothing", "no submission at either date", "no_data", None, "2021Q4 未报送"),
    Case(
        "C2.1a",
        "at_limit",
        "inclusive 200 to 220 is +10 %; all 1,000 to 1,100 is +10 %; gap 0, which is the limit",
        "met",
        "0",
        sent={Q0: book("200", "800"), Q4: book("220", "880")},
    ),
    Case(
        "C2.1a",
        "below",
        "219.99 with the rest 880.01: 9.995 % less 10 % is five thousandths below 0",
        "not_met",
        "-1/200",
        sent={Q0: book("200", "800"), Q4: book("219.99", "880.01")},
    ),
    Case(
        "C2.1a",
        "above",
        "220.01 with the rest 879.99: 10.005 % less 10 %",
        "met",
        "1/200",
        sent={Q0: book("200", "800"), Q4: book("220.01", "879.99")},
    ),
    Case(
        "C2.1a",
        "zero_denominator",
        "no inclusive balance at the start of the year: growth from nothing is not a number",
        "no_data",
        None,
        "分母为零",
        sent={Q0: book("0", "800"), Q4: book("220", "880")},
    ),
    Case(
        "C2.1a",
        "missing",
        "the ledger has no column of credit lines, so nobody can say what is inclusive",
        "no_data",
        None,
        "授信额度（credit_line）",
        sent={Q0: book("200", "800"), Q4: book("220", "880", {"customers": ("credit_line",)})},
    ),
    Case(
        "C2.1a",
        "wrong_kind",
        "a policy bank is not asked for the two increases",
        "not_applicable",
        None,
        "不适用于该类机构",
        sent={Q0: book("200", "800"), Q4: book("220", "880")},
        facts=POLICY_BANK,
    ),
    Case(
        "C2.1a",
        "no_base",
        "nothing at the end of 2020 to grow from",
        "no_data",
        None,
        "2020Q4 未报送",
        sent={Q4: book("220", "880")},
    ),
    Case(
        "C2.1a",
        "only_shown",
        "a branch with a plan handed down: 5 % less 10 % is shown and judged by its plan",
        "shown",
        "-5",
        "只考核地方法人机构",
        sent={Q0: book("200", "800"), Q4: book("210", "890")},
        facts={**LARGE, "has_plan": True},
    ),
    Case(
        "C2.1a",
        "other",
        "a branch without a plan is judged: 5 % less 10 %",
        "not_met",
        "-5",
        sent={Q0: book("200", "800"), Q4: book("210", "890")},
        facts=LARGE,
    ),
    Case(
        "C2.1a",
        "branch",
        "a branch of a local bank has no plan of its own: 5 % less 10 %, judged",
        "not_met",
        "-5",
        sent={Q0: book("200", "800"), Q4: book("210", "890")},
        branch="B1",
    ),
    Case(
        "C2.1a",
        "branch",
        "the same branch with a plan of its own is only shown",
        "shown",
        "-5",
        "只考核地方法人机构",
        sent={Q0: book("200", "800"), Q4: book("210", "890")},
        branch="B1",
        planned_branches=("B1",),
    ),
    Case(
        "C2.1a",
        "other",
        "the sheet has all four figures, 10 % less 10 %, in units of 10,000 yuan: exact as filed "
        "it is 0, half a hundredth of a unit either way and it is not",
        "met",
        "0",
        "四舍五入",
        sent={
            q: Sent(returns=f"item value unit\nQS.assessed_balance {a} 万元\nQS.all_loans {b} 万元")
            for q, a, b in ((Q0, "200", "1000"), (Q4, "220", "1100"))
        },
        flags=("near_limit",),
        source="returns",
    ),
]

C2_1B = [
    Case("C2.1b", "nothing", "no submission at either date", "no_data", None, "2021Q4 未报送"),
    Case(
        "C2.1b",
        "at_limit",
        "3 customers then and now: 3 - 3 = 0",
        "met",
        "0",
        sent={Q0: borrowers(3), Q4: borrowers(3)},
    ),
    Case(
        "C2.1b",
        "below",
        "2 - 3 = -1",
        "not_met",
        "-1",
        sent={Q0: borrowers(3), Q4: borrowers(2)},
    ),
    Case("C2.1b", "above", "4 - 3 = 1", "met", "1", sent={Q0: borrowers(3), Q4: borrowers(4)}),
    Case(
        "C2.1b",
        "missing",
        "no column of customers' size",
        "no_data",
        None,
        "企业规模（size）",
        sent={Q0: borrowers(3), Q4: borrowers(3, {"customers": ("size",)})},
    ),
    Case(
        "C2.1b",
        "wrong_kind",
        "an insurer lends nothing",
        "not_applicable",
        None,
        "不适用于该类机构",
        sent={Q0: borrowers(3), Q4: borrowers(3)},
        facts=INSURER,
    ),
    Case(
        "C2.1b",
        "no_base",
        "nothing at the end of 2020",
        "no_data",
        None,
        "2020Q4 未报送",
        sent={Q4: borrowers(3)},
    ),
    Case(
        "C2.1b",
        "only_shown",
        "2 - 3 = -1 at a branch whose plan was handed down",
        "shown",
        "-1",
        "只考核地方法人机构",
        sent={Q0: borrowers(3), Q4: borrowers(2)},
        facts={**LARGE, "has_plan": True},
    ),
    Case(
        "C2.1b",
        "branch",
        "2 - 3 = -1 at the only branch of a local bank, which has no plan",
        "not_met",
        "-1",
        sent={Q0: borrowers(3), Q4: borrowers(2)},
        branch="B1",
    ),
    Case(
        "C2.1b",
        "other",
        "from 2023 nothing is laid down on customers: 2 - 3 = -1 is shown",
        "shown",
        "-1",
        "该日期没有规定限值",
        sent={"2022Q4": borrowers(3), "2023Q4": borrowers(2)},
        quarter="2023Q4",
    ),
]


def two_branches(first: str, second: str = "") -> Sent:
    """One inclusive customer with 100 at B1, and perhaps one at B2."""
    text = f"loan_id customer_id branch_id balance\nL1 K1 B1 {first}"
    if second:
        text += f"\nL2 K2 B2 {second}"
    return Sent(loans=text)


NEW_BRANCH = [
    Case(
        "C2.1b",
        "branch",
        "the ledger of 2020 was sent and has no loan of branch B2: opened since, or under another "
        "number; not known",
        "no_data",
        None,
        "2020Q4 台账里没有该网点",
        sent={Q0: two_branches("100"), Q4: two_branches("100", "100")},
        branch="B2",
    ),
    Case(
        "C2.1b",
        "branch",
        "no ledger of 2020 at all",
        "no_data",
        None,
        "2020Q4 未报送台账",
        sent={Q4: two_branches("100", "100")},
        branch="B2",
    ),
]

CASES = [*C2_1A, *C2_1B, *NEW_BRANCH]
