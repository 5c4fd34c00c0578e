"""The run file: one country's or one data set's way of running the suite."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from puhui.errors import ParamsError
from puhui.params.expression import Expression
from puhui.params.reading import Strict, build, mapping, nearest, required
from puhui.params.rows import Rows
from puhui.params.yaml import YamlMap
from puhui.quarter import Quarter


def _quarter(text: str) -> str:
    if not re.fullmatch(r"\d{4}Q[1-4]", text):
        raise ValueError("应为季度，例如 2019Q4")
    return text


QuarterText = Annotated[str, AfterValidator(_quarter)]


class Rates(Strict):
    """What the rate study takes.

    Attributes
    ----------
    benchmark
        Name of a series of ``benchmarks.yaml``.
    tenor
        Row expression giving a tenor of it (null: the loan has none).
    tenor_beside
        Row expression giving the other tenor a loan that names none may be on (null: none); the
        equations are shown on it beside.
    window_from, window_to
        First and last quarter of drawdowns; no ``window_to``: up to the run's quarter.
    effects
        Columns of ``loan_facts`` whose crossing is absorbed.
    sample_where
        Row condition of loans taken.
    left_out
        Row expression that is null, or names why a loan is left out.
    count_absorbed
        Whether absorbed effects count in K of the CRV1 factor (as dummies would).
    """

    benchmark: str
    tenor: Expression
    tenor_beside: Expression | None = None
    window_from: QuarterText
    window_to: QuarterText | None = None
    effects: tuple[str, ...] = Field(min_length=1)
    sample_where: Expression
    left_out: Expression | None = None
    count_absorbed: bool = False

    def window(self, quarter: Quarter) -> tuple[Quarter, Quarter]:
        """First and last quarter of the window of a run."""
        last = Quarter.parse(self.window_to) if self.window_to else quarter
        return Quarter.parse(self.window_from), min(last, quarter)


class Limits(Strict):
    """When work is given up.

    Attributes
    ----------
    cell, kernel_start
        Seconds a cell may take, and a kernel until it is ready.
    output_mb
        Millions of characters a cell may put out.
    """

    cell: int = Field(gt=0)
    kernel_start: int = Field(gt=0)
    output_mb: float = Field(gt=0)


class Run(Strict):
    """Settings of a run that are not policy.

    Attributes
    ----------
    figure_of_record
        Sources in the order in which they rule.
    hash_key_file
        Office's key for persons' ids, relative to the run file.
    keep_runs
        How many runs of a quarter that others took the place of are kept.
    folder
        Folder of the run file.
    """

    extends: str | None = None
    country: str
    area: str
    office: str
    currency: str
    figure_of_record: tuple[Literal["returns", "ledger"], ...] = Field(min_length=1)
    hash_key_file: str
    jobs: int = Field(gt=0)
    limits: Limits
    keep_runs: int = Field(ge=0)
    rates: Rates
    folder: Path

    def hash_key_path(self) -> Path:
        """Absolute path of the office's key."""
        return (self.folder / self.hash_key_file).resolve()


class _RawRates(Strict):
    benchmark: str
    tenor: str
    tenor_beside: str | None = None
    window_from: QuarterText
    window_to: QuarterText | None = None
    effects: tuple[str, ...]
    sample_where: str
    left_out: str | None = None
    count_absorbed: bool = False


class _RawRun(Strict):
    extends: str | None = None
    country: str
    area: str
    office: str
    currency: str
    figure_of_record: tuple[Literal["returns", "ledger"], ...]
    hash_key_file: str
    jobs: int
    limits: Limits
    keep_runs: int
    rates: _RawRates


def load_run(
    raw: YamlMap, folder: Path, *, rows: Rows, columns: set[str], benchmarks: set[str]
) -> Run:
    """Read ``run.yaml``.

    Parameters
    ----------
    raw
        The file's mapping.
    folder
        Its folder.
    rows
        Checks the names in row expressions.
    columns
        Columns effects may name.
    benchmarks
        Names of the benchmark series.

    Raises
    ------
    ParamsError
        A key that is missing, misspelt (with the nearest valid one) or of the wrong type;
        an effect, benchmark or column that does not exist.
    """
    build(_RawRun, raw)
    entry = mapping(raw["rates"], where=raw.where("rates"))
    tenor, sample = required(entry, "tenor"), required(entry, "sample_where")
    beside, left_out = (
        required(entry, name) if name in entry else None for name in ("tenor_beside", "left_out")
    )
    given = {"tenor": tenor, "tenor_beside": beside, "sample_where": sample, "left_out": left_out}
    rates = build(Rates, entry, **given)
    if rates.benchmark not in benchmarks:
        raise ParamsError(
            f"没有基准“{rates.benchmark}”。",
            where=entry.where("benchmark"),
            remedy=nearest(rates.benchmark, benchmarks),
        )
    for effect in rates.effects:
        if effect not in columns:
            raise ParamsError(
                f"没有列“{effect}”。",
                where=entry.where("effects"),
                remedy=nearest(effect, columns),
            )
    for expression in (tenor, beside, left_out):
        if expression is not None:
            rows.moments(expression)
    if len(rows.moments(sample)) > 1:
        raise ParamsError("sample_where 混用了当前时点与发放时点的列。", where=sample.where)
    return build(Run, raw, rates=rates, folder=folder)
