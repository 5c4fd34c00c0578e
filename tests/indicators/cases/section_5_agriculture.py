"""Section 5: agriculture, the four not removed, insurers and guarantors."""

from __future__ import annotations

from dataclasses import replace

from indicators.cases.case import Case, Sent, answer_cases

Q4, Q3, Q0 = "2021Q4", "2021Q3", "2020Q4"
INSURER = {"kind": "property_insurer", "level": "branch", "is_local_legal_person": False}
NOT_FOR_IT = "不适用于该类机构"


def farmers(credit: str, other: str = "0", lacks: dict[str, tuple[str, ...]] | None = None) -> Sent:
    """A ledger of one farmer: one unsecured loan and one other."""
    text = f"loan_id guarantee balance\nL1 credit {credit}\nL2 guaranteed {other}"
    return Sent(loans=text, customers="customer_id kind\nK1 farmer", lacks=lacks or {})


TOWN = Sent(
    loans="loan_id balance is_agricultural\nL1 100 false",
    customers="customer_id kind\nK1 enterprise",
)
# Lines of exactly the limit are in, a fen more is out; small firms only if rural.
SCOPE = """
loan_id customer_id balance is_agricultural
L1      F1          10      false
L2      F2          20      false
L3      C1          40      false
L4      C2          80      false
L5      V1          160     false
L6      E1          320     true
L7      E1          640     false
L8      I1          1280    true
L9      E2          2560    true
"""
SCOPED = """
customer_id kind                 size   credit_line
F1          farmer               -      5000000.00
F2          farmer               -      5000000.01
C1          farm_cooperative     -      10000000.00
C2          farm_cooperative     -      10000000.01
V1          village_collective   -      100
E1          enterprise           small  100
I1          individual_business  -      100
E2          enterprise           medium 100
"""

C5_5A = [
    Case("C5.5a", "nothing", "no submission at either date", "no_data", None, "2020Q4 未报送"),
    Case(
        "C5.5a",
        "plain",
        "a farmer's 100 to 110 is +10 %",
        "shown",
        "10",
        sent={Q0: farmers("100"), Q4: farmers("110")},
    ),
    Case(
        "C5.5a",
        "no_base",
        "nothing at the end of 2020 to grow from",
        "no_data",
        None,
        "2020Q4 未报送",
        sent={Q4: farmers("110")},
    ),
    Case(
        "C5.5a",
        "nothing_there",
        "the only loan at the start of the year was in town",
        "not_applicable",
        None,
        "年初没有普惠型涉农贷款",
        sent={Q0: TOWN, Q4: farmers("110")},
    ),
    Case(
        "C5.5a",
        "missing",
        "no column that says whether a small firm's loan is rural",
        "no_data",
        None,
        "是否涉农（is_agricultural）",
        sent={
            Q0: farmers("100"),
            Q4: Sent(loans="loan_id balance\nL1 100", lacks={"loans": ("is_agricultural",)}),
        },
    ),
    Case(
        "C5.5a",
        "wrong_kind",
        "an insurer lends nothing",
        "not_applicable",
        None,
        NOT_FOR_IT,
        sent={Q0: farmers("100"), Q4: farmers("110")},
        facts=INSURER,
    ),
    Case(
        "C5.5a",
        "other",
        "in scope: farmer at 5,000,000 (10), cooperative at 10,000,000 (40), village (160), rural "
        "small firm (320); out: a fen over either line, its loan in town, an individual "
        "business, a medium firm. 530 after 100 is +430 %",
        "shown",
        "430",
        sent={Q0: farmers("100"), Q4: Sent(loans=SCOPE, customers=SCOPED)},
    ),
    Case(
        "C5.5a",
        "other",
        "filed 200 to 150 is -25 %, whatever the ledger has",
        "shown",
        "-25",
        sent={
            Q0: Sent(returns="item value\nQS.agri_balance 200"),
            Q4: replace(farmers("110"), returns="item value\nQS.agri_balance 150"),
        },
        source="returns",
    ),
    Case(
        "C5.5a",
        "other",
        "filed 0 at the start of the year: nothing to grow from, and the ledger is not asked",
        "not_applicable",
        None,
        "年初没有普惠型涉农贷款",
        sent={
            Q0: replace(farmers("100"), returns="item value\nQS.agri_balance 0"),
            Q4: replace(farmers("110"), returns="item value\nQS.agri_balance 150"),
        },
        source="returns",
    ),
]

# Unsecured 3,000 of a farmer's 10,000 at the start of the year is 30 %.
THIRTY = farmers("3000", "7000")

C5_5B = [
    Case("C5.5b", "nothing", "no submission", "no_data", None, "2021Q4 未报送"),
    Case(
        "C5.5b",
        "at_limit",
        "2,999 of 10,000 is 29.99 %: down by 0.01 points, which counts as flat",
        "on_track",
        "2999/100",
        sent={Q0: THIRTY, Q4: farmers("2999", "7001")},
        base="30",
        wrong_way=0,
    ),
    Case(
        "C5.5b",
        "below",
        "2,998.99 of 10,000 is 29.9899 %: down by 0.0101 points, the first time",
        "on_track",
        "299899/10000",
        "首次出现不利变动",
        sent={Q0: THIRTY, Q4: farmers("2998.99", "7001.01")},
        base="30",
        wrong_way=1,
    ),
    Case(
        "C5.5b",
        "above",
        "2,999.01 of 10,000 is 29.9901 %: down by 0.0099 points, flat",
        "on_track",
        "299901/10000",
        sent={Q0: THIRTY, Q4: farmers("2999.01", "7000.99")},
        base="30",
        wrong_way=0,
    ),
    Case(
        "C5.5b",
        "wrong_twice",
        "29 % in the third quarter, 28 % in the fourth, both below 30 %",
        "behind",
        "28",
        sent={Q0: THIRTY, Q3: farmers("2900", "7100"), Q4: farmers("2800", "7200")},
        base="30",
        wrong_way=2,
    ),
    Case(
        "C5.5b",
        "other",
        "below 30 % in the third quarter and back at it in the fourth",
        "on_track",
        "30",
        sent={Q0: THIRTY, Q3: farmers("2900", "7100"), Q4: THIRTY},
        base="30",
        wrong_way=0,
    ),
    Case(
        "C5.5b",
        "no_base",
        "nothing at the end of 2020: 28 % is shown and not compared",
        "shown",
        "28",
        "无可比基数",
        sent={Q4: farmers("2800", "7200")},
        base=None,
        wrong_way=None,
    ),
    Case(
        "C5.5b",
        "nothing_there",
        "the only loan is in town",
        "not_applicable",
        None,
        "没有普惠型涉农贷款",
        sent={Q0: THIRTY, Q4: TOWN},
    ),
    Case(
        "C5.5b",
        "missing",
        "the layout has no column of guarantees",
        "no_data",
        None,
        "担保方式（guarantee）",
        sent={Q0: THIRTY, Q4: farmers("2800", "7200", {"loans": ("guarantee",)})},
    ),
    Case(
        "C5.5b",
        "other",
        "only the balance was filed, and there is no ledger: the unsecured part is not known",
        "no_data",
        None,
        "不能从报表取得",
        sent={q: Sent(returns="item value\nQS.agri_balance 100") for q in (Q0, Q4)},
    ),
    Case(
        "C5.5b",
        "wrong_kind",
        "an insurer lends nothing",
        "not_applicable",
        None,
        NOT_FOR_IT,
        sent={Q0: THIRTY, Q4: THIRTY},
        facts=INSURER,
    ),
]

# What is only encouraged is shown whatever is answered.
C5_5C = [
    replace(case, verdict="shown") if case.verdict == "to_verify" else case
    for case in answer_cases(
        "C5.5c", "C5.5c.green_channel", met="shown", not_met="shown", wrong_kind=INSURER
    )
]

FOUR = ("C5.6.responsibility", "C5.6.assistance", "C5.6.supervision")

C5_6 = [
    *answer_cases("C5.6", "C5.6.policy", others=FOUR),
    Case(
        "C5.6",
        "none_there",
        "answered that there is no such household",
        "not_applicable",
        None,
        "机构答复：无此类业务",
        sent={Q4: Sent(answers="item value\nC5.6.all 不适用")},
    ),
]

C5_7 = [
    Case("C5.7", "nothing", "no submission", "no_data", None, "2021Q4 未报送"),
    Case(
        "C5.7",
        "plain",
        "answered 1,234,567.89",
        "shown",
        "123456789/100",
        sent={Q4: Sent(answers="item value\nC5.7.balance 1,234,567.89")},
        source="register",
    ),
    Case(
        "C5.7",
        "missing",
        "the sheet does not answer it",
        "no_data",
        None,
        "答卷缺 C5.7.balance",
        sent={Q4: Sent(answers="item value\nC5.4.balance 5")},
    ),
    Case(
        "C5.7",
        "other",
        "the answer is not a number",
        "no_data",
        None,
        "“五百万”不是数",
        sent={Q4: Sent(answers="item value\nC5.7.balance 五百万")},
    ),
    Case(
        "C5.7",
        "wrong_kind",
        "insurers are asked for firms insured instead",
        "not_applicable",
        None,
        NOT_FOR_IT,
        sent={Q4: Sent(answers="item value\nC5.7.balance 5")},
        facts=INSURER,
    ),
]


def insured(text: str, *lacks: str) -> dict[str, Sent]:
    """An insurer's register of lines."""
    return {Q4: Sent(registers={"insurance": text}, lacks={"insurance": lacks})}


LINES = "line insured_mses\nloan_guarantee_insurance 10\nagricultural 5"

C5_7_INSURER = [
    Case(
        "C5.7.insurer",
        "nothing",
        "no submission",
        "no_data",
        None,
        "2021Q4 未报送",
        facts=INSURER,
    ),
    Case(
        "C5.7.insurer",
        "plain",
        "10 firms in one line and 5 in the other",
        "shown",
        "15",
        sent=insured(LINES),
        facts=INSURER,
        source="register",
    ),
    Case(
        "C5.7.insurer",
        "nothing_there",
        "the register was sent without rows: no such line",
        "not_applicable",
        None,
        "没有与小微贷款有关的险种",
        sent=insured("line insured_mses"),
        facts=INSURER,
    ),
    Case(
        "C5.7.insurer",
        "missing",
        "the register was not sent",
        "no_data",
        None,
        "缺表：保险业务",
        sent={Q4: Sent()},
        facts=INSURER,
    ),
    Case(
        "C5.7.insurer",
        "missing",
        "the register has no column of firms insured",
        "no_data",
        None,
        "承保小微企业户数（insured_mses）",
        sent=insured(LINES, "insured_mses"),
        facts=INSURER,
    ),
    Case(
        "C5.7.insurer",
        "wrong_kind",
        "a bank insures nobody",
        "not_applicable",
        None,
        NOT_FOR_IT,
        sent=insured(LINES),
    ),
    Case(
        "C5.7.insurer",
        "other",
        "a life insurer is asked the same",
        "shown",
        "15",
        sent=insured(LINES),
        facts={**INSURER, "kind": "life_insurer"},
    ),
]

CASES = [*C5_5A, *C5_5B, *C5_5C, *C5_6, *C5_7, *C5_7_INSURER]
