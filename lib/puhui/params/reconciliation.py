"""Reconciliation rules: which filed measures are held against the ledger, and what they affect."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from puhui.errors import ParamsError
from puhui.params.reading import Strict, build, mapping, nearest
from puhui.params.rows import Measure
from puhui.params.yaml import YamlMap


@dataclass(frozen=True)
class Reconciliation:
    """A rule: ``measure`` from returns against the same from the ledger.

    Attributes
    ----------
    tolerance_pct
        Difference allowed beside rounding, percent of the filed figure.
    affects
        Measures that are in doubt where the two differ.
    """

    id: str
    label: str
    measure: str
    tolerance_pct: Decimal
    affects: tuple[str, ...]


class _Raw(Strict):
    label: str
    measure: str
    tolerance_pct: Decimal
    affects: tuple[str, ...]


def load_reconciliation(raw: YamlMap, measures: Mapping[str, Measure]) -> dict[str, Reconciliation]:
    """Read ``reconciliation.yaml``.

    Raises
    ------
    ParamsError
        A measure that does not exist, or that has not both a ledger and a return.
    """
    rules: dict[str, Reconciliation] = {}
    for name, value in raw.items():
        entry = mapping(value, where=raw.where(name))
        model = build(_Raw, entry)
        for measure in (model.measure, *model.affects):
            if measure not in measures:
                raise ParamsError(
                    f"没有指标量“{measure}”。",
                    where=entry.where("measure" if measure == model.measure else "affects"),
                    remedy=nearest(measure, measures),
                )
        compared = measures[model.measure]
        if compared.ledger is None or compared.returns is None:
            raise ParamsError(
                f"指标量“{model.measure}”不是既有台账又有报表，无从勾稽。",
                where=entry.where("measure"),
            )
        rules[name] = Reconciliation(
            name, model.label, model.measure, model.tolerance_pct, model.affects
        )
    return rules
