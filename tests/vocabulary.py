"""Scenarios as short text tables: a county in memory and on disk, for tests of any room.

``County(folder).with_loans("2021Q4", "HCNS0001", '''loan_id balance\\n L1 100''')`` fills what
a scenario does not mention with plain values of a healthy small-enterprise loan.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path

import pyarrow as pa

from puhui import measures, params, schema
from puhui.engine import DuckDBEngine
from puhui.indicators import Bench, Facts, evaluate, result_row
from puhui.quarter import Quarter
from puhui.store import Snapshot, Store

PROJECT = Path(__file__).resolve().parents[1]
PARAMS = PROJECT / "params"
RURAL = {"kind": "rural_commercial", "level": "legal_person", "is_local_legal_person": True}
LARGE = {"kind": "large", "level": "branch", "is_local_legal_person": False}

_LOAN = {
    "branch_id": "B1",
    "customer_id": "K1",
    "product": "working_capital",
    "is_business_loan": "true",
    "issue_kind": "new",
    "amount": "1000000",
    "balance": "1000000",
    "drawn_on": "2021-03-01",
    "matures_on": "2022-03-01",
    "rate_at_drawdown": "5",
    "rate_type": "fixed",
    "guarantee": "guaranteed",
    "five_class": "normal",
    "status": "normal",
    "credit_line_at_drawdown": "1000000",
}
_CUSTOMER = {
    "kind": "enterprise",
    "size": "small",
    "credit_line": "1000000",
    "credit_line_scope": "legal_person",
}
_RETURN = {"basis": "as_filed", "unit": "元"}


def rows(text: str) -> list[dict[str, str]]:
    """Split a text table: first line names the columns, ``-`` is an empty cell."""
    lines = [line.split() for line in text.strip().splitlines() if line.strip()]
    header, body = lines[0], lines[1:]
    assert all(len(line) == len(header) for line in body), body
    return [dict(zip(header, line, strict=True)) for line in body]


def canonical(table: str, given: list[dict[str, str]], defaults: dict[str, str]) -> pa.Table:
    """Build a canonical table from text cells and defaults."""
    built = []
    for row in given:
        full = {**defaults, **row}
        built.append({c.name: _cell(c, full.get(c.name)) for c in schema.columns(table)})
    return pa.Table.from_pylist(built, schema.arrow_schema(table))


def _cell(column: schema.Column, text: str | None) -> object:
    if text is None or text == "-":
        return None
    if column.kind in ("money", "rate", "bp"):
        return Decimal(text)
    if column.kind == "date":
        return dt.date.fromisoformat(text)
    if column.kind == "bool":
        return {"true": True, "false": False}[text]
    if column.kind == "int":
        return int(text)
    if column.kind == "set":
        return text.split("+")
    return text


class County:
    """A store filled by scenarios, and what the suite computes from it."""

    def __init__(self, folder: Path, *, params_folder: Path = PARAMS) -> None:
        self.store = Store(folder / "store", key_fingerprint="test")
        self.params = params.load(params_folder)
        self.snapshots: list[Snapshot] = []
        self._tables: dict[tuple[str, str], dict[str, pa.Table]] = {}
        self._absent: dict[tuple[str, str], dict[str, tuple[str, ...]]] = {}
        self.missing: dict[tuple[str, str], dict[str, str]] = {}
        self.set_aside: dict[tuple[str, str], dict[str, int]] = {}

    def with_loans(
        self,
        quarter: str,
        institution: str,
        text: str,
        customers: str = "",
        *,
        absent: tuple[str, ...] = (),
        customers_absent: tuple[str, ...] = (),
    ) -> County:
        """Add a ledger; customers not listed are healthy small enterprises."""
        given = [{k: v for k, v in r.items() if k not in absent} for r in rows(text)]
        defaults = {k: v for k, v in _LOAN.items() if k not in absent}
        loans = canonical("loans", [{"institution_id": institution, **r} for r in given], defaults)
        listed = {r["customer_id"]: r for r in rows(customers)} if customers else {}
        ids = dict.fromkeys(loans["customer_id"].to_pylist())
        people = [
            {"institution_id": institution, "customer_id": i, **listed.get(i, {})} for i in ids
        ]
        kept = {k: v for k, v in _CUSTOMER.items() if k not in customers_absent}
        tables = self._tables.setdefault((quarter, institution), {})
        tables["loans"] = loans
        tables["customers"] = canonical("customers", people, kept)
        self._absent[quarter, institution] = {"loans": absent, "customers": customers_absent}
        return self

    def with_returns(self, quarter: str, institution: str, text: str) -> County:
        """Add filed items: columns item, value and optionally as_of, basis, unit, branch_id."""
        end = Quarter.parse(quarter).end.isoformat()
        given = [{"institution_id": institution, "as_of": end, **r} for r in rows(text)]
        tables = self._tables.setdefault((quarter, institution), {})
        tables["returns"] = canonical("returns", given, _RETURN)
        return self

    def stored(self) -> list[Snapshot]:
        """Put everything into the store."""
        self.snapshots = [
            self.store.put(
                Quarter.parse(q),
                i,
                tables,
                absent=self._absent.get((q, i), {}),
                missing=self.missing.get((q, i)),
                set_aside=self.set_aside.get((q, i)),
            )
            for (q, i), tables in self._tables.items()
        ]
        return self.snapshots

    def measures(self, quarter: str = "2021Q4", *, threads: int = 2) -> pa.Table:
        """Measures of the quarter and its bases, from ledgers and returns."""
        snapshots = self.stored()
        at = Quarter.parse(quarter)
        quarters = sorted({at, at.previous, *at.bases.values(), *at.previous.bases.values()})
        with DuckDBEngine([self.store.root], threads=threads) as engine:
            ledgers = [measures.from_ledgers(engine, self.params, snapshots, q) for q in quarters]
            filed = measures.from_returns(engine, self.params, snapshots, quarters)
        return pa.concat_tables([*ledgers, filed])

    def bench(self, quarter: str = "2021Q4") -> Bench:
        """Everything an indicator is evaluated against."""
        return Bench.of(self.params, Quarter.parse(quarter), self.measures(quarter))

    def indicator(
        self,
        indicator: str,
        institution: str = "HCNS0001",
        branch: str | None = None,
        *,
        quarter: str = "2021Q4",
        **facts: object,
    ) -> dict[str, object]:
        """One result row."""
        return result_row(
            self.bench(quarter),
            self.params.indicators[indicator],
            self.facts(institution, **facts),
            branch,
        )

    def evaluation(self, indicator: str, institution: str = "HCNS0001", quarter: str = "2021Q4"):
        """The evaluation behind a result row."""
        bench = self.bench(quarter)
        return evaluate(bench, self.params.indicators[indicator], self.facts(institution))

    @staticmethod
    def facts(institution: str, **given: object) -> Facts:
        """Register facts: a local rural commercial bank unless told otherwise."""
        values = {**RURAL, "has_plan": False, "legal_person_npl_ratio": None, **given}
        return Facts(institution, institution, values)  # type: ignore[arg-type]
