"""Both engines do the same: what goes in comes out, names and text are safe, errors are errors."""

import datetime as dt
import os
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from puhui.engine import SPILL, DuckDBEngine, SparkEngine
from puhui.engine.duckdb import ident
from puhui.errors import PuhuiError
from puhui.params import literal_sql

ENGINES = [
    pytest.param(DuckDBEngine, id="duckdb"),
    pytest.param(SparkEngine, id="spark", marks=pytest.mark.spark),
]
TABLE = pa.table(
    {
        "money": pa.array([Decimal("1.50"), None], pa.decimal128(18, 2)),
        "rate": pa.array([Decimal("3.850000"), None], pa.decimal128(9, 6)),
        "number": pa.array([2**53 + 1, None], pa.int64()),
        "day": pa.array([dt.date(2020, 2, 29), None], pa.date32()),
        "yes": pa.array([True, None]),
        "text": pa.array(["购进𠮷米", None]),
        "codes": pa.array([["ip", None], None], pa.list_(pa.string())),
    }
)


@pytest.fixture(scope="module", params=ENGINES)
def engine(request):
    with request.param(threads=2) as engine:
        yield engine


def rows(engine, sql):
    return engine.sql(sql).to_pylist()


def test_every_type_comes_back_as_it_went_in(engine):
    engine.register("t", TABLE)
    got = engine.sql("SELECT * FROM t")
    assert got.to_pylist() == TABLE.to_pylist()
    kinds = {name: got.schema.field(name).type for name in TABLE.column_names}
    assert kinds == {name: TABLE.schema.field(name).type for name in TABLE.column_names}


def test_an_empty_table_keeps_its_columns(engine):
    engine.register("none", TABLE.slice(0, 0))
    got = engine.sql("SELECT * FROM none")
    assert (got.num_rows, got.column_names) == (0, TABLE.column_names)


def test_a_view_follows_its_source_and_a_table_does_not(engine):
    engine.register("source", pa.table({"n": [1, 2]}))
    engine.view("seen", "SELECT sum(n) AS s FROM source")
    engine.table("kept", "SELECT sum(n) AS s FROM source")
    engine.register("source", pa.table({"n": [10]}))
    assert rows(engine, "SELECT CAST(s AS BIGINT) AS s FROM seen") == [{"s": 10}]
    assert rows(engine, "SELECT CAST(s AS BIGINT) AS s FROM kept") == [{"s": 3}]
    engine.table("kept", "SELECT s + 1 AS s FROM kept")
    assert rows(engine, "SELECT CAST(s AS BIGINT) AS s FROM kept") == [{"s": 4}]


def test_names_may_hold_anything(engine):
    table, column = 'a "b" 表.`c`', '贷款 "x"'
    engine.register(table, pa.table({column: [1]}))
    assert rows(engine, f"SELECT {ident(column)} AS v FROM {ident(table)}") == [{"v": 1}]


@pytest.mark.parametrize(
    "text",
    ["it's", "a\\b", "\\", "\\'; --", "${user}", "'' || ''", "第一行\n第二行", '"', "\\u0041"],
)
def test_text_stays_text(engine, text):
    assert rows(engine, f"SELECT {literal_sql(text, engine.dialect)} AS v") == [{"v": text}]


def test_a_failing_query_is_an_error_with_its_sql(engine):
    for run in (engine.sql, lambda sql: engine.view("v", sql), lambda sql: engine.table("v", sql)):
        with pytest.raises(PuhuiError, match=r"(?s)查询失败.*SELECT nowhere") as error:
            run("SELECT nowhere FROM missing")
        assert "missing" in str(error.value)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT n + n AS v FROM big",
        "SELECT CAST(t AS BIGINT) AS v FROM big",
        "SELECT CAST(t AS DATE) AS v FROM big",
        "SELECT d * d AS v FROM big",
    ],
)
def test_what_has_no_answer_is_an_error_not_a_null(engine, sql):
    big = {
        "n": pa.array([2**63 - 1], pa.int64()),
        "t": ["x"],
        "d": pa.array([Decimal(10) ** 25], pa.decimal128(38, 2)),
    }
    engine.register("big", pa.table(big))
    with pytest.raises(PuhuiError):
        engine.sql(sql)


def test_sums_of_money_are_exact_and_a_sum_of_nothing_is_null(engine):
    fen = pa.array([Decimal("0.01")] * 999 + [Decimal("9999999999999999.99")], pa.decimal128(18, 2))
    engine.register("fen", pa.table({"m": fen}))
    got = rows(engine, "SELECT sum(m) AS s, sum(m) FILTER (WHERE m < 0) AS none FROM fen")
    assert got == [{"s": Decimal("10000000000000009.98"), "none": None}]


def stored(root: Path, institution: str, revision: str, table: pa.Table) -> Path:
    folder = root / "quarter=2021Q4" / f"institution_id={institution}" / f"rev={revision}"
    folder.mkdir(parents=True)
    pq.write_table(table, folder / "loans.parquet")
    return folder / "loans.parquet"


@pytest.mark.parametrize("kind", ENGINES)
def test_store_files_are_read_with_their_folders_as_text(kind, tmp_path):
    # One schema for all files of a table; columns are found by name, in whatever order.
    one = stored(
        tmp_path, "0012", "0002", pa.table({"n": [1], "later": pa.array([None], "string")})
    )
    two = stored(tmp_path, "0E12", "0001", pa.table({"later": ["x"], "n": [2]}))
    with kind([tmp_path], threads=1) as engine:
        engine.files("loans", [one, two])
        got = rows(engine, "SELECT quarter, institution_id, rev, n, later FROM loans ORDER BY n")
    names = ("quarter", "institution_id", "rev", "n", "later")
    values = [("2021Q4", "0012", "0002", 1, None), ("2021Q4", "0E12", "0001", 2, "x")]
    assert got == [dict(zip(names, line, strict=True)) for line in values]


@pytest.mark.parametrize("kind", ENGINES)
def test_files_may_be_read_without_their_folders(kind, tmp_path):
    held = pa.table({"institution_id": ["0012", "0013"]})  # the files name it themselves
    one = stored(tmp_path, "SUPERVISOR", "0002", held)
    two = stored(tmp_path, "OTHER", "0001", held.slice(1))
    with kind([tmp_path], threads=1) as engine:
        engine.files("register", [one, two], partitioned=False)
        got = rows(engine, "SELECT * FROM register ORDER BY institution_id")
    assert [list(row.items()) for row in got] == [
        [("institution_id", name)] for name in ("0012", "0013", "0013")
    ]


@pytest.mark.parametrize("kind", ENGINES)
def test_no_other_folder_is_read(kind, tmp_path):
    secret = stored(tmp_path / "other", "AAAA", "0001", pa.table({"n": [1]}))
    with kind([tmp_path / "mine"], threads=1) as engine:
        with pytest.raises(PuhuiError):
            engine.files("loans", [secret])
        for sql in (f"SELECT * FROM parquet.`{secret}`", f"SELECT * FROM '{secret}'"):
            with pytest.raises(PuhuiError):
                engine.sql(sql)


@pytest.mark.parametrize("kind", ENGINES)
def test_a_query_can_neither_set_nor_write(kind, tmp_path):
    target = tmp_path / "out"
    with kind([tmp_path], threads=1) as engine:
        for sql in (
            "SET threads = 1",
            "SET spark.sql.ansi.enabled = false",
            f"COPY (SELECT 1 AS n) TO '{target}'",
            f"INSERT OVERWRITE DIRECTORY '{target}' USING parquet SELECT 1 AS n",
            f"WITH q AS (SELECT 1 AS n) INSERT OVERWRITE DIRECTORY '{target}' USING csv "
            "SELECT n FROM q",
            "SELECT 1 AS n; SELECT 2 AS n",
        ):
            for run in (
                engine.sql,
                lambda sql: engine.table("t", sql),
                lambda sql: engine.view("v", sql),
            ):
                with pytest.raises(PuhuiError, match="查询失败"):
                    run(sql)
    assert not target.exists()


@pytest.mark.parametrize("kind", ENGINES)
def test_engines_share_nothing_and_close_alone(kind):
    with kind(threads=1) as one, kind(threads=1) as two:
        one.register("t", pa.table({"n": [1]}))
        two.register("t", pa.table({"n": [2]}))
        assert rows(one, "SELECT n FROM t") == [{"n": 1}]
        one.close()
        one.close()
        assert rows(two, "SELECT n FROM t") == [{"n": 2}]
        with pytest.raises(PuhuiError):
            one.sql("SELECT 1 AS n")


@pytest.mark.spark
def test_spark_is_quiet_and_leaves_nothing_behind(tmp_path):
    code = (
        "from puhui.engine import SparkEngine\n"
        "from puhui.errors import PuhuiError\n"
        "with SparkEngine(threads=1) as engine:\n"
        "    engine.table('t', 'SELECT 1 AS n')\n"
        "    try:\n"
        "        engine.sql('SELECT 1 / 0')\n"
        "    except PuhuiError:\n"
        "        print(engine.sql('SELECT n FROM t').to_pylist())\n"
    )
    scratch = tmp_path / "scratch"
    here = tmp_path / "here"
    scratch.mkdir()
    here.mkdir()
    environment = {**os.environ, "TMPDIR": str(scratch)}
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=here, env=environment, capture_output=True, text=True
    )
    assert (run.stdout, run.stderr) == ("[{'n': 1}]\n", "")
    assert list(here.iterdir()) == []
    assert [p.name for p in scratch.iterdir() if p.name.startswith("puhui")] == []


@pytest.mark.spark
def test_a_spark_already_running_is_used_and_left_running():
    from pyspark.sql import SparkSession

    theirs = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false")
    session = theirs.getOrCreate()
    try:
        with SparkEngine() as engine:
            engine.register("t", pa.table({"n": [1]}))
            assert rows(engine, "SELECT n FROM t") == [{"n": 1}]
        assert session.sql("SELECT 7 AS n").collect()[0].n == 7
        assert not session.catalog.tableExists("t")
    finally:
        session.stop()


#: More than a table of 100 MB holds.
LARGE = "CREATE TABLE large AS SELECT hash(i)::VARCHAR || i AS a FROM range(6000000) t(i)"


def test_what_does_not_fit_is_spilt_into_the_given_folder_and_nowhere_else(tmp_path, monkeypatch):
    where = tmp_path / "working"
    where.mkdir()
    monkeypatch.chdir(tmp_path)
    with DuckDBEngine(threads=1, memory_limit="100MB", spill=where) as engine:
        engine._con.execute(LARGE)
        spilt = sorted(p.relative_to(where).parts[0] for p in where.rglob("*.tmp"))
        assert spilt
        assert all(name.startswith(SPILL) for name in spilt)
    assert [p.name for p in tmp_path.rglob("*")] == ["working"]


def test_without_a_folder_to_spill_into_a_query_too_large_fails(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with DuckDBEngine(threads=1, memory_limit="100MB") as engine:
        with pytest.raises(duckdb.OutOfMemoryException):
            engine._con.execute(LARGE)
        assert list(tmp_path.rglob("*")) == []
