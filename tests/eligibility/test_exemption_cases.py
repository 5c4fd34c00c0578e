"""Cases worked by hand from the wording of the rules: what is known, what follows, and why.

The wording is that of section 7 of the notice and of the circumstances of 银监发〔2016〕56号, not
that of the rule file. Everything not said of a person is as in ``persons.DEFAULT``.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from decimal import Decimal

import pytest

from eligibility.persons import person, table
from puhui.eligibility import decide
from puhui.eligibility.exemption import NOT_SENT

IN = {"unit__within_tolerance": True}
HEAD = {"person__role": "head", "person__liability": "leadership", "unit__is_branch_head": True}
DEPARTMENT = {"person__role": "department", "person__liability": "management"}
COMMITTEE = {"person__role": "committee_member"}
ACT_OF_GOD = {
    "case__force_majeure": True,
    "case__force_majeure_reported_on": dt.date(2021, 3, 11),
    "case__measures_taken": True,
}
REPAID = {
    "case__principal_outstanding": Decimal("0.00"),
    "case__interest_arrears": Decimal("10000.00"),
}
CLEAN = {"person__file_complete": "yes", "person__departure_found": "no"}
TOOK_OVER = {"person__took_over_on": dt.date(2021, 2, 1)}
ACTED = {"person__early_action_on": dt.date(2021, 2, 20), "person__loss_reduced": True}
DISSENT = {
    "person__role": "process_manager",
    "person__dissent_record_no": True,
    "person__dissent_upheld": True,
    "person__dissent_causal": True,
}
OVERRULED = {"person__objection_record_no": True, "person__overruled_by": True}


@dataclass(frozen=True)
class Worked:
    """What is known, and what the wording gives."""

    facts: dict[str, object]
    outcome: str
    why: str
    extent: str | None = None
    liability: str = "direct"
    routes: tuple[str, ...] = ()
    bars: tuple[str, ...] = ()
    missing: tuple[str, ...] = field(default=())


CASES = {
    "staff in tolerance": Worked(
        IN,
        "eligible",
        "容忍度以内的网点，从业人员无违法违规，可免予追责；轻微偏离不妨碍。",
        "full",
        routes=("tolerance",),
    ),
    "staff beyond tolerance": Worked(
        {}, "not_eligible", "网点超过容忍度，档案有缺漏，56号文七种情形一种也没有。"
    ),
    "head in tolerance": Worked(
        {**IN, **HEAD},
        "eligible",
        "容忍度以内的网点负责人，免领导责任。",
        "full",
        "leadership",
        ("tolerance",),
    ),
    "head, management liability": Worked(
        {**IN, **HEAD, "person__liability": "management"},
        "eligible",
        "负责人的管理责任同样可免。",
        "full",
        "management",
        ("tolerance",),
    ),
    "head, direct liability": Worked(
        {**IN, **HEAD, "person__liability": "direct"},
        "not_eligible",
        "容忍度对负责人只及管理责任和领导责任，直接责任须另有依据。",
    ),
    "head who approved": Worked(
        {**IN, **COMMITTEE, "unit__is_branch_head": True},
        "not_eligible",
        "负责人本人参与审批的，审批责任不随容忍度免除。",
    ),
    "head who approved and was overruled": Worked(
        {**IN, **COMMITTEE, **OVERRULED, "unit__is_branch_head": True},
        "eligible",
        "审批责任另有依据：书面反对而被上级否决（情形七）。",
        "full",
        routes=("overruled",),
    ),
    "head beyond tolerance": Worked(
        HEAD,
        "not_eligible",
        "网点超过容忍度，负责人没有免责依据；七种情形只及经办和流程人员。",
        liability="leadership",
    ),
    "head beyond tolerance with a clean file": Worked(
        {**HEAD, **CLEAN},
        "not_eligible",
        "情形一说的是具体经办人员和流程管理人员，不及负责人。",
        liability="leadership",
    ),
    "department, bank in tolerance": Worked(
        {**IN, **DEPARTMENT},
        "eligible",
        "小微业务部门随本行容忍度，免管理责任。",
        "full",
        "management",
        ("tolerance",),
    ),
    "head, material departure below": Worked(
        {**IN, **HEAD, "person__departure_found": "material"},
        "eligible",
        "重大偏离不排除负责人的容忍度依据，但分档：部分免责。",
        "partial",
        "leadership",
        ("tolerance",),
    ),
    "head, internal breach": Worked(
        {**IN, **HEAD, "person__breach": "internal_rule"},
        "eligible",
        "只违反内部制度，不属违反法律法规和监管规范；分档为部分免责。",
        "partial",
        "leadership",
        ("tolerance",),
    ),
    "staff, material departure in tolerance": Worked(
        {**IN, "person__departure_found": "material"},
        "not_eligible",
        "从业人员有重大偏离的，容忍度不及。",
    ),
    "staff, departure not judged": Worked(
        {**IN, "person__departure_found": "not_determined"},
        "undetermined",
        "是否重大偏离决定容忍度及不及，须先查明。",
        missing=("person.departure_found",),
    ),
    "clean file": Worked(
        CLEAN,
        "eligible",
        "档案齐全且未发现偏离：没有确切证据表明未勤勉尽职（情形一）。",
        "full",
        routes=("clean_file",),
    ),
    "clean file but internal breach": Worked(
        {**CLEAN, "person__breach": "internal_rule"},
        "not_eligible",
        "违反内部制度就不是按标准流程操作，情形一不成立。",
    ),
    "no file kept": Worked(
        {"person__file_complete": "not_kept", "person__departure_found": "no"},
        "not_eligible",
        "未建档的，谈不上档案齐全。",
    ),
    "force majeure reported on the tenth day": Worked(
        ACT_OF_GOD,
        "eligible",
        "不可抗力直接致损，首次逾期后第十天报告，仍算及时，并已采取措施（情形二）。",
        "full",
        routes=("force_majeure",),
    ),
    "force majeure reported on the eleventh day": Worked(
        {**ACT_OF_GOD, "case__force_majeure_reported_on": dt.date(2021, 3, 12)},
        "not_eligible",
        "第十一天才报告，不算及时。",
    ),
    "force majeure never reported": Worked(
        {**ACT_OF_GOD, "case__force_majeure_reported_on": None},
        "not_eligible",
        "没有报告日期就是没有报告。",
    ),
    "force majeure not established": Worked(
        {**ACT_OF_GOD, "case__force_majeure": None},
        "undetermined",
        "报告、措施都有，只差是否不可抗力。",
        missing=("case.force_majeure",),
    ),
    "repaid, interest exactly at the limit": Worked(
        REPAID,
        "eligible",
        "本金还清，欠息一万元整仍算少量，积极追索（情形三）。",
        "full",
        routes=("repaid",),
    ),
    "repaid, a fen over": Worked(
        {**REPAID, "case__interest_arrears": Decimal("10000.01")},
        "not_eligible",
        "欠息超过界限一分即不算少量。",
    ),
    "repaid, nobody pursued": Worked(
        {**REPAID, "case__recovery_pursued": False}, "not_eligible", "没有积极追索。"
    ),
    "a fen of principal left": Worked(
        {**REPAID, "case__principal_outstanding": Decimal("0.01")},
        "not_eligible",
        "本金没有还清。",
    ),
    "inherited, already bad": Worked(
        {**TOOK_OVER, "person__class_at_takeover": "doubtful"},
        "eligible",
        "接手时已列可疑，风险早已暴露（情形四）。",
        "full",
        routes=("inherited_exposed",),
    ),
    "inherited at special mention, acted": Worked(
        {**TOOK_OVER, **ACTED, "person__class_at_takeover": "special_mention"},
        "eligible",
        "关注类尚未暴露；接手后及时处置并减少损失（情形五）。",
        "full",
        routes=("inherited_acted",),
    ),
    "inherited, nothing done": Worked(
        {**TOOK_OVER, "person__class_at_takeover": "normal", "person__loss_reduced": False},
        "not_eligible",
        "接手时未暴露，又没有处置。",
    ),
    "inherited, class unknown": Worked(
        {**TOOK_OVER, "person__loss_reduced": False},
        "undetermined",
        "若接手时已暴露即符合情形四，否则没有依据：差接手时的分类。",
        missing=("person.class_at_takeover",),
    ),
    "own loan though acted in time": Worked(
        {**ACTED, "person__class_at_takeover": "substandard"},
        "not_eligible",
        "没有接手日期，业务不是移交来的，情形四、五都不成立。",
    ),
    "lawful dissent, right and to the point": Worked(
        DISSENT,
        "eligible",
        "异议有记录、经证明成立、与风险直接相关（情形六）。",
        "full",
        routes=("dissent",),
    ),
    "dissent on another matter": Worked(
        {**DISSENT, "person__dissent_causal": False},
        "not_eligible",
        "异议与所发生的风险不相关。",
    ),
    "dissent not on record": Worked(
        {**DISSENT, "person__dissent_record_no": None},
        "not_eligible",
        "没有记录的异议不算。",
    ),
    "dissent not yet judged": Worked(
        {**DISSENT, "person__dissent_upheld": None},
        "undetermined",
        "异议是否成立没有认定。",
        missing=("person.dissent_upheld",),
    ),
    "warned, overruled": Worked(
        {**COMMITTEE, **OVERRULED},
        "eligible",
        "书面反对不合规业务，被上级否决（情形七）。",
        "full",
        routes=("overruled",),
    ),
    "warned, not overruled": Worked(
        {**COMMITTEE, **OVERRULED, "person__overruled_by": None},
        "not_eligible",
        "没有被谁否决。",
    ),
    "warned, material departure of her own": Worked(
        {**OVERRULED, "person__departure_found": "material"},
        "eligible",
        "情形七成立；本人另有重大偏离，分档为部分免责。",
        "partial",
        routes=("overruled",),
    ),
    "warned, departure not judged": Worked(
        {**OVERRULED, "person__departure_found": "not_determined"},
        "eligible",
        "情形七成立；全部还是部分，要看是否重大偏离。",
        "undetermined",
        routes=("overruled",),
    ),
    "fraud in tolerance": Worked(
        {**IN, "person__misconduct": "fraud"},
        "not_eligible",
        "欺诈不得免责，容忍度无济于事。",
        routes=("tolerance",),
        bars=("misconduct",),
    ),
    "gross neglect with every circumstance": Worked(
        {**IN, **CLEAN, **ACT_OF_GOD, **REPAID, "person__misconduct": "gross_neglect"},
        "not_eligible",
        "重大失职不得免责，情形再多也不行。",
        routes=("tolerance", "clean_file", "force_majeure", "repaid"),
        bars=("misconduct",),
    ),
    "supervisory rule in force": Worked(
        {**IN, "person__breach": "supervisory_rule", "person__breach_in_force": True},
        "not_eligible",
        "违反办理业务时有效的监管规范。",
        routes=("tolerance",),
        bars=("breach",),
    ),
    "law not yet in force": Worked(
        {**IN, "person__breach": "law", "person__breach_in_force": False},
        "eligible",
        "以办理业务时有效的规定为准，当时尚未施行的不算。",
        "full",
        routes=("tolerance",),
    ),
    "law, nobody says whether in force": Worked(
        {**IN, "person__breach": "law"},
        "undetermined",
        "规定当时是否有效没有查明，不能当作没有违法。",
        routes=("tolerance",),
        missing=("person.breach_in_force",),
    ),
    "breach not determined": Worked(
        {**IN, "person__breach": "not_determined"},
        "undetermined",
        "未认定不等于没有违规。",
        routes=("tolerance",),
        missing=("person.breach",),
    ),
    "breach not determined, said not in force": Worked(
        {**IN, "person__breach": "not_determined", "person__breach_in_force": False},
        "undetermined",
        "不知违反的是什么，说它当时无效没有意义。",
        routes=("tolerance",),
        missing=("person.breach",),
    ),
    "misconduct empty": Worked(
        {**IN, "person__misconduct": None},
        "undetermined",
        "空着的不当行为就是未认定。",
        routes=("tolerance",),
        missing=("person.misconduct",),
    ),
    "misconduct open but nothing to stand on": Worked(
        {"person__misconduct": "not_determined"},
        "not_eligible",
        "没有任何依据，不当行为查明与否结论都一样。",
    ),
    "misconduct and departure open": Worked(
        {
            "person__misconduct": "not_determined",
            "person__file_complete": "yes",
            "person__departure_found": "not_determined",
        },
        "undetermined",
        "两样都会改变结论：须同时查明。",
        missing=("person.misconduct", "person.departure_found"),
    ),
    "tolerance not known": Worked(
        {"unit__within_tolerance": None},
        "undetermined",
        "没有当时的数据，不能当作在容忍度以内，也不能当作超过。",
        missing=("unit.within_tolerance",),
    ),
    "line exactly at the limit": Worked(
        {**IN, "case__credit_line_at_origination": Decimal("10000000.00")},
        "eligible",
        "授信一千万元整仍属普惠型。",
        "full",
        routes=("tolerance",),
    ),
    "line a fen above": Worked(
        {**IN, "case__credit_line_at_origination": Decimal("10000000.01")},
        "not_eligible",
        "超过一千万元只关闭容忍度一条，别的依据没有。",
    ),
    "line above, repaid": Worked(
        {**IN, **REPAID, "case__credit_line_at_origination": Decimal("12000000.00")},
        "eligible",
        "超过一千万元不妨碍七种情形：本金还清（情形三）。",
        "full",
        routes=("repaid",),
    ),
    "not small business": Worked(
        {**IN, **CLEAN, "case__is_mse_credit": False},
        "out_of_scope",
        "不是小微企业信贷，本规则不管。",
    ),
    "small business or not is unknown": Worked(
        {**IN, "case__is_mse_credit": None},
        "undetermined",
        "是否小微企业信贷没有填报。",
        routes=("tolerance",),
        missing=("case.is_mse_credit",),
    ),
    "takeover column not sent": Worked(
        {"person__took_over_on": NOT_SENT, "person__class_at_takeover": "loss"},
        "undetermined",
        "这一列根本没有报，不知道有没有接手。",
        missing=("person.took_over_on",),
    ),
}


def test_there_are_enough_and_every_route_bar_and_outcome_is_among_them():
    assert len(CASES) >= 30
    assert {r for c in CASES.values() for r in c.routes} == set(table().routes)
    assert {b for c in CASES.values() for b in c.bars} == set(table().bars)
    outcomes = {"eligible", "not_eligible", "undetermined", "out_of_scope"}
    assert {c.outcome for c in CASES.values()} == outcomes
    assert all(len(c.why) > 5 for c in CASES.values())


@pytest.mark.parametrize("name", CASES)
def test_worked_by_hand(name):
    case = CASES[name]
    given = person(**case.facts)
    found = decide(table(), given)
    assert (found.outcome, found.extent) == (case.outcome, case.extent)
    assert (found.routes, found.bars) == (case.routes, case.bars)
    assert found.missing == case.missing
    assert given.cells["person", "liability"] == case.liability or found.outcome != "eligible"
