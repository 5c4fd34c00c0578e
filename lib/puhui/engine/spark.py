"""The distributed engine: Spark 4, set so that it answers as DuckDB does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

import pyarrow as pa

from puhui.engine.duckdb import ident
from puhui.engine.spark_process import SparkProcess, no_pandas_warning
from puhui.errors import PuhuiError

_T = TypeVar("_T")

_PROCESS = SparkProcess()

#: What makes a session answer as DuckDB does, whatever the cluster's defaults.
SETTINGS = {
    "spark.sql.ansi.enabled": "true",  # overflow and bad casts are errors, not nulls
    "spark.sql.ansi.doubleQuotedIdentifiers": "true",  # "x" is a column
    "spark.sql.decimalOperations.allowPrecisionLoss": "false",  # never round a product
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.caseSensitive": "false",
    "spark.sql.sources.partitionColumnTypeInference.enabled": "false",  # 0012 stays 0012
    "spark.sql.variable.substitute": "false",  # '${x}' is text
    "spark.sql.parser.escapedStringLiterals": "false",  # \\ is a backslash, as quote() writes it
    "spark.sql.legacy.consecutiveStringLiterals.enabled": "false",  # '' is a quote
    "spark.sql.runSQLOnFiles": "false",  # no SELECT … FROM parquet.`/somewhere`
}


class SparkEngine:
    """A Spark session that reads the given folders; same methods as ``DuckDBEngine``.

    The first engine starts Spark on this machine and the last one closed stops it. If the
    caller has started Spark already (on a cluster, say), that one is used and left running.
    Views and settings are the engine's own.

    Spark cannot be shut in as DuckDB can: here only queries run, files are read through
    :meth:`files` alone, and nothing but whitelisted expressions and quoted text goes into SQL.

    Parameters
    ----------
    read
        Folders whose Parquet files :meth:`files` may read.
    threads
        Worker threads if Spark is started here; results do not depend on it.
    memory_limit
        Memory such as ``"4GB"`` if the Java process is started here; ``None`` keeps the default.

    Raises
    ------
    PuhuiError
        Without pyspark or without Java 17; says what to install.
    """

    dialect = "spark"
    rows_at_once: int | None = None

    def __init__(
        self,
        read: Sequence[Path] = (),
        *,
        threads: int | None = None,
        memory_limit: str | None = None,
    ) -> None:
        self._read = tuple(Path(p).resolve() for p in read)
        self._session: Any = _PROCESS.session(threads=threads, memory_limit=memory_limit)
        for key, value in SETTINGS.items():
            self._session.conf.set(key, value)
        if threads is not None:
            self._session.conf.set("spark.sql.shuffle.partitions", str(2 * threads))

    def __enter__(self) -> SparkEngine:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Release the session, and Spark with it if no other engine is open."""
        if self._session is not None:
            self._session = None
            _PROCESS.release()

    def register(self, name: str, table: pa.Table) -> None:
        """Make an Arrow table readable under ``name``."""
        session = self._open()
        frame = _checked(lambda: session.createDataFrame(table), name)
        frame.createOrReplaceTempView(ident(name))

    def files(self, name: str, paths: Sequence[Path], *, partitioned: bool = True) -> None:
        """Make store files readable under ``name``; partition columns stay text.

        ``partitioned=False`` for files whose folders say nothing of their rows.

        Raises
        ------
        PuhuiError
            A file outside the folders given as ``read``, files of two stores, or no file.
        """
        resolved = [Path(p).resolve() for p in paths]
        for path in resolved:
            if not any(path.is_relative_to(folder) for folder in self._read):
                raise PuhuiError("引擎不能读这个文件夹。", where=str(path))
        reader = self._open().read.option("mergeSchema", True)
        if partitioned:
            roots = {_store_root(path) for path in resolved}
            if len(roots) != 1:
                raise PuhuiError("一次只能读一个数据仓里的文件。", where=name)
            reader = reader.option("basePath", str(roots.pop()))
        texts = [str(path) for path in resolved]
        frame = _checked(lambda: reader.parquet(*texts), name)
        frame.createOrReplaceTempView(ident(name))

    def view(self, name: str, sql: str) -> None:
        """Create or replace a view; the failing SQL is part of the error."""
        command = f"CREATE OR REPLACE TEMP VIEW {ident(name)} AS {sql}"
        session = self._open()
        _checked(lambda: session.sql(command), command)

    def table(self, name: str, sql: str) -> None:
        """Run a query now and keep its result as a temporary table."""
        frame = _checked(lambda: self._query(sql).localCheckpoint(eager=True), sql)
        frame.createOrReplaceTempView(ident(name))

    def sql(self, sql: str) -> pa.Table:
        """Run a query and return an Arrow table."""
        return _checked(lambda: self._query(sql).toArrow(), sql)

    def _query(self, sql: str) -> Any:
        """Run a query; settings, inserts and other commands do not parse as one."""
        session = self._open()
        session._jsparkSession.sessionState().sqlParser().parseQuery(sql)
        return session.sql(sql)

    def _open(self) -> Any:
        if self._session is None:
            raise PuhuiError("Spark 引擎已经关闭。")
        return self._session


def _checked(run: Callable[[], _T], sql: str) -> _T:
    """Run something on Spark; what fails there becomes a ``PuhuiError`` with the SQL."""
    from py4j.protocol import Py4JError
    from pyspark.errors import PySparkException

    try:
        with no_pandas_warning():
            return run()
    except (PySparkException, Py4JError) as error:
        raise PuhuiError(f"查询失败：{error}\n{sql}") from error


def _store_root(path: Path) -> Path:
    """Return the folder above the partition folders ``name=value`` of a file."""
    folder = path.parent
    while "=" in folder.name:
        folder = folder.parent
    return folder


def quote(text: str) -> str:
    r"""Quote a string literal; a backslash would otherwise begin an escape.

    Examples
    --------
    >>> quote("it's")
    "'it''s'"
    """
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"
