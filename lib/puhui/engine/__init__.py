"""The engines: one SQL, run embedded (DuckDB) or distributed (Spark)."""

from puhui.engine.duckdb import SPILL, DuckDBEngine
from puhui.engine.shape import Engine
from puhui.engine.spark import SparkEngine

__all__ = ["SPILL", "DuckDBEngine", "Engine", "SparkEngine"]
