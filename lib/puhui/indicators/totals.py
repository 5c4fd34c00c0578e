"""The county's totals: indicators over sums of institutions present at both dates.

Each institution's figures come from the source that answers for it. Who is absent at one of
the dates is left out at both (a constant panel) and named. Customers are a sum over
institutions (户次): one who banks with two counts twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction

import pyarrow as pa

from puhui import results
from puhui.indicators.evaluation import PANEL, Bench, Facts, evaluate, holds
from puhui.indicators.judging import result_row
from puhui.params import Indicator
from puhui.params.expression import NoData

#: Stands for an institution in rows that are about all of them.
COUNTY = "county"


def totals_table(bench: Bench, institutions: Iterable[Facts]) -> pa.Table:
    """Indicators of the county's totals, as ``results`` ``indicators``.

    Parameters
    ----------
    institutions
        Everyone in the register.
    """
    everyone = list(institutions)
    rows = [
        _row(bench, indicator, everyone)
        for indicator in bench.params.indicators.values()
        if indicator.total_of is not None
    ]
    return results.from_rows("indicators", rows)


def _row(bench: Bench, indicator: Indicator, everyone: Sequence[Facts]) -> dict[str, object]:
    assert indicator.total_of is not None
    group = [f for f in everyone if holds(indicator.total_of, f)]
    county = Facts(COUNTY, "全县", {})
    panel, absent = _panel(bench, indicator, group)
    if not panel:
        row = result_row(bench.at(bench.quarter), indicator, county)
        if group and not absent:
            why = indicator.not_applicable_why
            return {**row, "verdict": "not_applicable", "reason": why}
        return {**row, "reason": "两个时点都有数据的机构一家也没有"}
    summed = bench.with_measures(_sums(panel))
    row = result_row(summed, indicator, county, source=PANEL)
    said = [f"合计 {len(panel)} 家"]
    if absent:
        said.append(f"缺数据未计入：{'、'.join(f.name for f in absent)}")
    old = [str(row["reason"])] if row.get("reason") else []
    return {**row, "reason": "；".join([*said, *old])}


Used = Sequence[Mapping[str, object]]


def _panel(
    bench: Bench, indicator: Indicator, group: Sequence[Facts]
) -> tuple[list[Used], list[Facts]]:
    """Measures each institution's own figure rests on, and who has none.

    One with nothing planned or lent is no part of a total, and is not absent either.
    """
    panel: list[Used] = []
    absent: list[Facts] = []
    for facts in group:
        done = evaluate(bench, indicator, facts)
        if isinstance(done.value, NoData):
            if not done.nothing:
                absent.append(facts)
        else:
            panel.append(done.used)
    return panel, absent


def _sums(panel: Sequence[Used]) -> dict[tuple[str, str, str | None, str, str], dict[str, object]]:
    found: dict[tuple[str, str, str | None, str, str], dict[str, object]] = {}
    for used in panel:
        for row in used:
            key = (str(row["quarter"]), COUNTY, None, str(row["measure_id"]), PANEL)
            if key not in found:
                found[key] = {**row, "institution_id": COUNTY, "source": PANEL, **_NOTHING}
            _add(found[key], row)
    return found


_NOTHING: Mapping[str, object] = {
    "value": Fraction(0),
    "set_aside": 0,
    "aside_gain": Decimal(0),
    "slack": Decimal(0),
    "doubt": None,
}


def _add(total: dict[str, object], row: Mapping[str, object]) -> None:
    """Add a measure to a total, with what is not sure about it."""
    total["value"] = Fraction(str(total["value"])) + Fraction(str(row["value"]))
    total["slack"] = Decimal(str(total["slack"])) + Decimal(str(row.get("slack") or 0))
    aside = int(str(row.get("set_aside") or 0))
    total["set_aside"] = int(str(total["set_aside"])) + aside
    if aside:
        gain, more = total["aside_gain"], row.get("aside_gain")
        known = gain is not None and more is not None
        total["aside_gain"] = Decimal(str(gain)) + Decimal(str(more)) if known else None
    total["doubt"] = total["doubt"] or row.get("doubt")
