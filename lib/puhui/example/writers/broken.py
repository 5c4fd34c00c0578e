"""Plants broken rows among the good ones, each for one check, and says where they stand.

They are additional rows under ids of their own, so that taking them out, as whoever reads
them does, restores what is true.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from puhui import schema
from puhui.errors import RunError
from puhui.example.chance import Dice
from puhui.example.writers import cells, one_sheet
from puhui.example.writers.filing import Filing, Places
from puhui.example.writers.recipes import MADE_UP, Recipe, recipes, severity, value

Row = dict[str, Any]
#: Items few file: a figure under one that is not filed yet can be kept out without loss.
SPARE_ITEMS = tuple(
    f"S71_I_{part}.{row}{column}" for part in (3, 1) for row in "EDFBC" for column in (5, 3, 2, 1)
)
_TWICE = "E0401"
#: Quarters back to a time nobody files figures of.
_LONG_AGO = 40
_IDS = {"loans": "loan_id", "customers": "customer_id", "applications": "application_id"}
_IDS |= {"cases": "case_id", "returns": "item"}
_ORDINARY = ("working_capital", "business_personal")
_QUIET = ("consumer", "mortgage")
_CHECK_CHARACTERS = "0123456789ABCDEFGHJKLMNPQRTUWXY"


@dataclass(frozen=True)
class Planted:
    """A broken row and the one check it should fire.

    Attributes
    ----------
    column
        Column the finding points at.
    key
        The row's own id (of its table), as it is written.
    at
        Row of the table, from 0.
    file, sheet, row
        Where it stands, the row as a person counts; filled in by :func:`located`.
    """

    table: str
    check: str
    severity: str
    column: str
    key: str
    at: int
    file: str = ""
    sheet: str | None = None
    row: int = 0


def plant(
    filing: Filing, dice: Dice, checks: Iterable[tuple[str, str]]
) -> tuple[Filing, list[Planted]]:
    """Put a broken row among the good ones for each (table, check).

    Parameters
    ----------
    dice
        Where the rows stand comes from it.
    checks
        Out of :func:`puhui.example.writers.recipes.fitting` for the layout; those for tables
        or columns the filing does not have are passed over.

    Returns
    -------
    The filing with the rows in it, and what was planted, in the order of the tables.

    Raises
    ------
    RunError
        The filing has no row that could be copied.
    """
    wanted = [recipes()[key] for key in checks]
    planted: list[Planted] = []
    for table in list(filing.tables):
        chosen = [r for r in wanted if r.table == table and _fits(filing, r)]
        if chosen:
            filing, fresh = _plant_in(filing, table, chosen, dice)
            planted += fresh
    return filing, planted


def _plant_in(
    filing: Filing, table: str, wanted: Sequence[Recipe], dice: Dice
) -> tuple[Filing, list[Planted]]:
    """Plant in one table."""
    rows = _rows(filing, wanted, dice)
    data, moved, fresh = _scatter(filing.tables[table], [row for _, row in rows], dice)
    marks = {
        (t, moved[at] if t == table else at, name): text
        for (t, at, name), text in filing.cells.items()
    }
    planted = []
    own = _IDS.get(table, "loan_id")
    for (recipe, row), at in zip(rows, fresh, strict=True):
        marks |= {(table, at, name): text for name, text in recipe.texts.items()}
        key = recipe.texts.get(own, row[own])
        planted.append(Planted(table, recipe.check, severity(recipe.check), recipe.column, key, at))
    return replace(filing, tables={**filing.tables, table: data}, cells=marks), planted


def located(planted: Iterable[Planted], places: Places) -> list[Planted]:
    """Fill in file, sheet and row from the places a writer gives for the planted filing."""
    found = []
    for p in planted:
        place = places.of(p.table, p.at, p.column)
        if place is None:
            raise RunError(f"错误行（{p.table}，{p.check}）在文件里没有位置。")
        found.append(replace(p, file=place.file, sheet=place.sheet, row=place.row))
    return found


def _fits(filing: Filing, recipe: Recipe) -> bool:
    data = filing.tables.get(recipe.table)
    return data is not None and data.num_rows > 0 and recipe.column in data.column_names


def _rows(filing: Filing, wanted: Sequence[Recipe], dice: Dice) -> list[tuple[Recipe, Row]]:
    """Broken rows of one table, copies of drawn ones; a doubled key stands there twice."""
    models = {r.model: _models(filing, r) for r in wanted}
    made = []
    for number, recipe in enumerate(wanted, 1):
        suited = models[recipe.model]
        model: Row = suited.slice(dice.one(suited.num_rows), 1).to_pylist()[0]
        row = _changed(filing, recipe, model, number)
        made += [(recipe, row)] * (2 if recipe.check == _TWICE else 1)
    return made


def _changed(filing: Filing, recipe: Recipe, model: Row, number: int) -> Row:
    """A copy of the model under an id of its own, changed as the recipe says."""
    row = model | _own_id(filing, recipe.table, number)
    for name, text in recipe.values.items():
        if name not in model:
            continue
        column = schema.column(recipe.table, name)
        row[name] = (
            _made_up(filing, column, row, number)
            if text == MADE_UP
            else value(column, text, filing.quarter.end)
        )
    return row


def _own_id(filing: Filing, table: str, number: int) -> Row:
    data = filing.tables[table]
    if table == "returns":
        own = _spare_figures(filing)[number - 1]
        return own | ({"branch_id": None} if "branch_id" in data.column_names else {})
    if table not in _IDS:
        return {"seq": 900 + number}
    fresh = f"{filing.institution_id}X{number:04d}"
    if fresh in data[_IDS[table]].to_pylist():
        raise RunError(f"编号“{fresh}”已经有了，不能再用来制造错误行。")
    contract = {"contract_id": f"HT{fresh}"} if "contract_id" in data.column_names else {}
    return {_IDS[table]: fresh} | (contract if table == "loans" else {})


def _spare_figures(filing: Filing) -> list[Row]:
    """Keys of figures that are not filed: of this quarter's end, then of long ago."""
    filed = set(filing.tables["returns"]["item"].to_pylist())
    now, then = filing.quarter.end, filing.quarter.shift(-_LONG_AGO).end
    spare = [(item, now) for item in SPARE_ITEMS if item not in filed]
    spare += [(item, then) for item in SPARE_ITEMS if item in filed]
    return [{"item": item, "as_of": day, "basis": "as_filed"} for item, day in spare]


def _made_up(filing: Filing, column: schema.Column, row: Row, number: int) -> str:
    """An id nobody has, or a credit code with a wrong check character."""
    if column.name != "certificate_no":
        return f"{filing.institution_id}W{number:04d}"
    code: str = row["certificate_no"]
    at = (_CHECK_CHARACTERS.index(code[-1]) + 1) % len(_CHECK_CHARACTERS)
    return code[:-1] + _CHECK_CHARACTERS[at]


def _models(filing: Filing, recipe: Recipe) -> pa.Table:
    """Sound rows that suit; the quiet ones (no business loans) if there are such."""
    data = filing.tables[recipe.table]
    suited, preferred = _suited(filing, data, recipe.model)
    sound = np.ones(data.num_rows, dtype=bool)
    sound[[at for (table, at, _) in filing.cells if table == recipe.table]] = False
    for mask in (pc.and_(suited, preferred), suited):
        found = data.filter(pc.and_(pc.fill_null(mask, False), pa.array(sound)))
        if found.num_rows:
            return found
    raise RunError(
        f"{schema.label(recipe.table)}中没有可用来制造错误行的一行。",
        remedy="请换一个种子再生成示例。",
    )


def _suited(filing: Filing, data: pa.Table, model: str) -> tuple[pa.Array, pa.Array]:
    def among(name: str, words: Collection[str]) -> pa.Array:
        values = cells.plain_array(data[name])
        return pc.is_in(values, value_set=pa.array(sorted(words), pa.string()))

    every = pa.array(np.ones(data.num_rows, dtype=bool))
    if model == "firm":
        formal = pc.match_substring_regex(cells.plain_array(data["certificate_no"]), "^91.{16}$")
        return pc.and_(among("kind", ["enterprise"]), formal), every
    if model not in ("sound", "settled"):
        return every, every
    status = {"sound": "normal", "settled": "settled"}[model]
    fresh = pc.and_(among("status", [status]), among("issue_kind", ["new"]))
    fresh = pc.and_(fresh, among("branch_id", filing.branches))
    if model == "sound":
        return pc.and_(fresh, among("product", _ORDINARY)), every
    earlier = pc.less(cells.plain_array(data["drawn_on"]), filing.quarter.year_to_date_start)
    return pc.and_(fresh, earlier), among("product", _QUIET)


def _scatter(
    data: pa.Table, rows: Sequence[Row], dice: Dice
) -> tuple[pa.Table, Mapping[int, int], list[int]]:
    """Insert rows at drawn places: the table, where its rows went, where the new ones are."""
    total = data.num_rows + len(rows)
    fresh = sorted(dice.order(total)[: len(rows)].tolist())
    kept = np.setdiff1d(np.arange(total), fresh)
    order = np.empty(total, dtype=np.int64)
    order[kept] = np.arange(data.num_rows)
    order[fresh] = np.arange(data.num_rows, total)
    added = pa.Table.from_pylist(list(rows), schema=data.schema)
    both = pa.concat_tables([data, added]).take(pa.array(order)).combine_chunks()
    return both, dict(enumerate(kept.tolist())), fresh


#: What is wrong in an item planted in a one-sheet quarterly: unit and this quarter's figure.
_ITEMS: Mapping[str, tuple[str, str, one_sheet.Figure]] = {
    "E0101": ("value", "万元", "八百余"),
    "E0105": ("value", "万元", "8.1234567"),
    "E0106": ("value", "百万元", 800),
    "E0221": ("value", "万元", -800),
    "W0222": ("item", "万元", 800),
}
ITEM_CHECKS = tuple(_ITEMS)
MISSPELT = "QS.inc1_balance"


def plant_items(
    items: Sequence[one_sheet.Item], dice: Dice, checks: Iterable[str], style: str = "plain"
) -> tuple[list[one_sheet.Item], list[Planted]]:
    """Put a broken item, filed for this quarter only, into a one-sheet quarterly per check.

    Parameters and returns as for :func:`plant`; ``checks`` out of :data:`ITEM_CHECKS`, and the
    places are filled in.
    """
    filed = {item for item, *_ in items}
    spare = iter([item for item in SPARE_ITEMS if item not in filed])
    marked: list[tuple[one_sheet.Item, str]] = [(item, "") for item in items]
    for check in checks:
        column, unit, figure = _ITEMS[check]
        code = MISSPELT if column == "item" else next(spare)
        item = (code, "补报项目", unit, (figure, None, None, None))
        marked.insert(dice.one(len(marked) + 1), (item, check))
    planted = []
    for at, ((code, *_), check) in enumerate(marked):
        if check:
            place = one_sheet.place(at, style)
            found = Planted("returns", check, severity(check), _ITEMS[check][0], code, at)
            planted.append(replace(found, file=place.file, sheet=place.sheet, row=place.row))
    return [item for item, _ in marked], planted
