"""The engines: one SQL, run embedded (DuckDB) now and distributed (Spark) later."""

from puhui.engine.duckdb import DuckDBEngine

__all__ = ["DuckDBEngine"]
