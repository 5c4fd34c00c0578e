"""What every engine can do, so that the rest of the library need not know which one it has."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

import pyarrow as pa


class Engine(Protocol):
    """SQL over Arrow tables and Parquet files; results are Arrow tables.

    ``dialect`` is what :meth:`puhui.params.Expression.sql` wants. Sums of DECIMAL and
    counts are equal to the bit on every engine. What SQL around expressions has to spell
    out, because defaults differ: ``NULLS FIRST`` or ``LAST`` after ``ORDER BY``, and casts.
    """

    dialect: str
    rows_at_once: int | None
    """Loans whose intermediate table it should hold at one time; None: as many as there are."""

    def __enter__(self) -> Self:
        """Return the engine itself."""
        ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the engine."""
        ...

    def close(self) -> None:
        """Release what the engine holds; it cannot be used afterwards."""
        ...

    def register(self, name: str, table: pa.Table) -> None:
        """Make an Arrow table readable under ``name``, in place of one of that name."""
        ...

    def files(self, name: str, paths: Sequence[Path], *, partitioned: bool = True) -> None:
        """Make store files readable under ``name``; partition columns stay text.

        ``partitioned=False`` for files whose folders say nothing of their rows.
        """
        ...

    def view(self, name: str, sql: str) -> None:
        """Create or replace a view; the failing SQL is part of the error."""
        ...

    def table(self, name: str, sql: str) -> None:
        """Run a query now and keep its result under ``name``."""
        ...

    def sql(self, sql: str) -> pa.Table:
        """Run a query and return an Arrow table."""
        ...
