"""Every measure against its own plain query, on ledgers with empty cells everywhere."""

from __future__ import annotations

import random
from decimal import Decimal

import pyarrow as pa
import pytest

from puhui import schema
from puhui.derive import CUSTOMERS, LOANS, REGISTER_VIEW, RowContext, facts_from, source_view
from puhui.engine import DuckDBEngine, SparkEngine
from puhui.measures import from_ledgers
from puhui.quarter import Quarter
from vocabulary import County

QUARTER = Quarter.parse("2021Q4")
TEXTS = {
    "customer_id": ("K1", "K2", "K3", "K4", "K5", "K6", "K7", "unlisted"),
    "branch_id": ("B1", "B2"),
    "benchmark": ("lpr:1Y", "lpr:5Y", "other"),
    "chain": ("装备制造", "新材料", "其他"),
    "county_code": ("511801", "511802"),
    "industry": ("A0111", "C1310", "F5211"),
    "mitigants": ("ip", "receivable+home", "policy"),
}
VALUES = {
    "money": ("0", "0.01", "4999999.99", "5000000", "10000000", "10000000.01"),
    "rate": ("3.85", "4.123456"),
    "date": ("2020-02-29", "2021-01-01", "2021-07-15", "2021-12-31", "2026-12-31"),
    "bool": ("true", "false"),
    "int": ("1",),
    "bp": ("25",),
}


def cell(chance, column):
    """Draw a value that matters to some measure, or none at all."""
    if chance.random() < 0.15:
        return "-"
    if column.name in TEXTS:
        return chance.choice(TEXTS[column.name])
    if column.kind.startswith(("code:", "set:")):
        return chance.choice(list(schema.CODES[column.kind.partition(":")[2]]))
    return chance.choice(VALUES.get(column.kind, ("x",)))


def text_table(chance, table, keys):
    columns = [c for c in schema.columns(table) if c.name not in ("institution_id", *keys)]
    lines = [" ".join([*keys, *(c.name for c in columns)])]
    for values in zip(*keys.values(), strict=True):
        lines.append(" ".join([*values, *(cell(chance, c) for c in columns)]))
    return "\n".join(lines)


def plain_queries(engine, params):
    """Aggregate of each measure by one query a unit, straight over the joined rows."""
    context = RowContext(params, QUARTER)
    source = facts_from(QUARTER, with_register=True)
    for measure in params.measures.values():
        if measure.ledger is None:
            continue
        where = f"({context.sql(measure.ledger.where)})"
        value = context.sql(measure.ledger.of) if measure.ledger.of else "1"
        for branch in (None, "B1", "B2"):
            mine = "" if branch is None else f" AND l.branch_id = '{branch}'"
            rows = engine.sql(
                f"SELECT l.customer_id AS who, {where} AS met, {value} AS v {source}{mine}"
            ).to_pylist()
            met = [r for r in rows if r["met"]]
            unsure = [r for r in rows if r["met"] is None]
            if measure.ledger.aggregate == "customers":
                sure = {r["who"] for r in met}
                doubt = {r["who"] for r in unsure} - sure
                yield (measure.id, branch), (len(sure), len(sure), len(doubt))
            else:
                total = sum((Decimal(r["v"]) for r in met if r["v"] is not None), Decimal(0))
                empty = sum(r["v"] is None for r in met)
                yield (measure.id, branch), (total, len(met), len(unsure) + empty)


def random_county(folder, seed):
    """A stored ledger of one institution, with empty cells in every column."""
    chance = random.Random(seed)
    loans = text_table(chance, "loans", {"loan_id": [f"L{i}" for i in range(60)]})
    people = text_table(chance, "customers", {"customer_id": [f"K{i}" for i in range(1, 8)]})
    county = County(folder).with_loans("2021Q4", "HCNS0001", loans, people)
    county.measures()  # stores the snapshot
    return county


REGISTER = pa.table({"institution_id": ["HCNS0001"], "county_code": ["511801"]})


@pytest.mark.spark
def test_spark_gives_every_row_as_duckdb_does(tmp_path):
    county = random_county(tmp_path, 9)
    read = [county.store.root]
    with DuckDBEngine(read=read) as duckdb, SparkEngine(read=read, threads=2) as spark:
        one, other = (
            from_ledgers(e, county.params, county.snapshots, QUARTER, register=REGISTER)
            for e in (duckdb, spark)
        )
    assert one.num_rows > 0
    assert one.equals(other)


@pytest.mark.parametrize("seed", range(4))
def test_empty_cells_leave_unknown_exactly_what_they_must(tmp_path, seed):
    county = random_county(tmp_path, seed)
    with DuckDBEngine(read=[county.store.root]) as engine:
        found = from_ledgers(
            engine, county.params, county.snapshots, QUARTER, register=REGISTER
        ).to_pylist()
        source_view(engine, LOANS, county.snapshots)
        source_view(engine, CUSTOMERS, county.snapshots)
        engine.register(REGISTER_VIEW, REGISTER)
        expected = dict(plain_queries(engine, county.params))
    for row in found:
        total, count, unknown = expected.pop((row["measure_id"], row["branch_id"]))
        assert row["rows"] == count, row
        assert row["value"] == (None if unknown else total), row
        assert not unknown or row["reason"].startswith(f"{unknown} 行"), row
    assert not any(unknown or count for _, count, unknown in expected.values())
