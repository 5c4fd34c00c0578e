"""The embedded engine: DuckDB opened locked down, results as Arrow tables."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

import duckdb
import pyarrow as pa

from puhui.errors import PuhuiError

#: What folders that queries spill into are called, before the process and the engine.
SPILL = ".spill-"


class DuckDBEngine:
    """An in-memory DuckDB that can read the given folders and nothing else.

    External access, extension loading and later configuration are switched off, so no
    expression from ``params/`` or text from a submission can reach files or the network.

    Parameters
    ----------
    read
        Folders whose Parquet files queries may read.
    threads
        Worker threads; sums of DECIMAL and counts do not depend on it.
    memory_limit
        DuckDB memory limit such as ``"4GB"``; ``None`` keeps its default.
    spill
        Existing folder for what does not fit into memory, in a folder of the engine's own
        (:data:`SPILL`) that is removed when it closes; ``None``: a query too large fails instead.
    """

    dialect = "duckdb"
    rows_at_once: int | None = 1_000_000

    def __init__(
        self,
        read: Sequence[Path] = (),
        *,
        threads: int | None = None,
        memory_limit: str | None = None,
        spill: Path | None = None,
    ) -> None:
        self._con = duckdb.connect(":memory:")
        run = self._con.execute
        run("SET autoinstall_known_extensions = false")
        run("SET autoload_known_extensions = false")
        run("SET TimeZone = 'UTC'")
        run("SET preserve_insertion_order = true")
        run("SET python_enable_replacements = false")
        if threads is not None:
            run(f"SET threads = {int(threads)}")
        if memory_limit is not None:
            run(f"SET memory_limit = {quote(memory_limit)}")
        # By default DuckDB would spill loans into the working directory.
        own = "" if spill is None else str(spill.resolve() / f"{SPILL}{os.getpid()}-{id(self)}")
        run(f"SET temp_directory = {quote(own)}")
        folders = ", ".join(quote(str(Path(p).resolve())) for p in read)
        run(f"SET allowed_directories = [{folders}]")
        run("SET enable_external_access = false")
        run("SET lock_configuration = true")

    def __enter__(self) -> DuckDBEngine:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Release the database."""
        self._con.close()

    def register(self, name: str, table: pa.Table) -> None:
        """Make an Arrow table readable under ``name``."""
        # A table takes the place of a view of that name, as a view takes that of a table.
        self._con.execute(f"DROP VIEW IF EXISTS {ident(name)}")
        self._con.register(name, table)

    def files(self, name: str, paths: Sequence[Path], *, partitioned: bool = True) -> None:
        """Make store files readable under ``name``; partition columns stay text.

        ``partitioned=False`` for files whose folders say nothing of their rows.
        """
        source = parquet(paths) if partitioned else plain_parquet(paths)
        self.view(name, f"SELECT * FROM {source}")

    def view(self, name: str, sql: str) -> None:
        """Create or replace a view; the failing SQL is part of the error."""
        self._run(f"CREATE OR REPLACE TEMP VIEW {ident(name)} AS {sql}")

    def table(self, name: str, sql: str) -> None:
        """Materialise a query as a temporary table."""
        self._run(f"CREATE OR REPLACE TEMP TABLE {ident(name)} AS {sql}")

    def sql(self, sql: str) -> pa.Table:
        """Run a query and return an Arrow table."""
        try:
            self._check_single(sql, duckdb.StatementType.SELECT)
            return self._con.sql(sql).to_arrow_table()
        except (duckdb.Error, RuntimeError) as error:
            raise _failure(error, sql) from error

    def _run(self, sql: str) -> None:
        try:
            self._check_single(sql, duckdb.StatementType.CREATE)
            self._con.execute(sql)
        except (duckdb.Error, RuntimeError) as error:
            raise _failure(error, sql) from error

    def _check_single(self, sql: str, kind: duckdb.StatementType) -> None:
        """Refuse a second statement, and one that sets or writes something."""
        found = [statement.type for statement in self._con.extract_statements(sql)]
        if found != [kind]:
            raise PuhuiError(f"查询失败：这里只能写一条查询语句。\n{sql}")


def _failure(error: Exception, sql: str) -> BaseException:
    """Tell Ctrl-C during a query from a query that failed."""
    interrupted = isinstance(error, duckdb.InterruptException) or str(error) == "Query interrupted"
    return KeyboardInterrupt() if interrupted else PuhuiError(f"查询失败：{error}\n{sql}")


def ident(name: str) -> str:
    """Quote an identifier."""
    return '"' + name.replace('"', '""') + '"'


def quote(text: str) -> str:
    """Quote a string literal."""
    return "'" + text.replace("'", "''") + "'"


def parquet(paths: Sequence[Path]) -> str:
    """Return a ``read_parquet`` source over store files; partition columns stay text."""
    files = ", ".join(quote(str(p)) for p in paths)
    return f"read_parquet([{files}], hive_partitioning = true, hive_types_autocast = false)"


def plain_parquet(paths: Sequence[Path]) -> str:
    """Return a ``read_parquet`` source over files whose folders say nothing of their rows."""
    files = ", ".join(quote(str(p)) for p in paths)
    return f"read_parquet([{files}], hive_partitioning = false)"
