"""The sample of the pricing equation: each loan once, and a count for every one left out."""

from __future__ import annotations

import datetime as dt
import hashlib
from dataclasses import dataclass
from decimal import Decimal

import pyarrow as pa

from puhui.engine.duckdb import DuckDBEngine, ident, quote
from puhui.errors import FitError, PuhuiError
from puhui.rates.identify import IdentificationRules
from puhui.rates.terms import Control

SAMPLE = "rates_sample"
_KEY = "rates_drawn_by"
#: What tells one loan from another; the sample keeps those the relation has.
IDS = ("branch_id", "loan_id")
#: The other tenor a loan may be on, where the relation tells it.
BESIDE = "benchmark_tenor_beside"
#: Decimal places of a rate.
RATE_SCALE = 6
#: Decimal places of an amount in yuan.
AMOUNT_SCALE = 2


@dataclass(frozen=True)
class Measure:
    """Something else in force around a move of the benchmark (dates inclusive; open: ``None``)."""

    name: str
    from_date: dt.date
    to_date: dt.date | None
    document: str
    certainty: str


@dataclass(frozen=True)
class PricingSpec:
    """What is fitted.

    Attributes
    ----------
    quarter
        Quarter of the run, for the result rows.
    label
        Benchmark in the reader's words, e.g. ``LPR``.
    window_from, window_to
        First and last drawdown date.
    where
        SQL condition on the relation that a loan of the sample meets.
    effects
        Columns of the relation whose combinations, with the institution, are swept out.
    rules
        When the coefficient is identified.
    left_out
        SQL expression that is null, or says in a word why a loan is left out.
    path
        The benchmark itself (``series``, ``tenor``, ``from_date``, ``rate``), if the caller has
        it; else the dates of its moves are those at which loans first show them.
    count_absorbed
        Whether absorbed effects count in K of the CRV1 factor.
    institution_id, scope
        Whose results these are: ``None`` and the words for all institutions.
    controls
        Variables of the equation with controls, where the relation has their columns.
    control_min_share
        Per cent of the sample's loans that must state a control for it to be used.
    late_days
        A loan dated by its drawdown within so many days after a move may have been priced
        before it; the equation is shown without these too.
    move_days
        Days before and after a move whose mean rates are compared.
    measures
        What else was in force, for the table of moves.
    """

    quarter: str
    label: str
    window_from: dt.date
    window_to: dt.date
    where: str
    effects: tuple[str, ...]
    rules: IdentificationRules
    left_out: str | None = None
    path: pa.Table | None = None
    count_absorbed: bool = False
    institution_id: str | None = None
    scope: str = "全部机构"
    controls: tuple[Control, ...] = ()
    control_min_share: Decimal = Decimal(95)
    late_days: int = 30
    move_days: int = 60
    measures: tuple[Measure, ...] = ()


@dataclass(frozen=True)
class Sample:
    """How many rows the relation has, why rows are left out, and how many loans remain.

    ``key`` names the relation and specification it was drawn by; ``by_drawdown`` counts the
    loans without a day of pricing, whose benchmark is that of the day of drawdown;
    ``controls`` are those whose columns the relation has, ``ids`` those of :data:`IDS` and
    :data:`BESIDE`; ``beside`` counts the loans that may be on another tenor.
    """

    rows: int
    left_out: dict[str, int]
    loans: int
    institutions: int
    key: str = ""
    by_drawdown: int = 0
    controls: tuple[Control, ...] = ()
    ids: tuple[str, ...] = ()
    beside: int = 0


def draw(engine: DuckDBEngine, relation: str, spec: PricingSpec) -> Sample:
    """Materialise the sample as a table and count what is left out, by reason.

    A loan counts once: as the first quarter that holds it shows it, in that quarter's latest
    revision. Every row of the relation is either in the sample or counted under one reason.

    Raises
    ------
    FitError
        An effect is not a column of the relation.
    """
    known = engine.sql(f"SELECT * FROM {ident(relation)} LIMIT 0").column_names
    absent = [name for name in spec.effects if name not in known]
    if absent:
        raise FitError(
            f"没有列“{'”“'.join(absent)}”，不能作为定价方程的效应。",
            remedy="请检查运行文件 rates 下的 effects。",
        )
    controls = tuple(c for c in spec.controls if set(c.columns) <= set(known))
    ids = tuple(name for name in (*IDS, BESIDE) if name in known)
    query = _drawn(relation, spec, controls, ids)
    engine.table(_KEY, f"SELECT {quote(_digest(query))} AS key")
    # Two passes, so that nothing but the sample is ever held: most rows are seen a second time.
    engine.table(SAMPLE, f"SELECT * EXCLUDE (reason) FROM ({query}) WHERE reason IS NULL")
    counted = engine.sql(
        f"SELECT reason, count(*) AS n FROM ({query}) WHERE reason IS NOT NULL "
        "GROUP BY 1 ORDER BY 1"
    ).to_pydict()
    size = engine.sql(
        "SELECT count(*) AS n, count(DISTINCT g) AS banks, "
        "count(*) FILTER (WHERE by_drawdown) AS unpriced, "
        f"count({BESIDE if BESIDE in ids else 'NULL'}) AS beside FROM {SAMPLE}"
    ).to_pylist()[0]
    left_out = dict(zip(counted["reason"], counted["n"], strict=True))
    loans, banks = int(size["n"]), int(size["banks"])
    return Sample(
        loans + sum(left_out.values()),
        left_out,
        loans,
        banks,
        _digest(query),
        int(size["unpriced"]),
        controls,
        ids,
        int(size["beside"]),
    )


def drawn(engine: DuckDBEngine, relation: str, spec: PricingSpec, given: Sample | None) -> Sample:
    """Return the sample given, if it is the one the engine holds; draw one if none is given.

    Raises
    ------
    FitError
        The sample was drawn otherwise, on another engine, or another one was drawn since.
    """
    if given is None:
        return draw(engine, relation, spec)
    wanted = _digest(_drawn(relation, spec, given.controls, given.ids))
    try:
        held = engine.sql(f"SELECT key FROM {_KEY}").column("key")[0].as_py()
    except PuhuiError:  # no sample was ever drawn on this engine
        held = None
    if not given.key == held == wanted:
        raise FitError(
            "给出的样本不是在这个引擎上按这份设定最后抽取的。",
            remedy="请重新抽取样本，或不给样本。",
        )
    return given


def _digest(query: str) -> str:
    return hashlib.sha256(query.encode()).hexdigest()


def _drawn(
    relation: str, spec: PricingSpec, controls: tuple[Control, ...], ids: tuple[str, ...]
) -> str:
    """One row per row of the relation: integers, cell, benchmark, and the reason it is out."""
    effects = [e for e in spec.effects if e != "institution_id"]
    cell = ", ".join(
        ["institution_id", *(f"coalesce(CAST({ident(e)} AS VARCHAR), '')" for e in effects)]
    )
    first, last = (f"DATE {quote(d.isoformat())}" for d in (spec.window_from, spec.window_to))
    left_out = f"CAST({spec.left_out} AS VARCHAR)" if spec.left_out else "NULL"
    facts = ident(relation)
    y, w = (
        f"CAST({column} * {10**scale} AS BIGINT)"
        for column, scale in (("rate_at_drawdown", RATE_SCALE), ("amount", AMOUNT_SCALE))
    )
    more = "".join(f", {ident(name)}" for name in ids)
    more += "".join(f", {c.sql} AS {ident(c.name)}" for c in controls)
    # Names of the two narrow tables start with own_, not to meet a column of the relation.
    return f"""
        WITH latest AS (
            SELECT institution_id AS own_g, quarter AS own_quarter, max(revision) AS own_revision
            FROM {facts} GROUP BY ALL
        ),
        earliest AS (
            SELECT institution_id AS own_holder, loan_id AS own_loan, min(quarter) AS own_first
            FROM {facts} JOIN latest
                ON institution_id = own_g AND quarter = own_quarter AND revision = own_revision
            GROUP BY ALL
        )
        SELECT institution_id AS g, concat_ws(chr(31), {cell}) AS f,
            concat_ws(' ', benchmark_series, benchmark_tenor) AS benchmark,
            benchmark_date, benchmark_rate, {y} AS y, {w} AS w,
            date_diff('day', {first}, benchmark_date) AS t,
            priced_on IS NULL AS by_drawdown{more},
            CASE
                WHEN revision < own_revision THEN '已被更正报送取代'
                WHEN quarter > own_first THEN '以前季度已计入的同一笔贷款'
                WHEN (drawn_on BETWEEN {first} AND {last}) IS NOT TRUE THEN '不在窗口期内发放'
                WHEN {left_out} IS NOT NULL THEN {left_out}
                WHEN ({spec.where}) IS NOT TRUE THEN '不符合样本条件'
                WHEN rate_at_drawdown IS NULL THEN '没有发放利率'
                WHEN benchmark_rate IS NULL THEN '没有对应的基准利率'
                WHEN amount IS NULL OR amount <= 0 THEN '发放金额不为正'
            END AS reason
        FROM {facts} JOIN latest ON institution_id = own_g AND quarter = own_quarter
            LEFT JOIN earliest ON institution_id = own_holder AND loan_id = own_loan
    """


def rate(value: object) -> Decimal:
    """Read a rate of the engine as a decimal of six places."""
    return Decimal(str(value)).quantize(Decimal(1).scaleb(-RATE_SCALE))
