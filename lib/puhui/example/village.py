"""丙村镇银行: an institution with nothing but the one-sheet quarterly, its figures round."""

from __future__ import annotations

from puhui.example.truth import Facts

INSTITUTION_ID = "HCCZ0001"
NAME = "丙村镇银行"
COLUMNS = ("本季末", "年初", "上年同期", "上季末")

#: item, wording, unit, then the four columns; money in whole 万元. Year-to-date figures of
#: the column 年初 are those of the full year before, as 上年同期 is the same date here.
FIGURES: tuple[tuple[str, str, str, tuple[int, int, int, int]], ...] = (
    (
        "QS.assessed_balance",
        "普惠型小微企业贷款余额（不含票据融资）",
        "万元",
        (10890, 10210, 10210, 10760),
    ),
    ("QS.assessed_customers", "普惠型小微企业贷款户数（不含票据融资）", "户", (826, 812, 812, 823)),
    ("QS.all_loans", "各项贷款余额", "万元", (16040, 14800, 14800, 15720)),
    ("QS.incl_balance", "普惠型小微企业贷款余额", "万元", (10950, 10300, 10300, 10830)),
    ("QS.incl_npl", "普惠型小微企业不良贷款余额", "万元", (438, 412, 412, 441)),
    ("QS.npl", "各项贷款不良余额", "万元", (481, 459, 459, 487)),
    ("QS.incl_drawn", "普惠型小微企业贷款当年累放额", "万元", (9200, 8600, 8600, 6900)),
    ("QS.incl_interest", "当年累放贷款年化利息收益", "万元", (690, 662, 662, 519)),
    ("QS.mse_balance", "小微企业贷款余额（全口径）", "万元", (11900, 11150, 11150, 11740)),
    ("QS.mse_credit_balance", "其中：信用贷款余额", "万元", (1310, 1185, 1185, 1283)),
)


def facts(column: int) -> Facts:
    """Return the sheet's figures of one of :data:`COLUMNS` as sums for the truth."""
    value = {item: figures[column] for item, _, _, figures in FIGURES}
    return Facts(
        all_loans=value["QS.all_loans"],
        all_npl=value["QS.npl"],
        inclusive=value["QS.incl_balance"],
        inclusive_npl=value["QS.incl_npl"],
        assessed=value["QS.assessed_balance"],
        assessed_customers=value["QS.assessed_customers"],
        drawn=value["QS.incl_drawn"],
        drawn_interest=value["QS.incl_interest"] * 10_000,
        mse=value["QS.mse_balance"],
        mse_credit=value["QS.mse_credit_balance"],
    )
