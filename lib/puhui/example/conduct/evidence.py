"""What the office has in hand when it asks whether a clause is met."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import pyarrow as pa

from puhui.example.columns import NONE, Columns
from puhui.example.conduct.forms import OMITTED
from puhui.example.conduct.lending import Figures, Lending
from puhui.example.conduct.office import key_firms, plans
from puhui.example.conduct.registers import FIGURES
from puhui.example.conduct.situations import MET, MISSED, NO_DATA, NOT_APPLICABLE
from puhui.example.county import County
from puhui.example.roster import LAST, Unit, institution_id
from puhui.quarter import Quarter

Row = dict[str, Any]
Registers = Mapping[tuple[Quarter, str], Mapping[str, Columns]]

#: Figures and the item of the one sheet that carries each.
SHEET = {
    "all": "QS.all_loans",
    "npl": "QS.npl",
    "mse": "QS.mse_balance",
    "incl": "QS.incl_balance",
    "incl_npl": "QS.incl_npl",
    "assessed": "QS.assessed_balance",
    "assessed:customers": "QS.assessed_customers",
    "at_drawdown:drawn": "QS.incl_drawn",
    "at_drawdown:interest": "QS.incl_interest",
    "mse_credit": "QS.mse_credit_balance",
    "mse_long": "QS.mse_long_balance",
    "mse_renewal": "QS.mse_renewal_balance",
    "mse_revolving": "QS.mse_revolving_balance",
    "making": "QS.manufacturing_balance",
    "agri": "QS.agri_balance",
    "ent_first:borrowers": "QS.ent_first_loan_customers",
    "ent_drawn:borrowers": "QS.ent_drawn_customers",
}
#: Figures that the 1104 items carry; other numbers of who files those stand in attestations.
STATUTORY = frozenset(
    {
        "all",
        "npl",
        "mse",
        "incl",
        "incl_npl",
        "assessed",
        "assessed:customers",
        "at_drawdown:drawn",
        "at_drawdown:interest",
        "mse_credit",
        "mse_renewal",
    }
)
#: Figures a ledger lacks, by how it is sent: text extracts have no column for them, the oldest
#: one fewer still.
_EXTRACTS = frozenset(
    {
        "ent_first:borrowers",
        "mse_local",
        "making",
        "pillar_new:customers",
        "emerging_new:customers",
    }
)
_OLDEST = frozenset(
    {"mse_revolving", "mse_revolving:customers", "mse_listed", "mse_insured", "mse_chained"}
)
_LACKING = {
    "east40": _EXTRACTS | _OLDEST,
    "east40_gz": _EXTRACTS,
    "east50_gz": _EXTRACTS,
}
_ITEM_OF = {figure: item for item, figure in FIGURES.items()}


@dataclass(frozen=True)
class Found:
    """What was found on a clause; see :func:`situations.situation_row`."""

    situation: str
    value: Fraction | None = None
    unit: str | None = None
    base: Fraction | None = None
    why: str = ""
    verdict: str = ""


def no_data(missing: str) -> Found:
    """Nothing can be said, for want of what is named."""
    return Found(NO_DATA, why=f"missing: {missing}")


def not_applicable(why: str) -> Found:
    """The clause asks nothing of it."""
    return Found(NOT_APPLICABLE, why=why)


def done(
    good: bool, value: Fraction | int | None = None, unit: str | None = None, **more: Any
) -> Found:
    """Met or missed, with the figure that tells."""
    exact = None if value is None else Fraction(value)
    return Found(MET if good else MISSED, exact, unit, **more)


class Evidence:
    """Ledger figures, registers and the office's own tables of one county."""

    def __init__(self, county: County, registers: Registers) -> None:
        self.county, self._registers = county, registers
        self._figures = Figures(county)
        self._answers: dict[tuple[Quarter, str], dict[str, Row]] = {}
        self.plans = {
            (row["institution_id"], row["branch_id"], row["item"]): int(row["target"])
            for row in plans(county, self._figures)
        }
        self.key_firms = key_firms(county)

    def id_of(self, unit: Unit) -> str:
        """Licence number."""
        return institution_id(unit.short, self.county.prefix)

    def lending(self, quarter: Quarter, unit: Unit, branch: int | None = None) -> Lending:
        """Figures of a bank or branch, whether or not anybody sees them."""
        return self._figures(quarter, unit.short, branch)

    def lacks(self, quarter: Quarter, unit: Unit, *figures: str) -> str:
        """Name the first figure that did not reach the office; empty if all did."""
        if (quarter, unit.short) not in self.county.snapshots or quarter < unit.since:
            return f"the submission of {quarter}"
        for figure in figures:
            if not self._reached(quarter, unit, figure):
                return f"{SHEET.get(figure, figure)} of {quarter}"
        return ""

    def _reached(self, quarter: Quarter, unit: Unit, figure: str) -> bool:
        if unit.tier == 0:
            item = SHEET.get(figure)
            return item is not None and item not in OMITTED.get(unit.short, ())
        if unit.has_ledger:
            lacking = _LACKING.get(unit.sends, frozenset())
            # Earlier quarters come as an archive, whose columns are not those of an extract.
            shown = figure not in (lacking if quarter == LAST else lacking & _OLDEST)
            return shown or _ITEM_OF.get(figure) in self.answers(quarter, unit)
        return figure in STATUTORY or _ITEM_OF.get(figure) in self.answers(quarter, unit)

    def table(self, quarter: Quarter, unit: Unit, name: str) -> list[Row] | None:
        """Rows of a register, nulls as ``None``; ``None`` if it was not sent."""
        sent = self._registers.get((quarter, unit.short), {})
        return rows_of(sent[name]) if name in sent else None

    def answers(self, quarter: Quarter, unit: Unit) -> dict[str, Row]:
        """Attestations by item; empty if none were sent."""
        key = (quarter, unit.short)
        if key not in self._answers:
            rows = self.table(quarter, unit, "attestations") or []
            self._answers[key] = {row["item"]: row for row in rows}
        return self._answers[key]

    def number(self, quarter: Quarter, unit: Unit, item: str) -> Fraction | None:
        """Return the number given for an item; none if it was not given."""
        row = self.answers(quarter, unit).get(item)
        if row is None:
            return None
        try:
            return Fraction(row["value"])
        except ValueError:
            return None


def rows_of(columns: Columns) -> list[Row]:
    """Rows of a register as made: texts, and integers as :mod:`columns` keeps them."""
    lists = {
        name: column.to_pylist()
        if isinstance(column, pa.Array)
        else [None if v == NONE else v for v in column.tolist()]
        for name, column in columns.items()
    }
    return [dict(zip(lists, values, strict=True)) for values in zip(*lists.values(), strict=True)]
