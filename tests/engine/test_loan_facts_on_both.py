"""Loans with all that is derived from them: Spark gives what DuckDB gives, from the same files."""

import random

import pyarrow as pa
import pytest

from puhui import schema
from puhui.derive import loan_facts
from puhui.engine import DuckDBEngine, SparkEngine
from vocabulary import County

LOAN = {
    "product": ("working_capital", "discount", "rediscount", "entrusted", "consumer"),
    "issue_kind": ("new", "renewal", "restructured", "extended"),
    "five_class": ("normal", "special_mention", "substandard", "loss"),
    "status": ("normal", "overdue", "written_off", "transferred"),
    "guarantee": ("credit", "mortgaged"),
    "mitigants": ("-", "ip", "ip+receivable", "home"),
    "is_business_loan": ("-", "true", "false"),
    "is_agricultural": ("-", "true", "false"),
    "credit_line_at_drawdown": ("-", "9999999.99", "10000000.00", "10000000.01"),
    "balance": ("-", "0", "9999999999999999.99", "0.01"),
    "priced_on": ("-", "2021-12-19", "2021-12-20"),
    "drawn_on": ("2019-08-19", "2020-02-29", "2021-01-31", "2021-12-25"),
    "matures_on": ("-", "2022-01-31", "2022-02-01", "2026-03-01", "2027-01-01"),
    "benchmark": ("-", "lpr:1Y", "lpr:5Y", "other:1Y", "lp"),
}
CUSTOMER = {
    "kind": ("-", "enterprise", "individual_business", "mse_owner", "farmer", "other_personal"),
    "size": ("-", "small", "micro", "medium", "large"),
    "credit_line": ("-", "9999999.99", "10000000.00", "10000000.01"),
    "industry": ("-", "B1200", "C4390", "D4411"),
}


def county(folder):
    """Two quarters of one institution and one of another, every value beside every other."""
    dice = random.Random(7)
    made = County(folder)
    for quarter, institution in (
        ("2021Q3", "HCNS0001"),
        ("2021Q4", "HCNS0001"),
        ("2021Q4", "0012"),
    ):
        loans = [
            [f"L{i}", f"K{dice.randrange(40)}", *(dice.choice(v) for v in LOAN.values())]
            for i in range(200)
        ]
        people = [[f"K{i}", *(dice.choice(v) for v in CUSTOMER.values())] for i in range(40)]
        made.with_loans(
            quarter,
            institution,
            text(["loan_id", "customer_id", *LOAN], loans),
            text(["customer_id", *CUSTOMER], people),
        )
    return made


def text(header, lines):
    return "\n".join(" ".join(line) for line in [header, *lines])


def facts(kind, made, snapshots) -> pa.Table:
    with kind([made.store.root], threads=2) as engine:
        loan_facts(engine, made.params, snapshots)
        table = engine.sql("SELECT * FROM loan_facts")
    key = ["quarter", "institution_id", "loan_id"]
    return table.sort_by([(name, "ascending") for name in key])


@pytest.mark.spark
def test_spark_gives_what_duckdb_gives(tmp_path):
    made = county(tmp_path)
    snapshots = made.stored()
    ours, theirs = (facts(kind, made, snapshots) for kind in (DuckDBEngine, SparkEngine))
    assert ours.num_rows == 600
    assert theirs.column_names == ours.column_names
    differing = [
        name for name in ours.column_names if ours[name].to_pylist() != theirs[name].to_pylist()
    ]
    assert differing == []
    for column in (*schema.columns("loans"), *schema.columns("customers")):
        if column.kind in ("money", "rate", "date") and column.name in ours.column_names:
            assert theirs.schema.field(column.name).type == column.arrow_type
    known = [name for name in made.params.derived if ours[name].null_count < ours.num_rows]
    assert known == list(made.params.derived)
