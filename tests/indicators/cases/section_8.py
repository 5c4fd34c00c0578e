"""Section 8: appraisal, transfer pricing, rewards."""

from __future__ import annotations

from indicators.cases.case import Case, Sent, answer_cases

Q4 = "2021Q4"
INSURER = {"kind": "property_insurer", "level": "branch", "is_local_legal_person": False}
POLICY_BANK = {"kind": "policy", "level": "branch", "is_local_legal_person": False}
LARGE = {"kind": "large", "level": "branch", "is_local_legal_person": False}
JOINT = {"kind": "joint_stock", "level": "branch", "is_local_legal_person": False}
CITY = {"kind": "city", "level": "branch", "is_local_legal_person": False}
NOT_FOR_IT = "不适用于该类机构"


def sheet(*lines: str, quarter: str = Q4) -> dict[str, Sent]:
    """Answered items and numbers."""
    return {quarter: Sent(answers="\n".join(["item value", *lines]))}


NONE_SET = ("C8.1.no_deposit", "C8.1.no_profit")
C8_1 = answer_cases("C8.1", "C8.1.no_fee", others=NONE_SET, wrong_kind=INSURER)


def weights(*points: str, quarter: str = Q4) -> dict[str, Sent]:
    """Weights in the appraisal forms of branches."""
    return sheet(*(f"C8.2.weight.B{i} {w}" for i, w in enumerate(points)), quarter=quarter)


C8_2 = [
    Case("C8.2", "nothing", "no submission", "no_data", None, "2021Q4 未报送"),
    Case(
        "C8.2",
        "at_limit",
        "12, 10 and 15.5 %: the smallest is 10, the limit",
        "met",
        "10",
        sent=weights("12", "10", "15.5"),
        source="register",
    ),
    Case(
        "C8.2",
        "below",
        "12, 15.5 and 9.99 %: one branch below is enough",
        "not_met",
        "999/100",
        sent=weights("12", "15.5", "9.99"),
    ),
    Case("C8.2", "above", "12 and 10.01 %", "met", "1001/100", sent=weights("12", "10.01")),
    Case(
        "C8.2",
        "other",
        "9 and 10 are numbers, not texts: the smallest of them is 9",
        "not_met",
        "9",
        sent=weights("9", "10"),
    ),
    Case(
        "C8.2",
        "missing",
        "no branch's form was answered",
        "no_data",
        None,
        "答卷缺 C8.2.weight.*",
        sent=sheet("C8.2.other 12"),
    ),
    Case(
        "C8.2",
        "missing",
        "one branch's weight is no number: it may be the smallest",
        "no_data",
        None,
        "C8.2.weight.B1 的回答“未定”不是数",
        sent=weights("12", "未定"),
    ),
    Case(
        "C8.2",
        "wrong_kind",
        "a policy bank is not asked",
        "not_applicable",
        None,
        NOT_FOR_IT,
        sent=weights("9"),
        facts=POLICY_BANK,
    ),
    Case(
        "C8.2",
        "other",
        "nothing is laid down for 2020: 9 % is shown",
        "shown",
        "9",
        "该日期没有规定限值",
        sent=weights("9", quarter="2020Q4"),
        quarter="2020Q4",
    ),
]


def prices(ordinary: tuple[str, ...], inclusive: tuple[str, ...]) -> dict[str, Sent]:
    """Transfer prices of products and tenors, ordinary and inclusive; ``-`` is not answered."""
    pairs = {"ordinary": ordinary, "inclusive": inclusive}
    return sheet(
        *(
            f"C8.3.{kind}.loan_{i}y {price}"
            for kind, listed in pairs.items()
            for i, price in enumerate(listed, 1)
            if price != "-"
        )
    )


C8_3 = [
    Case("C8.3", "nothing", "no submission", "no_data", None, "2021Q4 未报送", facts=LARGE),
    Case(
        "C8.3",
        "at_limit",
        "3.2 less 2.6 is 60 points of a hundredth, 3.5 less 3.0 is 50: the smaller is the limit",
        "met",
        "50",
        sent=prices(("3.2", "3.5"), ("2.6", "3.0")),
        facts=LARGE,
        source="register",
    ),
    Case(
        "C8.3",
        "below",
        "3.2 less 2.6 is 60, 3.5 less 3.0001 is 49.99",
        "not_met",
        "4999/100",
        sent=prices(("3.2", "3.5"), ("2.6", "3.0001")),
        facts=LARGE,
    ),
    Case(
        "C8.3",
        "above",
        "3.2 less 2.6 is 60, 3.5 less 2.9999 is 50.01",
        "met",
        "5001/100",
        sent=prices(("3.2", "3.5"), ("2.6", "2.9999")),
        facts=JOINT,
    ),
    Case(
        "C8.3",
        "other",
        "dearer than ordinary: 3.2 less 3.3 is -10",
        "not_met",
        "-10",
        sent=prices(("3.2", "3.5"), ("3.3", "2.0")),
        facts=LARGE,
    ),
    Case(
        "C8.3",
        "missing",
        "the inclusive price of the second tenor is not answered",
        "no_data",
        None,
        "答卷缺 C8.3.inclusive.loan_2y",
        sent=prices(("3.2", "3.5"), ("2.6", "-")),
        facts=LARGE,
    ),
    Case(
        "C8.3",
        "missing",
        "the ordinary price of the second tenor is not answered: its preference may be least",
        "no_data",
        None,
        "答卷缺 C8.3.ordinary.loan_2y",
        sent=prices(("3.2", "-"), ("2.6", "3.4")),
        facts=LARGE,
    ),
    Case(
        "C8.3",
        "missing",
        "no price at all",
        "no_data",
        None,
        "答卷缺 C8.3.ordinary.*",
        sent=sheet("C8.4.ftp 是"),
        facts=LARGE,
    ),
    Case(
        "C8.3",
        "wrong_kind",
        "asked of national banks only",
        "not_applicable",
        None,
        NOT_FOR_IT,
        sent=prices(("3.2",), ("2.6",)),
    ),
]

PROVED = "某行发〔2021〕3号 2021-01-01"


def ways(ftp: str, subsidy: str) -> dict[str, Sent]:
    """Both ways of C8.4 as answered, with document and date; an empty text is no answer."""
    lines = [f"C8.4.{item} {said}" for item, said in (("ftp", ftp), ("subsidy", subsidy)) if said]
    text = "\n".join(["item value document_no in_force_from", *lines])
    return {Q4: Sent(answers=text)}


C8_4 = [
    Case("C8.4", "nothing", "no answers were sent", "no_data", None, "没有报送"),
    Case(
        "C8.4",
        "yes",
        "both in force",
        "met",
        "2",
        sent=ways(f"是 {PROVED}", f"是 {PROVED}"),
        source="register",
    ),
    Case(
        "C8.4",
        "yes",
        "one of the two in force suffices",
        "met",
        "1",
        "C8.4.ftp 否",
        sent=ways("否 - -", f"是 {PROVED}"),
    ),
    Case(
        "C8.4",
        "no",
        "neither",
        "not_met",
        "0",
        "C8.4.subsidy 否",
        sent=ways("否 - -", "否 - -"),
    ),
    Case(
        "C8.4",
        "missing",
        "one in force, the other not answered: met, though the count is not known",
        "met",
        None,
        "C8.4.subsidy 未答",
        sent=ways(f"是 {PROVED}", ""),
    ),
    Case(
        "C8.4",
        "missing",
        "one no, the other not answered: that may be it",
        "no_data",
        None,
        "C8.4.subsidy 未答",
        sent=ways("否 - -", ""),
    ),
    Case(
        "C8.4",
        "no_document",
        "one no, one yes without a document",
        "to_verify",
        "1",
        "没有文号",
        sent=ways("是 - 2021-01-01", "否 - -"),
    ),
    Case(
        "C8.4",
        "not_in_force",
        "one no, one yes in force from the day after the quarter's end",
        "to_verify",
        "1",
        "没有文号或生效日期",
        sent=ways("是 某行发〔2021〕3号 2022-01-01", "否 - -"),
    ),
    Case(
        "C8.4",
        "noted",
        "the office noted a complaint: neither yes is sure",
        "to_verify",
        "2",
        "监管记录（2021-08-01）",
        sent=ways(f"是 {PROVED}", f"是 {PROVED}"),
        office={"notes": "note_id clause\nN1 C8.4"},
    ),
    Case(
        "C8.4",
        "wrong_kind",
        "national banks have a number of their own (C8.3)",
        "not_applicable",
        None,
        NOT_FOR_IT,
        sent=ways("否 - -", "否 - -"),
        facts=LARGE,
    ),
    Case(
        "C8.4",
        "other",
        "a city bank's branch answers for its legal person: neither",
        "not_met",
        "0",
        "C8.4.ftp 否",
        sent=ways("否 - -", "否 - -"),
        facts=CITY,
    ),
]


def rewards(met: str, awarded: str, paid: str) -> dict[str, Sent]:
    """Branches that met their targets, those rewarded, and what was paid."""
    return sheet(
        f"C8.5.branches_met {met}", f"C8.5.branches_awarded {awarded}", f"C8.5.award {paid}"
    )


def reward_cases(indicator: str, none: str, least: str, value: str, lacking: str) -> list[Case]:
    """Cases of what is to be more than nothing; ``none`` and ``least`` are sheets' own words."""
    zero, some = none.split(), least.split()
    items = {"branches_met": "4", "branches_awarded": "1", "award": "100"}
    items.pop(lacking)
    return [
        Case(indicator, "nothing", "no submission", "no_data", None, "2021Q4 未报送"),
        Case(
            indicator,
            "at_limit",
            "four branches met their targets and got nothing",
            "not_met",
            "0",
            sent=rewards("4", *zero),
        ),
        Case(
            indicator,
            "above",
            "four branches met their targets; the least there is above nothing",
            "met",
            value,
            sent=rewards("4", *some),
            source="register",
        ),
        Case(
            indicator,
            "nothing_there",
            "no branch met its target: nobody to reward",
            "not_applicable",
            None,
            "没有网点完成考核目标",
            sent=rewards("0", *zero),
        ),
        Case(
            indicator,
            "missing",
            "the answer itself is lacking",
            "no_data",
            None,
            f"答卷缺 C8.5.{lacking}",
            sent=sheet(*(f"C8.5.{item} {number}" for item, number in items.items())),
        ),
        Case(
            indicator,
            "missing",
            "how many branches met their targets is not answered",
            "no_data",
            None,
            "答卷缺 C8.5.branches_met",
            sent=sheet("C8.5.branches_awarded 1", "C8.5.award 100"),
        ),
        Case(
            indicator,
            "wrong_kind",
            "an insurer has no such branches",
            "not_applicable",
            None,
            NOT_FOR_IT,
            sent=rewards("4", *zero),
            facts=INSURER,
        ),
    ]


C8_5 = [
    # One branch of four is 25 %; a fen is the least money.
    *reward_cases("C8.5", "0 0", "1 100", "25", "branches_awarded"),
    *reward_cases("C8.5.award", "0 0", "1 0.01", "1/100", "award"),
]

EXEMPT = {
    ("C8.5", "below"): "fewer than no branches cannot be rewarded",
    ("C8.5.award", "below"): "less than nothing cannot be paid out",
}

CASES = [*C8_1, *C8_2, *C8_3, *C8_4, *C8_5]
