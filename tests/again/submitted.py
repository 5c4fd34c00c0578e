"""Everything an office was sent, read again from the files: no code of the suite's.

A row the clerk got wrong (``truth/broken.csv`` names file, sheet and row) is left out, as
quarantine leaves it out; no other table of the truth is looked at.
"""

from __future__ import annotations

import csv
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq

from again import east, sheets
from again.cells import DAYS, FLAGS, MONEY, RATES, column, plain

Tables = dict[str, pd.DataFrame]
_IDS = {"institution_id", "customer_id", "loan_id", "branch_id"}
_OFFICE = {
    "institutions": {
        "机构编号": "institution_id",
        "机构类型": "kind",
        "机构层级": "level",
        "法人机构编号": "legal_person_id",
        "是否地方法人": "is_local_legal_person",
        "县区代码": "county_code",
        "法人各项贷款不良率": "legal_person_npl_ratio",
    },
    "branches": {"内部机构号": "branch_id", "机构编号": "institution_id"},
    "plans": {
        "机构编号": "institution_id",
        "内部机构号": "branch_id",
        "项目": "item",
        "目标": "target",
    },
    "key_firms": {
        "对接机构编号": "institution_id",
        "方案签订日期": "plan_signed_on",
        "方案含融资需求": "has_needs",
        "方案含产品安排": "has_products",
        "方案含额度期限利率": "has_terms",
        "方案含服务团队": "has_manager",
        "所属核心企业": "core_firm_uscc",
    },
    "notes": {"机构编号": "institution_id", "日期": "noted_on", "条款": "clause"},
}


class Date:
    """A quarter by the text it is written in, with its days and base periods."""

    def __init__(self, text: str) -> None:
        self.text, self.year, self.number = text, int(text[:4]), int(text[5])
        self.end = pd.Timestamp(self.year, 3 * self.number, 1) + pd.offsets.MonthEnd(0)
        self.first = pd.Timestamp(self.year, 1, 1)

    @property
    def year_start(self) -> str:
        return f"{self.year - 1}Q4"

    @property
    def year_ago(self) -> str:
        return f"{self.year - 1}Q{self.number}"

    @property
    def before(self) -> str:
        return self.year_start if self.number == 1 else f"{self.year}Q{self.number - 1}"


class Office:
    """The supervisor's files and all submissions: ``tables[quarter][institution][name]``."""

    def __init__(self, data: Path) -> None:
        self.own = {
            name: _csv(data / "supervisor" / f"{name}.csv", wanted)
            for name, wanted in _OFFICE.items()
        }
        wrong = _wrong(data)
        self.tables: dict[str, dict[str, Tables]] = {}
        for folder in sorted((data / "submissions").iterdir()):
            found = self.tables.setdefault(folder.name, {})
            for part in sorted(folder.iterdir()):
                if part.name == "_shared":
                    _archive(part, found)
                else:
                    mine = wrong.get(part.name, set())
                    found[part.name] = _institution(part, Date(folder.name), mine)

    @property
    def institutions(self) -> list[str]:
        return self.own["institutions"]["institution_id"].tolist()


def _csv(path: Path, wanted: dict[str, str]) -> pd.DataFrame:
    raw = pd.read_csv(path, dtype=str, encoding="utf-8-sig", keep_default_na=False)
    return pd.DataFrame({name: column(name, raw[head].tolist()) for head, name in wanted.items()})


def _wrong(data: Path) -> dict[str, sheets.Wrong]:
    """Broken lines by institution: (file, sheet, row as a person counts)."""
    path = data / "truth" / "broken.csv"
    found: dict[str, sheets.Wrong] = {}
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row["severity"] == "error":
                key = (row["file"], row["sheet"] or None, int(row["row"]))
                found.setdefault(row["institution_id"], set()).add(key)
    return found


def _archive(folder: Path, found: dict[str, Tables]) -> None:
    """A quarter's archive: one file per table, all institutions in it."""
    for path in sorted(folder.glob("*.parquet")):
        raw = pq.read_table(path).to_pandas()
        frame = pd.DataFrame({name: _arrived(name, raw[name]) for name in raw})
        for institution, rows in frame.groupby("institution_id", sort=False):
            found.setdefault(str(institution), {})[path.stem] = rows.reset_index(drop=True)


def _arrived(name: str, cells: pd.Series) -> pd.Series:
    """A column of an archive, typed as those read from cells."""
    if name in MONEY | RATES:
        factor = 100 if name in MONEY else 1_000_000
        kept = [None if d is None or d != d else int(d * factor) for d in cells]
        return pd.Series(kept, dtype="Int64")
    if name in DAYS:
        return pd.to_datetime(cells).astype("datetime64[us]")
    if name in FLAGS:
        return cells.astype("boolean")
    if name == "mitigants":
        return cells.map(lambda v: frozenset() if v is None else frozenset(v))
    return cells if name == "value" else cells.convert_dtypes()


def _institution(folder: Path, date: Date, wrong: sheets.Wrong) -> Tables:
    """What one institution sent for the current quarter, whatever it sent it in."""
    wrong = {(f.rsplit("/", 1)[1], s, r) for f, s, r in wrong}
    found: Tables = {}
    for path in sorted(folder.iterdir()):
        mine = {w for w in wrong if w[0] == path.name}
        if path.name == "季度情况表.xlsx":
            ends = {
                "本季末": date.end,
                "年初": Date(date.year_start).end,
                "上年同期": Date(date.year_ago).end,
                "上季末": Date(date.before).end,
            }
            found["returns"] = sheets.one_sheet(path, mine, ends)
        elif path.suffix == ".xlsx":
            found |= sheets.workbook(path, mine)
        elif path.name.startswith("1104_"):
            found["returns"] = sheets.item_list(path, mine, date.end)
    if list(folder.glob("EAST*")):
        found |= east.extract(folder, wrong)
    for frame in found.values():
        for name in _IDS & set(frame):
            frame[name] = frame[name].str.upper()
    return found


__all__ = ["Date", "Office", "Tables", "plain"]
