"""Section 6: departments and mechanisms, teams and grids, service without hands, digital."""

from __future__ import annotations

from indicators.cases.case import Case, Sent, answer_cases

Q4, Q3, Q0 = "2021Q4", "2021Q3", "2020Q4"
POLICY_BANK = {"kind": "policy", "level": "branch", "is_local_legal_person": False}
LARGE = {"kind": "large", "level": "branch", "is_local_legal_person": False}
JOINT = {"kind": "joint_stock", "level": "branch", "is_local_legal_person": False}
CITY = {"kind": "city", "level": "branch", "is_local_legal_person": False}
LOCAL = {"kind": "rural_commercial"}
NOT_FOR_IT = "不适用于该类机构"


def answered(**numbers: str) -> Sent:
    """A sheet of answered numbers; the clause before ``__`` with its dot written ``_``."""
    lines = []
    for name, number in numbers.items():
        clause, _, item = name.partition("__")
        lines.append(f"{clause.replace('_', '.')}.{item} {number}")
    return Sent(answers="\n".join(["item value", *lines]))


C6_0 = answer_cases("C6.0", "C6.0.department", wrong_kind=POLICY_BANK)

MECHANISMS = ("C6.1.service", "C6.1.accounting", "C6.1.risk", "C6.1.resources")
C6_1 = answer_cases("C6.1", "C6.1.appraisal", others=MECHANISMS, facts=LARGE, wrong_kind=LOCAL)

C6_2 = answer_cases(
    "C6.2", "C6.2.centre", met="on_track", not_met="behind", facts=JOINT, wrong_kind=LOCAL
)


def staff(team: str, everyone: str) -> dict[str, Sent]:
    """Members of the dedicated team, and all staff."""
    return {Q4: answered(C6_3a__team_staff=team, C6_3a__all_staff=everyone)}


C6_3A = [
    Case("C6.3a", "nothing", "no submission", "no_data", None, "2021Q4 未报送"),
    Case(
        "C6.3a",
        "at_limit",
        "0 of 400 is 0 %, which is not more than none",
        "not_met",
        "0",
        sent=staff("0", "400"),
    ),
    Case(
        "C6.3a",
        "above",
        "1 of 400 is a quarter of a percent",
        "met",
        "1/4",
        sent=staff("1", "400"),
        source="register",
    ),
    Case(
        "C6.3a",
        "zero_denominator",
        "a bank without staff: a share of nobody is not a number",
        "no_data",
        None,
        "分母为零",
        sent=staff("1", "0"),
    ),
    Case(
        "C6.3a",
        "missing",
        "the staff in all was not answered",
        "no_data",
        None,
        "答卷缺 C6.3a.all_staff",
        sent={Q4: answered(C6_3a__team_staff="5")},
    ),
    Case(
        "C6.3a",
        "missing",
        "the sheet was refused",
        "no_data",
        None,
        "答卷.xlsx 打不开",
        sent={Q4: Sent(missing={"attestations": "答卷.xlsx 打不开"})},
    ),
    Case(
        "C6.3a",
        "wrong_kind",
        "a large bank's branch is not asked",
        "not_applicable",
        None,
        NOT_FOR_IT,
        sent=staff("1", "400"),
        facts=LARGE,
    ),
    Case(
        "C6.3a",
        "other",
        "a city bank's branch from elsewhere is not a local legal person",
        "not_applicable",
        None,
        NOT_FOR_IT,
        sent=staff("1", "400"),
        facts=CITY,
    ),
]

GRID = {"C6_3b__villages_all": "10000", "C6_3b__townships_all": "6000", "C6_3b__parks_all": "4000"}


def grid(villages: str, townships: str = "3000", parks: str = "2000", **but: str) -> Sent:
    """Villages, townships and parks covered, of 20,000 in all."""
    covered = {
        "C6_3b__villages": villages,
        "C6_3b__townships": townships,
        "C6_3b__parks": parks,
    }
    return answered(**{**covered, **GRID, **but})


# 5,000 + 3,000 + 2,000 of 20,000 is 50 % at the start of the year; one village is 0.005 points.
HALF = grid("5000")

C6_3B = [
    Case("C6.3b", "nothing", "no submission", "no_data", None, "2021Q4 未报送"),
    Case(
        "C6.3b",
        "at_limit",
        "two villages less: 9,998 of 20,000 is 49.99 %, down by 0.01 points: flat",
        "on_track",
        "4999/100",
        sent={Q0: HALF, Q4: grid("4998")},
        base="50",
        wrong_way=0,
    ),
    Case(
        "C6.3b",
        "below",
        "three villages less: 49.985 %, down by 0.015 points, the first time",
        "on_track",
        "9997/200",
        "首次出现不利变动",
        sent={Q0: HALF, Q4: grid("4997")},
        base="50",
        wrong_way=1,
    ),
    Case(
        "C6.3b",
        "above",
        "one village less: 49.995 %, down by 0.005 points: flat",
        "on_track",
        "9999/200",
        sent={Q0: HALF, Q4: grid("4999")},
        base="50",
        wrong_way=0,
    ),
    Case(
        "C6.3b",
        "wrong_twice",
        "9,900 of 20,000 in the third quarter is 49.5 %, 9,800 in the fourth 49 %: both down",
        "behind",
        "49",
        sent={Q0: HALF, Q3: grid("4900"), Q4: grid("4800")},
        base="50",
        wrong_way=2,
    ),
    Case(
        "C6.3b",
        "other",
        "better than a quarter ago and still below the start of the year, as then: behind",
        "behind",
        "99/2",
        sent={Q0: HALF, Q3: grid("4800"), Q4: grid("4900")},
        base="50",
        wrong_way=2,
    ),
    Case(
        "C6.3b",
        "other",
        "down in the third quarter, flat in the fourth: not two in a row",
        "on_track",
        "4999/100",
        sent={Q0: HALF, Q3: grid("4800"), Q4: grid("4998")},
        base="50",
        wrong_way=0,
    ),
    Case(
        "C6.3b",
        "other",
        "down now, and nothing is known of the third quarter: one is counted",
        "on_track",
        "49",
        "首次出现不利变动",
        sent={Q0: HALF, Q4: grid("4800")},
        wrong_way=1,
    ),
    Case(
        "C6.3b",
        "no_base",
        "nothing at the end of 2020: 50 % is shown and not compared",
        "shown",
        "50",
        "无可比基数",
        sent={Q4: HALF},
        base=None,
        wrong_way=None,
    ),
    Case(
        "C6.3b",
        "nothing_there",
        "no village, township or park at all",
        "not_applicable",
        None,
        "没有村、乡镇和园区",
        sent={Q4: grid("0", "0", "0", **dict.fromkeys(GRID, "0"))},
    ),
    Case(
        "C6.3b",
        "missing",
        "the parks in all are not a number",
        "no_data",
        None,
        "C6.3b.parks_all 的回答“若干”不是数",
        sent={Q0: HALF, Q4: grid("5000", C6_3b__parks_all="若干")},
    ),
    Case(
        "C6.3b",
        "wrong_kind",
        "a large bank's branch is not asked",
        "not_applicable",
        None,
        NOT_FOR_IT,
        sent={Q0: HALF, Q4: HALF},
        facts=LARGE,
    ),
]

APPLIED = "application_id decision disbursed_on manual_steps"


def granted(contactless: int, by_hand: int, *more: str, lacks: tuple[str, ...] = ()) -> Sent:
    """A register of applications granted and paid out without and with manual steps."""
    steps = ["0"] * contactless + ["2"] * by_hand
    lines = [f"A{i} granted 2021-06-10 {n}" for i, n in enumerate(steps)]
    text = "\n".join([APPLIED, *lines, *more])
    return Sent(registers={"applications": text}, lacks={"applications": lacks})


# 1 of 2 without hands a year ago is 50 %.
YEAR_AGO = granted(1, 1)

C6_4A = [
    Case("C6.4a", "nothing", "no submission", "no_data", None, "2021Q4 未报送"),
    Case(
        "C6.4a",
        "at_limit",
        "2 of 4 is 50 %, as a year ago: a change of 0 is not more than 0",
        "behind",
        "0",
        sent={Q0: YEAR_AGO, Q4: granted(2, 2)},
    ),
    Case(
        "C6.4a",
        "below",
        "with one more by hand 2 of 5 is 40 %, down by 10 points",
        "behind",
        "-10",
        sent={Q0: YEAR_AGO, Q4: granted(2, 3)},
    ),
    Case(
        "C6.4a",
        "above",
        "with one more without hands 3 of 5 is 60 %, up by 10 points",
        "on_track",
        "10",
        sent={Q0: YEAR_AGO, Q4: granted(3, 2)},
        source="register",
    ),
    Case(
        "C6.4a",
        "nothing_there",
        "one refused and one granted but not paid out: nothing to take a share of",
        "not_applicable",
        None,
        "没有放款的申请",
        sent={Q0: YEAR_AGO, Q4: granted(0, 0, "A8 refused - 0", "A9 granted - 0")},
    ),
    Case(
        "C6.4a",
        "nothing_there",
        "the register of a year ago was sent without rows",
        "not_applicable",
        None,
        "没有放款的申请",
        sent={Q0: granted(0, 0), Q4: granted(2, 2)},
    ),
    Case(
        "C6.4a",
        "other",
        "refused and not paid out are no part of either share: 3 of 5 less 1 of 2",
        "on_track",
        "10",
        sent={Q0: YEAR_AGO, Q4: granted(3, 2, "A8 refused - 0", "A9 granted - 0")},
    ),
    Case(
        "C6.4a",
        "no_base",
        "no register a year ago",
        "no_data",
        None,
        "2020Q4 未报送",
        sent={Q4: granted(2, 2)},
    ),
    Case(
        "C6.4a",
        "missing",
        "no column of manual steps",
        "no_data",
        None,
        "人工环节数（manual_steps）",
        sent={Q0: YEAR_AGO, Q4: granted(2, 2, lacks=("manual_steps",))},
    ),
    Case(
        "C6.4a",
        "missing",
        "of one paid out it is not said how many steps it took",
        "no_data",
        None,
        "1 行内容不全",
        sent={Q0: YEAR_AGO, Q4: granted(2, 2, "A9 granted 2021-06-10 -")},
    ),
    Case(
        "C6.4a",
        "wrong_kind",
        "a large bank is not asked",
        "not_applicable",
        None,
        NOT_FOR_IT,
        sent={Q0: YEAR_AGO, Q4: granted(2, 2)},
        facts=LARGE,
    ),
]

C6_4C = answer_cases(
    "C6.4c", "C6.4c.adopted", others=("C6.4c.proposed",), facts=LARGE, wrong_kind=LOCAL
)


def more_cases(indicator: str, item: str, base: str, less: str, more: str, gap: str) -> list[Case]:
    """Cases of an answered number that is not to fall below a year ago's, by ``gap`` either way."""

    def both(then: str, now: str) -> dict[str, Sent]:
        name = f"C6_4d__{item}"
        return {Q0: answered(**{name: then}), Q4: answered(**{name: now})}

    return [
        Case(indicator, "nothing", "no submission", "no_data", None, "2021Q4 未报送"),
        Case(indicator, "at_limit", "as a year ago", "on_track", "0", sent=both(base, base)),
        Case(indicator, "below", "one less", "behind", f"-{gap}", sent=both(base, less)),
        Case(
            indicator,
            "above",
            "one more",
            "on_track",
            gap,
            sent=both(base, more),
            source="register",
        ),
        Case(
            indicator,
            "no_base",
            "nothing a year ago",
            "no_data",
            None,
            "2020Q4 未报送",
            sent={Q4: answered(**{f"C6_4d__{item}": base})},
        ),
        Case(
            indicator,
            "missing",
            "the sheet does not answer it now",
            "no_data",
            None,
            f"2021Q4 答卷缺 C6.4d.{item}",
            sent={**both(base, base), Q4: answered(C6_4d__other="1")},
        ),
        Case(
            indicator,
            "wrong_kind",
            "a large bank is not asked",
            "not_applicable",
            None,
            NOT_FOR_IT,
            sent=both(base, base),
            facts=LARGE,
        ),
        Case(
            indicator,
            "other",
            "a city bank's branch is asked too: one less",
            "behind",
            f"-{gap}",
            sent=both(base, less),
            facts=CITY,
        ),
    ]


# Money by the fen, people by the head.
C6_4D = [
    *more_cases("C6.4d.spending", "spend", "1000000.00", "999999.99", "1000000.01", "1/100"),
    *more_cases("C6.4d.staff", "staff", "12", "11", "13", "1"),
]

EXEMPT = {
    ("C6.3a", "below"): "a team cannot have fewer than no members",
}

CASES = [*C6_0, *C6_1, *C6_2, *C6_3A, *C6_3B, *C6_4A, *C6_4C, *C6_4D]
