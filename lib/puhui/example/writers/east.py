"""EAST extracts: tables 203, 501, 503, 504 in GBK, and the office's two supplements.

Field codes and their order follow EAST 4.0 and 5.0; 4.0 has no inclusive-loan flags. What
EAST lacks (credit lines, the rate and its making at drawdown) comes in the supplements.
A guarantee belongs to the contract here: that of a contract's first IOU is written.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from puhui.errors import RunError
from puhui.example.writers import cells
from puhui.example.writers.east_rows import (
    PERSON_KINDS,
    Extract,
    contract_fields,
    customer_fields,
    inclusive_fields,
    loan_fields,
)
from puhui.example.writers.filing import AGAIN, Filing, Place, Places, in_file
from puhui.example.writers.packing import gzip

_FIELDS = """
203_对公客户信息表
  JRXKZH NBJGH YHJGMC KHTYBH KHMC KHLX ZJLB ZJHM FRDB FRDBZJLB FRDBZJHM CWFZR CWFZRZJLB
  CWFZRZJHM JBCKZH JBCKZHKHHH JBCKZHKHHMC ZCZB ZCZBBZ SSZB SSZBBZ ZCDZ LXDH JYFW CLRQ SSHY
  QYFL XDKHBZ SCJLXDGXNY SSGSBZ XYPJ YGRS XZQHDM FXYJXH GZSJDM BBZ CJRQ
501_信贷合同表
  JRXKZH NBJGH KHTYBH KHMC XDHTH ZHTH HTMC XDYWZL BZ HTJE HTQSRQ HTDQRQ DBLX KHJLGH HTDKYT
  HTZT BBZ CJRQ GSFZJG
504_对公信贷业务借据表
  JRXKZH NBJGH YHJGMC MXKMBH MXKMMC KHTYBH KHMC XDHTH XDJJH DKFHZH XDYWZL DKFFLX FKFS BZ
  DKJE DKYE DKWJFL ZQS DQQS ZQCS DKFFRQ DKDQRQ ZJRQ QBJE QBRQ BNQXYE BWQXYE QXRQ LXQKQS
  LJQKQS SBXDJJH DKRZZH DKRZHM RZZHSSHMC LLLX SJLL HKFS HKZH HKZHSSHMC JXFS XQHKRQ XQYHBJ
  XQYHLX JJDKYT DKTXDQ DKTXHY SFHLWDK SFLSDK SFSNDK {flags} SFKJDK XDYGH DKZT BBZ CJRQ
503_个人信贷业务借据表
  JRXKZH NBJGH YHJGMC MXKMBH MXKMMC KHTYBH KHMC ZJLB ZJHM XDHTH XDJJH DKFHZH XDYWZL DKFFLX
  FKFS BZ DKJE DKYE DKWJFL ZQS DQQS ZQCS DKFFRQ DKDQRQ ZJRQ QBJE QBRQ BNQXYE BWQXYE QXRQ
  LXQKQS LJQKQS SBXDJJH DKRZZH DKRZHM RZZHSSHMC LLLX SJLL HKFS HKZH HKZHSSHMC JXFS XQHKRQ
  XQYHBJ XQYHLX JJDKYT DKTXDQ DKTXHY SFHLWDK SFLSDK SFSNDK {flags} SFKJDK XDYGH DKZT BBZ CJRQ
"""
#: File name prefix and additional flags of each version.
_VERSIONS = {"4.0": ("EAST", ""), "5.0": ("EAST5", "SFPHXSNDK SFPHXXWQYDK")}
VERSIONS = tuple(_VERSIONS)
LINES, PRICING = "补充_客户授信.csv", "补充_借据.csv"
#: Header and canonical column of the supplements after the id.
_LINE_COLUMNS = {
    "客户类型": "kind",
    "授信额度": "credit_line",
    "授信口径": "credit_line_scope",
}
_PRICING_COLUMNS = {
    "发放时授信额度": "credit_line_at_drawdown",
    "发放利率": "rate_at_drawdown",
    "定价日期": "priced_on",
    "定价基准": "benchmark",
    "加点": "spread_bp",
}
_MORE_COLUMNS = {
    "利率类型": "rate_type",
    "终结方式": "closure",
    "资金来源": "funding_source",
    "随借随还": "is_revolving",
    "重定价日期": "repriced_on",
    "风险缓释": "mitigants",
    "保证人证件号": "guarantor_id",
}
#: Canonical columns the standard tables carry.
_STANDARD = {
    "customers": """customer_id certificate_no name kind size industry county_code staff_count
        founded_on legal_representative_id phone_hash address""",
    "loans": """loan_id branch_id customer_id contract_id product is_business_loan issue_kind
        amount balance drawn_on matures_on closed_on rate_now guarantee five_class
        principal_overdue interest_overdue overdue_since status is_online is_agricultural
        industry_of_use predecessor_loan_id staff_id""",
}
#: Canonical columns an extract with all supplements carries, by table.
CARRIED: Mapping[str, frozenset[str]] = {
    "customers": frozenset(_STANDARD["customers"].split()) | set(_LINE_COLUMNS.values()),
    "loans": frozenset(_STANDARD["loans"].split())
    | set(_PRICING_COLUMNS.values())
    | set(_MORE_COLUMNS.values()),
}


#: Of customers filed in 503 only these: EAST has no table of persons here.
CARRIED_OF_PERSONS = frozenset({"customer_id", "certificate_no", "name"}) | set(
    _LINE_COLUMNS.values()
)


def fields(version: str) -> dict[str, tuple[str, ...]]:
    """Field codes of each file (name without ending) in the order of the standard."""
    prefix, flags = _VERSIONS[version]
    tables: dict[str, tuple[str, ...]] = {}
    name = ""
    for line in _FIELDS.format(flags=flags).strip().splitlines():
        if line.startswith("  "):
            tables[name] += tuple(line.split())
        else:
            name = f"{prefix}_{line}"
            tables[name] = ()
    return tables


def extract(filing: Filing, version: str = "4.0", *, packed: bool = False) -> dict[str, bytes]:
    """Write customers and loans as an EAST extract with supplements.

    Parameters
    ----------
    version
        ``4.0`` or ``5.0``.
    packed
        Whether every file is gzipped (``.txt.gz``, ``.csv.gz``).

    Raises
    ------
    RunError
        A person has no IOU (EAST knows persons by their IOUs only), or a word is missing.
    """
    sorted_out = _sort_out(filing)
    files: dict[str, bytes] = {}
    for (name, order), columns in zip(
        fields(version).items(), _tables(sorted_out, version == "5.0"), strict=True
    ):
        files[f"{name}.txt"] = "\r\n".join(["|".join(order), *_rows(order, columns), ""]).encode(
            "gbk"
        )
    files[LINES] = _supplement(
        sorted_out, "customers", "customer_id", "客户统一编号", _LINE_COLUMNS
    )
    files[PRICING] = _supplement(sorted_out, "loans", "loan_id", "信贷借据号", _pricing(filing))
    return {f + _ending(packed): gzip(c) if packed else c for f, c in files.items()}


def _ending(packed: bool) -> str:
    return ".gz" if packed else ""


def places(filing: Filing, version: str = "4.0", *, packed: bool = False) -> Places:
    """Where the rows stand: of the EAST texts, and of the supplements for their columns.

    A person stands in the row of the first IOU.
    """
    sorted_out = _sort_out(filing)
    files = [f"{name}.txt{_ending(packed)}" for name in fields(version)]
    customers: list[Place | None] = [None] * len(sorted_out.is_firm)
    loans: list[Place | None] = [None] * len(sorted_out.owner)
    for file, own, target in (
        (files[0], sorted_out.firms, customers),
        (files[2], sorted_out.corporate, loans),
        (files[3], sorted_out.personal, loans),
    ):
        for at, place in zip(
            own.tolist(), in_file(file, None, range(2, len(own) + 2)), strict=True
        ):
            target[at] = place
    owners = sorted_out.owner.tolist()
    for at in sorted_out.personal.tolist():
        if customers[owners[at]] is None:
            customers[owners[at]] = loans[at]
    elsewhere = {
        ("customers", c): _first_lines(filing, "customers", "customer_id", LINES + _ending(packed))
        for c in ("credit_line", "credit_line_scope")
    }
    elsewhere |= {
        ("loans", c): _first_lines(filing, "loans", "loan_id", PRICING + _ending(packed))
        for c in _pricing(filing).values()
    }
    return Places({"customers": customers, "loans": loans}, elsewhere)


def _sort_out(filing: Filing) -> Extract:
    customers, loans = filing.tables["customers"], filing.tables["loans"]
    person = pc.is_in(cells.plain_array(customers["kind"]), value_set=pa.array(PERSON_KINDS))
    traded = pc.starts_with(cells.plain_array(customers["certificate_no"]), "9")
    is_firm = pc.or_(pc.invert(person), pc.fill_null(traded, False))
    ids = cells.plain_array(customers["customer_id"])
    owner = pc.index_in(cells.plain_array(loans["customer_id"]), value_set=ids)
    corporate = pc.fill_null(is_firm.take(owner), True).to_numpy(zero_copy_only=False)
    firm = is_firm.to_numpy(zero_copy_only=False)
    owners = pc.fill_null(owner, -1).to_numpy(zero_copy_only=False)
    idle = np.setdiff1d(np.flatnonzero(~firm), owners)
    if len(idle):
        raise RunError(
            f"个人客户“{ids[int(idle[0])]}”没有借据，EAST 文本里无处可写。",
            remedy="请只报有借据的个人客户。",
        )
    return Extract(
        filing,
        is_firm=firm,
        owner=owners,
        firms=np.flatnonzero(firm),
        corporate=np.flatnonzero(corporate),
        personal=np.flatnonzero(~corporate),
    )


def _tables(found: Extract, flagged: bool) -> list[Mapping[str, pa.Array | str]]:
    """Columns of 203, 501, 504, 503 by field code."""
    filing = found.filing
    fixed = {"JRXKZH": filing.institution_id, "CJRQ": f"{filing.quarter.end:%Y%m%d}"}
    loans = loan_fields(found) | (inclusive_fields(found) if flagged else {})
    contracts = contract_fields(found)

    def part(
        columns: Mapping[str, pa.Array | str], own: np.ndarray[Any, Any]
    ) -> dict[str, pa.Array | str]:
        where = pa.array(own)
        return fixed | {k: v if isinstance(v, str) else v.take(where) for k, v in columns.items()}

    return [
        part(customer_fields(found), found.firms),
        fixed | contracts,
        part(loans, found.corporate),
        part(loans, found.personal),
    ]


def _rows(order: Sequence[str], columns: Mapping[str, pa.Array | str]) -> list[str]:
    return cells.lines([columns.get(code, "") for code in order], "|")


def _pricing(filing: Filing) -> dict[str, str]:
    given = filing.tables["loans"].column_names
    return _PRICING_COLUMNS | {h: c for h, c in _MORE_COLUMNS.items() if c in given}


def _first_rows(filing: Filing, table: str, key: str) -> np.ndarray[Any, Any]:
    """Rows that are the first of their id."""
    ids = cells.plain_array(filing.tables[table][key]).dictionary_encode().indices.to_numpy()
    return np.sort(np.unique(ids, return_index=True)[1])


def _first_lines(filing: Filing, table: str, key: str, file: str) -> list[Place | None]:
    ids = cells.plain_array(filing.tables[table][key]).dictionary_encode().indices.to_pylist()
    return [Place(file, None, i + 2) for i in ids]


def _supplement(
    found: Extract, table: str, key: str, header: str, columns: Mapping[str, str]
) -> bytes:
    """A line per id, in the order of the table; second lines asked for stand at the end."""
    filing = found.filing
    texts = [
        cells.column(filing.tables[table], key),
        *[found.text(table, c) for c in columns.values()],
    ]
    first = _first_rows(filing, table, key)
    ready = [t.take(pa.array(first)).to_pylist() for t in texts]
    listed = [list(line) for line in zip(*ready, strict=True)]
    for (where, at, name), text in filing.cells.items():
        if where == table and name.endswith(AGAIN):
            line = [t[at].as_py() for t in texts]
            line[1 + list(columns.values()).index(name.removesuffix(AGAIN))] = text
            listed.append(line)
    return cells.csv_bytes([[header, *columns], *listed], "gbk")
