"""Outlook (前瞻) of the tolerance: the gap a quarter ahead, how sure, and how such forecasts did.

Made for all institutions together, since shares are shrunk to kind and county and the quarter's
shock is common. Information beside the verdict, never part of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction

import pyarrow as pa

from puhui import measures, results
from puhui.eligibility import backtest
from puhui.eligibility.migration import (
    NEW,
    STATES,
    Book,
    History,
    Move,
    Moves,
    history,
    latest_moves,
)
from puhui.eligibility.outlook_forecast import DRAWS, Forecast, Past
from puhui.eligibility.tolerance import TOLERANCE
from puhui.engine import DuckDBEngine
from puhui.indicators import Bench, Facts, result_row
from puhui.measures import RETURNS
from puhui.params import Params
from puhui.quarter import Quarter
from puhui.results import twelve_digits
from puhui.rounding import half_up
from puhui.store import Snapshot

#: Institution under which rows of all institutions together stand.
COUNTY = "county"
#: Shares of the deferred balance that are supposed to turn NPL, in percent.
SUPPOSED = (5, 10, 20)
#: Quarters after the deferral policy without which classes still say less than they should.
QUARTERS_AFTER = 4
#: Longest the end of the deferral policy is looked for.
_FAR = 40
#: A filed gap as far from the ledger's as this is said, in points.
_APART = Fraction(1, 200)
_GAP = {
    True: ("incl_npl", "incl_balance", "npl", "all_loans"),
    False: ("assessed_npl", "assessed_balance", "npl", "all_loans"),
}


@dataclass(frozen=True)
class Outlook:
    """Result tables ``outlook``, ``migration`` and ``backtest``, and what they were made from."""

    outlook: pa.Table
    migration: pa.Table
    backtest: pa.Table
    history: History

    def tables(self) -> dict[str, pa.Table]:
        """Result tables by name."""
        return {"outlook": self.outlook, "migration": self.migration, "backtest": self.backtest}


def county_outlook(
    engine: DuckDBEngine, bench: Bench, snapshots: Sequence[Snapshot], everyone: Iterable[Facts]
) -> Outlook:
    """Forecast every institution the tolerance applies to, and hold past forecasts to account.

    Parameters
    ----------
    engine
        With the views ``loan_facts`` and ``deferrals`` over the snapshots.
    bench
        Parameters, quarter and measures; the gap now is the indicator's own.
    snapshots
        All the run reads; later quarters are not looked at.
    everyone
        Institutions of the register.
    """
    known = {f.institution_id: f for f in everyone}
    kinds = {i: str(f.values.get("kind") or "") for i, f in known.items()}
    past = history(engine, bench.params, bench.quarter, snapshots, kinds)
    gaps = filed_gaps(engine, bench.params, snapshots, bench.quarter)
    judged = {i: _judged(bench, f) for i, f in sorted(known.items())}
    return Outlook(
        results.from_rows("outlook", outlook_rows(bench, past, gaps, judged)),
        results.from_rows(
            "migration", migration_rows(bench.quarter, {**past.moves, **together(past.moves)})
        ),
        results.from_rows("backtest", backtest_rows(bench, past, gaps)),
        past,
    )


def _judged(bench: Bench, facts: Facts) -> Mapping[str, object]:
    return result_row(bench, bench.params.indicators[TOLERANCE], facts)


def filed_gaps(
    engine: DuckDBEngine, params: Params, snapshots: Sequence[Snapshot], quarter: Quarter
) -> dict[tuple[str, Quarter], Fraction]:
    """Gaps in points by institution and quarter, as far as filed figures say, up to a quarter."""
    with_bills = bool(params.policy.on(quarter.end)["tolerance_includes_bills"])
    names = _GAP[with_bills]
    kept = [s for s in snapshots if Quarter.parse(s.quarter) <= quarter]
    quarters = sorted({Quarter.parse(s.quarter) for s in kept})
    only = replace(params, measures={n: params.measures[n] for n in names})
    values: dict[tuple[str, Quarter], dict[str, Fraction]] = {}
    for row in measures.from_returns(engine, only, kept, quarters).to_pylist():
        if row["source"] == RETURNS and row["branch_id"] is None and row["value"] is not None:
            key = (row["institution_id"], Quarter.parse(row["quarter"]))
            values.setdefault(key, {})[row["measure_id"]] = Fraction(row["value"])
    found = {}
    for key, known in sorted(values.items(), key=lambda e: (e[0][0], str(e[0][1]))):
        bad, balance, all_bad, all_loans = (known.get(n) for n in names)
        if None not in (bad, all_bad) and balance and all_loans:
            assert bad is not None and all_bad is not None
            found[key] = 100 * (bad / balance - all_bad / all_loans)
    return found


def gap_paths(
    past: History, filed: Mapping[tuple[str, Quarter], Fraction]
) -> dict[tuple[str, Quarter], float]:
    """Gaps by institution and quarter in one source each: the ledger's, else what was filed."""
    with_ledger = {i for i, _ in past.books}
    of_ledgers = {key: float(b.gap) for key, b in past.books.items() if b.gap is not None}
    of_returns = {key: float(g) for key, g in filed.items() if key[0] not in with_ledger}
    return {**of_ledgers, **of_returns}


def outlook_rows(
    bench: Bench,
    past: History,
    filed: Mapping[tuple[str, Quarter], Fraction],
    judged: Mapping[str, Mapping[str, object]],
) -> list[dict[str, object]]:
    """Rows of ``results`` ``outlook``: one an institution to which the tolerance applies.

    Parameters
    ----------
    filed
        Gaps as filed.
    judged
        Institution → its row of the tolerance's indicator now.
    """
    quarter = bench.quarter
    gaps = gap_paths(past, filed)
    known = Past(past, quarter)
    held = classes_held_until(bench.params, quarter)
    found = []
    for institution, row in judged.items():
        if row["verdict"] == "not_applicable":
            continue
        book = past.books.get((institution, quarter))
        num, den = row.get("value_num"), row.get("value_den")
        now = Fraction(int(str(num)), int(str(den))) if num is not None else None
        made: dict[str, object] = {
            "quarter": str(quarter),
            "institution_id": institution,
            "for_quarter": str(quarter.shift(1)),
            "gap_pp": twelve_digits(now),
            "gap_num": num,
            "gap_den": den,
            "tolerance_pp": row["threshold"],
            "held_until": held,
        }
        if now is None:
            found.append({**made, "reason": _NO_GAP})
            continue
        base = gaps.get((institution, quarter))
        one = backtest.forecast(known, gaps, institution) if base is not None else None
        if one is None or base is None:
            found.append({**made, **_supposed(book, now), "reason": _TOO_FEW})
            continue
        shift = float(now) - base
        made |= _forecast(one.shifted(shift), row["threshold"])
        made |= _shares(known, institution) if one.method == "ledger" else {}
        apart = now - Fraction(base)
        reason = _MOVED.format(half_up(abs(apart), 2)) if abs(apart) > _APART else None
        found.append({**made, **_supposed(book, now), "reason": reason})
    return found


_NO_GAP = "本季度末的差额无数据。"
_TOO_FEW = "过去的季度太少：四次季度间变动以后才作前瞻。"
_MOVED = "台账计算的差额与填报的相差{}个百分点，前瞻按填报的差额平移。"


def _forecast(forecast: Forecast, threshold: object) -> dict[str, object]:
    low, high = forecast.interval
    beyond = None if threshold is None else forecast.beyond(Fraction(str(threshold)))
    return {
        "method": forecast.method,
        "pool": forecast.pool or None,
        "transitions": forecast.transitions,
        "middle_pp": twelve_digits(forecast.middle),
        "low_pp": twelve_digits(low),
        "high_pp": twelve_digits(high),
        "beyond": twelve_digits(beyond),
        "draws": DRAWS,
    }


def _shares(past: Past, institution_id: str) -> dict[str, object]:
    """Customers by state, and the shares of them to whom what happens, in percent."""
    held = past.history.customers.get((institution_id, past.origin), {})
    kind = past.history.kinds.get(institution_id, "")
    found: dict[str, object] = {
        f"customers_{state}": held[state].total if state in held else 0 for state in STATES
    }
    for name, shrunk in past.shares.items():
        found[f"{name}_pct"] = twelve_digits(100 * shrunk.of(institution_id, kind).mean)
    return found


def _supposed(book: Book | None, now: Fraction) -> dict[str, object]:
    """The gap if shares of the deferred balance were NPL: the gap now and what that would add."""
    if book is None or book.deferred is None or book.gap is None:
        return {}
    found: dict[str, object] = {"deferred": book.deferred / 100}
    for share in SUPPOSED:
        worse = book.gap_if(Fraction(share, 100))
        assert worse is not None
        found[f"gap_if_{share}_pp"] = twelve_digits(now + worse - book.gap)
    return found


def classes_held_until(params: Params, quarter: Quarter) -> str | None:
    """Last day classes were held by the deferral policy, until four later quarters exist.

    Returns
    -------
    str or None
        ISO date of the end of the last quarter in force; ``None`` if it was never in force in
        the quarter or the three before it.
    """

    def in_force(one: Quarter) -> bool:
        return _setting(params, "deferral_in_force", one) is True

    near = [q for k in range(QUARTERS_AFTER) if in_force(q := quarter.shift(-k))]
    if not near:
        return None
    last = max(near)
    for _ in range(_FAR):
        if not in_force(last.shift(1)):
            break
        last = last.shift(1)
    return last.end.isoformat()


def _setting(params: Params, name: str, quarter: Quarter) -> object:
    """Value of a policy setting at a quarter's end; ``None`` before its first date."""
    history = params.policy.settings.get(name)
    dated = [] if history is None else [v for v in history.values if v.since <= quarter.end]
    return dated[-1].value if dated else None


def migration_table(
    engine: DuckDBEngine, params: Params, quarter: Quarter, snapshots: Sequence[Snapshot]
) -> pa.Table:
    """What became of customers in one quarter, as ``results`` ``migration``."""
    moves = latest_moves(engine, params, quarter, snapshots)
    return results.from_rows("migration", migration_rows(quarter, moves))


def together(moves: Moves) -> Moves:
    """All institutions together, under :data:`COUNTY`."""
    found: dict[tuple[str, Quarter], dict[tuple[str, str], Move]] = {}
    for (_, at), own in moves.items():
        county = found.setdefault((COUNTY, at), {})
        for pair, move in own.items():
            county[pair] = _sum(county.get(pair, Move()), move)
    return found


def migration_rows(quarter: Quarter, every: Moves) -> list[dict[str, object]]:
    """Rows of ``results`` ``migration``: counts and balances by institution, quarter and move."""
    found: list[dict[str, object]] = []
    for (institution, at), moves in sorted(every.items(), key=lambda e: (e[0][0], str(e[0][1]))):
        for (came, went), move in sorted(moves.items()):
            count, owed = _from(moves, came)
            balance = move.owed_after if came == NEW else move.owed_before
            found.append(
                {
                    "quarter": str(quarter),
                    "institution_id": institution,
                    "from_quarter": str(at.previous),
                    "to_quarter": str(at),
                    "before": came,
                    "after": went,
                    "customers": move.customers,
                    **{name: _yuan(getattr(move, name)) for name in _MONEY},
                    "share_customers": twelve_digits(Fraction(move.customers, count)),
                    "share_balance": twelve_digits(Fraction(balance, owed) if owed else None),
                }
            )
    return found


_MONEY = ("owed_before", "owed_after", "bad_before", "bad_after")


def _sum(one: Move, other: Move) -> Move:
    return Move(
        one.customers + other.customers,
        *(getattr(one, name) + getattr(other, name) for name in _MONEY),
    )


def _from(moves: Mapping[tuple[str, str], Move], came: str) -> tuple[int, int]:
    """Customers and balance (of new ones: at the end) of all moves from a state."""
    mine = [m for (before, _), m in moves.items() if before == came]
    owed = sum(m.owed_after if came == NEW else m.owed_before for m in mine)
    return sum(m.customers for m in mine), owed


def _yuan(fen: int) -> Decimal:
    return Decimal(fen).scaleb(-2)


def backtest_rows(
    bench: Bench, past: History, filed: Mapping[tuple[str, Quarter], Fraction]
) -> list[dict[str, object]]:
    """Rows of ``results`` ``backtest``; see :func:`puhui.eligibility.backtest.rows`."""
    setting = str(bench.params.indicators[TOLERANCE].threshold)

    def tolerance(quarter: Quarter) -> Fraction | None:
        value = _setting(bench.params, setting, quarter)
        return None if value is None else Fraction(str(value))

    found = backtest.scored(past, gap_paths(past, filed), bench.quarter, tolerance)
    return backtest.rows(bench.quarter, found)
