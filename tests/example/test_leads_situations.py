"""Situations of the screening and register clauses: complete, varied, and worked again."""

from collections import Counter
from fractions import Fraction
from functools import cache

import pytest

from puhui.example import leads
from puhui.example.columns import arrow
from puhui.example.conduct.situations import COLUMNS, SITUATIONS
from puhui.example.roster import LAST, QUARTERS, ROSTER, institution_id
from puhui.example.world import grow

#: In the last, rates rose at every bank whose all-in cost is known.
SEEDS = ("2021", "7", "leads", 167537821)
CLAUSES = """
C2.3x C3.2 C3.3a C3.3b C3.4a C3.4b C3.5a C3.5b C3.5c C3.6a C3.6b C3.6c C4.6
C4.7a C4.7b C4.7c C6.4a C6.4b C7.3 C7.5
""".split()  # noqa: SIM905


@cache
def made(seed):
    county = grow(seed)
    registers = {
        (quarter, unit.short): leads.registers(county, quarter, unit.short)
        for quarter in (LAST, LAST.year_ago)
        for unit in ROSTER
    }
    people = leads.persons(county, registers)
    return county, registers, leads.situations(county, registers, county.leads, people)


def rows_of(seed, clause):
    return {r["institution_id"]: r for r in made(seed)[2] if r["clause"] == clause}


@pytest.mark.parametrize("seed", SEEDS)
def test_every_clause_at_every_institution_once_and_in_all_four_situations(seed):
    rows = made(seed)[2]
    assert sorted(leads.ANSWERED) == sorted(CLAUSES)
    pairs = Counter((r["clause"], r["institution_id"]) for r in rows)
    wanted = {(clause, institution_id(unit.short)) for clause in CLAUSES for unit in ROSTER}
    assert set(pairs) == wanted
    assert set(pairs.values()) == {1}
    assert all(tuple(row) == COLUMNS for row in rows)
    for clause in CLAUSES:
        assert {r["situation"] for r in rows_of(seed, clause).values()} == set(SITUATIONS), clause


@pytest.mark.parametrize("seed", SEEDS)
def test_lists_are_missed_where_breaches_were_planted_and_the_data_shows_them(seed):
    true = Counter((r["clause"], r["institution_id"]) for r in made(seed)[0].leads if r["is_true"])
    for clause in ("C2.3x", "C3.4a", "C3.4b", "C3.5a", "C3.5b", "C3.5c", "C3.6a", "C3.6b"):
        for institution, row in rows_of(seed, clause).items():
            assert (row["situation"] == "missed") == ((clause, institution) in true)


def test_verdicts_of_lists():
    verdicts = {
        (r["clause"], r["institution_id"]): r["verdict"]
        for r in made("2021")[2]
        if r["situation"] in ("met", "missed")
    }
    assert verdicts["C3.4a", "HCCS0001"] == "to_verify"  # leads are open
    assert verdicts["C3.4a", "HCNS0001"] == "not_met"  # the office's note confirms one
    assert verdicts["C3.4a", "HCCS0002"] == "met"
    assert {v for (c, _), v in verdicts.items() if c == "C3.6a"} == {"to_verify", "shown"}
    assert verdicts["C6.4a", "HCNS0002"] == "behind"


def test_notes_confirm_or_explain_what_was_recalled():
    county = made("2021")[0]
    pattern = {r["key"]: r["pattern"] for r in county.leads}
    notes = leads.notes(county)
    assert len({n["note_id"] for n in notes}) == len(notes)
    told = Counter(pattern[n["fact"][2:12]] for n in notes)
    assert set(told) == {"recalled", "recalled_breach"}
    assert told["recalled"] == 1


def test_first_checks_of_one_bank_counted_again():
    county = made("2021")[0]
    loans = arrow("loans", county.snapshots[LAST, "CS1"]["loans"]).to_pylist()
    customers = {
        c["customer_id"]: c
        for c in arrow("customers", county.snapshots[LAST, "CS1"]["customers"]).to_pylist()
    }
    due = in_time = 0
    for loan in loans:
        c = customers[loan["customer_id"]]
        firm = c["kind"] == "enterprise" and c["size"] in ("small", "micro")
        small = firm or c["kind"] in ("individual_business", "mse_owner")
        counted = small and loan["is_business_loan"] and loan["drawn_on"].year == 2021
        counted = counted and loan["issue_kind"] != "renewal"
        if counted and loan["first_check_due_on"] <= LAST.end:
            due += 1
            on = loan["first_check_on"]
            in_time += on is not None and on <= loan["first_check_due_on"]
    row = rows_of("2021", "C3.6c")["HCCS0001"]
    assert Fraction(row["value_num"], row["value_den"]) == Fraction(100 * in_time, due)
    assert row["situation"] == "missed"


def test_all_in_cost_of_the_dear_bank_added_again():
    county, registers, _ = made("2021")
    costs = []
    for quarter in (LAST, LAST.year_ago):
        paid = {}
        for fee in arrow("fees", registers[quarter, "CS1"]["fees"]).to_pylist():
            if fee["charged_by"] == "bank" and fee["borne_by"] == "borrower":
                net = fee["amount"] - fee["waived"]
                paid[fee["loan_id"]] = paid.get(fee["loan_id"], 0) + net
        snapshot = county.snapshots[quarter, "CS1"]
        kinds = {
            c["customer_id"]: (c["kind"], c["size"])
            for c in arrow("customers", snapshot["customers"]).to_pylist()
        }
        top = bottom = Fraction(0)
        for loan in arrow("loans", snapshot["loans"]).to_pylist():
            kind, size = kinds[loan["customer_id"]]
            small = kind in ("individual_business", "mse_owner") or size in ("small", "micro")
            small = small and loan["is_business_loan"]
            small = small and loan["credit_line_at_drawdown"] <= 10_000_000
            if small and loan["drawn_on"].year == quarter.year:
                # Charges of this bank are one-off, on loans of twelve months.
                top += Fraction(loan["amount"] * loan["rate_at_drawdown"])
                top += 100 * Fraction(paid.get(loan["loan_id"], 0))
                bottom += Fraction(loan["amount"])
        costs.append(100 * top / bottom)
    row = rows_of("2021", "C3.3a")["HCCS0001"]
    assert Fraction(row["value_num"], row["value_den"]) == costs[0]
    assert Fraction(row["base_num"], row["base_den"]) == costs[1]
    assert costs[0] > costs[1]


def test_speed_of_a_slow_bank():
    rows = arrow("applications", made("2021")[1][LAST, "NS2"]["applications"]).to_pylist()
    days = sorted(
        (r["disbursed_on"] - r["applied_on"]).days
        for r in rows
        if r["decision"] == "granted" and r["disbursed_on"]
    )
    half = len(days) // 2
    middle = days[half] if len(days) % 2 else Fraction(days[half - 1] + days[half], 2)
    row = rows_of("2021", "C6.4b")["HCNS0002"]
    assert Fraction(row["value_num"], row["value_den"]) == middle
    assert middle > 15
    assert row["situation"] == "missed"


def test_deferrals_of_a_bank_that_refused_without_a_reason():
    rows = arrow("deferrals", made("2021")[1][LAST, "GF2"]["deferrals"]).to_pylist()
    row = rows_of("2021", "C4.7a")["HCGF0002"]
    agreed = sum(r["outcome"] == "agreed" for r in rows)
    assert Fraction(row["value_num"], row["value_den"]) == Fraction(100 * agreed, len(rows))
    assert any(r["outcome"] == "refused_other" for r in rows)
    assert row["situation"] == "missed"


def test_register_sizes_stay_modest():
    county = made("2021")[0]
    sizes = Counter()
    for quarter in QUARTERS:
        for unit in ROSTER:
            for table, columns in leads.registers(county, quarter, unit.short).items():
                sizes[quarter, table] += arrow(table, columns).num_rows
    assert sizes[LAST, "applications"] <= 6000
    assert sizes[LAST, "fees"] <= 1500
    assert sizes[LAST, "flows"] <= 1500
    assert sizes[LAST, "cases"] >= 40
