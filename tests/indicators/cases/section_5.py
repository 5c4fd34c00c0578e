"""Section 5: county manufacturing, industry chains, one firm one plan, supply chains."""

from __future__ import annotations

from indicators.cases.case import Case, Sent

Q4, Q0 = "2021Q4", "2020Q4"
INSURER = {"kind": "property_insurer", "level": "branch", "is_local_legal_person": False}
NOT_FOR_IT = "不适用于该类机构"

# K1 makes things (C13), K2 carries them (G54).
TRADES = "customer_id industry\nK1 C13\nK2 G54"


def factory(made: str, other: str, lacks: dict[str, tuple[str, ...]] | None = None) -> Sent:
    """A ledger of one manufacturer's loan and one other."""
    text = f"loan_id customer_id balance\nL1 K1 {made}\nL2 K2 {other}"
    return Sent(loans=text, customers=TRADES, lacks=lacks or {})


def trades(other: int, made: int) -> Sent:
    """One loan in each of four trades, the first and the last not of manufacturing."""
    balances = {"B06": other, "C13": made, "C43": made, "D44": other}
    loans = [f"L{trade} {trade} {balance}" for trade, balance in balances.items()]
    return Sent(
        loans="\n".join(["loan_id customer_id balance", *loans]),
        customers="\n".join(["customer_id industry", *(f"{t} {t}" for t in balances)]),
    )


START = factory("100", "900")

C5_0 = [
    Case("C5.0", "nothing", "no submission at either date", "no_data", None, "2021Q4 未报送"),
    Case(
        "C5.0",
        "at_limit",
        "manufacturing 100 to 110 is +10 %; all 1,000 to 1,100 is +10 %: gap 0, the limit",
        "met",
        "0",
        sent={Q0: START, Q4: factory("110", "990")},
    ),
    Case(
        "C5.0",
        "below",
        "109.99 with the rest 990.01: +9.99 % less +10 %",
        "not_met",
        "-1/100",
        sent={Q0: START, Q4: factory("109.99", "990.01")},
    ),
    Case(
        "C5.0",
        "above",
        "110.01 with the rest 989.99: +10.01 % less +10 %",
        "met",
        "1/100",
        sent={Q0: START, Q4: factory("110.01", "989.99")},
    ),
    Case(
        "C5.0",
        "zero_denominator",
        "no manufacturing loan at the start of the year: growth from nothing is not a number",
        "no_data",
        None,
        "分母为零",
        sent={Q0: factory("0", "900"), Q4: factory("110", "990")},
    ),
    Case(
        "C5.0",
        "missing",
        "no column of the customer's trade, so nobody can say what is manufacturing",
        "no_data",
        None,
        "所属行业（industry）",
        sent={Q0: START, Q4: factory("110", "990", {"customers": ("industry",)})},
    ),
    Case(
        "C5.0",
        "wrong_kind",
        "an insurer lends nothing",
        "not_applicable",
        None,
        NOT_FOR_IT,
        sent={Q0: START, Q4: factory("110", "990")},
        facts=INSURER,
    ),
    Case(
        "C5.0",
        "no_base",
        "nothing at the end of 2020 to grow from",
        "no_data",
        None,
        "2020Q4 未报送",
        sent={Q4: factory("110", "990")},
    ),
    Case(
        "C5.0",
        "other",
        "answered manufacturing 100 to 120 is +20 %, filed all loans 1,000 to 1,100 +10 %",
        "met",
        "10",
        sent={
            q: Sent(
                returns=f"item value\nQS.all_loans {a}", answers=f"item value\nC5.0.balance {m}"
            )
            for q, m, a in ((Q0, "100", "1000"), (Q4, "120", "1100"))
        },
        source="returns",
    ),
    Case(
        "C5.0",
        "other",
        "trades from C to just before D count: B06 and D44 do not. C13 100 to 210 and C43 "
        "100 to 210 is +110 %; all 400 to 820 is +105 %",
        "met",
        "5",
        sent={Q0: trades(100, 100), Q4: trades(200, 210)},
    ),
]

PILLARS = ("装备制造", "绿色食品", "电子制造", "先进金属材料", "新型建材", "现代轻纺")
EMERGING = (
    "新型显示",
    "智能终端",
    "生物医药",
    "节能环保",
    "新能源及网联汽车",
    "新一代人工智能",
    "网络安全",
    "新材料",
    "智能装备",
    "智能传感器",
)


def chained(chains: tuple[str, ...], lacks: dict[str, tuple[str, ...]] | None = None) -> Sent:
    """One customer per chain with twice the balance of the one before, 1 for the first."""
    loans = [f"L{i} K{i} {2**i}" for i in range(len(chains))]
    people = [f"K{i} {chain}" for i, chain in enumerate(chains)]
    return Sent(
        loans="\n".join(["loan_id customer_id balance", *loans]),
        customers="\n".join(["customer_id chain", *people]),
        lacks=lacks or {},
    )


def chain_cases(indicator: str, mine: tuple[str, ...], all_mine: str) -> list[Case]:
    """Cases of the balance lent to some chains; ``-`` is a customer in none."""
    both = (*mine, "-", *[c for c in (*PILLARS, *EMERGING) if c not in mine])
    sent = {Q4: chained(both)}
    return [
        Case(indicator, "nothing", "no submission", "no_data", None, "2021Q4 未报送"),
        Case(
            indicator,
            "plain",
            "each chain of its own with 1, 2, 4 …: their sum; one in none and the others' no part",
            "shown",
            all_mine,
            sent=sent,
            source="ledger",
        ),
        Case(
            indicator,
            "missing",
            "no column of chains: an empty cell cannot say that a customer is in none",
            "no_data",
            None,
            "产业链（chain）",
            sent={Q4: chained(both, {"customers": ("chain",)})},
        ),
        Case(
            indicator,
            "wrong_kind",
            "an insurer lends nothing",
            "not_applicable",
            None,
            NOT_FOR_IT,
            sent=sent,
            facts=INSURER,
        ),
        Case(
            indicator,
            "other",
            "no ledger, but the balance was answered",
            "shown",
            "12345/10",
            sent={Q4: Sent(answers=f"item value\n{indicator}.balance 1,234.50")},
            source="returns",
        ),
        Case(
            indicator,
            "other",
            "an answer that is not a number, and no ledger",
            "no_data",
            None,
            "2021Q4 未报送台账",
            sent={Q4: Sent(answers=f"item value\n{indicator}.balance 约一千元")},
        ),
        Case(
            indicator,
            "other",
            "a chain's loan written off and one entrusted are no part: 4 of 7",
            "shown",
            "4",
            sent={
                Q4: Sent(
                    loans="loan_id customer_id status product balance\n"
                    "L1 K1 written_off working_capital 1\n"
                    "L2 K1 normal entrusted 2\n"
                    "L3 K1 normal working_capital 4",
                    customers=f"customer_id chain\nK1 {mine[0]}",
                )
            },
        ),
    ]


# 1 + 2 + … + 32 = 63 over six chains; 1 + 2 + … + 512 = 1,023 over ten.
C5_1 = chain_cases("C5.1", PILLARS, "63")
C5_2 = chain_cases("C5.2", EMERGING, "1023")

FIRMS = "uscc plan_signed_on has_needs has_products has_terms has_manager"
COMPLETE = "2021-06-01 true true true true"
LISTED = {Q4: Sent()}


def firms(*second: str) -> dict[str, str]:
    """The office's list: one firm with a complete plan, and others as given."""
    lines = [f"U{i} {line}" for i, line in enumerate((COMPLETE, *second))]
    return {"key_firms": "\n".join([FIRMS, *lines])}


C5_3 = [
    Case(
        "C5.3",
        "nothing",
        "nothing was submitted, and the office has no list",
        "no_data",
        None,
        "2021Q4 未报送",
        office=None,
    ),
    Case(
        "C5.3",
        "missing",
        "nobody has a list: neither the office nor the bank's submission",
        "no_data",
        None,
        "缺表：重点企业名单",
        sent=LISTED,
        office=None,
    ),
    Case(
        "C5.3",
        "missing",
        "the list does not say whether a plan has terms",
        "no_data",
        None,
        "方案含额度期限利率（has_terms）",
        sent=LISTED,
        office=firms(),
        office_lacks={"key_firms": ("has_terms",)},
    ),
    Case(
        "C5.3",
        "nothing_there",
        "the office's list has no firm of this bank",
        "not_applicable",
        None,
        "没有对接名单内企业",
        sent=LISTED,
    ),
    Case(
        "C5.3",
        "wrong_kind",
        "an insurer plans no lending",
        "not_applicable",
        None,
        NOT_FOR_IT,
        sent=LISTED,
        office=firms(),
        facts=INSURER,
    ),
    Case(
        "C5.3",
        "at_limit",
        "2 of 2 firms with a complete plan is 100 %; one was signed on the quarter's last day",
        "met",
        "100",
        sent=LISTED,
        office=firms("2021-12-31 true true true true"),
    ),
    Case(
        "C5.3",
        "below",
        "1 of 2: the other was signed a day after the quarter's end",
        "not_met",
        "50",
        sent=LISTED,
        office=firms("2022-01-01 true true true true"),
    ),
    Case(
        "C5.3",
        "other",
        "1 of 6: one not signed, four lacking one of the four parts each; 100/6 = 50/3",
        "not_met",
        "50/3",
        sent=LISTED,
        office=firms(
            "- true true true true",
            "2021-06-01 false true true true",
            "2021-06-01 true false true true",
            "2021-06-01 true true false true",
            "2021-06-01 true true true false",
        ),
    ),
    Case(
        "C5.3",
        "other",
        "it is not said of one firm whether its needs were seen: not zero, but not known",
        "no_data",
        None,
        "1 行内容不全",
        sent=LISTED,
        office=firms("2021-06-01 - true true true"),
    ),
    Case(
        "C5.3",
        "other",
        "the office's list is for 2021 and says nothing of 2022",
        "no_data",
        None,
        "只管2021年",
        sent={"2022Q4": Sent()},
        office=firms(),
        quarter="2022Q4",
    ),
    Case(
        "C5.3",
        "other",
        "without a list of the office the bank's own counts: 1 of 1",
        "met",
        "100",
        sent={Q4: Sent(registers={"key_firms": f"{FIRMS}\nU1 {COMPLETE}"})},
        office=None,
    ),
]

MITIGANTS = """
loan_id customer_id mitigants          balance
L1      K1          receivable         1
L2      K1          prepayment         2
L3      K1          inventory          4
L4      K1          warehouse_receipt  8
L5      K1          ip+receivable      16
L6      K1          home               32
L7      K1          -                  64
L8      K2          receivable         128
"""
SIZES = "customer_id size\nK1 micro\nK2 medium"

C5_4 = [
    Case("C5.4", "nothing", "no submission", "no_data", None, "2021Q4 未报送"),
    Case(
        "C5.4",
        "plain",
        "1 + 2 + 4 + 8 and the 16 with a receivable among others; not a home, nothing, or a "
        "medium firm's: 31",
        "shown",
        "31",
        sent={Q4: Sent(loans=MITIGANTS, customers=SIZES)},
    ),
    Case(
        "C5.4",
        "missing",
        "no column of mitigants",
        "no_data",
        None,
        "风险缓释（mitigants）",
        sent={Q4: Sent(loans=MITIGANTS, customers=SIZES, lacks={"loans": ("mitigants",)})},
    ),
    Case(
        "C5.4",
        "wrong_kind",
        "an insurer lends nothing",
        "not_applicable",
        None,
        NOT_FOR_IT,
        sent={Q4: Sent(loans=MITIGANTS, customers=SIZES)},
        facts=INSURER,
    ),
    Case(
        "C5.4",
        "other",
        "answered 0: none, which is a figure",
        "shown",
        "0",
        sent={Q4: Sent(answers="item value\nC5.4.balance 0")},
        source="returns",
    ),
]

EXEMPT = {
    ("C5.3", "above"): "firms with a plan are among those listed, never more than all",
}

CASES = [*C5_0, *C5_1, *C5_2, *C5_3, *C5_4]
