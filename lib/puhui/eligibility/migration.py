"""Migration (迁徙): what became of each inclusive customer between consecutive snapshots.

The engine adds loans up to customers, customers to moves and to bands of balances; what comes
to Python has a size that depends on institutions and quarters, not on loans.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from puhui import derive
from puhui.engine import Engine
from puhui.params import Params
from puhui.quarter import Quarter
from puhui.store import Snapshot

#: States of a customer that owes inclusive loans, by its worst one.
PERFORMING, WATCHED, BAD = "performing", "special_mention", "npl"
STATES = (PERFORMING, WATCHED, BAD)
#: Where a customer comes from that owed none, and how it leaves.
NEW = "new"
REPAID, WRITTEN_OFF, TRANSFERRED, LEFT_SCOPE = "repaid", "written_off", "transferred", "left_scope"
EXITS = (REPAID, WRITTEN_OFF, TRANSFERRED, LEFT_SCOPE)

_SENT, _PAIRS = "migration_snapshots", "migration_pairs"
_CUSTOMERS = "migration_customers"


@dataclass(frozen=True)
class Move:
    """Customers that went from one state to another: count, and what they owed in fen.

    Attributes
    ----------
    owed_before, owed_after
        Inclusive balance at the two quarter ends.
    bad_before, bad_after
        The part of it that was NPL.
    """

    customers: int = 0
    owed_before: int = 0
    owed_after: int = 0
    bad_before: int = 0
    bad_after: int = 0


#: (institution, later quarter) → (before, after) → customers that moved so.
Moves = Mapping[tuple[str, Quarter], Mapping[tuple[str, str], Move]]


@dataclass(frozen=True)
class Book:
    """An institution's loans at a quarter end, in fen; ``deferred`` ones are not yet NPL."""

    inclusive: int
    inclusive_bad: int
    all_loans: int
    all_bad: int
    deferred: int | None = None
    deferred_inclusive: int = 0

    @property
    def rest(self) -> int:
        """Loans that are not inclusive."""
        return self.all_loans - self.inclusive

    @property
    def rest_bad(self) -> int:
        """NPL that is not inclusive."""
        return self.all_bad - self.inclusive_bad

    @property
    def gap(self) -> Fraction | None:
        """Inclusive NPL ratio minus that of all loans, in points; none without inclusive loans.

        >>> Book(200, 10, 1000, 20).gap
        Fraction(3, 1)
        """
        return self.gap_if(Fraction(0))

    def gap_if(self, share: Fraction) -> Fraction | None:
        """Gap if this share of the deferred balance were NPL."""
        if self.inclusive <= 0 or self.all_loans <= 0:
            return None
        own = Fraction(self.inclusive_bad) + share * self.deferred_inclusive
        every = Fraction(self.all_bad) + share * (self.deferred or 0)
        return 100 * (own / self.inclusive - every / self.all_loans)


@dataclass(frozen=True)
class Customers:
    """Customers in one state by balance: how many, and what each owes on average, in fen.

    One entry stands for the customers whose balances share length and first two digits in yuan;
    what a single customer of that size owes is exact. Customers with NPL are placed by their NPL.
    """

    count: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    mean: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))

    @property
    def total(self) -> int:
        """Number of customers."""
        return int(self.count.sum())


@dataclass(frozen=True)
class History:
    """What snapshots say of institutions over time; keys are (institution, quarter).

    Attributes
    ----------
    kinds
        Institution → its kind, for everyone in the register.
    moves
        At the later of two consecutive quarter ends: (before, after) → customers that moved so.
    books, customers
        At each quarter end: balances, and customers by state.
    """

    kinds: Mapping[str, str]
    moves: Moves
    books: Mapping[tuple[str, Quarter], Book]
    customers: Mapping[tuple[str, Quarter], Mapping[str, Customers]]

    def transitions(self, institution_id: str, origin: Quarter) -> list[Quarter]:
        """Quarters up to ``origin`` at whose end the institution's moves are known, in order."""
        return sorted(q for i, q in self.moves if i == institution_id and q <= origin)


def scope_column(params: Params, quarter: Quarter) -> str:
    """Name the derived column of loans the tolerance counts as inclusive."""
    with_bills = params.policy.on(quarter.end)["tolerance_includes_bills"]
    return "in_scope_now" if with_bills else "in_scope_now_assessed"


def usable(params: Params, snapshots: Iterable[Snapshot], scope: str) -> list[Snapshot]:
    """Keep the snapshots whose ledger has the columns that scope and class rest on."""
    needed = {
        pair
        for name in (scope, "is_npl", "is_on_book")
        if name in params.derived
        for pair in derive.needed_columns(params, params.derived[name].expression)
    }
    return [
        s
        for s in snapshots
        if {derive.LOANS, derive.CUSTOMERS} <= set(s.tables)
        and not any(column in s.absent.get(table, ()) for table, column in needed)
    ]


def history(
    engine: Engine,
    params: Params,
    quarter: Quarter,
    snapshots: Sequence[Snapshot],
    kinds: Mapping[str, str],
) -> History:
    """Read what became of customers up to a quarter; views ``loan_facts`` and ``deferrals`` exist.

    Parameters
    ----------
    snapshots
        Those the views were made of; later quarters and ledgers without classes are left out.
    kinds
        Institution → kind.
    """
    scope = scope_column(params, quarter)
    kept = usable(params, (s for s in snapshots if Quarter.parse(s.quarter) <= quarter), scope)
    if not kept:
        return History(kinds, {}, {}, {})
    moves = _moves(engine, scope, kept)
    return History(kinds, moves, _books(engine, scope, str(quarter), kept), _by_balance(engine))


def latest_moves(
    engine: Engine, params: Params, quarter: Quarter, snapshots: Sequence[Snapshot]
) -> Moves:
    """Read what became of customers in one quarter, from its snapshots and those before it.

    The view ``loan_facts`` is made anew of these few.
    """
    scope = scope_column(params, quarter)
    near = {str(quarter), str(quarter.previous)}
    kept = usable(params, (s for s in snapshots if s.quarter in near), scope)
    if not kept:
        return {}
    derive.loan_facts(engine, params, kept)
    return _moves(engine, scope, kept)


def _register(engine: Engine, snapshots: Sequence[Snapshot]) -> None:
    """Make the tables of snapshots and of consecutive pairs readable."""
    by_institution: dict[str, list[Quarter]] = defaultdict(list)
    for s in snapshots:
        by_institution[s.institution_id].append(Quarter.parse(s.quarter))
    sent = [(i, str(q), q.start) for i, qs in sorted(by_institution.items()) for q in sorted(qs)]
    engine.register(
        _SENT,
        pa.table(
            {
                "institution_id": pa.array([i for i, _, _ in sent], pa.string()),
                "quarter": pa.array([q for _, q, _ in sent], pa.string()),
                "starts": pa.array([d for _, _, d in sent], pa.date32()),
            }
        ),
    )
    pairs = [
        (i, str(a), str(b))
        for i, qs in sorted(by_institution.items())
        for a, b in pairwise(sorted(qs))
        if b.previous == a
    ]
    names = ("institution_id", "quarter_before", "quarter_after")
    columns = {n: pa.array([p[k] for p in pairs], pa.string()) for k, n in enumerate(names)}
    engine.register(_PAIRS, pa.table(columns))


def _customers_sql(scope: str) -> str:
    """One row per institution, quarter and customer: what it owes, and how loans of it ended."""
    inside = f"f.{scope}"
    ended = "f.status = '{}' AND coalesce(f.closed_on >= s.starts, TRUE)"
    flags = {
        "watched": f"{inside} AND f.five_class = 'special_mention' AND f.balance > 0",
        "elsewhere": f"f.is_on_book AND f.balance > 0 AND NOT coalesce({inside}, FALSE)",
        "written_off": ended.format("written_off"),
        "transferred": ended.format("transferred"),
    }
    sums = {
        "owed": inside,
        "bad": f"{inside} AND f.is_npl",
        "all_loans": "f.is_on_book",
        "all_bad": "f.is_on_book AND f.is_npl",
    }
    said = ", ".join(f"max(CASE WHEN {sql} THEN 1 ELSE 0 END) AS {n}" for n, sql in flags.items())
    summed = (
        f"SELECT f.institution_id, f.quarter, f.customer_id, {_sums(sums)}, {said} "
        f"FROM {derive.FACTS} f JOIN {_SENT} s "
        "ON s.institution_id = f.institution_id AND s.quarter = f.quarter "
        "GROUP BY f.institution_id, f.quarter, f.customer_id"
    )
    state = (
        f"CASE WHEN owed <= 0 OR customer_id IS NULL THEN NULL WHEN bad > 0 THEN '{BAD}' "
        f"WHEN watched = 1 THEN '{WATCHED}' ELSE '{PERFORMING}' END"
    )
    return f"SELECT x.*, {state} AS state FROM ({summed}) x"


def _moves_sql() -> str:
    """Stack a customer's two sides, join them by grouping, and add customers up by move."""
    money = "CAST({} AS DECIMAL(28,2))"
    before = (
        f"SELECT p.institution_id, p.quarter_after AS quarter, c.customer_id, c.state AS state0, "
        f"CAST(NULL AS STRING) AS state1, {money.format('c.owed')} AS owed0, "
        f"{money.format('c.bad')} AS bad0, {money.format(0)} AS owed1, {money.format(0)} AS bad1, "
        "0 AS written_off, 0 AS transferred, 0 AS elsewhere "
        f"FROM {_CUSTOMERS} c JOIN {_PAIRS} p ON p.institution_id = c.institution_id "
        "AND p.quarter_before = c.quarter WHERE c.state IS NOT NULL"
    )
    after = (
        f"SELECT p.institution_id, p.quarter_after, c.customer_id, CAST(NULL AS STRING), c.state, "
        f"{money.format(0)}, {money.format(0)}, "
        f"CASE WHEN c.state IS NULL THEN {money.format(0)} ELSE {money.format('c.owed')} END, "
        f"CASE WHEN c.state IS NULL THEN {money.format(0)} ELSE {money.format('c.bad')} END, "
        "c.written_off, c.transferred, c.elsewhere "
        f"FROM {_CUSTOMERS} c JOIN {_PAIRS} p ON p.institution_id = c.institution_id "
        "AND p.quarter_after = c.quarter"
    )
    sums = ", ".join(f"sum({n}) AS {n}" for n in ("owed0", "bad0", "owed1", "bad1"))
    flags = ("written_off", "transferred", "elsewhere")
    joined = (
        "SELECT institution_id, quarter, customer_id, max(state0) AS state0, "
        f"max(state1) AS state1, {sums}, {', '.join(f'max({n}) AS {n}' for n in flags)} "
        f"FROM ({before} UNION ALL {after}) both_sides "
        "GROUP BY institution_id, quarter, customer_id"
    )
    left = (
        f"CASE WHEN state1 IS NOT NULL THEN state1 WHEN written_off = 1 THEN '{WRITTEN_OFF}' "
        f"WHEN transferred = 1 THEN '{TRANSFERRED}' WHEN elsewhere = 1 THEN '{LEFT_SCOPE}' "
        f"ELSE '{REPAID}' END"
    )
    return (
        f"SELECT institution_id, quarter, coalesce(state0, '{NEW}') AS came, {left} AS went, "
        f"count(*) AS n, {sums} FROM ({joined}) one_each "
        f"WHERE state0 IS NOT NULL OR state1 IS NOT NULL "
        f"GROUP BY institution_id, quarter, coalesce(state0, '{NEW}'), {left}"
    )


def _moves(engine: Engine, scope: str, snapshots: Sequence[Snapshot]) -> Moves:
    """Make the tables of customers, then add them up by move."""
    _register(engine, snapshots)
    engine.table(_CUSTOMERS, _customers_sql(scope))
    found: dict[tuple[str, Quarter], dict[tuple[str, str], Move]] = {
        (r["institution_id"], Quarter.parse(r["quarter_after"])): {}
        for r in engine.sql(f"SELECT institution_id, quarter_after FROM {_PAIRS}").to_pylist()
    }
    for r in engine.sql(_moves_sql()).to_pylist():
        money = [_fen(r[k]) for k in ("owed0", "owed1", "bad0", "bad1")]
        key = (r["institution_id"], Quarter.parse(r["quarter"]))
        found[key][r["came"], r["went"]] = Move(int(r["n"]), *money)
    return {
        key: dict(sorted(moves.items()))
        for key, moves in sorted(found.items(), key=lambda e: (e[0][0], str(e[0][1])))
    }


def _fen(yuan: object) -> int:
    """Turn exact yuan (two decimals) into fen; an empty sum is nothing."""
    return 0 if yuan is None else int(Fraction(str(yuan)) * 100)


def _books(
    engine: Engine, scope: str, quarter: str, snapshots: Sequence[Snapshot]
) -> dict[tuple[str, Quarter], Book]:
    """Balances of every snapshot; of the quarter's also what is deferred and not yet NPL."""
    put_off = {
        "deferred": "is_on_book AND NOT coalesce(is_npl, FALSE)",
        "deferred_inclusive": f"{scope} AND NOT coalesce(is_npl, FALSE)",
    }
    told = {s.institution_id for s in snapshots if s.quarter == quarter and _tells(s)}
    found = {}
    deferred = {
        r["institution_id"]: r
        for r in engine.sql(
            f"SELECT f.institution_id, {_sums(put_off)} FROM {derive.FACTS} f JOIN "
            "(SELECT DISTINCT quarter, institution_id, loan_id FROM deferrals "
            f"WHERE outcome = 'agreed' AND quarter = '{quarter}') d "
            "ON d.institution_id = f.institution_id AND d.loan_id = f.loan_id "
            f"AND d.quarter = f.quarter GROUP BY f.institution_id"
        ).to_pylist()
    }
    added = ", ".join(f"sum({n}) AS {n}" for n in ("owed", "bad", "all_loans", "all_bad"))
    for r in engine.sql(
        f"SELECT institution_id, quarter, {added} FROM {_CUSTOMERS} "
        "GROUP BY institution_id, quarter ORDER BY institution_id, quarter"
    ).to_pylist():
        institution = r["institution_id"]
        held = [_fen(r[name]) for name in ("owed", "bad", "all_loans", "all_bad")]
        late: list[int] = []
        if r["quarter"] == quarter and institution in told:
            late = [_fen(deferred.get(institution, {}).get(name)) for name in put_off]
        found[institution, Quarter.parse(r["quarter"])] = Book(*held, *late)
    return found


def _tells(snapshot: Snapshot) -> bool:
    return "deferrals" in snapshot.tables


def _sums(conditions: Mapping[str, str]) -> str:
    return ", ".join(
        f"sum(CASE WHEN {sql} THEN f.balance ELSE 0 END) AS {name}"
        for name, sql in conditions.items()
    )


def _by_balance(engine: Engine) -> dict[tuple[str, Quarter], dict[str, Customers]]:
    """Customers by state and by length and first two digits of what they owe in yuan."""
    owed = f"CASE WHEN state = '{BAD}' THEN bad ELSE owed END"
    rows = engine.sql(
        "SELECT institution_id, quarter, state, length(d) AS digits, substr(d, 1, 2) AS first_two, "
        "count(*) AS n, sum(x) AS total FROM (SELECT institution_id, quarter, state, x, "
        "CAST(CAST(floor(x) AS DECIMAL(28,0)) AS STRING) AS d FROM (SELECT institution_id, "
        f"quarter, state, {owed} AS x FROM {_CUSTOMERS} WHERE state IS NOT NULL) owing) placed "
        "GROUP BY institution_id, quarter, state, length(d), substr(d, 1, 2) "
        "ORDER BY institution_id, quarter, state, digits, first_two"
    ).to_pylist()
    grouped: dict[tuple[str, Quarter], dict[str, list[tuple[int, int]]]] = {}
    for r in rows:
        key = (r["institution_id"], Quarter.parse(r["quarter"]))
        bands = grouped.setdefault(key, {}).setdefault(r["state"], [])
        bands.append((int(r["n"]), _fen(r["total"])))
    return {
        key: {
            state: Customers(
                np.array([n for n, _ in bands], dtype=np.int64),
                np.array([total / n for n, total in bands]),
            )
            for state, bands in states.items()
        }
        for key, states in grouped.items()
    }
