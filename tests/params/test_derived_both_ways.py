"""Every packaged derived column gives the same on the engine and in Python, nulls included."""

import datetime as dt
import itertools
import random
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pyarrow as pa
import pytest

from puhui import schema
from puhui.engine.duckdb import DuckDBEngine, ident
from puhui.params import NoData, literal_sql, load

ROOT = Path(__file__).parents[2]
DAY = dt.date(2021, 12, 31)
ROWS = 2000
VALUES = {
    "money": [
        None,
        Decimal("0.00"),
        Decimal("9999999.99"),
        Decimal("10000000.00"),
        Decimal("10000000.01"),
    ],
    "rate": [None, Decimal("0.000000"), Decimal("3.850000")],
    "bool": [None, True, False],
    "date": [
        None,
        *(
            dt.date(y, m, d)
            for y, m, d in itertools.product((2019, 2020, 2025), (1, 2, 12), (1, 28))
        ),
    ],
}


@pytest.fixture(scope="module", params=["params", "params/sba7a"])
def case(request):
    params = load(ROOT / request.param)
    used = {
        (qualifier, name)
        for one in params.derived.values()
        for qualifier, name in one.expression.columns
        if qualifier in ("", "customer") and name not in params.derived
    }
    columns = {(q, n): schema.column("customers" if q else "loans", n) for q, n in sorted(used)}
    dice = random.Random(20211231)
    table: dict[tuple[str, str], list[object]] = {}
    for key, column in columns.items():
        choices = VALUES.get(column.kind, [None, *schema.CODES.get(column.codes, {"x": ""})])
        table[key] = dice.choices(choices, k=ROWS)
    return params, columns, table


def test_engine_and_python_agree_on_every_derived_column(case):
    params, columns, table = case
    policy = params.policy.on(DAY)
    arrow = pa.table(
        {f"{q}.{n}": pa.array(table[q, n], c.arrow_type) for (q, n), c in columns.items()}
    )

    def resolve(qualifier, name):
        if qualifier == "policy":
            return literal_sql(policy[name])
        if qualifier == "" and name in params.derived:
            return f"({params.derived[name].expression.sql(resolve)})"
        return ident(f"{qualifier}.{name}")

    with DuckDBEngine(threads=1) as engine:
        engine.register("t", arrow)
        select = ", ".join(
            f"{d.expression.sql(resolve)} AS {ident(n)}" for n, d in params.derived.items()
        )
        got = engine.sql(f"SELECT {select} FROM t").to_pydict()

    seen: dict[str, set[object]] = {}
    for row in range(ROWS):

        def look(qualifier, name, row=row):
            if qualifier == "policy":
                return policy[name]
            if qualifier == "" and name in params.derived:
                return params.derived[name].expression.evaluate(look)
            return table[qualifier, name][row]

        for name, derived in params.derived.items():
            value = derived.expression.evaluate(look)
            plain = None if isinstance(value, NoData) else value
            engine_value = got[name][row]
            if isinstance(plain, Fraction):
                engine_value = None if engine_value is None else Fraction(engine_value)
            assert plain == engine_value, (name, row)
            seen.setdefault(name, set()).add(plain)
    assert all(len(values) > 1 for values in seen.values()), "a column that never varies"
