"""Scenarios as short text tables: a county in memory and on disk, for tests of any room.

``County(folder).with_loans("2021Q4", "HCNS0001", '''loan_id balance\\n L1 100''')`` fills what
a scenario does not mention with plain values of a healthy small-enterprise loan.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from functools import cache
from pathlib import Path

import pyarrow as pa

from puhui import measures, params, schema
from puhui.engine import DuckDBEngine
from puhui.indicators import Answers, Bench, Facts, evaluate, result_row
from puhui.quarter import Quarter
from puhui.store import SUPERVISOR, Snapshot, Store

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
#: What a register's row says unless the scenario says otherwise.
_PLAIN: dict[str, dict[str, str]] = {
    "loans": _LOAN,
    "customers": _CUSTOMER,
    "returns": _RETURN,
    "products": {
        "launched_on": "2020-06-01",
        "unsecured": "true",
        "channel": "offline",
        "customers": "1",
        "balance": "100",
    },
    "deferrals": {
        "seq": "1",
        "kind": "principal",
        "due_on": "2021-11-01",
        "amount": "100",
        "applied_on": "2021-12-01",
        "outcome": "agreed",
    },
    "applications": {
        "branch_id": "B1",
        "customer_id": "K1",
        "kind": "new",
        "applied_on": "2021-06-01",
        "amount": "100",
        "qualifies": "true",
        "decision": "granted",
        "disbursed_on": "2021-06-10",
        "manual_steps": "1",
    },
    "fees": {
        "seq": "1",
        "kind": "management",
        "charged_by": "bank",
        "borne_by": "borrower",
        "amount": "0",
        "waived": "0",
        "recurring": "false",
        "in_contract": "true",
    },
    "benefits": {"received": "0", "passed_to_business_line": "0", "passed_to_customers": "0"},
    "insurance": {
        "policies": "1",
        "insured_mses": "1",
        "sum_insured": "100",
        "premium": "10",
        "claims_paid": "0",
        "recoveries": "0",
        "loan_balance_covered": "100",
    },
    "key_firms": {
        "name": "某企业",
        "plan_signed_on": "2021-06-01",
        "has_needs": "true",
        "has_products": "true",
        "has_terms": "true",
        "has_manager": "true",
    },
    "notes": {"kind": "complaint", "noted_on": "2021-08-01", "fact": "来访人反映情况不符"},
}


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


@cache
def _of_the_project() -> params.Params:
    """The project's parameters, read once."""
    return params.load(PARAMS)


class County:
    """A store filled by scenarios, and what the suite computes from it."""

    def __init__(self, folder: Path, *, params_folder: Path = PARAMS) -> None:
        self.store = Store(folder / "store", key_fingerprint="test")
        self.params = _of_the_project() if params_folder == PARAMS else params.load(params_folder)
        self.snapshots: list[Snapshot] = []
        self.office: Snapshot | None = None
        self.register: pa.Table | None = None
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
        self.with_register(quarter, institution, "loans", text, absent=absent)
        tables = self._tables[quarter, institution]
        loans = tables["loans"]
        listed = {r["customer_id"]: r for r in rows(customers)} if customers else {}
        listed = {
            i: {k: v for k, v in r.items() if k not in customers_absent} for i, r in listed.items()
        }
        ids = dict.fromkeys(loans["customer_id"].to_pylist())
        people = [
            {"institution_id": institution, "customer_id": i, **listed.get(i, {})} for i in ids
        ]
        kept = {k: v for k, v in _CUSTOMER.items() if k not in customers_absent}
        tables["customers"] = canonical("customers", people, kept)
        self._absent[quarter, institution]["customers"] = customers_absent
        return self

    def with_register(
        self,
        quarter: str,
        institution: str,
        table: str,
        text: str,
        *,
        absent: tuple[str, ...] = (),
    ) -> County:
        """Add any table an institution sends; a header without rows is one without rows.

        A cell ``=`` has the plain value of its column.
        """
        plain = {k: v for k, v in _PLAIN.get(table, {}).items() if k not in absent}
        told = [{k: v for k, v in r.items() if k not in absent and v != "="} for r in rows(text)]
        given = [{"institution_id": institution, **r} for r in told]
        self._tables.setdefault((quarter, institution), {})[table] = canonical(table, given, plain)
        self._absent.setdefault((quarter, institution), {})[table] = absent
        return self

    def with_answers(self, quarter: str, institution: str, text: str) -> County:
        """Add answers: columns item, value, document_no and in_force_from."""
        return self.with_register(quarter, institution, "attestations", text)

    def with_office(
        self, table: str, text: str, quarter: str = "2021Q4", *, absent: tuple[str, ...] = ()
    ) -> County:
        """Add a table of the supervisor's own (plans, key_firms, notes), institutions named."""
        return self.with_register(quarter, SUPERVISOR, table, text, absent=absent)

    def nothing_but_named(self, quarter: str, institution: str) -> County:
        """Add a submission without any table."""
        self._tables.setdefault((quarter, institution), {})
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
        put = [
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
        self.snapshots = [s for s in put if s.institution_id != SUPERVISOR]
        self.office = next((s for s in put if s.institution_id == SUPERVISOR), None)
        return self.snapshots

    def measures(self, quarter: str = "2021Q4", *more: str, threads: int = 2) -> pa.Table:
        """Measures of the quarters and their bases, from ledgers, returns and registers."""
        snapshots = self.stored()
        asked = [Quarter.parse(q) for q in (quarter, *more)]
        around = {one for q in asked for one in (q, q.previous)}
        quarters = sorted(around | {base for q in around for base in q.bases.values()})
        office = self.office
        with DuckDBEngine([self.store.root], threads=threads) as engine:
            ledgers = []
            for q in quarters:
                args = (engine, self.params, snapshots, q)
                ledgers.append(measures.from_ledgers(*args, register=self.register))
                ledgers.append(measures.work_out(*args, register=self.register).measures)
            filed = measures.from_returns(engine, self.params, snapshots, quarters)
            # Who sent nothing for a quarter has no rows of registers, so others need not be asked.
            sent = [q for q in quarters if str(q) in {s.quarter for s in snapshots}]
            registers = measures.from_registers(
                engine, self.params, snapshots, sent, supervisor=office
            )
        return pa.concat_tables([*ledgers, filed, registers])

    def bench(self, quarter: str = "2021Q4", *more: str) -> Bench:
        """Everything an indicator is evaluated against, at a quarter and perhaps at others."""
        measured = self.measures(quarter, *more)
        answers = Answers.read(self.snapshots, self.office)
        return Bench.of(self.params, Quarter.parse(quarter), measured, answers)

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
    def facts(institution: str, planned_branches: tuple[str, ...] = (), **given: object) -> Facts:
        """Register facts: a local rural commercial bank unless told otherwise."""
        values = {**RURAL, "has_plan": False, "legal_person_npl_ratio": None, **given}
        planned = frozenset(planned_branches)
        return Facts(institution, institution, values, planned)
