"""Contract check: is a floating rate what its own contract says, benchmark plus spread? Exact.

No model: the benchmark in force on the day, the spread on file, the rate. This is what "priced
off the benchmark" means for a supervisor.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

import pyarrow as pa

from puhui.engine.duckdb import DuckDBEngine, ident, quote
from puhui.errors import ReferenceDataError
from puhui.params.benchmarks import Series
from puhui.rates.sample import RATE_SCALE, PricingSpec
from puhui.results import SCHEMAS

#: Moments at which a rate is held against its contract, and their words.
STAGES = {"origination": "发放时", "repricing": "重定价时"}
#: A rate this close to what the contract says agrees with it.
TOLERANCE_BP = Decimal("0.5")

#: Loans checked and off, by institution, stage and quarter of the date; null: all of them.
SHARES = SCHEMAS["contracts"]
#: One row per loan and stage that breaks its contract.
BREACHES = SCHEMAS["contract_breaches"]
#: Floating loans that cannot be held against a contract, by why.
UNCHECKED = SCHEMAS["contracts_unchecked"]

_CHECKED = "rates_contracts"
_IN_FORCE = "rates_in_force"
#: A basis point in units of a rate.
_BP_UNITS = 10 ** (RATE_SCALE - 2)


@dataclass(frozen=True)
class ContractCheck:
    """What the contract check found.

    ``shares`` as :data:`SHARES`, ``breaches`` as :data:`BREACHES`, ``unchecked`` as
    :data:`UNCHECKED`.
    """

    shares: pa.Table
    breaches: pa.Table
    unchecked: pa.Table


def check_contracts(
    engine: DuckDBEngine,
    relation: str,
    spec: PricingSpec,
    series: Series,
    *,
    tolerance_bp: Decimal = TOLERANCE_BP,
) -> ContractCheck:
    """Hold every floating loan on the benchmark against its own contract.

    At origination: ``rate_at_drawdown`` against the benchmark in force at pricing (else at
    drawdown) plus ``spread_bp``, as the first quarter that holds the loan shows it. At each
    repricing: ``rate_now`` against the benchmark on ``repriced_on`` plus ``spread_bp``, as the
    last quarter with that date shows it. A pricing date after the drawdown cannot be the day the
    rate was set: such a loan is counted as one that cannot be checked. All loans of the relation
    take part, inclusive or not, of any window; a quarter counts in its latest revision.

    Parameters
    ----------
    engine, relation
        Where the rows of ``loan_facts`` are.
    spec
        The pricing equation's: its quarter and, to count inclusive loans, its condition.
    series
        The benchmark. Loans name it as ``name:tenor``.
    tolerance_bp
        Largest deviation that still agrees, basis points.

    Returns
    -------
    ContractCheck
    """
    _look_up(engine, relation, series)
    engine.table(_CHECKED, _checked_sql(relation, spec, series, tolerance_bp))
    return ContractCheck(
        _shares(engine, spec), _breaches(engine, spec, series), _unchecked(engine, spec)
    )


def _look_up(engine: DuckDBEngine, relation: str, series: Series) -> None:
    """Register the benchmark in force on every repricing date the ledger names."""
    seen = engine.sql(
        f"SELECT DISTINCT benchmark, repriced_on FROM {ident(relation)} "
        f"WHERE starts_with(benchmark, {quote(series.name + ':')}) AND repriced_on IS NOT NULL "
        "ORDER BY ALL"
    ).to_pylist()
    rows = []
    for row in seen:
        tenor = row["benchmark"].removeprefix(f"{series.name}:")
        try:
            rate = series.rate_on(tenor, row["repriced_on"])
        except ReferenceDataError:  # no such tenor, or the series does not reach that day
            continue
        rows.append({"at": row["benchmark"], "since": row["repriced_on"], "in_force": rate})
    columns = [("at", pa.string()), ("since", pa.date32()), ("in_force", pa.decimal128(9, 6))]
    engine.register(_IN_FORCE, pa.Table.from_pylist(rows, pa.schema(columns)))


def _checked_sql(relation: str, spec: PricingSpec, series: Series, tolerance_bp: Decimal) -> str:
    """One row per loan and stage: the contract's figures, the deviation, why none."""
    name = quote(series.name + ":")
    year, month = "CAST(substr(quarter, 1, 4) AS INT)", "3 * CAST(substr(quarter, 6, 1) AS INT)"
    one_loan = "PARTITION BY institution_id, loan_id"
    micro = 10**RATE_SCALE
    return f"""
        WITH latest AS (
            SELECT institution_id AS own_g, quarter AS own_quarter, max(revision) AS own_revision
            FROM {ident(relation)} GROUP BY ALL
        ),
        floating AS (
            SELECT *, coalesce(({spec.where}), false) AS own_inclusive,
                last_day(make_date({year}, {month}, 1)) AS own_end
            FROM {ident(relation)} JOIN latest
                ON institution_id = own_g AND quarter = own_quarter AND revision = own_revision
            WHERE rate_type = 'floating'
        ),
        first_seen AS (
            SELECT 'origination' AS stage, benchmark_date AS dated_on,
                CASE WHEN priced_on IS NULL THEN 'drawn_on' ELSE 'priced_on' END AS dated_by,
                CAST(benchmark_rate AS DECIMAL(9,6)) AS in_force, rate_at_drawdown AS rate, *
            FROM floating QUALIFY row_number() OVER ({one_loan} ORDER BY quarter) = 1
        ),
        last_seen AS (
            SELECT 'repricing' AS stage, repriced_on AS dated_on, 'repriced_on' AS dated_by,
                b.in_force, rate_now AS rate, floating.*
            FROM floating LEFT JOIN {_IN_FORCE} b ON b.at = benchmark AND b.since = repriced_on
            WHERE repriced_on IS NOT NULL AND starts_with(benchmark, {name})
            QUALIFY row_number() OVER (
                {one_loan}, repriced_on ORDER BY rate_now IS NULL, quarter DESC) = 1
        ),
        figures AS (
            SELECT stage, institution_id, branch_id, loan_id, quarter AS seen_in, dated_on,
                dated_by, substr(benchmark, {len(series.name) + 2}) AS tenor, in_force,
                spread_bp, rate, amount, drawn_on, own_inclusive AS inclusive,
                CAST(rate * {micro} AS BIGINT) - CAST(in_force * {micro} AS BIGINT)
                    - CAST(spread_bp * 100 AS BIGINT) * {_BP_UNITS // 100} AS deviation,
                CASE WHEN benchmark IS NULL THEN '没有填写定价基准'
                    WHEN NOT starts_with(benchmark, {name}) THEN '合同不以该基准定价'
                    WHEN rate IS NULL THEN '没有利率'
                    WHEN spread_bp IS NULL THEN '没有填写加点'
                    WHEN stage = 'origination' AND dated_on > drawn_on
                        THEN '定价日期晚于发放日期'
                    WHEN dated_on > own_end THEN '日期在该季季末之后'
                    WHEN in_force IS NULL THEN '当日没有该期限的基准利率' END AS reason
            FROM (SELECT * FROM first_seen UNION ALL BY NAME SELECT * FROM last_seen)
        )
        SELECT *, reason IS NULL AND abs(deviation) > {_units(tolerance_bp)} AS off FROM figures
    """


def _units(tolerance_bp: Decimal) -> int:
    """Tolerance in units of a rate; what is below a unit cannot make a difference."""
    return int(tolerance_bp * _BP_UNITS)


def _shares(engine: DuckDBEngine, spec: PricingSpec) -> pa.Table:
    yuan = "coalesce(sum({}), 0)"
    counted = engine.sql(
        "SELECT institution_id, stage, "
        "year(dated_on) || 'Q' || quarter(dated_on) AS priced_in, count(*) AS loans, "
        f"count(*) FILTER (off) AS off, {yuan.format('amount')} AS amount, "
        f"{yuan.format('CASE WHEN off THEN amount END')} AS amount_off, "
        "count(*) FILTER (inclusive) AS inclusive_loans, "
        "count(*) FILTER (inclusive AND off) AS inclusive_off "
        f"FROM {_CHECKED} WHERE reason IS NULL "
        "GROUP BY GROUPING SETS ((stage, institution_id, priced_in), (stage, institution_id), "
        "(stage)) ORDER BY stage, institution_id NULLS FIRST, priced_in NULLS FIRST"
    )
    rows = [{"quarter": spec.quarter, **row} for row in counted.to_pylist()]
    return pa.Table.from_pylist(rows, SHARES)


def _breaches(engine: DuckDBEngine, spec: PricingSpec, series: Series) -> pa.Table:
    found = engine.sql(
        "SELECT institution_id, branch_id, loan_id, stage, seen_in, dated_on, dated_by, tenor, "
        "in_force AS benchmark_rate, spread_bp, rate, deviation, amount, inclusive "
        f"FROM {_CHECKED} WHERE off ORDER BY institution_id, stage, loan_id, dated_on"
    )
    rows = [_breach(spec, series, row) for row in found.to_pylist()]
    return pa.Table.from_pylist(rows, BREACHES)


def _breach(spec: PricingSpec, series: Series, row: Mapping[str, object]) -> dict[str, object]:
    kept = {k: v for k, v in row.items() if k != "deviation"}
    deviation = Decimal(str(row["deviation"])) / _BP_UNITS
    benchmark, spread, rate = (
        Decimal(str(row[k])) for k in ("benchmark_rate", "spread_bp", "rate")
    )
    contract = benchmark + spread / 100
    day = {"drawn_on": "（未填定价日期，按发放日期）"}.get(str(row["dated_by"]), "")
    reason = (
        f"{row['dated_on']}{day}{series.label}（{row['tenor']}）为{_short(benchmark)}%，"
        f"合同{'加' if spread >= 0 else '减'}{_short(abs(spread))}个基点，"
        f"应为{_short(contract)}%，{STAGES[str(row['stage'])]}执行{_short(rate)}%，"
        f"{'高' if deviation > 0 else '低'}{_short(abs(deviation))}个基点。"
    )
    return {
        "quarter": spec.quarter,
        **kept,
        "contract_rate": contract,
        "deviation_bp": deviation,
        "reason": reason,
    }


def _short(value: Decimal) -> str:
    """Write a decimal without trailing zeros, never in powers of ten.

    >>> _short(Decimal("10.00")), _short(Decimal("4.840000"))
    ('10', '4.84')
    """
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _unchecked(engine: DuckDBEngine, spec: PricingSpec) -> pa.Table:
    counted = engine.sql(
        f"SELECT institution_id, stage, reason, count(*) AS loans FROM {_CHECKED} "
        "WHERE reason IS NOT NULL GROUP BY ALL ORDER BY ALL"
    )
    rows = [{"quarter": spec.quarter, **row} for row in counted.to_pylist()]
    return pa.Table.from_pylist(rows, UNCHECKED)
