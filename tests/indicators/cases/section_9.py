"""Section 9: shared information, central-bank support, benefits received and passed on."""

from __future__ import annotations

from indicators.cases.case import Case, Sent, answer_cases

Q4 = "2021Q4"
INSURER = {"kind": "property_insurer", "level": "branch", "is_local_legal_person": False}
LARGE = {"kind": "large", "level": "branch", "is_local_legal_person": False}
NOT_FOR_IT = "不适用于该类机构"


def none_there(indicator: str, clause: str, registers: dict[str, str] | None = None) -> Case:
    """Answered under the clause that there is nothing there to do."""
    text = f"item value\n{clause}.all 不适用"
    return Case(
        indicator,
        "none_there",
        "answered that there is nothing of the kind, whatever else was sent",
        "not_applicable",
        None,
        "机构答复：无此类业务",
        sent={Q4: Sent(answers=text, registers=registers or {})},
    )


C9_1 = [
    *answer_cases("C9.1", "C9.1.arrangement"),
    none_there("C9.1", "C9.1"),
    Case(
        "C9.1",
        "other",
        "an insurer is asked too",
        "not_met",
        "0",
        "C9.1.arrangement 否",
        sent={Q4: Sent(answers="item value\nC9.1.arrangement 否")},
        facts=INSURER,
    ),
]

# Unsecured, new, drawn in 2021 and of a year's term: supported.
SUPPORTED = "loan_id guarantee amount\nL1 credit 250"


def drawn(
    money: str, loans: str = SUPPORTED, quarter: str = Q4, lacks: tuple[str, ...] = ()
) -> dict[str, Sent]:
    """A ledger, and the central bank's money that arrived; no answer if ``money`` is empty."""
    item = f"C9.2.drawn {money}" if money else "C9.2.other 1"
    sent = Sent(loans=loans, answers=f"item value\n{item}", lacks={"loans": lacks})
    return {quarter: sent}


SCOPE = """
loan_id guarantee  issue_kind amount drawn_on   matures_on credit_line_at_drawdown product
L1      credit     new        1      2021-03-01 2021-09-01 10000000.00     working_capital
L2      credit     new        2      2021-03-01 2021-08-31 100             working_capital
L3      credit     renewal    4      2021-03-01 2022-03-01 100             working_capital
L4      mortgaged  new        8      2021-03-01 2022-03-01 100             working_capital
L5      credit     new        16     2020-12-31 2022-03-01 100             working_capital
L6      credit     new        32     2021-01-01 2022-03-01 100             working_capital
L7      credit     new        64     2021-03-01 2022-03-01 10000000.01     working_capital
L8      credit     new        128    2021-03-01 2022-03-01 100             discount
"""
# The tool began on 1 March 2020: a loan of the day before is not supported.
FIRST_YEAR = """
loan_id guarantee amount drawn_on   matures_on
L1      credit    100    2020-03-01 2021-03-01
L2      credit    900    2020-02-29 2021-03-01
"""


def support_cases(indicator: str) -> list[Case]:
    """Cases common to how much of the support arrived, and whether any did."""
    return [
        Case(indicator, "nothing", "no submission", "no_data", None, "2021Q4 未报送"),
        Case(
            indicator,
            "nothing_there",
            "every unsecured loan was renewed: none is supported",
            "not_applicable",
            None,
            "没有可获支持的贷款",
            sent=drawn("0", "loan_id guarantee issue_kind\nL1 credit renewal"),
        ),
        Case(
            indicator,
            "nothing_there",
            "the tool ended with 2021",
            "not_applicable",
            None,
            "支持工具不在有效期内",
            sent=drawn("0", quarter="2022Q1"),
            quarter="2022Q1",
        ),
        Case(
            indicator,
            "missing",
            "what arrived was not answered",
            "no_data",
            None,
            "答卷缺 C9.2.drawn",
            sent=drawn(""),
        ),
        Case(
            indicator,
            "missing",
            "no column of lines at drawdown, so nobody can say what is supported",
            "no_data",
            None,
            "发放时授信额度（credit_line_at_drawdown）",
            sent=drawn("100", lacks=("credit_line_at_drawdown",)),
        ),
        Case(
            indicator,
            "missing",
            "without a ledger what could be had is not known",
            "no_data",
            None,
            "2021Q4 未报送台账",
            sent={Q4: Sent(answers="item value\nC9.2.drawn 100")},
        ),
        Case(
            indicator,
            "wrong_kind",
            "the tool is for local legal persons",
            "not_applicable",
            None,
            NOT_FOR_IT,
            sent=drawn("100"),
            facts=LARGE,
        ),
    ]


C9_2 = [
    *support_cases("C9.2"),
    Case(
        "C9.2",
        "at_limit",
        "40 % of 250 is 100 that could be had; 100 arrived: 100 %",
        "met",
        "100",
        sent=drawn("100"),
        source="ledger",
    ),
    Case("C9.2", "below", "99.99 of 100", "met", "9999/100", sent=drawn("99.99")),
    Case("C9.2", "above", "100.01 of 100", "not_met", "10001/100", sent=drawn("100.01")),
    Case(
        "C9.2",
        "other",
        "supported: exactly six months at a line of exactly the limit (1), drawn on 1 January "
        "(32); not: a day short, renewed, mortgaged, drawn last year, a fen over, discounted. "
        "40 % of 33 is 13.2",
        "met",
        "100",
        sent=drawn("13.20", SCOPE),
    ),
    Case(
        "C9.2",
        "other",
        "in 2020 from 1 March: 40 % of 100 is 40, of which 41 is 102.5 %",
        "not_met",
        "205/2",
        sent=drawn("41", FIRST_YEAR, "2020Q4"),
        quarter="2020Q4",
    ),
]

C9_2_USED = [
    *support_cases("C9.2.used"),
    Case("C9.2.used", "at_limit", "nothing arrived", "not_met", "0", sent=drawn("0")),
    Case("C9.2.used", "above", "a fen arrived", "met", "1/100", sent=drawn("0.01")),
]

ITEMS = "item received passed_to_business_line passed_to_customers"


def benefits(*rows: str, lacks: tuple[str, ...] = ()) -> dict[str, Sent]:
    """A register of benefits: item, received, passed to the line, passed to customers."""
    text = "\n".join([ITEMS, *rows])
    return {Q4: Sent(registers={"benefits": text}, lacks={"benefits": lacks})}


ONE = "interest_subsidy 100 40 60"

C9_3 = [
    Case("C9.3", "nothing", "no submission", "no_data", None, "2021Q4 未报送"),
    Case(
        "C9.3",
        "at_limit",
        "two items of 0 each: nothing was received",
        "not_met",
        "0",
        sent=benefits("interest_subsidy 0 0 0", "vat_exemption 0 0 0"),
    ),
    Case(
        "C9.3",
        "at_limit",
        "a register signed as without data: nothing was received",
        "not_met",
        "0",
        sent=benefits(),
    ),
    Case(
        "C9.3",
        "above",
        "a fen of one item and nothing of the other",
        "met",
        "1/100",
        sent=benefits("interest_subsidy 0.01 0 0", "vat_exemption 0 0 0"),
        source="register",
    ),
    Case(
        "C9.3",
        "other",
        "all items together: 100 + 250.50",
        "met",
        "701/2",
        sent=benefits(ONE, "vat_exemption 250.50 0 0"),
    ),
    Case(
        "C9.3",
        "missing",
        "the register was not sent",
        "no_data",
        None,
        "缺表：政策红利",
        sent={Q4: Sent()},
    ),
    Case(
        "C9.3",
        "missing",
        "of one item it is not said how much was received",
        "no_data",
        None,
        "1 行内容不全",
        sent=benefits(ONE, "vat_exemption - 0 0"),
    ),
    none_there("C9.3", "C9.3", {"benefits": f"{ITEMS}\n{ONE}"}),
]


def passed_cases(indicator: str, column: str, label: str, none: str, least: str) -> list[Case]:
    """Cases of what was passed on of what was received."""
    return [
        Case(indicator, "nothing", "no submission", "no_data", None, "2021Q4 未报送"),
        Case(
            indicator,
            "at_limit",
            "100 received and none of it passed on here",
            "not_met",
            "0",
            sent=benefits(f"interest_subsidy 100 {none}"),
        ),
        Case(
            indicator,
            "above",
            "100 received and a fen of it passed on here",
            "met",
            "1/100",
            sent=benefits(f"interest_subsidy 100 {least}", "vat_exemption 0 0 0"),
            source="register",
        ),
        Case(
            indicator,
            "nothing_there",
            "nothing was received, so there is nothing to pass on",
            "not_applicable",
            None,
            "没有收到政策红利",
            sent=benefits("interest_subsidy 0 0 0"),
        ),
        Case(
            indicator,
            "nothing_there",
            "a register signed as without data",
            "not_applicable",
            None,
            "没有收到政策红利",
            sent=benefits(),
        ),
        Case(
            indicator,
            "missing",
            "the register has no such column",
            "no_data",
            None,
            f"{label}（{column}）",
            sent=benefits(ONE, lacks=(column,)),
        ),
        Case(
            indicator,
            "missing",
            "the register was not sent",
            "no_data",
            None,
            "缺表：政策红利",
            sent={Q4: Sent()},
        ),
        none_there(indicator, "C9.4", {"benefits": f"{ITEMS}\n{ONE}"}),
    ]


C9_4 = [
    *passed_cases("C9.4.line", "passed_to_business_line", "传导至业务条线", "0 100", "0.01 99.99"),
    *passed_cases("C9.4.customers", "passed_to_customers", "让利客户", "100 0", "99.99 0.01"),
]

EXEMPT = {
    ("C9.2.used", "below"): "less than nothing cannot have arrived",
    ("C9.3", "below"): "less than nothing cannot be received",
    ("C9.4.line", "below"): "less than nothing cannot be passed on",
    ("C9.4.customers", "below"): "less than nothing cannot be passed on",
}

CASES = [*C9_1, *C9_2, *C9_2_USED, *C9_3, *C9_4]
