"""Section 2: first loans of national and joint-stock banks, local focus of local ones."""

from __future__ import annotations

from indicators.cases.case import Case, Sent, answer_cases, share_cases, usual_cases

Q4, Q3, Y4, Y3 = "2021Q4", "2021Q3", "2020Q4", "2020Q3"
LARGE = {"kind": "large", "level": "branch", "is_local_legal_person": False}
JOINT = {"kind": "joint_stock", "level": "branch", "is_local_legal_person": False}
CITY = {"kind": "city", "level": "branch", "is_local_legal_person": False}
INSURER = {"kind": "life_insurer", "level": "branch"}


def lent(first: int, again: int, year: str = "2021", *, query: str = "true", lacks=None) -> Sent:
    """A ledger of customers drawn on in the year, ``first`` of them for the first time."""
    loans = ["loan_id customer_id drawn_on"]
    people = ["customer_id first_drawdown_on first_loan_query_clear"]
    for i in range(first + again):
        loans.append(f"L{i} K{i} {year}-05-01")
        people.append(f"K{i} {year if i < first else '2015'}-05-01 {query}")
    return Sent(loans="\n".join(loans), customers="\n".join(people), lacks=lacks or {})


C2_3 = [
    *usual_cases(
        "C2.3",
        {Y4: lent(2, 1, "2020"), Q4: lent(3, 1)},
        {
            Y4: lent(2, 1, "2020"),
            Q4: lent(3, 1, lacks={"customers": ("first_loan_query_clear",)}),
        },
        "首贷查询无记录（first_loan_query_clear）",
        facts=JOINT,
        wrong={},
    ),
    Case(
        "C2.3",
        "at_limit",
        "2 first loans as in 2020: 2 - 2 = 0, and it is to be more",
        "behind",
        "0",
        sent={Y4: lent(2, 1, "2020"), Q4: lent(2, 1)},
        facts=LARGE,
    ),
    Case(
        "C2.3",
        "below",
        "1 - 2 = -1",
        "behind",
        "-1",
        sent={Y4: lent(2, 1, "2020"), Q4: lent(1, 1)},
        facts=LARGE,
    ),
    Case(
        "C2.3",
        "above",
        "3 - 2 = 1",
        "on_track",
        "1",
        sent={Y4: lent(2, 1, "2020"), Q4: lent(3, 1)},
        facts=LARGE,
    ),
    Case(
        "C2.3",
        "no_base",
        "nothing was sent for the same quarter of 2020",
        "no_data",
        None,
        "2020Q4 未报送",
        sent={Q4: lent(3, 1)},
        facts=LARGE,
    ),
    Case(
        "C2.3",
        "other",
        "three whose query found other banks' loans are no first loans: 0 - 2 = -2",
        "behind",
        "-2",
        sent={Y4: lent(2, 1, "2020"), Q4: lent(3, 1, query="false")},
        facts=LARGE,
    ),
    Case(
        "C2.3",
        "other",
        "where no query was made there is no proof: 0 - 2 = -2",
        "behind",
        "-2",
        sent={Y4: lent(2, 1, "2020"), Q4: lent(3, 1, query="-")},
        facts=LARGE,
    ),
]


def filed(first: str, drawn: str) -> Sent:
    """The one sheet's two figures."""
    return Sent(
        returns=f"item value unit\nQS.ent_first_loan_customers {first} 户\n"
        f"QS.ent_drawn_customers {drawn} 户"
    )


def first_share(edge: str, working: str, now: Sent, verdict: str, value: str | None, **more):
    """A year ago 5,000 of 10,000 customers were new: 50 %."""
    given = {"sent": {Y4: filed("5000", "10000"), Q4: now}, "base": "50", "facts": JOINT, **more}
    return Case("C2.4a", edge, working, verdict, value, **given)


C2_4A = [
    *usual_cases(
        "C2.4a",
        {Y4: filed("5000", "10000"), Q4: filed("5000", "10000")},
        {
            Y4: filed("5000", "10000"),
            Q4: Sent(returns="item value unit\nQS.ent_first_loan_customers 5000 户"),
        },
        "报表缺项 QS.ent_drawn_customers",
        facts=JOINT,
        wrong=LARGE,
    ),
    first_share(
        "at_limit",
        "4,999 of 10,000 is 49.99 %: down by 0.01, which is flat",
        filed("4999", "10000"),
        "on_track",
        "4999/100",
        wrong_way=0,
        source="returns",
    ),
    first_share(
        "below",
        "4,998 of 10,000 is 49.98 %: down, for the first quarter",
        filed("4998", "10000"),
        "on_track",
        "2499/50",
        wrong_way=1,
        reason="首次出现不利变动",
    ),
    first_share(
        "above",
        "5,001 of 10,000 is 50.01 %: up",
        filed("5001", "10000"),
        "on_track",
        "5001/100",
        wrong_way=0,
    ),
    first_share(
        "wrong_twice",
        "49.98 % after 50 %, and in the third quarter 30 % after 40 %",
        filed("4998", "10000"),
        "behind",
        "2499/50",
        wrong_way=2,
        sent={
            Y3: filed("40", "100"),
            Y4: filed("5000", "10000"),
            Q3: filed("30", "100"),
            Q4: filed("4998", "10000"),
        },
    ),
    first_share(
        "other",
        "in the third quarter 45 % after 40 %: above its own base a year before, so only once",
        filed("4998", "10000"),
        "on_track",
        "2499/50",
        wrong_way=1,
        reason="首次出现不利变动",
        sent={
            Y3: filed("40", "100"),
            Y4: filed("5000", "10000"),
            Q3: filed("45", "100"),
            Q4: filed("4998", "10000"),
        },
    ),
    first_share(
        "nothing_there",
        "no loan to a small or micro enterprise was drawn in the year",
        filed("0", "0"),
        "not_applicable",
        None,
        base=None,
        reason="当年没有向小微企业法人发放贷款",
    ),
    first_share(
        "no_base",
        "49.98 % now and nothing of a year ago: shown",
        filed("4998", "10000"),
        "shown",
        "2499/50",
        base=None,
        wrong_way=None,
        reason="无可比基数",
        sent={Q4: filed("4998", "10000")},
    ),
    first_share(
        "plain",
        "from a ledger: 1 new of 4 customers is 25 %; a year ago 1 of 2 was 50 %",
        lent(1, 3),
        "on_track",
        "25",
        wrong_way=1,
        reason="首次出现不利变动",
        sent={Y4: lent(1, 1, "2020"), Q4: lent(1, 3)},
        source="ledger",
        facts=CITY,
    ),
]

C2_4B = answer_cases("C2.4b", "C2.4b.rule", wrong_kind={}, facts=JOINT)

HERE = {"county_code": "411526"}


def local(part: str, rest: str, lacks: dict[str, tuple[str, ...]] | None = None) -> Sent:
    """Lent in the county, and to small firms elsewhere."""
    return Sent(
        loans=f"loan_id customer_id balance\nL1 K1 {part}\nL2 K2 {rest}",
        customers="customer_id county_code\nK1 411526\nK2 411525",
        lacks=lacks or {},
    )


LARGE_FIRM = Sent(loans="loan_id balance\nL1 100", customers="customer_id size\nK1 large")

C2_5A = [
    *share_cases(
        "C2.5a",
        local,
        local("5000", "5000", {"customers": ("county_code",)}),
        "县区代码（county_code）",
        none=LARGE_FIRM,
        none_says="没有小微企业贷款余额",
        facts=HERE,
        wrong={**LARGE, **HERE},
    ),
    Case(
        "C2.5a",
        "other",
        "the register does not say which county the bank is of: what is local is not known",
        "no_data",
        None,
        "县区代码",
        sent={Y4: local("5000", "5000"), Q4: local("5000", "5000")},
    ),
]


def products(lines: str = "", lacks: dict[str, tuple[str, ...]] | None = None) -> Sent:
    """A register of products."""
    text = f"name launched_on channel customers balance\n{lines}"
    return Sent(registers={"products": text}, lacks=lacks or {})


C2_5B = [
    *usual_cases(
        "C2.5b",
        {Q4: products("甲 = offline 1 100")},
        {Q4: products("甲 = offline 1 100", {"products": ("channel",)})},
        "渠道（channel）",
        wrong=LARGE,
    ),
    Case(
        "C2.5b",
        "missing",
        "a submission without the register of products",
        "no_data",
        None,
        "缺表：信贷产品",
        sent={Q4: lent(1, 1)},
    ),
    Case(
        "C2.5b",
        "at_limit",
        "one product, and it is sold online: 0 offline",
        "not_met",
        "0",
        sent={Q4: products("甲 = online 1 100")},
    ),
    Case(
        "C2.5b",
        "at_limit",
        "an offline product nobody uses is not in use: 0",
        "not_met",
        "0",
        sent={Q4: products("甲 = offline 0 0")},
    ),
    Case(
        "C2.5b",
        "at_limit",
        "the register was sent without a row, which is a nil return: 0",
        "not_met",
        "0",
        sent={Q4: products()},
    ),
    Case(
        "C2.5b",
        "above",
        "one offline product with one customer and one fen",
        "met",
        "1",
        sent={Q4: products("甲 = offline 1 0.01\n乙 = online 1 100")},
        source="register",
    ),
]

EXEMPT = {("C2.5b", "below"): "a number of products is never below zero"}

CASES = [*C2_3, *C2_4A, *C2_4B, *C2_5A, *C2_5B]
