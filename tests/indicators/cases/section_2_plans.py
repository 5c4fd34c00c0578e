"""Section 2: the large banks' target, relaxed assessment, plans handed down."""

from __future__ import annotations

from indicators.cases.case import Case, Sent, usual_cases

Q4, Q2, Q0 = "2021Q4", "2021Q2", "2020Q4"
PEOPLE = "customer_id size credit_line\nK1 small 1000000\nK2 large 900000000"
NO_LINES = {"customers": ("credit_line",)}
POLICY_BANK = {"kind": "policy", "level": "branch", "is_local_legal_person": False}
LARGE = {"kind": "large", "level": "branch", "is_local_legal_person": False}
BIG_FIVE = {**LARGE, "legal_person_id": "ICBC0000"}
GRANTED = "item value document_no\nC2.1d.granted 是 某银保监发〔2021〕9号"


def book(balance: str, answers: str = "", lacks: dict[str, tuple[str, ...]] | None = None) -> Sent:
    """A ledger of one inclusive loan and 800 lent to a large enterprise."""
    text = f"loan_id customer_id balance\nL1 K1 {balance}\nL2 K2 800"
    return Sent(loans=text, customers=PEOPLE, answers=answers, lacks=lacks or {})


def borrowers(count: int, answers: str = "", lacks: dict[str, tuple[str, ...]] | None = None):
    """A ledger of ``count`` inclusive customers with 100 each."""
    lines = [f"L{i} K1{i} 100" for i in range(count)]
    text = "\n".join(["loan_id customer_id balance", *lines])
    return Sent(loans=text, answers=answers, lacks=lacks or {})


C2_1C = [
    *usual_cases(
        "C2.1c",
        {Q0: book("200"), Q4: book("260")},
        {Q0: book("200"), Q4: book("260", lacks=NO_LINES)},
        "授信额度（credit_line）",
        facts=BIG_FIVE,
        wrong={},
    ),
    Case(
        "C2.1c",
        "wrong_kind",
        "the postal savings bank is large and not one of the five",
        "not_applicable",
        None,
        "不适用于该类机构",
        sent={Q0: book("200"), Q4: book("260")},
        facts={**LARGE, "legal_person_id": "DX3FR0001"},
    ),
    Case(
        "C2.1c",
        "other",
        "of a large bank whose legal person is not known nobody can say whether it is of the five",
        "to_verify",
        None,
        "法人机构编号",
        sent={Q0: book("200"), Q4: book("260")},
        facts=LARGE,
    ),
    Case(
        "C2.1c",
        "plain",
        "200 to 260 is +30 %: a target of the head office, shown",
        "shown",
        "30",
        sent={Q0: book("200"), Q4: book("260")},
        facts=BIG_FIVE,
    ),
    Case(
        "C2.1c",
        "zero_denominator",
        "nothing at the start of the year to grow from",
        "no_data",
        None,
        "分母为零",
        sent={Q0: book("0"), Q4: book("260")},
        facts=BIG_FIVE,
    ),
    Case(
        "C2.1c",
        "no_base",
        "nothing was sent for the end of 2020",
        "no_data",
        None,
        "2020Q4 未报送",
        sent={Q4: book("260")},
        facts=BIG_FIVE,
    ),
]


def relaxed(
    name: str, edge: str, working: str, verdict: str, value: str | None, now: Sent, **more: object
) -> Case:
    """A bank whose assessment was relaxed: 200 with three customers at the start."""
    start = book("200") if name == "balance" else borrowers(3)
    given = {"sent": {Q0: start, Q4: now}, **more}
    return Case(f"C2.1d.{name}", edge, working, verdict, value, **given)


NO_DOCUMENT = "item value document_no\nC2.1d.granted 是 -"
REFUSED = "item value document_no\nC2.1d.granted 否 -"
NOT_GRANTED = "没有获准差异化考核，或没有文号"

C2_1D = [
    *usual_cases(
        "C2.1d.balance",
        {Q0: book("200"), Q4: book("200", GRANTED)},
        {Q0: book("200"), Q4: book("200", GRANTED, NO_LINES)},
        "授信额度（credit_line）",
        wrong=POLICY_BANK,
    ),
    relaxed("balance", "at_limit", "200 less 200", "met", "0", book("200", GRANTED)),
    relaxed("balance", "below", "199.99 less 200", "not_met", "-1/100", book("199.99", GRANTED)),
    relaxed("balance", "above", "200.01 less 200", "met", "1/100", book("200.01", GRANTED)),
    relaxed(
        "balance",
        "nothing_there",
        "a yes without the document that grants it is none",
        "not_applicable",
        None,
        book("100", NO_DOCUMENT),
        reason=NOT_GRANTED,
    ),
    relaxed(
        "balance",
        "nothing_there",
        "not granted",
        "not_applicable",
        None,
        book("100", REFUSED),
        reason=NOT_GRANTED,
    ),
    relaxed(
        "balance",
        "missing",
        "no answers were sent, so nobody knows whether it was granted",
        "no_data",
        None,
        book("200"),
        reason="缺表：制度与机制答卷",
    ),
    Case(
        "C2.1d.balance",
        "no_base",
        "nothing was sent for the end of 2020",
        "no_data",
        None,
        "2020Q4 未报送",
        sent={Q4: book("200", GRANTED)},
    ),
    *usual_cases(
        "C2.1d.customers",
        {Q0: borrowers(3), Q4: borrowers(3, GRANTED)},
        {Q0: borrowers(3), Q4: borrowers(3, GRANTED, NO_LINES)},
        "授信额度（credit_line）",
        wrong=POLICY_BANK,
    ),
    relaxed("customers", "at_limit", "3 less 3", "met", "0", borrowers(3, GRANTED)),
    relaxed("customers", "below", "2 less 3", "not_met", "-1", borrowers(2, GRANTED)),
    relaxed("customers", "above", "4 less 3", "met", "1", borrowers(4, GRANTED)),
    relaxed(
        "customers",
        "nothing_there",
        "a yes without the document that grants it is none",
        "not_applicable",
        None,
        borrowers(1, NO_DOCUMENT),
        reason=NOT_GRANTED,
    ),
    Case(
        "C2.1d.customers",
        "no_base",
        "nothing was sent for the end of 2020",
        "no_data",
        None,
        "2020Q4 未报送",
        sent={Q4: borrowers(3, GRANTED)},
    ),
]

PLAN = {"plans": "branch_id item target\n- assessed_balance 20\n- assessed_customers 4"}
BRANCH_PLAN = {"plans": "branch_id item target\nB1 assessed_balance 20\nB1 assessed_customers 4"}


def planned(
    name: str,
    edge: str,
    working: str,
    verdict: str,
    value: str | None,
    now: Sent,
    reason: str | None = None,
    **more: object,
) -> Case:
    """A plan of 20 more in balance and 4 more customers; 200 and 3 at the start."""
    start = book("200") if name == "balance" else borrowers(3)
    quarter = str(more.get("quarter", Q4))
    given = {"sent": {Q0: start, quarter: now}, "office": PLAN, **more}
    return Case(f"C2.2.{name}", edge, working, verdict, value, reason, **given)


C2_2_BALANCE = [
    *usual_cases(
        "C2.2.balance",
        {Q0: book("200"), Q4: book("220")},
        {Q0: book("200"), Q4: book("220", lacks=NO_LINES)},
        "授信额度（credit_line）",
        wrong=POLICY_BANK,
        office=PLAN,
    ),
    planned("balance", "at_limit", "220 - 200 = 20 of 20 is 100 %", "met", "100", book("220")),
    planned("balance", "below", "19.99 of 20 is 99.95 %", "not_met", "1999/20", book("219.99")),
    planned("balance", "above", "20.01 of 20 is 100.05 %", "met", "2001/20", book("220.01")),
    planned(
        "balance",
        "mid_year",
        "by June half the plan is asked: 10 of 20 is 50 %",
        "on_track",
        "50",
        book("210"),
        quarter=Q2,
    ),
    planned(
        "balance",
        "mid_year",
        "9.99 of 20 is 49.95 %, below the half: behind, and not yet a breach",
        "behind",
        "999/20",
        book("209.99"),
        quarter=Q2,
    ),
    planned(
        "balance",
        "nothing_there",
        "the office has plans, none of them for this bank",
        "not_applicable",
        None,
        book("220"),
        "没有下达余额增量计划",
        office={},
    ),
    planned(
        "balance",
        "missing",
        "the office has no table of plans, and the bank sent none",
        "no_data",
        None,
        book("220"),
        "缺表：年度计划",
        office=None,
    ),
    planned(
        "balance",
        "other",
        "the office's plans are those of 2021; of 2022 nothing is known",
        "no_data",
        None,
        book("240"),
        "只管2021年",
        quarter="2022Q4",
        sent={Q4: book("220"), "2022Q4": book("240")},
    ),
    planned(
        "balance",
        "no_base",
        "nothing was sent for the end of 2020",
        "no_data",
        None,
        book("220"),
        "2020Q4 未报送",
        sent={Q4: book("220")},
    ),
    planned(
        "balance",
        "branch",
        "the branch has a plan of its own: 20 of 20 is 100 %",
        "met",
        "100",
        book("220"),
        branch="B1",
        office=BRANCH_PLAN,
    ),
    planned(
        "balance",
        "branch",
        "a plan of the bank is no plan of its branch",
        "not_applicable",
        None,
        book("220"),
        "没有下达余额增量计划",
        branch="B1",
    ),
    planned(
        "balance",
        "other",
        "plans of branches alone are none of the bank itself",
        "not_applicable",
        None,
        book("220"),
        "没有下达余额增量计划",
        office=BRANCH_PLAN,
    ),
]

C2_2_CUSTOMERS = [
    *usual_cases(
        "C2.2.customers",
        {Q0: borrowers(3), Q4: borrowers(7)},
        {Q0: borrowers(3), Q4: borrowers(7, lacks=NO_LINES)},
        "授信额度（credit_line）",
        wrong=POLICY_BANK,
        office=PLAN,
    ),
    planned("customers", "at_limit", "7 - 3 = 4 of 4 is 100 %", "met", "100", borrowers(7)),
    planned("customers", "below", "6 - 3 = 3 of 4 is 75 %", "not_met", "75", borrowers(6)),
    planned("customers", "above", "8 - 3 = 5 of 4 is 125 %", "met", "125", borrowers(8)),
    planned(
        "customers",
        "mid_year",
        "by June half is asked: 5 - 3 = 2 of 4 is 50 %",
        "on_track",
        "50",
        borrowers(5),
        quarter=Q2,
    ),
    planned(
        "customers",
        "mid_year",
        "4 - 3 = 1 of 4 is 25 %, below the half",
        "behind",
        "25",
        borrowers(4),
        quarter=Q2,
    ),
    planned(
        "customers",
        "nothing_there",
        "the plan of this bank is of balance only",
        "not_applicable",
        None,
        borrowers(7),
        "没有下达户数增量计划",
        office={"plans": "branch_id item target\n- assessed_balance 20"},
    ),
    planned(
        "customers",
        "no_base",
        "nothing was sent for the end of 2020",
        "no_data",
        None,
        borrowers(7),
        "2020Q4 未报送",
        sent={Q4: borrowers(7)},
    ),
    planned(
        "customers",
        "branch",
        "the branch has a plan of its own: 4 of 4 is 100 %",
        "met",
        "100",
        borrowers(7),
        branch="B1",
        office=BRANCH_PLAN,
    ),
]

CASES = [*C2_1C, *C2_1D, *C2_2_BALANCE, *C2_2_CUSTOMERS]
