"""EAST 4.0 and 5.0 extracts with the office's two supplements, from the text files."""

from __future__ import annotations

import gzip
from pathlib import Path

import pandas as pd

from again.cells import NOTHING, column, plain
from again.sheets import CODES, Wrong

_KINDS = CODES["kind"] | {
    "单一法人客户": "enterprise",
    "集团客户": "enterprise",
    "其他-个体工商户": "individual_business",
    "其他-农民专业合作社": "farm_cooperative",
    "其他-农村集体经济组织": "village_collective",
    "其他-个人": "other_personal",
    "事业单位": "other_organisation",
}
_SIZES = {word + "企业": code for word, code in CODES["size"].items()}
_PRODUCTS = CODES["product"] | dict.fromkeys(
    ("一般固定资产贷款", "贸易融资业务", "融资租赁业务", "其他-转贷款", "其他-其他贷款"), "another"
)
_ISSUES = CODES["issue_kind"] | {"其他-展期": "extended", "其他-其他": "other"}
_STATUS = CODES["status"] | {"其他-其他": "other"}
#: What a person's kind of business says of its purpose; of others nothing is known.
_FOR_BUSINESS = {
    **dict.fromkeys(("个人经营性贷款", "流动资金贷款", "一般固定资产贷款"), "是"),
    **dict.fromkeys(("住房按揭贷款", "汽车贷款", "助学贷款", "消费贷款"), "否"),
}
_LOANS = {
    "XDJJH": "loan_id",
    "NBJGH": "branch_id",
    "KHTYBH": "customer_id",
    "XDYWZL": "product",
    "DKFFLX": "issue_kind",
    "DKJE": "amount",
    "DKYE": "balance",
    "DKFFRQ": "drawn_on",
    "DKDQRQ": "matures_on",
    "DBLX": "guarantee",
    "DKWJFL": "five_class",
    "DKZT": "status",
    "ZJRQ": "closed_on",
    "逾期起始": "overdue_since",
    "SFHLWDK": "is_online",
    "SFSNDK": "is_agricultural",
    "发放时授信额度": "credit_line_at_drawdown",
    "发放利率": "rate_at_drawdown",
    "定价基准": "benchmark",
    "资金来源": "funding_source",
    "随借随还": "is_revolving",
    "风险缓释": "mitigants",
    "经营性": "is_business_loan",
}
_FIRMS = {
    "KHTYBH": "customer_id",
    "客户类型": "kind",
    "QYFL": "size",
    "SSHY": "industry",
    "XZQHDM": "county_code",
    "授信额度": "credit_line",
}
_PERSONS = {"KHTYBH": "customer_id", "客户类型": "kind", "授信额度": "credit_line"}
_WORDS = {
    "kind": _KINDS,
    "size": _SIZES,
    "product": _PRODUCTS,
    "issue_kind": _ISSUES,
    "status": _STATUS,
    "guarantee": CODES["guarantee"],
    "funding_source": CODES["funding_source"],
    "five_class": CODES["five_class"],
}
#: Table → (file, key) of the supplement that goes with it.
_BESIDE = {"customers": ("补充_客户授信.csv", "KHTYBH"), "loans": ("补充_借据.csv", "XDJJH")}


def extract(folder: Path, wrong: Wrong) -> dict[str, pd.DataFrame]:
    """Customers and loans of one institution's extract."""
    firms, contracts, persons, corporate = (_text(folder, n) for n in ("203", "501", "503", "504"))
    loans = [
        corporate.assign(经营性="是"),
        persons.assign(经营性=persons["XDYWZL"].map(_FOR_BUSINESS)),
    ]
    kinds = contracts[["XDHTH", "DBLX"]].drop_duplicates("XDHTH")
    extra, lines = (_beside(folder, name) for name in ("loans", "customers"))
    off = _wrong_keys(folder, wrong)
    loans = [_kept(part, wrong, "XDJJH", off["loans"]) for part in loans]
    loans = [part.merge(kinds, on="XDHTH", how="left").merge(extra, how="left") for part in loans]
    loans = [part.assign(逾期起始=_earliest(part["QBRQ"], part["QXRQ"])) for part in loans]
    people = persons.drop_duplicates("KHTYBH").merge(lines, on="KHTYBH", how="left")
    people["客户类型"] = people["客户类型"].fillna("其他个人")
    known = _kept(firms, wrong, "KHTYBH", off["customers"]).merge(lines, on="KHTYBH", how="left")
    known["客户类型"] = known["客户类型"].fillna(known["KHLX"])
    return {
        "loans": pd.concat([_typed(part, _LOANS) for part in loans], ignore_index=True),
        "customers": pd.concat(
            [_typed(known, _FIRMS), _typed(people, _PERSONS)], ignore_index=True
        ),
    }


def _earliest(one: pd.Series, other: pd.Series) -> pd.Series:
    """The earlier of two days written alike; the one there is where the other is empty."""
    a, b = (days.mask(days.isin(NOTHING)) for days in (one, other))
    return a.where(b.isna() | (a <= b).fillna(False), b)


def _wrong_keys(folder: Path, wrong: Wrong) -> dict[str, set[str]]:
    """Keys of rows whose supplement its clerk got wrong: nothing is left to join."""
    found = {}
    for table, (name, _) in _BESIDE.items():
        off = {r for f, _, r in wrong if f.removesuffix(".gz") == name}
        rows = _lines(folder, name)
        found[table] = {rows[r - 1].split(",")[0] for r in off}
    return found


def _lines(folder: Path, name: str) -> list[str]:
    (path,) = (p for p in (folder / name, folder / f"{name}.gz") if p.is_file())
    data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    return data.decode("gb18030").splitlines()


def _cut(lines: list[str], mark: str) -> pd.DataFrame:
    rows = [line.split(mark) for line in lines]
    frame = pd.DataFrame(rows[1:], columns=rows[0], dtype="string")
    frame["line"] = range(2, len(rows) + 1)
    return frame


def _text(folder: Path, number: str) -> pd.DataFrame:
    (path,) = folder.glob(f"EAST*_{number}_*.txt*")
    frame = _cut(_lines(folder, path.name.removesuffix(".gz")), "|")
    return frame.assign(file=path.name)


def _beside(folder: Path, table: str) -> pd.DataFrame:
    name, key = _BESIDE[table]
    frame = _cut(_lines(folder, name), ",").drop(columns="line")
    frame = frame.rename(columns={frame.columns[0]: key})
    return frame.drop_duplicates(key)


def _kept(frame: pd.DataFrame, wrong: Wrong, key: str, keys: set[str]) -> pd.DataFrame:
    """Rows its clerk got right, in this file and in the supplement."""
    off = {r for f, _, r in wrong if f == frame["file"].iloc[0]}
    return frame[~frame["line"].isin(off) & ~frame[key].isin(keys)]


def _typed(frame: pd.DataFrame, wanted: dict[str, str]) -> pd.DataFrame:
    found = {}
    for head, name in wanted.items():
        if head not in frame:
            continue
        cells = frame[head].astype("object").where(frame[head].notna(), None).tolist()
        made = column(name, cells)
        if name in _WORDS:
            strange = {plain(c) for c in cells} - set(_WORDS[name]) - {None}
            assert not strange, strange
            made = made.map(_WORDS[name]).astype("string")
        found[name] = made
    return pd.DataFrame(found)
