"""Units of filed figures: in a header, in a note, in a cell of the row, or by the item."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

import pyarrow as pa

from puhui.intake.block import Stack
from puhui.intake.error_cells import is_error_value
from puhui.intake.layout import SCALES, Item, Layout, Part, Rule
from puhui.intake.locate import Frame
from puhui.intake.reading import Refusal
from puhui.intake.spelling import plain
from puhui.intake.values import Parsed, Unreadable, arrow_type, quantity


def check_units(part: Part, stacks: Mapping[str, Stack], layout: Layout) -> None:
    """Refuse a file whose header or note states another unit than the layout reads."""
    for rule in part.rules.values():
        for field in rule.fields:
            for frame in stacks[field.source].frames if field.source in stacks else ():
                stated = frame.units.get(field.header, "")
                if not stated and rule.kind == "money" and not rule.unit_by:
                    stated = frame.stated_unit
                if stated and rule.unit and not rule.unit_by and stated != rule.unit:
                    raise Refusal(
                        f"“{field.header}”写明的单位（{_unit_word(stated)}）"
                        f"不是版式“{layout.label}”的单位（{_unit_word(rule.unit)}）。",
                        file=frame.file,
                        sheet=frame.sheet,
                        remedy="请按版式的单位填报，或请监管部门修改版式。",
                    )


def _unit_word(unit: str) -> str:
    return {"percent": "%", "fraction": "小数", "bp": "基点"}.get(unit, unit)


def item_unit(layout: Layout, item: str | None, frame: Frame, header: str) -> str | None:
    """Unit of a figure whose row names none; ``None`` where the layout does not know the item.

    An amount of money is in the unit its own column states, else the table (a note above the
    header), else the layout's. A count is in its item's unit, whatever is said of amounts;
    only its own column of a wide table may say another one.
    """
    known = layout.items.get(item or "")
    if known is None:
        return None
    stated = frame.units.get(header, "")
    if known.is_money:
        return stated or frame.stated_unit or layout.money_unit
    return (stated if header in known.headers else "") or known.unit


def fits(item: Item | None, unit: str) -> bool:
    """Whether a figure of the item can be in the unit: money in money, a count in none."""
    return item is None or item.is_money == (plain(unit) in SCALES["money"])


def quantities(texts: pa.Array, units: Sequence[str | None], rule: Rule, layout: Layout) -> Parsed:
    """Figures each in its own unit; without one the rule knows, the fault is ``unit``."""
    cache: dict[tuple[str, str | None], tuple[Decimal | None, str | None, str | None]] = {}
    result = []
    for text, unit in zip(texts.to_pylist(), units, strict=True):
        key = (text or "", unit)
        if key not in cache:
            cache[key] = _quantity(rule, layout, *key)
        result.append(cache[key])
    values, faults, shown = zip(*result, strict=True) if result else ((), (), ())
    return Parsed(
        pa.array(values, arrow_type(rule.kind)),
        pa.array(shown, pa.string()),
        pa.array(faults, pa.string()),
    )


def _quantity(
    rule: Rule, layout: Layout, text: str, unit: str | None
) -> tuple[Decimal | None, str | None, str | None]:
    if plain(text) in layout.nulls:
        return None, None, None
    if is_error_value(plain(text)):
        return None, "excel_error", text
    scale = rule.units.get(plain(unit or ""))
    if scale is None:
        return None, "unit", text
    percent = "percent" if plain(unit or "") == "%" else ""
    try:
        return quantity(text, rule.kind, scale, percent), None, text
    except Unreadable as fault:
        return None, str(fault), text
