"""Section 4: checks on renewals, deferrals, applications."""

from __future__ import annotations

from indicators.cases.case import Case, Sent, usual_cases

Q4 = "2021Q4"
INSURER = {"kind": "property_insurer"}
LOAN = "loan_id\nL1"


def checked(in_time: int, late: int, never: int = 0, *, lacks=None) -> Sent:
    """Renewals whose check was due on 30 June: made that day, a day later, or not at all."""
    made = ["2021-06-30"] * in_time + ["2021-07-01"] * late + ["-"] * never
    lines = [f"L{i} renewal 2021-06-30 {day}" for i, day in enumerate(made)]
    text = "\n".join(["loan_id issue_kind first_check_due_on first_check_on", *lines])
    return Sent(loans=text, lacks=lacks or {})


C4_6 = [
    *usual_cases(
        "C4.6",
        {Q4: checked(19, 1)},
        {Q4: checked(19, 1, lacks={"loans": ("first_check_on",)})},
        "首次检查日期（first_check_on）",
        wrong=INSURER,
    ),
    Case(
        "C4.6",
        "at_limit",
        "19 of 20 on the day they were due, one a day later: 95 %, which is the limit",
        "met",
        "95",
        sent={Q4: checked(19, 1)},
        source="ledger",
    ),
    Case("C4.6", "below", "18 of 20 is 90 %", "not_met", "90", sent={Q4: checked(18, 1, 1)}),
    Case("C4.6", "above", "20 of 20", "met", "100", sent={Q4: checked(20, 0)}),
    Case(
        "C4.6",
        "nothing_there",
        "only a new loan, whose check counts elsewhere",
        "not_applicable",
        None,
        "没有应完成的续贷检查",
        sent={Q4: Sent(loans="loan_id first_check_due_on first_check_on\nL1 2021-06-30 -")},
    ),
]


def asked(*outcomes: str, applied: str = "=", lacks=None) -> Sent:
    """Deferrals asked for, by outcome."""
    lines = [f"L{i} {outcome} {applied}" for i, outcome in enumerate(outcomes)]
    text = "\n".join(["loan_id outcome applied_on", *lines])
    return Sent(registers={"deferrals": text}, lacks=lacks or {})


NONE_ASKED = "延期政策不在有效期内，或没有延期申请"

C4_7A = [
    *usual_cases(
        "C4.7a",
        {Q4: asked("agreed")},
        {Q4: asked("agreed", lacks={"deferrals": ("outcome",)})},
        "办理结果（outcome）",
        wrong=INSURER,
    ),
    Case(
        "C4.7a",
        "missing",
        "a submission without the register of deferrals",
        "no_data",
        None,
        "缺表：延期还本付息",
        sent={Q4: Sent(loans=LOAN)},
    ),
    Case(
        "C4.7a",
        "at_limit",
        "one agreed, one refused on a condition that is named: 0 denied",
        "met",
        "0",
        sent={Q4: asked("agreed", "refused_condition")},
        source="register",
    ),
    Case(
        "C4.7a",
        "at_limit",
        "open since 1 December: 30 days by 31 December, which is the most allowed",
        "met",
        "0",
        sent={Q4: asked("open", applied="2021-12-01")},
    ),
    Case(
        "C4.7a",
        "above",
        "open since 30 November: 31 days",
        "not_met",
        "1",
        sent={Q4: asked("open", applied="2021-11-30")},
    ),
    Case(
        "C4.7a",
        "above",
        "one refused for another reason",
        "not_met",
        "1",
        sent={Q4: asked("agreed", "refused_other")},
    ),
    Case(
        "C4.7a",
        "nothing_there",
        "the register was sent without a row",
        "not_applicable",
        None,
        NONE_ASKED,
        sent={Q4: asked()},
    ),
    Case(
        "C4.7a",
        "nothing_there",
        "the only application was withdrawn",
        "not_applicable",
        None,
        NONE_ASKED,
        sent={Q4: asked("withdrawn")},
    ),
    Case(
        "C4.7a",
        "nothing_there",
        "the policy ended with 2021: a refusal of 2022 is judged by no clause",
        "not_applicable",
        None,
        NONE_ASKED,
        sent={"2022Q4": asked("refused_other")},
        quarter="2022Q4",
    ),
]


def applied(*rows: str, deferrals: str | None = None, lacks=None) -> Sent:
    """Applications: loan, kind, decision, whether it qualifies, day of disbursement."""
    lines = [f"A{i} {row}" for i, row in enumerate(rows)]
    text = "\n".join(["application_id loan_id kind decision qualifies disbursed_on", *lines])
    registers = {"applications": text}
    if deferrals is not None:
        registers["deferrals"] = f"loan_id ended_on\n{deferrals}"
    return Sent(registers=registers, lacks=lacks or {})


GRANTED = "L1 new granted true 2021-06-10"

C4_7B = [
    *usual_cases(
        "C4.7b",
        {Q4: applied(GRANTED)},
        {Q4: applied(GRANTED, lacks={"applications": ("qualifies",)})},
        "是否符合条件（qualifies）",
        wrong=INSURER,
    ),
    Case(
        "C4.7b",
        "missing",
        "a submission without the register of applications",
        "no_data",
        None,
        "缺表：贷款申请",
        sent={Q4: Sent(loans=LOAN)},
    ),
    Case(
        "C4.7b",
        "missing",
        "of one refused application nobody says whether it qualified",
        "no_data",
        None,
        "1 行内容不全",
        sent={Q4: applied(GRANTED, "- new refused - -")},
    ),
    Case(
        "C4.7b",
        "at_limit",
        "one granted, one refused that did not qualify: 0 leads",
        "met",
        "0",
        sent={Q4: applied(GRANTED, "- new refused false -")},
        source="register",
    ),
    Case(
        "C4.7b",
        "above",
        "one refused that qualified: a lead, and no breach yet",
        "to_verify",
        "1",
        sent={Q4: applied(GRANTED, "- new refused true -")},
    ),
]

RENEWED, NOT_YET = "L1 renewal granted true 2021-06-10", "L2 renewal refused true -"
ENDED = "L1 2021-05-01\nL2 2021-05-01"

C4_7C = [
    *usual_cases(
        "C4.7c",
        {Q4: applied(RENEWED, deferrals=ENDED)},
        {Q4: applied(RENEWED, deferrals=ENDED, lacks={"applications": ("qualifies",)})},
        "是否符合条件（qualifies）",
        wrong=INSURER,
    ),
    Case(
        "C4.7c",
        "missing",
        "without the register of deferrals nobody knows which applications follow one",
        "no_data",
        None,
        "缺表：延期还本付息",
        sent={Q4: applied(RENEWED)},
    ),
    Case(
        "C4.7c",
        "missing",
        "the register of deferrals does not say when they ended",
        "no_data",
        None,
        "延期结束日期（ended_on）",
        sent={Q4: applied(RENEWED, deferrals=ENDED, lacks={"deferrals": ("ended_on",)})},
    ),
    Case(
        "C4.7c",
        "at_limit",
        "2 deferrals ended, both asked to renew and were renewed: 100 %",
        "met",
        "100",
        sent={Q4: applied(RENEWED, "L2 renewal granted true 2021-06-10", deferrals=ENDED)},
        source="register",
    ),
    Case(
        "C4.7c",
        "below",
        "one of the two was refused although it qualified: 50 %",
        "not_met",
        "50",
        sent={Q4: applied(RENEWED, NOT_YET, deferrals=ENDED)},
    ),
    Case(
        "C4.7c",
        "other",
        "the deferral of the one refused has not ended: 1 of 1",
        "met",
        "100",
        sent={Q4: applied(RENEWED, NOT_YET, deferrals="L1 2021-05-01\nL2 -")},
    ),
    Case(
        "C4.7c",
        "nothing_there",
        "no deferral ended",
        "not_applicable",
        None,
        "没有延期结束后符合条件的续贷申请",
        sent={Q4: applied(RENEWED, deferrals="L1 -")},
    ),
]

EXEMPT = {
    ("C4.7a", "below"): "a number of deferrals is never below zero",
    ("C4.7c", "above"): "those renewed are among those that asked, never more",
}

CASES = [*C4_6, *C4_7A, *C4_7B, *C4_7C]
