"""Result tables as Arrow schemas: what notebooks save, gather joins and pages read."""

from __future__ import annotations

from fractions import Fraction

import pyarrow as pa
import pyarrow.compute as pc

#: Verdicts an indicator can carry, with the Chinese word a reader sees.
VERDICTS: dict[str, str] = {
    "met": "达标",
    "met_reserved": "达标但需关注",
    "not_met": "未达标",
    "on_track": "达到预期",
    "behind": "未达预期",
    "to_verify": "待核实",
    "shown": "仅列示",
    "not_applicable": "不适用",
    "no_data": "无数据",
}
FLAGS: dict[str, str] = {"near_limit": "临界", "provisional": "暂定", "small": "样本小"}

_S, _F, _I = pa.string(), pa.float64(), pa.int64()
_RATE, _YUAN = pa.decimal128(9, 6), pa.decimal128(38, 2)

SCHEMAS: dict[str, pa.Schema] = {
    # One row per unit (institution, or branch of it) and indicator.
    "indicators": pa.schema(
        [
            ("quarter", _S),
            ("institution_id", _S),
            ("branch_id", _S),  # null: the institution itself
            ("indicator_id", _S),
            ("value", _F),  # 12 significant digits, for reading only
            ("value_num", _S),  # exact value = value_num / value_den, lowest terms
            ("value_den", _S),
            ("unit", _S),  # Chinese: %, 百分点, 户, 元, 个基点
            ("base", _S),  # year_start, year_ago, last_full_year, last_quarter or null
            ("base_value", _F),
            ("base_num", _S),
            ("base_den", _S),
            ("change", _F),  # value − base_value
            ("test", _S),  # >=, <=, up, down, or null: not judged
            ("threshold", _S),  # decimal text in the unit of value
            ("wrong_way", _I),  # quarters in a row against an up/down test
            ("reserved_by", pa.list_(_S)),  # parts beyond the threshold the value is within
            ("verdict", _S),
            ("flags", pa.list_(_S)),
            ("source", _S),  # returns, ledger, register or panel
            ("reason", _S),  # Chinese; why there is no value, or what to know about it
            # Answers to a clause, each "item=state" (states: puhui.indicators.answers).
            ("answers", pa.list_(_S)),
            ("revision", _I),
            ("base_revision", _I),
        ]
    ),
    "measures": pa.schema(
        [
            ("quarter", _S),
            ("institution_id", _S),
            ("branch_id", _S),
            ("measure_id", _S),
            ("source", _S),
            ("value", pa.decimal128(38, 8)),  # null: no data, reason says why
            ("rows", _I),
            ("reason", _S),
            ("set_aside", _I),  # quarantined rows of the tables it rests on, not counted in value
            ("aside_gain", pa.decimal128(38, 8)),  # most they could add; null: cannot be told
            ("slack", pa.decimal128(38, 8)),  # how far rounding of filed items may have moved it
            ("doubt", _S),  # Chinese; why whatever rests on it is provisional
            ("revision", _I),
        ]
    ),
    # One row per unit and clause: the worst of its indicators; C1 counts them.
    "clauses": pa.schema(
        [
            ("quarter", _S),
            ("institution_id", _S),  # "county": all institutions together
            ("branch_id", _S),
            ("clause", _S),
            ("verdict", _S),
            ("flags", pa.list_(_S)),
            ("indicator_id", _S),  # that decides
            ("last_verdict", _S),  # a quarter before
            ("reason", _S),
        ]
    ),
    # Figures shown beside an indicator's value, e.g. the two ratios of a gap.
    "parts": pa.schema(
        [
            ("quarter", _S),
            ("institution_id", _S),
            ("branch_id", _S),
            ("indicator_id", _S),
            ("part", _S),
            ("value", _F),
            ("value_num", _S),
            ("value_den", _S),
            ("unit", _S),
        ]
    ),
    "findings": pa.schema(
        [
            ("quarter", _S),
            ("institution_id", _S),
            ("revision", _I),
            ("check_id", _S),
            ("severity", _S),  # error, warning, reasonableness
            ("phase", _S),
            ("table", _S),
            ("column", _S),
            ("file", _S),
            ("sheet", _S),
            ("row", _I),  # row number in the file as a person counts it
            ("cell", _S),  # A1 reference
            ("value", _S),
            ("message", _S),
        ]
    ),
    "intake": pa.schema(
        [
            ("quarter", _S),
            ("institution_id", _S),
            ("revision", _I),
            ("status", _S),  # refused, accepted_with_errors, accepted_with_warnings, accepted
            ("file", _S),
            ("table", _S),
            ("rows_in", _I),
            ("accepted", _I),
            ("quarantined", _I),
            ("non_data", _I),
            ("quarantined_balance", pa.decimal128(18, 2)),  # readable balances only
            ("message", _S),
        ]
    ),
    "regressions": pa.schema(
        [
            ("quarter", _S),
            ("institution_id", _S),  # null: the county
            ("model", _S),  # A, B, C
            # null: the equation itself; controls; timely; other_tenor; without <day of a move>
            ("variant", _S),
            ("scope", _S),
            ("window_from", _S),
            ("window_to", _S),
            ("formula", _S),
            ("weights", _S),
            ("term", _S),
            ("estimate", _F),
            ("se_crv1", _F),
            ("se_crv3", _F),
            ("se_cr2", _F),
            ("ci_low", _F),  # 95 %; null where unbounded or not given
            ("ci_high", _F),
            ("p_zero", _F),  # restricted wild bootstrap of the CRV3 t; rung C only
            ("p_one", _F),
            ("p_zero_classic", _F),  # of the CRV1 t
            ("p_one_classic", _F),
            ("detectable", _F),  # smallest detectable difference
            ("n", _I),
            ("clusters", _I),
            ("g_star", _F),
            ("largest_share", _F),
            ("least_without_one", _F),  # range when one institution is left out
            ("most_without_one", _F),
            ("dependent_mean", _F),
            ("status", _S),  # ok, weak, none, refused
            ("reason", _S),
        ]
    ),
    # One row per move of a benchmark and weighting: mean rates at constant mix around it.
    "moves": pa.schema(
        [
            ("quarter", _S),
            ("benchmark", _S),
            ("day", _S),
            ("weights", _S),
            ("change_bp", _F),
            ("date_from", _S),
            ("date_to", _S),
            ("mean_before", _F),  # percent
            ("mean_after", _F),
            ("ratio", _F),  # change of the mean over change of the benchmark
            ("cells", _I),
            ("loans", _I),
            ("institutions", _I),
            ("measures", _S),  # Chinese; what else was in force
        ]
    ),
    "identification": pa.schema(
        [
            ("quarter", _S),
            ("benchmark", _S),
            ("window_from", _S),
            ("window_to", _S),
            ("regime", _I),
            ("date_from", _S),
            ("date_to", _S),
            ("rate", _F),
            ("days", _I),
            ("loans", _I),
            ("institutions", _I),
        ]
    ),
    "spreads": pa.schema(
        [
            ("quarter", _S),
            ("institution_id", _S),
            ("priced_in", _S),  # quarter of pricing
            ("loans", _I),
            ("amount", _F),
            ("mean_rate", _F),  # percent, weighted by amount
            ("mean_benchmark", _F),
            ("spread_bp", _F),
            ("spread_num", _S),
            ("spread_den", _S),
        ]
    ),
    # One row per institution, and one of the county: the common slope of the mixed model.
    "slopes": pa.schema(
        [
            ("quarter", _S),
            ("institution_id", _S),  # null: the county
            ("loans", _I),
            ("regimes", _I),  # spells of an unmoved benchmark in which they were priced
            ("left_out", _I),  # loans of months that no cell ties to the others
            ("estimate", _F),  # percentage points of rate per point of the benchmark
            ("se", _F),  # leave-one-regime-out; of the county: given the variances
            ("ci_low", _F),
            ("ci_high", _F),
            ("shrunken", _F),
            ("spread", _F),  # standard deviation of slopes between institutions
            ("shock", _F),  # standard deviation of an institution's month, percentage points
            ("loan_ratio", _F),  # variance of one loan over that of a month's shock
            ("statistic", _F),  # restricted likelihood ratio of equal slopes
            ("p_equal", _F),  # parametric bootstrap
            ("draws", _I),
            ("reason", _S),  # Chinese; why there is no slope, interval or test
        ]
    ),
    # Regressions on means of several loans: by institution and month, or by filed quarter.
    "mean_regressions": pa.schema(
        [
            ("quarter", _S),
            ("equation", _S),  # lags, correction (months); filed, filed_trend (quarters)
            ("estimate", _F),  # lags, correction: in the long run
            ("se_crv1", _F),
            ("se_crv3", _F),
            ("first", _F),  # in the month of the move
            ("speed", _F),  # share of a gap closed in a month
            ("periods", _I),  # months or quarters
            ("moves", _I),
            ("n", _I),
            ("clusters", _I),
            ("status", _S),  # ok, none
            ("reason", _S),
        ]
    ),
    # Single-quarter mean rates worked out from figures filed year to date.
    "filed_spreads": pa.schema(
        [
            ("quarter", _S),
            ("kind", _S),
            ("institution_id", _S),  # null: the institutions of the kind together
            ("lent_in", _S),  # quarter of lending
            ("members", _I),
            ("amount", _F),  # yuan
            ("mean_rate", _F),  # percent, weighted by amount
            ("mean_benchmark", _F),  # day-weighted
            ("spread_bp", _F),
            ("spread_num", _S),
            ("spread_den", _S),
            ("low_bp", _F),  # what the spread may be, as filed figures are rounded
            ("high_bp", _F),
            ("reason", _S),  # why there is no rate
        ]
    ),
    # Contract check: floating loans checked and off; null: all institutions, all quarters.
    "contracts": pa.schema(
        [
            ("quarter", _S),
            ("institution_id", _S),
            ("stage", _S),  # origination, repricing
            ("priced_in", _S),  # quarter of the date
            ("loans", _I),
            ("off", _I),
            ("amount", _YUAN),
            ("amount_off", _YUAN),
            ("inclusive_loans", _I),  # of the loans, those of the pricing equation's scope
            ("inclusive_off", _I),
        ]
    ),
    # One row per loan and stage that breaks its contract; for the supervisor only.
    "contract_breaches": pa.schema(
        [
            ("quarter", _S),
            ("institution_id", _S),
            ("branch_id", _S),
            ("loan_id", _S),
            ("stage", _S),
            ("seen_in", _S),  # quarter of the ledger that shows the figures
            ("dated_on", pa.date32()),  # pricing or repricing date
            ("dated_by", _S),  # the column the date is from
            ("tenor", _S),
            ("benchmark_rate", _RATE),
            ("spread_bp", pa.decimal128(9, 2)),
            ("contract_rate", _RATE),
            ("rate", _RATE),
            ("deviation_bp", pa.decimal128(12, 4)),  # rate less contract rate
            ("amount", pa.decimal128(18, 2)),
            ("inclusive", pa.bool_()),
            ("reason", _S),
        ]
    ),
    # Floating loans that cannot be held against a contract, by why.
    "contracts_unchecked": pa.schema(
        [
            ("quarter", _S),
            ("institution_id", _S),
            ("stage", _S),
            ("reason", _S),
            ("loans", _I),
        ]
    ),
    # Why an average rate moved: one row per unit (institution, or null: all together) and base.
    "decomposition": pa.schema(
        [
            ("quarter", _S),
            ("institution_id", _S),
            ("base", _S),  # last_full_year, last_quarter
            ("loans_before", _I),
            ("loans_after", _I),
            ("rate_before", _F),  # percent, weighted by amount
            ("rate_after", _F),
            ("change_bp", _F),
            ("rate_bp", _F),  # the four add up to change_bp
            ("mix_bp", _F),
            ("entry_bp", _F),
            ("exit_bp", _F),
            ("change_num", _S),
            ("change_den", _S),
            ("common", _I),  # cells
            ("entering", _I),
            ("leaving", _I),
            ("common_share_before", _F),  # of the amount
            ("common_share_after", _F),
            ("left_out", _I),  # loans without rate or positive amount
            ("status", _S),  # ok, none
            ("reason", _S),
        ]
    ),
    # One row per unit, base and cell; contributions add up to the unit's effects.
    "decomposition_cells": pa.schema(
        [
            ("quarter", _S),
            ("institution_id", _S),
            ("base", _S),
            ("cell", _S),
            ("side", _S),  # common, entering, leaving
            ("loans_before", _I),
            ("loans_after", _I),
            ("share_before", _F),  # of the unit's amount
            ("share_after", _F),
            ("rate_before", _F),
            ("rate_after", _F),
            ("contribution_bp", _F),
        ]
    ),
    # The county's change at constant mix, and whether it is shown to be stable; information only.
    "stability": pa.schema(
        [
            ("quarter", _S),
            ("base", _S),
            ("change_bp", _F),
            ("ci_low", _F),  # 95 %; null where unbounded or not given
            ("ci_high", _F),
            ("margin_bp", _F),
            ("clusters", _I),
            ("verdict", _S),  # stable, moved, undecided; null: nothing to compare
            ("reason", _S),
        ]
    ),
    # Rates that stand out, for review, one row per loan and comparison; for the supervisor only.
    "unusual": pa.schema(
        [
            ("quarter", _S),
            ("institution_id", _S),
            ("branch_id", _S),
            ("loan_id", _S),
            ("against", _S),  # own, peers
            ("rate", _F),  # percent
            ("spread_bp", _F),
            ("residual_bp", _F),  # above (below: minus) what is charged for its like
            ("score", _F),  # residual over the group's robust scale
            ("p", _F),
            ("p_adjusted", _F),
            ("reason", _S),
        ]
    ),
    # How many loans were screened for unusual rates, by institution and comparison.
    "unusual_counts": pa.schema(
        [
            ("quarter", _S),
            ("institution_id", _S),
            ("against", _S),
            ("loans", _I),
            ("tested", _I),
            ("high", _I),  # flagged, above their like
            ("low", _I),
            ("small", _I),  # not tested: too few loans in the group
            ("leverage", _I),  # not tested: it decides itself what it is held against
            ("no_scale", _I),  # not tested: most of the group are charged the same
        ]
    ),
    # One row per on-lender and institution in its place, largest gap first.
    "placebo": pa.schema(
        [
            ("quarter", _S),
            ("institution_id", _S),  # the on-lender
            ("in_place", _S),  # who stands in its place; itself: its true gap
            ("cells", _I),  # cells in which it could be compared
            ("loans", _I),  # of its worst cell
            ("similar_loans", _I),
            ("gap_bp", _F),
            ("gap_num", _S),
            ("gap_den", _S),
            ("rank", _I),  # 1: the dearest; ties share the better rank
            ("ranked", _I),  # institutions ranked
            ("reason", _S),  # why there is no gap
        ]
    ),
    "tolerance": pa.schema(
        [
            ("quarter", _S),
            ("institution_id", _S),
            ("branch_id", _S),
            ("inclusive_npl_pct", _F),
            ("all_npl_pct", _F),
            ("gap_pp", _F),
            ("gap_num", _S),
            ("gap_den", _S),
            ("tolerance_pp", _S),
            ("comparator", _S),  # institution, legal_person, reporting_unit or branch
            # The same under the comparator that does not rule; null for the institution.
            ("other_comparator", _S),
            ("other_npl_pct", _F),
            ("other_gap_pp", _F),
            ("other_gap_num", _S),
            ("other_gap_den", _S),
            ("other_verdict", _S),
            ("own_tolerance_pp", _S),  # the bank's own limit, and the verdict by it
            ("own_basis", _S),  # bank, unit (handed down to it), several (not clear which)
            ("own_verdict", _S),
            ("with_removed_pp", _F),  # gap with the year's write-offs and transfers added back
            ("with_late_pp", _F),  # gap with loans overdue > 90 days counted as bad
            ("put_off_pct", _F),  # share of deferred, extended and renewed inclusive loans
            ("reserved_by", pa.list_(_S)),  # cross-checks beyond the limit the gap is within
            ("removed", _YUAN),  # yuan of inclusive loans written off or transferred in the year
            ("headroom_kind", _S),  # room, unbounded, over or conflict
            ("headroom", _YUAN),  # yuan that may still turn bad
            ("to_recover", _YUAN),  # yuan to be repaid, or upgraded, to be within the limit again
            ("to_upgrade", _YUAN),
            ("verdict", _S),
            ("flags", pa.list_(_S)),
            ("source", _S),
            ("reason", _S),
        ]
    ),
    # The test at earlier quarters, each by its own policy, from what is stored today.
    "tolerance_history": pa.schema(
        [
            ("quarter", _S),
            ("institution_id", _S),
            ("branch_id", _S),
            ("inclusive_npl_pct", _F),
            ("all_npl_pct", _F),
            ("gap_pp", _F),
            ("gap_num", _S),
            ("gap_den", _S),
            ("tolerance_pp", _S),
            ("comparator", _S),
            ("verdict", _S),
            ("flags", pa.list_(_S)),
            ("source", _S),
        ]
    ),
    # One row per person and role in an accountability case; persons by hashed id.
    "exemption": pa.schema(
        [
            ("quarter", _S),
            ("institution_id", _S),
            ("branch_id", _S),
            ("case_id", _S),
            ("person_id", _S),
            ("role", _S),
            ("post", _S),
            ("liability", _S),  # direct, management, leadership: what would be lifted
            ("outcome", _S),  # eligible, not_eligible, undetermined, out_of_scope
            ("rule", _S),  # id of the outcome rule
            ("extent", _S),  # full, partial, undetermined; null unless eligible
            ("routes", pa.list_(_S)),  # that hold
            ("bars", pa.list_(_S)),
            ("missing", pa.list_(_S)),  # columns that would settle an undetermined outcome
            ("reference", _S),  # quarter the loan was first non-performing
            ("within_at_reference", _S),  # yes, no, or null: not known or not yet
            ("within_at_opening", _S),
            ("within_at_finding", _S),
            ("gap_num", _S),  # points, at the reference date
            ("gap_den", _S),
            ("limit_pp", _S),  # stricter of the bank's own target and the notice's
            ("finding", _S),  # the bank's
            ("bank_extent", _S),
            ("lead", _S),  # eligible_not_exempted, exempted_not_eligible or null
            ("to_verify", pa.list_(_S)),  # Chinese; what speaks against relying on the outcome
            ("reason", _S),  # Chinese; how the outcome came about
            ("trail", _S),  # JSON: rules tried, facts, cells with sources, versions
            ("revision", _I),
        ]
    ),
    # How an institution uses exemption; one row per item.
    "exemption_practice": pa.schema(
        [
            ("quarter", _S),
            ("institution_id", _S),
            ("item", _S),
            ("value", _F),
            ("unit", _S),
            ("reason", _S),  # Chinese; why there is no value
        ]
    ),
    # One row per institution the tolerance applies to: its gap a quarter ahead.
    "outlook": pa.schema(
        [
            ("quarter", _S),
            ("institution_id", _S),
            ("for_quarter", _S),
            ("method", _S),  # ledger, changes, or null: no forecast, reason says why
            ("pool", _S),  # kind or county: whose past changes were drawn
            ("transitions", _I),  # past transitions, or changes, it rests on
            ("gap_pp", _F),  # now
            ("gap_num", _S),
            ("gap_den", _S),
            ("tolerance_pp", _S),
            ("middle_pp", _F),  # median of the draws
            ("low_pp", _F),  # 80 %
            ("high_pp", _F),
            ("beyond", _F),  # share of draws over the tolerance
            ("draws", _I),
            ("customers_performing", _I),
            ("customers_special_mention", _I),
            ("customers_npl", _I),
            ("to_npl_performing_pct", _F),  # shares of customers a quarter, shrunk
            ("to_npl_watched_pct", _F),
            ("written_off_pct", _F),
            ("cured_pct", _F),
            ("held_until", _S),  # day to which the deferral policy held classes, if recent
            ("deferred", _F),  # yuan, not yet NPL; null: not known
            ("gap_if_5_pp", _F),  # if 5 % of that were NPL
            ("gap_if_10_pp", _F),
            ("gap_if_20_pp", _F),
            ("reason", _S),
        ]
    ),
    # One row per institution ("county": all), pair of quarters and move of customers.
    "migration": pa.schema(
        [
            ("quarter", _S),
            ("institution_id", _S),
            ("from_quarter", _S),
            ("to_quarter", _S),
            ("before", _S),  # performing, special_mention, npl, new
            ("after", _S),  # those, repaid, written_off, transferred, left_scope
            ("customers", _I),
            ("owed_before", pa.decimal128(18, 2)),  # yuan
            ("owed_after", pa.decimal128(18, 2)),
            ("bad_before", pa.decimal128(18, 2)),
            ("bad_after", pa.decimal128(18, 2)),
            ("share_customers", _F),  # of all that were in the state before
            ("share_balance", _F),
        ]
    ),
    # One row per method and origin quarter; without an origin: all of them together.
    "backtest": pa.schema(
        [
            ("quarter", _S),
            ("method", _S),
            ("origin", _S),
            ("for_quarter", _S),
            ("forecasts", _I),
            ("crps_pp", _F),
            ("crps_as_now_pp", _F),  # of "next quarter as this one"
            ("better", _S),  # yes or no; of all: yes only if yes at every origin
            ("inside", _I),  # of the 80 % interval
            ("below", _I),
            ("above", _I),
            ("could_leave", _I),  # within the tolerance at the origin
            ("events", _I),  # of these, beyond it a quarter later
            ("brier", _F),  # null with fewer than ten events
            ("brier_as_now", _F),
        ]
    ),
}


def twelve_digits(value: Fraction | float | None) -> float | None:
    """Round to 12 significant digits, what results are written with; ``None`` stays.

    >>> twelve_digits(Fraction(2, 3))
    0.666666666667
    """
    if value is None:
        return None
    number = value.numerator / value.denominator if isinstance(value, Fraction) else value
    return float(f"{number:.12g}")


def empty(name: str) -> pa.Table:
    """An empty result table of the given name."""
    return SCHEMAS[name].empty_table()


def from_rows(name: str, rows: list[dict[str, object]]) -> pa.Table:
    """Build a result table from row dicts; absent keys become null, unknown keys raise.

    Raises
    ------
    KeyError
        If a row carries a key the schema does not have.
    """
    schema = SCHEMAS[name]
    known = set(schema.names)
    for row in rows:
        if not known.issuperset(row):
            raise KeyError(f"{name}: {sorted(set(row) - known)}")
    return pa.Table.from_pylist([{n: row.get(n) for n in schema.names} for row in rows], schema)


def own_rows(table: pa.Table, institution_id: str) -> pa.Table:
    """Rows of an institution; for an empty id those of all institutions together (null).

    >>> given = pa.table({"institution_id": ["甲", None], "loans": [1, 2]})
    >>> own_rows(given, "甲")["loans"].to_pylist(), own_rows(given, "")["loans"].to_pylist()
    ([1], [2])
    """
    whose = table["institution_id"]
    return table.filter(pc.equal(whose, institution_id) if institution_id else pc.is_null(whose))
