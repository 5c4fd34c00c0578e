"""EAST extracts: the standard's fields in its order, and what was filed in them."""

from __future__ import annotations

import gzip
import io
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from example.filings import BANK, filing
from puhui.errors import RunError
from puhui.example.writers import east
from puhui.example.writers.filing import Filing

F203 = (
    "JRXKZH,NBJGH,YHJGMC,KHTYBH,KHMC,KHLX,ZJLB,ZJHM,FRDB,FRDBZJLB,FRDBZJHM,CWFZR,CWFZRZJLB,"
    "CWFZRZJHM,JBCKZH,JBCKZHKHHH,JBCKZHKHHMC,ZCZB,ZCZBBZ,SSZB,SSZBBZ,ZCDZ,LXDH,JYFW,CLRQ,SSHY,"
    "QYFL,XDKHBZ,SCJLXDGXNY,SSGSBZ,XYPJ,YGRS,XZQHDM,FXYJXH,GZSJDM,BBZ,CJRQ"
)
F501 = (
    "JRXKZH,NBJGH,KHTYBH,KHMC,XDHTH,ZHTH,HTMC,XDYWZL,BZ,HTJE,HTQSRQ,HTDQRQ,DBLX,KHJLGH,HTDKYT,"
    "HTZT,BBZ,CJRQ,GSFZJG"
)
_UNTIL = (
    "XDHTH,XDJJH,DKFHZH,XDYWZL,DKFFLX,FKFS,BZ,DKJE,DKYE,DKWJFL,ZQS,DQQS,ZQCS,DKFFRQ,DKDQRQ,ZJRQ,"
    "QBJE,QBRQ,BNQXYE,BWQXYE,QXRQ,LXQKQS,LJQKQS,SBXDJJH,DKRZZH,DKRZHM,RZZHSSHMC,LLLX,SJLL,HKFS,"
    "HKZH,HKZHSSHMC,JXFS,XQHKRQ,XQYHBJ,XQYHLX,JJDKYT,DKTXDQ,DKTXHY,SFHLWDK,SFLSDK,SFSNDK"
)
_HEAD = "JRXKZH,NBJGH,YHJGMC,MXKMBH,MXKMMC,KHTYBH,KHMC"
_TAIL = "SFKJDK,XDYGH,DKZT,BBZ,CJRQ"
_FLAGS = "SFPHXSNDK,SFPHXXWQYDK"
STANDARD = {
    "4.0": {
        "EAST_203_对公客户信息表": F203,
        "EAST_501_信贷合同表": F501,
        "EAST_504_对公信贷业务借据表": f"{_HEAD},{_UNTIL},{_TAIL}",
        "EAST_503_个人信贷业务借据表": f"{_HEAD},ZJLB,ZJHM,{_UNTIL},{_TAIL}",
    },
    "5.0": {
        "EAST5_203_对公客户信息表": F203,
        "EAST5_501_信贷合同表": F501,
        "EAST5_504_对公信贷业务借据表": f"{_HEAD},{_UNTIL},{_FLAGS},{_TAIL}",
        "EAST5_503_个人信贷业务借据表": f"{_HEAD},ZJLB,ZJHM,{_UNTIL},{_FLAGS},{_TAIL}",
    },
}
COUNTS = {"203": 37, "501": 19, "504": 54, "503": 56}


def read(content: bytes, separator: str) -> pd.DataFrame:
    return pd.read_csv(
        io.BytesIO(content), sep=separator, encoding="gbk", dtype=str, na_filter=False
    )


def table(files: dict[str, bytes], number: str) -> pd.DataFrame:
    name = next(n for n in files if f"_{number}_" in n)
    return read(files[name], "|")


def given_loans(given: Filing) -> dict[str, dict[str, Any]]:
    return {x["loan_id"]: x for x in given.tables["loans"].to_pylist()}


@pytest.mark.parametrize("version", STANDARD)
def test_fields_are_the_standards(version: str) -> None:
    wanted = {n: tuple(f.split(",")) for n, f in STANDARD[version].items()}
    assert east.fields(version) == wanted
    more = 2 if version == "5.0" else 0
    for name, fields in wanted.items():
        number = name.split("_")[1]
        assert len(fields) == COUNTS[number] + (more if number in ("503", "504") else 0)
    files = east.extract(filing(), version)
    assert list(files) == [*(f"{n}.txt" for n in wanted), "补充_客户授信.csv", "补充_借据.csv"]
    for name, fields in wanted.items():
        lines = files[f"{name}.txt"].decode("gbk").split("\r\n")
        assert lines[0] == "|".join(fields) and lines[-1] == ""
        assert {line.count("|") for line in lines[:-1]} == {len(fields) - 1}


def test_loans_are_read_back() -> None:
    given = filing()
    files = east.extract(given)
    both = pd.concat([table(files, "504"), table(files, "503")])
    loans = given_loans(given)
    assert sorted(both["XDJJH"]) == sorted(loans)
    for _, row in both.iterrows():
        x = loans[row["XDJJH"]]
        assert (row["JRXKZH"], row["CJRQ"]) == (BANK, "20211231")
        assert (row["NBJGH"], row["KHTYBH"]) == (x["branch_id"], x["customer_id"])
        assert (Decimal(row["DKJE"]), Decimal(row["DKYE"])) == (x["amount"], x["balance"])
        assert Decimal(row["SJLL"]) == x["rate_now"] and row["SJLL"][-4:].isdigit()
        assert row["DKFFRQ"] == f"{x['drawn_on']:%Y%m%d}"
        closed = x["closed_on"]
        assert row["ZJRQ"] == (f"{closed:%Y%m%d}" if closed else "99991231")
        assert row["SBXDJJH"] == (x["predecessor_loan_id"] or "")
        assert (
            row["XDYWZL"]
            == {
                "consumer": "消费贷款",
                "business_personal": "个人经营性贷款",
                "working_capital": "流动资金贷款",
            }[x["product"]]
        )
        assert row["DKFFLX"] == {"new": "新增", "renewal": "无还本续贷"}[x["issue_kind"]]
        arrears = Decimal(row["BNQXYE"]) + Decimal(row["BWQXYE"])
        assert (Decimal(row["QBJE"]), arrears) == (x["principal_overdue"], x["interest_overdue"])
        since = x["overdue_since"]
        assert row["QXRQ"] == (f"{since:%Y%m%d}" if since else "99991231")
        assert row["SFSNDK"] == ("是" if x["is_agricultural"] else "否")


def test_persons_and_traders_stand_where_they_belong() -> None:
    given = filing()
    files = east.extract(given)
    kinds = {c["customer_id"]: c for c in given.tables["customers"].to_pylist()}
    firms = table(files, "203")
    assert set(firms["KHTYBH"]) == {i for i, c in kinds.items() if c["kind"] != "farmer"}
    assert {kinds[i]["kind"] for i in table(files, "503")["KHTYBH"]} == {"farmer"}
    for _, row in firms.iterrows():
        c = kinds[row["KHTYBH"]]
        assert (row["ZJHM"], row["KHMC"]) == (c["certificate_no"], c["name"])
        size = {"small": "小型企业", "micro": "微型企业", "medium": "中型企业", None: ""}[c["size"]]
        assert row["QYFL"] == size
    # Customer 1 drew IOU 1 (10 February 2020), later IOUs 41 and 81.
    assert firms.set_index("KHTYBH").at["JYC00001", "SCJLXDGXNY"] == "202002"
    persons = table(files, "503").set_index("KHTYBH")
    assert set(persons.loc["JYC00003", "ZJHM"]) == {kinds["JYC00003"]["certificate_no"]}


def test_contracts_and_supplements_are_read_back() -> None:
    given = filing()
    files = east.extract(given)
    loans = given_loans(given)
    contracts = table(files, "501").set_index("XDHTH")
    words = {"credit": "信用", "guaranteed": "保证", "mortgaged": "抵押", "mixed": "混合"}
    for x in loans.values():
        assert contracts.at[x["contract_id"], "DBLX"] == words[x["guarantee"]]
    pricing = read(files["补充_借据.csv"], ",").set_index("信贷借据号")
    assert list(pricing.index) == list(loans)
    benchmarks = {"lpr:1Y": "LPR1年期", "lpr:5Y": "LPR5年期以上", "other": "其他", None: ""}
    marks = {None: "", ("inventory", "ip"): "存货、知识产权", ("home",): "住房"}
    for loan_id, row in pricing.iterrows():
        x = loans[str(loan_id)]
        assert Decimal(row["发放时授信额度"]) == x["credit_line_at_drawdown"]
        assert Decimal(row["发放利率"]) == x["rate_at_drawdown"]
        assert row["定价日期"] == f"{x['priced_on']:%Y%m%d}"
        assert row["定价基准"] == benchmarks[x["benchmark"]]
        assert row["加点"] == ("" if x["spread_bp"] is None else str(int(x["spread_bp"])))
        assert row["利率类型"] == {"fixed": "固定利率", "floating": "浮动利率"}[x["rate_type"]]
        assert row["风险缓释"] == marks[x["mitigants"] and tuple(x["mitigants"])]
        assert row["保证人证件号"] == (x["guarantor_id"] or "")
        assert row["随借随还"] == ("是" if x["is_revolving"] else "否")
        repriced = x["repriced_on"]
        assert row["重定价日期"] == (f"{repriced:%Y%m%d}" if repriced else "99991231")
    lines = read(files["补充_客户授信.csv"], ",").set_index("客户统一编号")
    for c in given.tables["customers"].to_pylist():
        assert Decimal(lines.at[c["customer_id"], "授信额度"]) == c["credit_line"]


def test_the_supplement_has_columns_that_are_kept() -> None:
    given = filing()
    lean = given.tables["loans"].drop_columns(["rate_type", "closure", "funding_source"])
    lean = lean.drop_columns(["is_revolving", "repriced_on", "mitigants", "guarantor_id"])
    files = east.extract(replace(given, tables={**given.tables, "loans": lean}))
    assert files["补充_借据.csv"].decode("gbk").splitlines()[0] == (
        "信贷借据号,发放时授信额度,发放利率,定价日期,定价基准,加点"
    )


def test_several_ious_of_a_contract() -> None:
    given = filing()
    loans = given.tables["loans"]
    shared = pa.array([f"HT{i // 3:05d}" for i in range(loans.num_rows)])
    at = loans.column_names.index("contract_id")
    given = replace(
        given, tables={**given.tables, "loans": loans.set_column(at, "contract_id", shared)}
    )
    contracts = table(east.extract(given), "501")
    assert list(contracts["XDHTH"]) == [f"HT{i:05d}" for i in range(32)]
    assert contracts.at[1, "DBLX"] == "混合"  # of IOU 3, the contract's first


def test_flags_of_version_five() -> None:
    given = filing()
    rows = pd.concat([table(east.extract(given, "5.0"), n) for n in ("504", "503")])
    flags = rows.set_index("XDJJH")[["SFPHXXWQYDK", "SFPHXSNDK"]]
    # Customer 0 is a small firm, 2 a medium one's neighbour (a trader), 3 a farmer, 5 medium.
    assert tuple(flags.loc["JYL000000"]) == ("是", "否")
    assert tuple(flags.loc["JYL000002"]) == ("是", "否")
    assert tuple(flags.loc["JYL000003"]) == ("否", "是")
    assert tuple(flags.loc["JYL000005"]) == ("否", "否")
    assert tuple(flags.loc["JYL000007"]) == ("否", "否"), "a farmer's consumer loan"


def test_packed_is_the_same_text() -> None:
    plain, packed = east.extract(filing()), east.extract(filing(), packed=True)
    assert {f"{n}.gz": c for n, c in plain.items()} == {
        n: gzip.decompress(c) for n, c in packed.items()
    }
    assert east.extract(filing(), packed=True) == packed


@pytest.mark.parametrize("packed", [False, True])
def test_places_are_where_rows_stand(packed: bool) -> None:
    given = filing()
    files = east.extract(given, "5.0", packed=packed)
    places = east.places(given, "5.0", packed=packed)

    def line(place: Any) -> str:
        content = files[place.file]
        text = gzip.decompress(content) if packed else content
        return text.decode("gbk").split("\r\n")[place.row - 1]

    for at, x in enumerate(given.tables["loans"].to_pylist()):
        assert f"|{x['loan_id']}|" in line(places.of("loans", at, "balance"))
        assert line(places.of("loans", at, "rate_at_drawdown")).startswith(x["loan_id"] + ",")
    for at, c in enumerate(given.tables["customers"].to_pylist()):
        assert f"|{c['customer_id']}|" in line(places.of("customers", at, "kind"))
        assert line(places.of("customers", at, "credit_line")).startswith(c["customer_id"] + ",")


def test_a_second_line_that_contradicts() -> None:
    given = replace(filing(), cells={("customers", 5, "credit_line+"): "1.23"})
    lines = east.extract(given)["补充_客户授信.csv"].decode("gbk").splitlines()
    assert len(lines) == 1 + 40 + 1
    assert lines[-1] == "JYC00005,企业,1.23,法人全行"
    assert lines[6].startswith("JYC00005,企业,") and lines[6] != lines[-1]


def test_a_person_without_iou_is_refused() -> None:
    given = filing()
    few = given.tables["loans"].slice(0, 3)
    with pytest.raises(RunError, match="JYC00003"):
        east.extract(replace(given, tables={**given.tables, "loans": few}))


def test_texts_stand_in_place_of_values() -> None:
    wrong = {("loans", 0, "balance"): "叁万", ("loans", 0, "rate_at_drawdown"): "四厘"}
    files = east.extract(replace(filing(), cells=wrong))
    assert table(files, "504").set_index("XDJJH").at["JYL000000", "DKYE"] == "叁万"
    assert read(files["补充_借据.csv"], ",").at[0, "发放利率"] == "四厘"
