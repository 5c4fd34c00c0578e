"""The rule table is total and unambiguous, in both layers, and leans the right way."""

from __future__ import annotations

import datetime as dt
import random
from functools import cache
from itertools import product

import pytest

from eligibility.persons import DEFAULT, DOMAIN, given, is_unknown, loaded, person, table
from puhui.eligibility import decide, rederive
from puhui.eligibility.exemption import trail
from puhui.errors import ParamsError
from puhui.params.exemption import load_exemption
from puhui.params.expression import NoData
from puhui.params.yaml import loads
from vocabulary import PARAMS

UNKNOWN = NoData(("?",))
THREE = (True, False, UNKNOWN)
#: Better for the person first: no decision of the office is left open in her favour.
RANK = {"eligible": 3, "undetermined": 2, "not_eligible": 1, "out_of_scope": 0}


def settled(values):
    """All ways to settle the unknown ones."""
    return product(*((True, False) if v is UNKNOWN else (v,) for v in values))


@pytest.mark.parametrize("rule", table().rules, ids=lambda r: r.id)
def test_a_circumstance_is_known_exactly_where_its_unknown_facts_do_not_matter(rule):
    names = sorted(n for _, n in rule.when.columns)

    @cache
    def plain(values):
        return rule.when.evaluate(lambda _, n: values[names.index(n)])

    seen = set()
    for values in product(THREE, repeat=len(names)):
        found = plain(values)
        possible = {plain(v) for v in settled(values)}
        assert found in (True, False) or isinstance(found, NoData)
        if isinstance(found, NoData):
            # Who leads is asked twice in one rule; a role is never unknown in a register.
            assert possible == {True, False} or values[names.index("leads")] is UNKNOWN
        else:
            assert possible == {found}
        seen.add(found if isinstance(found, bool) else None)
    assert seen == {True, False, None}


def by_wording(scope, bars, routes):
    """The outcomes of all ways to settle what is unknown, from the wording of the design."""
    found = set()
    for in_scope in settled([scope]):
        for barred in possible(bars):
            for held in possible(routes):
                if in_scope == (False,):
                    found.add("out_of_scope")
                else:
                    found.add("eligible" if held and not barred else "not_eligible")
    return found.pop() if len(found) == 1 else "undetermined"


def possible(values):
    """What "any of them" can come to."""
    if any(v is True for v in values):
        return (True,)
    return (True, False) if UNKNOWN in values else (False,)


def kleene(values):
    some = possible(values)
    return UNKNOWN if len(some) == 2 else some[0]


def test_the_outcome_over_scope_bars_and_every_circumstance_is_one_and_every_rule_is_reached():
    rules, reached, counts = table(), set(), {}

    @cache
    def outcome(*three):
        (one,) = rules.deciding(*three)
        reached.add(one.id)
        return one.outcome

    assert len(rules.bars) == 2 and len(rules.routes) == 8
    for scope, *bars in product(THREE, repeat=3):
        for routes in product(THREE, repeat=8):
            found = outcome(scope, kleene(bars), kleene(routes))
            if (scope, kleene(bars), kleene(routes)) not in counts:
                assert found == by_wording(scope, bars, routes)
            counts[scope, kleene(bars), kleene(routes)] = found
    assert len(counts) == 27
    assert reached == {o.id for o in rules.outcomes}


@pytest.mark.parametrize("role", ["head", "department", "handling", "process_manager"])
def test_role_and_tolerance_in_every_combination(role):
    """The tolerance route, from the wording: who it lifts, and what closes it."""
    names = ("within_tolerance", "is_branch_head")
    for within, is_head in product((True, False, None), repeat=2):
        for liability, departure in product(
            ("direct", "management", "leadership"), ("no", "minor", "material", "not_determined")
        ):
            for line in (DOMAIN["case.credit_line_at_origination"])[:2]:
                cells = {
                    **dict(zip((f"unit__{n}" for n in names), (within, is_head), strict=True)),
                    "person__role": role,
                    "person__liability": liability,
                    "person__departure_found": departure,
                    "case__credit_line_at_origination": line,
                }
                if role in ("head", "department"):
                    fits = liability != "direct"
                else:
                    bad = {"material": True, "not_determined": None}.get(departure, False)
                    closed = [is_head, bad]
                    fits = False if True in closed else None if None in closed else True
                parts = [within, line <= 10_000_000, fits]
                held = False if False in parts else None if None in parts else True
                outcome = {True: "eligible", False: "not_eligible", None: "undetermined"}[held]
                assert decide(table(), person(**cells)).outcome == outcome, cells


def drawn(number, seed):
    """Cells drawn at random, so that many circumstances and bars meet."""
    dice = random.Random(seed)
    for _ in range(number):
        cells = dict(DEFAULT)
        for name in dice.sample(sorted(DOMAIN), dice.randint(1, 12)):
            cells[name] = dice.choice(DOMAIN[name])
        yield cells


def outcome_of(cells):
    return decide(table(), given(cells))


def test_misconduct_or_an_external_breach_is_never_eligible():
    met = 0
    for cells in drawn(2000, 1):
        fraud = cells["person.misconduct"] != "none"
        external = cells["person.breach"] in ("law", "supervisory_rule", "not_determined", None)
        if fraud or (external and cells["person.breach_in_force"] is not False):
            met += 1
            assert outcome_of(cells).outcome != "eligible", cells
        if cells["person.breach"] in ("not_determined", None):
            # A rule not in force settles nothing while nobody knows which rule was broken.
            assert outcome_of(cells).outcome != "eligible", cells
    assert met > 300


#: Cell → values from worst for the person to best.
EXCULPATING = {
    "case.force_majeure": (False, True),
    "case.force_majeure_reported_on": (None, dt.date(2021, 3, 12), dt.date(2021, 3, 11)),
    "case.measures_taken": (False, True),
    "case.recovery_pursued": (False, True),
    "person.file_complete": ("not_kept", "gaps", "yes"),
    "person.early_action_on": (None, dt.date(2021, 2, 1)),
    "person.loss_reduced": (False, True),
    "person.dissent_record_no": (None, True),
    "person.dissent_upheld": (False, True),
    "person.dissent_causal": (False, True),
    "person.objection_record_no": (None, True),
    "person.overruled_by": (None, True),
    "person.departure_found": ("material", "minor", "no"),
    "person.misconduct": ("fraud", "none"),
    "person.breach": ("law", "internal_rule", "none"),
    "person.breach_in_force": (True, False),
    "unit.within_tolerance": (False, True),
    "unit.is_branch_head": (True, False),
}


def worth(decision):
    extents = {None: 0, "partial": 1, "undetermined": 1, "full": 2}
    return RANK[decision.outcome], extents[decision.extent]


@pytest.mark.parametrize("name", EXCULPATING)
def test_what_exculpates_never_harms_and_a_breach_never_helps(name):
    changed = 0
    for cells in drawn(120, name):
        if name == "person.breach":
            cells["person.breach_in_force"] = True
        ranks = [worth(outcome_of({**cells, name: v})) for v in EXCULPATING[name]]
        assert ranks == sorted(ranks), (cells, ranks)
        changed += ranks[0] != ranks[-1]
    if name in DECIDES_ALONE:
        assert changed


#: Cells that often decide by themselves; the others need more beside them.
DECIDES_ALONE = ("person.misconduct", "person.breach", "unit.within_tolerance")


@pytest.mark.parametrize("name", sorted(DOMAIN))
def test_an_unknown_never_yields_what_something_known_would_not(name):
    known = [v for v in DOMAIN[name] if not is_unknown(name, v)]
    for cells in drawn(60, name):
        for cell in (v for v in DOMAIN[name] if is_unknown(name, v)):
            found = outcome_of({**cells, name: cell})
            others = [outcome_of({**cells, name: v}) for v in known]
            if found.outcome != "undetermined":
                assert {o.outcome for o in others} == {found.outcome}, (cells, name)
                if found.extent != "undetermined":
                    assert {o.extent for o in others} == {found.extent}, (cells, name)
            if name != "case.is_mse_credit":
                assert set(found.routes) <= set.intersection(*(set(o.routes) for o in others))


def test_the_facts_named_as_missing_are_those_that_settle_the_outcome():
    """Filled in in any way they leave nothing open, and each of them can change the outcome."""
    met = 0
    for cells in drawn(2500, 7):
        found = outcome_of(cells)
        asked = [n for n in found.missing if n in DOMAIN]
        if found.outcome != "undetermined":
            assert not found.missing
            continue
        assert asked and len(asked) == len(found.missing)
        ways = [[v for v in DOMAIN[n] if not is_unknown(n, v)] for n in asked]
        size = 1
        for way in ways:
            size *= len(way)
        if size > 200:
            continue
        outcomes = {}
        for values in product(*ways):
            filled = {**cells, **dict(zip(asked, values, strict=True))}
            outcomes[values] = outcome_of(filled).outcome
        follow_ups = {"person.breach_in_force", "person.class_at_takeover"}
        still_open = [v for v, o in outcomes.items() if o == "undetermined"]
        for values in still_open:
            # What is asked only once something else is known may come up then.
            left = outcome_of({**cells, **dict(zip(asked, values, strict=True))}).missing
            assert set(left) - set(asked) and not set(left) & set(asked), (cells, left)
        if not still_open and not follow_ups & set(asked):
            met += 1
            for place in range(len(asked)):
                if asked[place] == "person.breach" and cells["person.breach_in_force"] is False:
                    # Asked for all the same: "not in force" of nobody knows which rule.
                    continue
                groups = {}
                for values, outcome in outcomes.items():
                    key = values[:place] + values[place + 1 :]
                    groups.setdefault(key, set()).add(outcome)
                assert any(len(g) > 1 for g in groups.values()), (cells, asked[place])
    assert met > 100


def test_every_decision_is_given_again_by_its_trail():
    for cells in drawn(150, 3):
        found = outcome_of(cells)
        text = trail(found, "2021Q4", "abc")
        again = rederive(loaded().exemption, text)
        for name in ("outcome", "rule_id", "extent", "routes", "bars", "missing", "facts"):
            assert getattr(again, name) == getattr(found, name)
        assert [t.held for t in again.tried] == [t.held for t in found.tried]


def test_a_trail_with_another_fact_gives_another_decision():
    text = trail(outcome_of({**DEFAULT, "unit.within_tolerance": True}), "2021Q4", "abc")
    assert rederive(loaded().exemption, text).outcome == "eligible"
    cell = '["unit.within_tolerance", "bool", "{}"'
    other = text.replace(cell.format("true"), cell.format("false"))
    assert other != text and rederive(loaded().exemption, other).outcome == "not_eligible"


@pytest.mark.parametrize(
    "day, said",
    [
        ("2016-12-31", "没有适用的尽职免责规则"),
        ("2017-03-31", "2016"),
        ("2021-12-31", "2016"),
        ("2024-06-30", "2016"),
        ("2024-09-30", "规则原文未录入"),
        ("2025-12-31", "规则原文未录入"),
    ],
)
def test_the_quarter_end_picks_the_table_and_one_not_entered_refuses(day, said):
    found = loaded().exemption.on(dt.date.fromisoformat(day))
    assert said in found if isinstance(found, str) else found.id == said


TEXT = (PARAMS / "exemption.yaml").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "old, new, said",
    [
        ("when: not in_scope\n", "when: in_scope and barred\n", "有几个结论（O1、O2）"),
        ("when: in_scope and barred\n", "when: in_scope and barred and any_route\n", "没有结论"),
        ("when: mse_credit\n", "when: mse_credits\n", "条件里的“mse_credits”不存在"),
        ("case.is_mse_credit", "case.is_mse", "事实里的“case.is_mse”不存在"),
        ("policy.small_interest_limit", "policy.small_interest", "“policy.small_interest”不存在"),
        ("after: external_breach", "after: breach", "没有事实“breach”"),
        ("      id: R7", "      id: R6", "规则编号“R6”重复"),
        ("roles: [handling,", "roles: [handler,", "没有角色“handler”"),
        ("from: 2024-08-02", "from: 2017-01-01", "起始日期不晚于前一张"),
        ("    overruled:\n      label: 被上级否决\n", "    overruled:\n      labl: 否决\n", "labl"),
        ("when: objection_recorded and overruled", "when: overruled", "没有任何规则使用"),
        ("given: person.took_over_on", "given: person.took_over_on is null", "只写一列"),
    ],
)
def test_a_table_that_is_wrong_is_refused_with_its_line(old, new, said):
    assert old in TEXT
    text = TEXT.replace(old, new, 1)
    with pytest.raises(ParamsError, match=r"exemption\.yaml:\d+") as error:
        load_exemption(loads(text, "exemption.yaml"), loaded().policy)
    assert said in str(error.value)
