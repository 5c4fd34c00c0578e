"""Forty invented institutions over nine quarters, in fen and heads, and tables made of them."""

from __future__ import annotations

import random
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import pandas as pd

from intake import builders as b

QUARTERS = [f"{year}Q{n}" for year in (2019, 2020, 2021) for n in (1, 2, 3, 4)][3:]
JUDGED = ("2021Q2", "2021Q4")
BASE = "2020Q4"  # year start of both
#: Code, name as a header, unit.
ITEMS = {
    "QS.assessed_balance": ("普惠型小微企业贷款余额（不含票据融资）", "万元"),
    "QS.all_loans": ("各项贷款余额", "万元"),
    "QS.incl_balance": ("普惠型小微企业贷款余额", "万元"),
    "QS.incl_npl": ("普惠型小微企业不良贷款余额", "万元"),
    "QS.npl": ("各项贷款不良余额", "万元"),
    "QS.assessed_customers": ("普惠型小微企业贷款户数（不含票据融资）", "户"),
}
COUNT = "QS.assessed_customers"
AT_THREE, A_FEN_OVER, EQUAL_GROWTH, A_FEN_SLOW, SAME_HEADS, A_HEAD_LESS = range(6)
NO_ASSESSED, NO_NPL, NO_BASE, NO_INCLUSIVE_NPL = range(6, 10)
#: The supervisor's register knows those below; the others are in no register.
LEGAL_PERSONS, BRANCHES, COUNT_OF_ALL = 34, 36, 40


def name_of(number: int) -> str:
    """Id of an institution."""
    return f"YBJG{number:04d}"


def figures() -> pd.DataFrame:
    """One row per institution and quarter: fen and heads as integers, ``None`` where not sent."""
    rng = random.Random(20211231)
    rows = []
    for number in range(COUNT_OF_ALL):
        loans, share = rng.randrange(20_000_000_000, 900_000_000_000), rng.uniform(0.1, 0.4)
        heads = rng.randrange(200, 9_000)
        for quarter in QUARTERS:
            loans = int(loans * rng.uniform(0.98, 1.05))
            heads += rng.randrange(-60, 90)
            share *= rng.uniform(0.97, 1.04)
            inclusive = int(loans * share)
            figure: dict[str, object] = {
                "QS.assessed_balance": inclusive - rng.randrange(inclusive // 50),
                "QS.all_loans": loans,
                "QS.incl_balance": inclusive,
                "QS.incl_npl": int(inclusive * rng.uniform(0.005, 0.08)),
                "QS.npl": int(loans * rng.uniform(0.005, 0.04)),
                "QS.assessed_customers": heads,
            }
            rows.append({"institution": name_of(number), "quarter": quarter, **figure})
    frame = pd.DataFrame(rows).astype(dict.fromkeys(ITEMS, object))
    return _edges(frame.set_index(["institution", "quarter"])).reset_index()


def _edges(frame: pd.DataFrame) -> pd.DataFrame:
    for quarter in JUDGED:
        for number, over in ((AT_THREE, 0), (A_FEN_OVER, 1)):
            # 5 % less 2 %: exactly three points, and one fen more.
            at = (name_of(number), quarter)
            frame.loc[at, ["QS.incl_balance", "QS.incl_npl"]] = [100_000_000, 5_000_000 + over]
            frame.loc[at, ["QS.all_loans", "QS.npl"]] = [1_000_000_000, 20_000_000]
        for number, less in ((EQUAL_GROWTH, 0), (A_FEN_SLOW, 1)):
            at, base = (name_of(number), quarter), (name_of(number), BASE)
            frame.loc[base, ["QS.assessed_balance", "QS.all_loans"]] = [10**8, 10**9]
            frame.loc[at, ["QS.assessed_balance", "QS.all_loans"]] = [
                110_000_000 - less,
                1_100_000_000,
            ]
            for when in (at, base):
                others = ["QS.npl", "QS.incl_npl", "QS.incl_balance"]
                frame.loc[when, others] = [10**6, 10**6, 2 * 10**8]
        for number, less in ((SAME_HEADS, 0), (A_HEAD_LESS, 1)):
            frame.loc[(name_of(number), quarter), COUNT] = (
                frame.loc[(name_of(number), BASE), COUNT] - less
            )
        frame.loc[(name_of(NO_NPL), quarter), "QS.npl"] = None
        frame.loc[(name_of(NO_INCLUSIVE_NPL), quarter), "QS.incl_npl"] = None
    frame.loc[(name_of(NO_BASE), BASE), "QS.assessed_balance"] = None
    frame.loc[(name_of(NO_ASSESSED), slice(None)), "QS.assessed_balance"] = None
    return frame


def spelt(quarter: str, turn: int) -> str:
    """A quarter in one of the ways people write it."""
    year, number = int(quarter[:4]), int(quarter[-1])
    month, day = 3 * number, {1: 31, 2: 30, 3: 30, 4: 31}[number]
    ways = (
        quarter, f"{year}-{month:02d}-{day}", f"{year}年{'一二三四'[number - 1]}季度",
        f"{year}{month:02d}", f"{year}{month:02d}{day}", f"{year}年{month}月",
    )  # fmt: skip
    return ways[turn % len(ways)]


def filed(item: str, figure: int | None, unit: str = "") -> str:
    """The figure as filed: heads, or fen in the unit (万元 unless another is said)."""
    if figure is None:
        return ""
    if item == COUNT:
        return str(figure)
    fen = {"元": 100, "万元": 1_000_000, "亿元": 10_000_000_000}[unit or "万元"]
    return f"{Decimal(figure) / fen:f}"


def long_rows(frame: pd.DataFrame) -> list[list[str]]:
    """Header and rows of the long table, shuffled, items by code and by name in turn."""
    rows = []
    for turn, row in enumerate(frame.to_dict("records")):
        for item, (name, unit) in ITEMS.items():
            if row[item] is not None:
                said = item if turn % 2 else name
                what = [row["institution"], spelt(row["quarter"], turn), said]
                rows.append([*what, filed(item, row[item]), unit])
    random.Random(7).shuffle(rows)
    return [["机构编号", "季度", "项目", "数值", "单位"], *rows]


def wide_rows(frame: pd.DataFrame) -> list[list[str]]:
    """Header and rows of the wide table, shuffled."""
    rows = [
        [row["institution"], spelt(row["quarter"], turn), *(filed(i, row[i]) for i in ITEMS)]
        for turn, row in enumerate(frame.to_dict("records"))
    ]
    random.Random(8).shuffle(rows)
    return [["机构编号", "报告期", *(f"{n}（{u}）" for n, u in ITEMS.values())], *rows]


def text_file(path: Path, rows: Sequence[Sequence[str]], encoding: str) -> None:
    """Write rows as a comma-separated text."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes("\r\n".join([*map(",".join, rows), ""]).encode(encoding))


def workbook(path: Path, rows: Sequence[Sequence[str]]) -> None:
    """Write rows to a sheet; figures as number cells."""
    header, *body = rows
    figure = [i for i, h in enumerate(header) if h == "数值" or "贷款" in h]
    cells = [
        [float(c) if i in figure and c else c or None for i, c in enumerate(row)] for row in body
    ]
    b.save(path, {"Sheet1": [["各机构普惠型小微企业贷款情况"], header, *cells]})
