"""Every operator and function says what ``functions.yaml`` says: in Python, DuckDB and Spark."""

import datetime as dt
import re
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import cache
from itertools import groupby
from pathlib import Path

import pyarrow as pa
import pytest
import yaml

from puhui import schema
from puhui.engine import DuckDBEngine, SparkEngine
from puhui.errors import ExpressionError
from puhui.params.expression import Expression, NoData
from puhui.params.grammar import FUNCTIONS, OPERATORS, Call, Literal, Name, parse, walk

TYPES = {
    "money": pa.decimal128(18, 2),
    "rate": pa.decimal128(9, 6),
    "int": pa.int64(),
    "date": pa.date32(),
    "bool": pa.bool_(),
    "text": pa.string(),
    "set": pa.list_(pa.string()),
}
READ = {
    "money": Decimal,
    "rate": Decimal,
    "int": int,
    "date": dt.date.fromisoformat,
    "bool": {"true": True, "false": False}.__getitem__,
    "text": str,
    "set": lambda codes: [None if code == "~" else code for code in codes.split()],
}


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    number: int
    of: str
    expr: str
    inputs: dict[str, object]
    gives: object
    decimals: int | None
    """Decimals of a number, as written."""


def _expected(text: str) -> tuple[object, int | None]:
    if text in ("true", "false", "null"):
        return {"true": True, "false": False, "null": None}[text], None
    if text.startswith("text "):
        return text.removeprefix("text "), None
    if re.fullmatch(r"\d{4}-\d\d-\d\d", text):
        return dt.date.fromisoformat(text), None
    return Fraction(text), len(text.partition(".")[2])


def _rows(part: str) -> list[Row]:
    file = Path(__file__).with_name("functions.yaml")
    raw = yaml.load(file.read_text(encoding="utf-8"), yaml.BaseLoader)  # every scalar as text
    rows = []
    for number, line in enumerate(raw[part]):
        assert set(line) <= {"of", "expr", "with", "gives", "why"}, line
        given = line.get("with", {})
        inputs = {n: None if t == "null" else READ[COLUMNS[n]](t) for n, t in given.items()}
        rows.append(Row(number, line["of"], line["expr"], inputs, *_expected(line["gives"])))
    return rows


COLUMNS: dict[str, str] = yaml.load(
    Path(__file__).with_name("functions.yaml").read_text(encoding="utf-8"), yaml.BaseLoader
)["columns"]
ROWS = _rows("rows")
FORMULAS = _rows("formulas")
GROUPS = {of: list(rows) for of, rows in groupby(ROWS, key=lambda row: row.of)}


def _id(row: Row) -> str:
    return f"{row.number}-{row.expr}"


class Python:
    """The exact evaluator, asked as an engine would be."""

    def answers(self, of: str) -> list[tuple[object, int | None]]:
        return [(_python(row), None) for row in GROUPS[of]]


def _python(row: Row, *, formula: bool = False) -> object:
    expression = Expression.parse(row.expr, formula=formula)
    value = expression.evaluate(lambda _, name: row.inputs[name])
    return None if isinstance(value, NoData) else value


class OnEngine:
    """Rows of one function as one query over one row of typed columns."""

    def __init__(self, engine: DuckDBEngine | SparkEngine) -> None:
        self.engine = engine
        self.answers = cache(self._answers)

    def _answers(self, of: str) -> list[tuple[object, int | None]]:
        rows = GROUPS[of]
        cells = {
            f"r{row.number}_{name}": pa.array([value], TYPES[COLUMNS[name]])
            for row in rows
            for name, value in row.inputs.items()
        }
        self.engine.register("given", pa.table({"nothing": pa.array([None], pa.int64()), **cells}))
        # A table: Spark would otherwise answer while it plans, not with the code it runs on rows.
        self.engine.table("kept", "SELECT * FROM given")
        select = ", ".join(f"{self._sql(row)} AS v{row.number}" for row in rows)
        table = self.engine.sql(f"SELECT {select} FROM kept")
        return [_cell(table[f"v{row.number}"]) for row in rows]

    def _sql(self, row: Row) -> str:
        return Expression.parse(row.expr).sql(
            lambda _, name: f"r{row.number}_{name}", dialect=self.engine.dialect
        )


def _cell(column: pa.ChunkedArray) -> tuple[object, int | None]:
    value = column[0].as_py()
    assert not isinstance(value, float), "the engine gave a float"
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        return value, None
    return Fraction(value), column.type.scale if pa.types.is_decimal(column.type) else 0


@pytest.fixture(
    scope="module",
    params=[
        "python",
        pytest.param(DuckDBEngine, id="duckdb"),
        pytest.param(SparkEngine, id="spark", marks=pytest.mark.spark),
    ],
)
def evaluator(request):
    if request.param == "python":
        yield Python()
        return
    with request.param(threads=2) as engine:
        yield OnEngine(engine)


@pytest.mark.parametrize("row", ROWS, ids=_id)
def test_gives(evaluator, row):
    value, decimals = evaluator.answers(row.of)[GROUPS[row.of].index(row)]
    assert value == row.gives
    assert type(value) is type(row.gives)
    if decimals is not None:
        assert decimals == row.decimals


@pytest.mark.parametrize("row", FORMULAS, ids=_id)
def test_formula_gives_and_never_reaches_an_engine(row):
    assert _python(row, formula=True) == row.gives
    with pytest.raises(ExpressionError, match="除法"):
        Expression.parse(row.expr, formula=True).sql(lambda _, name: name)


def test_columns_are_those_of_the_ledger():
    kinds = {c.name: c.arrow_type for c in schema.columns("loans")}
    assert {name: kinds[name] for name in COLUMNS} == {n: TYPES[k] for n, k in COLUMNS.items()}


def _subject(row: Row) -> Call:
    """The call a row is about; it must be there."""
    tree = parse(row.expr, where="", formula=True)
    return next(n for n in walk(tree) if isinstance(n, Call) and n.op == row.of)


def _null_positions(row: Row) -> list[int]:
    """Arguments of the row's function that are null themselves."""

    def is_null(node: object) -> bool:
        if isinstance(node, Name):
            return row.inputs[node.name] is None
        return isinstance(node, Literal) and node.value is None

    return [i for i, arg in enumerate(_subject(row).args) if is_null(arg)]


#: Arguments that can be null; the constants of in and has_any cannot.
POSITIONS = {
    **dict.fromkeys(["not", "neg", "is_null", "abs", "in", "has_any"], 1),
    **dict.fromkeys(["between", "case"], 3),
    **dict.fromkeys(["and", "or", "=", "<>", "<", "<=", ">", ">=", "+", "-", "*", "/"], 2),
    **dict.fromkeys(["coalesce", "days_between", "full_months_between", "add_months"], 2),
}


def test_every_operator_and_function_is_here_with_and_without_nulls_in_each_place():
    assert set(POSITIONS) == OPERATORS | set(FUNCTIONS)
    missing = []
    for of, places in POSITIONS.items():
        found = [_null_positions(row) for row in [*ROWS, *FORMULAS] if row.of == of]
        wanted = [[], *([place] for place in range(places))]
        missing += [(of, nulls) for nulls in wanted if nulls not in found]
    assert missing == []


def test_rows_of_one_function_stand_together():
    assert len(GROUPS) == len([of for of, _ in groupby(ROWS, key=lambda row: row.of)])
