"""Section 4: kinds of loans that are to grow, as shares, balances, customers and products."""

from __future__ import annotations

from indicators.cases.case import Case, Sent, answer_cases, share_cases, usual_cases

Q4, Q3, Q0 = "2021Q4", "2021Q3", "2020Q4"
INSURER = {"kind": "property_insurer"}
LARGE = {"kind": "large", "level": "branch", "is_local_legal_person": False}
JOINT = {"kind": "joint_stock", "level": "branch", "is_local_legal_person": False}
#: All lent to a large enterprise: nothing of small firms.
LARGE_FIRM = Sent(loans="loan_id balance\nL1 100", customers="customer_id size\nK1 large")
NO_MSE = "没有小微企业贷款余额"


def split(column: str, has: str, has_not: str):
    """A way to make ledgers of two loans that differ in one column."""

    def made(part: str, rest: str, *, lacks: dict[str, tuple[str, ...]] | None = None) -> Sent:
        text = f"loan_id balance {column}\nL1 {part} {has}\nL2 {rest} {has_not}"
        return Sent(loans=text, lacks=lacks or {})

    return made


def share(indicator: str, column: str, has: str, has_not: str, says: str) -> list[Case]:
    """Edge table of the share of loans that have something in a column."""
    made = split(column, has, has_not)
    lacking = made("5000", "5000", lacks={"loans": (column,)})
    given = {"none": LARGE_FIRM, "none_says": NO_MSE, "wrong": INSURER}
    return share_cases(indicator, made, lacking, says, **given)


C4_1A = [
    *share("C4.1a", "guarantee", "credit", "mortgaged", "担保方式（guarantee）"),
    Case(
        "C4.1a",
        "other",
        "a discounted bill is no credit loan whatever its guarantee: 30 of 100, half before",
        "on_track",
        "30",
        "首次出现不利变动",
        sent={
            Q0: split("guarantee", "credit", "mortgaged")("50", "50"),
            Q4: Sent(
                loans="loan_id balance guarantee product\nL1 30 credit working_capital\n"
                "L2 70 credit discount"
            ),
        },
        base="50",
        wrong_way=1,
    ),
    Case(
        "C4.1a",
        "other",
        "filed: 4,999 of 10,000 against 5,000 in units of 10,000 yuan is 49.99 %, down by 0.01 "
        "and flat; half a hundredth of a unit less would be a first fall, and no other verdict",
        "on_track",
        "4999/100",
        sent={
            q: Sent(
                returns=f"item value unit\nQS.mse_credit_balance {part} 万元\n"
                "QS.mse_balance 10000 万元"
            )
            for q, part in ((Q0, "5000"), (Q4, "4999"))
        },
        base="50",
        wrong_way=0,
        source="returns",
    ),
    Case(
        "C4.1a",
        "other",
        "the same after a third quarter that fell: now the half of a hundredth decides",
        "on_track",
        "4999/100",
        "四舍五入",
        sent={
            q: Sent(
                returns=f"item value unit\nQS.mse_credit_balance {part} 万元\n"
                "QS.mse_balance 10000 万元"
            )
            for q, part in ((Q0, "5000"), (Q3, "4000"), (Q4, "4999"))
        },
        flags=("near_limit",),
        base="50",
        wrong_way=0,
        source="returns",
    ),
]


def products(lines: str = "", lacks: dict[str, tuple[str, ...]] | None = None) -> Sent:
    """A register of products."""
    text = f"name launched_on unsecured channel customers balance\n{lines}"
    return Sent(registers={"products": text}, lacks=lacks or {})


def of_products(
    indicator: str, good: str, other: str, column: str, says: str, facts=None, wrong=INSURER
) -> list[Case]:
    """Edge table of a number of products, which is to be above zero."""
    return [
        *usual_cases(
            indicator,
            {Q4: products(good)},
            {Q4: products(good, {"products": (column,)})},
            says,
            facts=facts,
            wrong=wrong,
        ),
        Case(
            indicator,
            "missing",
            "a submission without the register of products",
            "no_data",
            None,
            "缺表：信贷产品",
            sent={Q4: LARGE_FIRM},
            facts=facts or {},
        ),
        Case(
            indicator,
            "at_limit",
            "products, none of the kind: 0, and it is to be more",
            "not_met",
            "0",
            sent={Q4: products(other)},
            facts=facts or {},
        ),
        Case(
            indicator,
            "at_limit",
            "the register was sent without a row, which is a nil return: 0",
            "not_met",
            "0",
            sent={Q4: products()},
            facts=facts or {},
        ),
        Case(
            indicator,
            "above",
            "one of the kind",
            "met",
            "1",
            sent={Q4: products(f"{good}\n{other}")},
            facts=facts or {},
            source="register",
        ),
    ]


C4_1B = [
    *of_products(
        "C4.1b",
        "甲 2021-01-01 true offline 1 100",
        "乙 2020-12-31 true offline 1 100\n丙 2021-05-01 false offline 1 100",
        "unsecured",
        "是否信用产品（unsecured）",
    ),
    Case(
        "C4.1b",
        "at_limit",
        "launched the day after the quarter's end, or used by nobody: 0",
        "not_met",
        "0",
        sent={Q4: products("甲 2022-01-01 true offline 1 100\n乙 2021-05-01 true offline 0 0")},
    ),
]

C4_2B = [
    *of_products(
        "C4.2b.offline",
        "甲 = true offline 1 100",
        "乙 = true online 1 100",
        "channel",
        "渠道（channel）",
        wrong=LARGE,
    ),
    *of_products(
        "C4.2b.unsecured",
        "甲 = true online 1 100",
        "乙 = false offline 1 100",
        "unsecured",
        "是否信用产品（unsecured）",
        wrong=LARGE,
    ),
]


def online(balance: str, customers: int = 1, lacks=None) -> Sent:
    """Online credit loans to so many customers, one of the balance and the others of 1."""
    lines = ["loan_id customer_id balance guarantee is_online"]
    lines += [f"L{i} K{i} {balance if i == 0 else 1} credit true" for i in range(customers)]
    lines += ["M1 N1 500 credit false", "M2 N2 500 mortgaged true"]
    return Sent(loans="\n".join(lines), lacks=lacks or {})


NOT_SAID = {"loans": ("is_online",)}
ONLINE = "是否线上贷款（is_online）"


def lead(indicator: str, edge: str, working: str, verdict: str, value: str | None, **more) -> Case:
    """A joint-stock bank."""
    return Case(indicator, edge, working, verdict, value, facts=JOINT, **more)


C4_2A = [
    *usual_cases(
        "C4.2a.balance",
        {Q0: online("100"), Q4: online("100")},
        {Q0: online("100"), Q4: online("100", lacks=NOT_SAID)},
        ONLINE,
        facts=JOINT,
        wrong={},
    ),
    lead(
        "C4.2a.balance",
        "at_limit",
        "100 less 100; offline credit loans and online mortgaged ones do not count",
        "met",
        "0",
        sent={Q0: online("100"), Q4: online("100")},
    ),
    lead(
        "C4.2a.balance",
        "below",
        "99.99 less 100",
        "not_met",
        "-1/100",
        sent={Q0: online("100"), Q4: online("99.99")},
    ),
    lead(
        "C4.2a.balance",
        "above",
        "100.01 less 100",
        "met",
        "1/100",
        sent={Q0: online("100"), Q4: online("100.01")},
    ),
    lead(
        "C4.2a.balance",
        "no_base",
        "nothing was sent for the end of 2020",
        "no_data",
        None,
        reason="2020Q4 未报送",
        sent={Q4: online("100")},
    ),
    lead(
        "C4.2a.balance",
        "other",
        "a column is_online is lacking, but the balances were answered: 130 less 100",
        "met",
        "30",
        sent={
            Q0: Sent(answers="item value\nC4.2a.balance 100"),
            Q4: Sent(answers="item value\nC4.2a.balance 130"),
        },
    ),
    *usual_cases(
        "C4.2a.customers",
        {Q0: online("100", 3), Q4: online("100", 3)},
        {Q0: online("100", 3), Q4: online("100", 3, NOT_SAID)},
        ONLINE,
        facts=JOINT,
        wrong={},
    ),
    lead(
        "C4.2a.customers",
        "at_limit",
        "3 less 3",
        "met",
        "0",
        sent={Q0: online("100", 3), Q4: online("100", 3)},
    ),
    lead(
        "C4.2a.customers",
        "below",
        "2 less 3",
        "not_met",
        "-1",
        sent={Q0: online("100", 3), Q4: online("100", 2)},
    ),
    lead(
        "C4.2a.customers",
        "below",
        "3 less 3, but one has paid back all: 2 less 3",
        "not_met",
        "-1",
        sent={Q0: online("100", 3), Q4: online("0", 3)},
    ),
    lead(
        "C4.2a.customers",
        "above",
        "4 less 3",
        "met",
        "1",
        sent={Q0: online("100", 3), Q4: online("100", 4)},
    ),
    lead(
        "C4.2a.customers",
        "no_base",
        "nothing was sent for the end of 2020",
        "no_data",
        None,
        reason="2020Q4 未报送",
        sent={Q4: online("100", 3)},
    ),
    *usual_cases(
        "C4.2a.lead",
        {Q4: online("100")},
        {Q4: online("100", lacks=NOT_SAID)},
        ONLINE,
        facts=JOINT,
        wrong={},
    ),
    lead(
        "C4.2a.lead",
        "at_limit",
        "no online credit loan: 0, and it is to be more",
        "not_met",
        "0",
        sent={Q4: online("100", 0)},
    ),
    lead("C4.2a.lead", "above", "one fen", "met", "1/100", sent={Q4: online("0.01")}),
]

C4_3A = [
    *share("C4.3a", "mitigants", "home+ip", "home", "风险缓释（mitigants）"),
    Case(
        "C4.3a",
        "other",
        "an empty cell in a column that was sent says that there is none: 0 of 100",
        "on_track",
        "0",
        "首次出现不利变动",
        sent={
            Q0: split("mitigants", "ip", "-")("50", "50"),
            Q4: split("mitigants", "-", "inventory")("50", "50"),
        },
        base="50",
        wrong_way=1,
    ),
]

insured = split("mitigants", "credit_insurance", "home")

C4_3B = [
    *usual_cases(
        "C4.3b",
        {Q4: insured("100", "100")},
        {Q4: insured("100", "100", lacks={"loans": ("mitigants",)})},
        "风险缓释（mitigants）",
        wrong=INSURER,
    ),
    Case("C4.3b", "at_limit", "nothing insured: 0", "not_met", "0", sent={Q4: insured("0", "100")}),
    Case("C4.3b", "above", "one fen", "met", "1/100", sent={Q4: insured("0.01", "100")}),
    Case(
        "C4.3b",
        "other",
        "a loan with a policy pledged counts as one with credit insurance: 100 and 50",
        "met",
        "150",
        sent={Q4: split("mitigants", "credit_insurance", "policy")("100", "50")},
    ),
]


def lines(*covered: str, lacks: dict[str, tuple[str, ...]] | None = None) -> Sent:
    """An insurer's lines by the loans they cover."""
    kinds = ("loan_guarantee_insurance", "borrower_accident", "agricultural")
    body = [f"{kind} {balance}" for kind, balance in zip(kinds, covered, strict=False)]
    text = "\n".join(["line loan_balance_covered", *body])
    return Sent(registers={"insurance": text}, lacks=lacks or {})


C4_3B_INSURER = [
    *usual_cases(
        "C4.3b.insurer",
        {Q4: lines("100")},
        {Q4: lines("100", lacks={"insurance": ("loan_balance_covered",)})},
        "承保贷款余额（loan_balance_covered）",
        facts=INSURER,
        wrong={},
    ),
    Case(
        "C4.3b.insurer",
        "missing",
        "one of two lines does not say what it covers: the sum is not known",
        "no_data",
        None,
        "1 行内容不全",
        sent={Q4: lines("100", "-")},
        facts=INSURER,
    ),
    Case(
        "C4.3b.insurer",
        "at_limit",
        "lines that cover no loan: 0",
        "not_met",
        "0",
        sent={Q4: lines("0", "0")},
        facts=INSURER,
    ),
    Case(
        "C4.3b.insurer",
        "above",
        "one fen",
        "met",
        "1/100",
        sent={Q4: lines("0", "0.01")},
        facts=INSURER,
    ),
    Case(
        "C4.3b.insurer",
        "nothing_there",
        "the register was sent without a line",
        "not_applicable",
        None,
        "没有与小微贷款有关的险种",
        sent={Q4: lines()},
        facts=INSURER,
    ),
]

#: The plain loan was drawn on 2021-03-01: twelve months to the day are short, a day more is long.
C4_4 = share("C4.4", "matures_on", "2022-03-02", "2022-03-01", "到期日期（matures_on）")
C4_5A = share("C4.5a", "issue_kind", "renewal", "refinance", "发放类型（issue_kind）")
C4_5B = share("C4.5b", "is_revolving", "true", "false", "是否随借随还（is_revolving）")
C4_5C = answer_cases("C4.5c", "C4.5c.link", wrong_kind=INSURER)

EXEMPT = {
    ("C4.1b", "below"): "a number of products is never below zero",
    ("C4.2b.offline", "below"): "a number of products is never below zero",
    ("C4.2b.unsecured", "below"): "a number of products is never below zero",
    ("C4.2a.lead", "below"): "a loan's balance is never below zero, intake refuses it",
    ("C4.3b", "below"): "a loan's balance is never below zero, intake refuses it",
    ("C4.3b.insurer", "below"): "a balance covered is never below zero",
}

CASES = [
    *C4_1A,
    *C4_1B,
    *C4_2A,
    *C4_2B,
    *C4_3A,
    *C4_3B,
    *C4_3B_INSURER,
    *C4_4,
    *C4_5A,
    *C4_5B,
    *C4_5C,
]
