"""Every packaged derived column gives the same in Python, DuckDB and Spark, nulls included."""

import datetime as dt
import itertools
import random
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pyarrow as pa
import pytest

from puhui import schema
from puhui.engine import DuckDBEngine, SparkEngine
from puhui.engine.duckdb import ident
from puhui.params import NoData, literal_sql, load

ROOT = Path(__file__).parents[2]
DAY = dt.date(2021, 12, 31)
PERIOD = {
    "year_start": dt.date(2021, 1, 1),
    "end": DAY,
    "window_start": dt.date(2020, 1, 1),
}
TABLES = {"": "loans", "customer": "customers", "institution": "institutions"}
ROWS = 2000
VALUES = {
    "money": [
        None,
        Decimal("0.00"),
        Decimal("9999999.99"),
        Decimal("10000000.00"),
        Decimal("10000000.01"),
    ],
    "id": [None, "AAAA", "BBBB"],
    "rate": [None, Decimal("0.000000"), Decimal("3.850000")],
    "int": [None, 0, 1, 12],
    "bool": [None, True, False],
    "text": [None, "", "x"],
    "date": [
        None,
        *(
            dt.date(y, m, d)
            for y, m, d in itertools.product((2019, 2020, 2025), (1, 2, 12), (1, 28))
        ),
    ],
}

#: Columns of free text that derived columns compare with something.
TEXTS = {
    "industry": [None, "", "B1200", "C", "C4390", "D4411"],
    "chain": [None, "", "装备制造", "新型显示", "装备 制造"],
}


def choices(column):
    codes = list(schema.CODES.get(column.codes, {}))
    if column.kind == "set":
        return [None, [], *([code] for code in codes), codes[:2]]
    return [None, *codes] if codes else TEXTS.get(column.name, VALUES[column.kind])


@pytest.fixture(scope="module", params=["params", "params/sba7a"])
def case(request):
    """Random rows of the columns that derived columns rest on, and what Python makes of them."""
    params = load(ROOT / request.param)
    used = {
        (qualifier, name)
        for one in params.derived.values()
        for qualifier, name in one.expression.columns
        if qualifier in TABLES and name not in params.derived
    }
    columns = {(q, n): schema.column(TABLES[q], n) for q, n in sorted(used)}
    dice = random.Random(20211231)
    table = {key: dice.choices(choices(column), k=ROWS) for key, column in columns.items()}
    arrow = pa.table(
        {f"{q}.{n}": pa.array(table[q, n], c.arrow_type) for (q, n), c in columns.items()}
    )
    return params, arrow, in_python(params, table)


def in_python(params, table):
    settings = {"policy": params.policy.on(DAY), "period": PERIOD}

    def value(row, qualifier, name):
        if qualifier in settings:
            return settings[qualifier][name]
        if qualifier == "" and name in params.derived:
            expression = params.derived[name].expression
            return expression.evaluate(lambda q, n: value(row, q, n))
        return table[qualifier, name][row]

    found = {name: [value(row, "", name) for row in range(ROWS)] for name in params.derived}
    return {
        name: [None if isinstance(one, NoData) else one for one in values]
        for name, values in found.items()
    }


def on_engine(engine, params, arrow):
    settings = {"policy": params.policy.on(DAY), "period": PERIOD}

    def resolve(qualifier, name):
        if qualifier in settings:
            return literal_sql(settings[qualifier][name], engine.dialect)
        if qualifier == "" and name in params.derived:
            return f"({sql(params.derived[name].expression)})"
        return ident(f"{qualifier}.{name}")

    def sql(expression):
        return expression.sql(resolve, dialect=engine.dialect)

    numbered = arrow.append_column("row", pa.array(range(ROWS)))
    engine.register("t", numbered)
    select = ", ".join(f"{sql(d.expression)} AS {ident(n)}" for n, d in params.derived.items())
    got = engine.sql(f"SELECT {select} FROM t ORDER BY {ident('row')}").to_pydict()
    exact = {int: Fraction, Decimal: Fraction}
    return {
        name: [exact[type(v)](v) if type(v) in exact else v for v in values]
        for name, values in got.items()
    }


@pytest.mark.parametrize(
    "kind",
    [
        pytest.param(DuckDBEngine, id="duckdb"),
        pytest.param(SparkEngine, id="spark", marks=pytest.mark.spark),
    ],
)
def test_an_engine_and_python_agree_on_every_derived_column(kind, case):
    params, arrow, expected = case
    with kind(threads=2) as engine:
        got = on_engine(engine, params, arrow)
    assert set(got) == set(expected)
    for name, values in expected.items():
        assert got[name] == values, name
        assert [type(v) for v in got[name]] == [type(v) for v in values], name


def test_every_derived_column_varies(case):
    _, _, expected = case
    assert [name for name, values in expected.items() if len(set(values)) < 2] == []
