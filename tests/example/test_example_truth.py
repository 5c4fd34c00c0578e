"""truth.json against sums made from the written files with pandas and fractions only."""

from __future__ import annotations

from fractions import Fraction

import pandas as pd
import pytest

from example.submitted import ROOT, TRUTH, east_ledger, fen, raw, rural_ledger

LIMIT = 1_000_000_000  # ten million yuan in fen
BAD = ["次级", "可疑", "损失"]


def told(institution: str, indicator: str, source: str, branch: str | None = None) -> dict:
    (found,) = [
        i
        for i in TRUTH["indicators"]
        if (i["institution_id"], i["indicator_id"]) == (institution, indicator)
        and (i["source"], i["branch_id"]) == (source, branch)
    ]
    return found


def value(answer: dict) -> Fraction:
    return Fraction(answer["num"], answer["den"])


def base(answer: dict) -> Fraction:
    return Fraction(answer["base"]["num"], answer["base"]["den"])


def percent(part: int, whole: int) -> Fraction:
    return Fraction(100 * part, whole)


@pytest.fixture(scope="module")
def rural() -> dict[str, pd.DataFrame]:
    frames = {}
    for quarter in ("2020Q4", "2021Q4"):
        data = rural_ledger(quarter)
        small = data["客户类型"].eq("企业") & data["企业规模"].isin(["小型", "微型"])
        owner = data["客户类型"].isin(["个体工商户", "小微企业主"])
        frames[quarter] = data.assign(
            mse=small | (owner & data["是否经营性贷款"].eq("是")),
            owed=data["贷款余额"].map(fen),
            lent=data["发放金额"].map(fen),
            line=data["授信额度"].map(fen),
            line_then=data["发放时授信额度"].map(fen),
            bp=data["发放利率"].map(fen),
            year=data["发放日期"].astype(str).str[:4],
        )
    return frames


@pytest.fixture(scope="module")
def large() -> dict[str, pd.DataFrame]:
    frames = {}
    for quarter in ("2020Q4", "2021Q4"):
        data = east_ledger(quarter)
        small = data["客户类型"].eq("企业") & data["QYFL"].isin(["小型企业", "微型企业"])
        owner = data["客户类型"].isin(["个体工商户", "小微企业主"])
        frames[quarter] = data.assign(
            mse=small | (owner & ~data["XDYWZL"].isin(["消费贷款", "住房按揭贷款"])),
            owed=data["DKYE"].map(fen),
            lent=data["DKJE"].map(fen),
            line=data["授信额度"].map(fen),
            line_then=data["发放时授信额度"].map(fen),
            bp=data["发放利率"].map(fen),
            year=data["DKFFRQ"].str[:4],
        )
    return frames


def test_rural_growth_gap(rural: dict[str, pd.DataFrame]) -> None:
    sums = {}
    for quarter, x in rural.items():
        kept = x[x.mse & (x.line <= LIMIT) & (x["业务种类"] != "票据贴现") & (x.owed > 0)]
        sums[quarter] = (int(kept.owed.sum()), int(x.owed.sum()), kept["客户号"].nunique())
    now, then = sums["2021Q4"], sums["2020Q4"]
    gap = percent(now[0], then[0]) - percent(now[1], then[1])
    answer = told("HCNS0001", "C2.1a", "ledger")
    assert value(answer) == gap > 0
    assert answer["verdict"] == "met"
    assert value(told("HCNS0001", "C2.1b", "ledger")) == now[2] - then[2] > 0


def test_rural_credit_share_rises(rural: dict[str, pd.DataFrame]) -> None:
    shares = {}
    for quarter, x in rural.items():
        mse = x[x.mse]
        unsecured = mse[mse["担保方式"] == "信用"]
        shares[quarter] = percent(int(unsecured.owed.sum()), int(mse.owed.sum()))
    answer = told("HCNS0001", "C4.1a", "ledger")
    assert (value(answer), base(answer)) == (shares["2021Q4"], shares["2020Q4"])
    assert shares["2021Q4"] > shares["2020Q4"]


def test_rural_tolerance_and_its_branches(rural: dict[str, pd.DataFrame]) -> None:
    x = rural["2021Q4"]
    bad = x["五级分类"].isin(BAD)
    whole = percent(int(x[bad].owed.sum()), int(x.owed.sum()))
    assert whole == 2
    kept = x[x.mse & (x.line <= LIMIT)]
    gaps = {}
    for branch, part in [(None, kept), *kept.groupby("内部机构号")]:
        npl = part[part["五级分类"].isin(BAD)]
        gaps[branch] = percent(int(npl.owed.sum()), int(part.owed.sum())) - whole
    for branch, gap in gaps.items():
        answer = told("HCNS0001", "C7.2", "ledger", branch)
        assert value(answer) == gap
        assert answer["verdict"] == ("met" if gap <= 3 else "not_met")
    assert gaps["HCNS0001B3"] == 3
    assert [b for b in gaps if gaps[b] > 3] == ["HCNS0001B2"]
    assert 2 < gaps[None] < 3
    assert told("HCNS0001", "C7.2", "ledger")["verdict_at_tolerance_2"] == "not_met"


def test_rural_returns_follow_the_ledger_but_for_one_figure(
    rural: dict[str, pd.DataFrame],
) -> None:
    grid = raw("2021Q4", "报表数据")
    filed = {row[0]: fen(row[3]) for row in grid.iloc[3:].itertuples(index=False)}
    x = rural["2021Q4"]
    firms = x["客户类型"].eq("企业")
    (difference,) = TRUTH["return_differences"]
    assert difference["item"] == "S71_I_3.C1"
    for row, rows in (("1", x[x.mse & firms]), ("3", x[x.mse & ~firms])):
        for band, low, high in ((1, 0, LIMIT // 10), (2, LIMIT // 10, LIMIT // 2)):
            now = rows[(rows.line > low) & (rows.line <= high)]
            for column, part in (("A", now), ("C", now[now["五级分类"].isin(BAD)])):
                item = f"S71_I_{row}.{column}{band}"
                exact = int(part.owed.sum())
                away = 2000 if item == difference["item"] else 0
                assert abs(exact - 10_000 * (filed[item] + away)) <= 5_000, item
            year = rows[(rows.line_then > low) & (rows.line_then <= high) & (rows.year == "2021")]
            interest = Fraction(int((year.lent * year.bp).sum()), 10_000)
            assert abs(interest - 10_000 * filed[f"S71_I_{row}.F{band}"]) <= 5_000


def test_rural_returns_carry_the_same_verdicts() -> None:
    verdicts = {"C2.1a": "met", "C2.1b": "met", "C4.1a": "on_track", "C7.2": "met"}
    for indicator, verdict in verdicts.items():
        returns, ledger = (told("HCNS0001", indicator, s) for s in ("returns", "ledger"))
        assert returns["verdict"] == ledger["verdict"] == verdict
    assert 2 < value(told("HCNS0001", "C7.2", "returns")) < 3


def test_large_branch_rate_of_the_year(large: dict[str, pd.DataFrame]) -> None:
    rates = {}
    for quarter, x in large.items():
        year = x[x.mse & (x.line_then <= LIMIT) & (x.year == quarter[:4])]
        total = int(year.lent.sum())
        rates[quarter] = Fraction(int((year.lent * year.bp).sum()), 100 * total)
    answer = told("HCDX0001", "C3.1a", "ledger")
    assert (value(answer), base(answer)) == (rates["2021Q4"], rates["2020Q4"])


def test_large_branch_credit_share_falls(large: dict[str, pd.DataFrame]) -> None:
    shares = {}
    for quarter, x in large.items():
        mse = x[x.mse]
        shares[quarter] = percent(int(mse[mse.DBLX == "信用"].owed.sum()), int(mse.owed.sum()))
    answer = told("HCDX0001", "C4.1a", "ledger")
    assert (value(answer), base(answer)) == (shares["2021Q4"], shares["2020Q4"])
    assert shares["2021Q4"] < shares["2020Q4"]


def test_large_branch_growth_is_shown_and_tolerance_met(large: dict[str, pd.DataFrame]) -> None:
    plans = pd.read_csv(ROOT / "supervisor" / "plans.csv", dtype=str)
    assert list(plans["机构编号"]) == ["HCDX0001"]
    assert told("HCDX0001", "C2.1a", "ledger")["verdict"] == "shown"
    x = large["2021Q4"]
    kept = x[x.mse & (x.line <= LIMIT)]
    npl = int(kept[kept.DKWJFL.isin(BAD)].owed.sum())
    gap = percent(npl, int(kept.owed.sum())) - percent(
        int(x[x.DKWJFL.isin(BAD)].owed.sum()), int(x.owed.sum())
    )
    answer = told("HCDX0001", "C7.2", "ledger")
    assert (value(answer), answer["verdict"]) == (gap, "met")


def test_village_by_hand() -> None:
    sheet = pd.read_excel(
        ROOT / "submissions/2021Q4/HCCZ0001/季度情况表.xlsx", header=None, engine="openpyxl"
    )
    now = {row[0]: row[3] for row in sheet.itertuples(index=False)}
    start = {row[0]: row[4] for row in sheet.itertuples(index=False)}
    assert (now["QS.assessed_balance"], start["QS.assessed_balance"]) == (10890, 10210)
    assert (now["QS.all_loans"], start["QS.all_loans"]) == (16040, 14800)
    growth = told("HCCZ0001", "C2.1a", "returns")
    assert value(growth) == 100 * (Fraction(10890, 10210) - Fraction(16040, 14800))
    assert growth["verdict"] == "not_met"
    gap = told("HCCZ0001", "C7.2", "returns")
    assert value(gap) == 4 - Fraction(48100, 16040)  # 438 of 10,950 is 4 %
    assert gap["verdict"] == "met"
    assert value(told("HCCZ0001", "C3.1a", "returns")) == Fraction(15, 2)  # 690 of 9,200


def test_lines_at_one_fen_above_and_across_the_limit(rural: dict[str, pd.DataFrame]) -> None:
    x = rural["2021Q4"]
    alive = x[x.mse & (x.owed > 0)]
    assert (alive.line == LIMIT).any()
    assert (alive.line == LIMIT + 1).any()
    both = x[x.mse]
    assert ((both.line > LIMIT) & (both.line_then <= LIMIT)).any()
    assert ((both.line <= LIMIT) & (both.line_then > LIMIT)).any()
