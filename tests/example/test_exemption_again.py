"""Who fits the conditions for exemption, decided again by a second reader from what was sent."""

from __future__ import annotations

import io
from fractions import Fraction

import pandas as pd
import pyarrow.parquet as pq

from example.submitted import as_frame, marked
from puhui.example import Reports, handing_in
from puhui.example.roster import LAST
from puhui.quarter import Quarter

NOW = str(LAST)
BAD = ("substandard", "doubtful", "loss")


def known(value):
    return None if value is None or value is pd.NaT or value != value else value


def both(**facts):
    """False beats unknown, unknown beats true; the unknown are named."""
    if any(v is not None and not v for v in facts.values()):
        return False, set()
    missing = {name for name, v in facts.items() if v is None}
    return (None, missing) if missing else (True, set())


def in_set(value, wanted, unknown="not_determined"):
    return None if value in (None, unknown) else value in wanted


def tried(r, within, is_head):
    """Every route of a person and role: whether it holds, and which facts are unknown."""
    if r["credit_line_at_origination"] > 10_000_000_00:
        tolerance = False, set()
    elif r["role"] in ("head", "department"):
        tolerance = both(within=within, post=r["liability"] in ("management", "leadership"))
    elif is_head:
        tolerance = False, set()
    else:
        fair = in_set(r["departure_found"], ("no", "minor"))
        tolerance = both(within=within, departure_found=fair)
    told = known(r["force_majeure_reported_on"])
    at_once = told is not None and (told - r["first_overdue_on"]).days <= 10
    took_over = known(r["took_over_on"]) is not None
    exposed = in_set(known(r["class_at_takeover"]), BAD)
    return {
        "tolerance": tolerance,
        "clean_file": both(
            file=r["file_complete"] == "yes" and r["breach"] != "internal_rule",
            departure_found=in_set(r["departure_found"], ("no",)),
        ),
        "force_majeure": both(
            force_majeure=known(r["force_majeure"]),
            at_once=at_once,
            measures_taken=known(r["measures_taken"]),
        ),
        "repaid": both(
            principal=r["principal_outstanding"] == 0,
            interest=r["interest_arrears"] <= 10_000_00,
            recovery_pursued=known(r["recovery_pursued"]),
        ),
        "inherited_exposed": both(took=took_over, class_at_takeover=exposed),
        "inherited_acted": both(
            took=took_over,
            class_at_takeover=None if exposed is None else not exposed,
            acted=known(r["early_action_on"]) is not None,
            loss_reduced=known(r["loss_reduced"]),
        ),
        "dissent": both(
            record=known(r["dissent_record_no"]) is not None,
            dissent_upheld=known(r["dissent_upheld"]),
            dissent_causal=known(r["dissent_causal"]),
        ),
        "overruled": both(
            record=known(r["objection_record_no"]) is not None,
            overruled=known(r["overruled_by"]) is not None,
        ),
    }


def decided(r, within, is_head):
    """Outcome, routes that hold, bars, and the unknown facts that could change the outcome."""
    if not r["is_mse_credit"]:
        return "out_of_scope", set(), set(), set()
    bars, unsure = set(), set()
    if r["misconduct"] == "not_determined":
        unsure.add("misconduct")
    elif r["misconduct"] != "none":
        bars.add("misconduct")
    if r["breach"] == "not_determined":
        unsure.add("breach")
    elif r["breach"] in ("law", "supervisory_rule"):
        in_force = known(r["breach_in_force"])
        if in_force is None:
            unsure.add("breach_in_force")
        elif in_force:
            bars.add("breach")
    routes = tried(r, within, is_head)
    held = {name for name, (true, _) in routes.items() if true}
    missing = set().union(*(facts for true, facts in routes.values() if true is None))
    if bars:
        return "not_eligible", held, bars, set()
    if held:
        return ("undetermined" if unsure else "eligible"), held, set(), unsure
    if missing:
        return "undetermined", held, set(), unsure | missing
    return "not_eligible", held, set(), set()


class Tolerance:
    """Whether a branch, or a whole bank, was within tolerance at a quarter's end."""

    def __init__(self, county):
        self._reports, self._loans = Reports(county), {}

    def within(self, day, institution, branch):
        quarter = Quarter.of(day.date())
        if quarter not in self._loans:
            made = handing_in.archived(self._reports, quarter, 1)
            tables = {
                n: as_frame(pq.read_table(io.BytesIO(made[f"{n}.parquet"])))
                for n in ("customers", "loans")
            }
            self._loans[quarter] = marked(tables, last=False)
        loans = self._loans[quarter]
        bank = loans[loans["institution_id"] == institution]
        here = bank if branch is None else bank[bank["branch_id"] == branch]
        mine = here[here["incl"]]
        ratio = Fraction(100 * int(mine.loc[mine["bad"], "balance"].sum()), int(mine.balance.sum()))
        every = Fraction(100 * int(bank.loc[bank["bad"], "balance"].sum()), int(bank.balance.sum()))
        return ratio - every <= 3


def test_outcomes_routes_bars_and_unknowns(sent, county):
    tables = sent.tables[NOW]
    rows = tables["case_persons"].merge(tables["cases"], on=["institution_id", "case_id"])
    heads = sent.office["branches"].set_index("branch_id")["head_staff_id"]
    truth = {
        (r["institution_id"], r["case_id"], r["person_id"], r["role"]): r for r in sent.persons
    }
    assert len(rows) == len(truth) > 30
    tolerance = Tolerance(county)
    for r in rows.to_dict("records"):
        branch = None if r["role"] == "department" else r["branch_id"]
        within = tolerance.within(r["first_npl_on"], r["institution_id"], branch)
        outcome, held, bars, unsure = decided(r, within, heads[r["branch_id"]] == r["person_id"])
        said = truth[r["institution_id"], r["case_id"], r["person_id"], r["role"]]
        assert said["outcome"] == outcome, said
        assert set(said["routes"]) == held, said
        assert (set(said["bars"]), set(said["unknown"])) == (bars, unsure), said


def test_no_penalty_of_the_office_speaks_against_what_is_said_of_persons(sent):
    notes = sent.office["notes"]
    fined = set(notes.loc[notes["kind"] == "penalty", "institution_id"])
    assert not fined & set(sent.tables[NOW]["cases"]["institution_id"])
