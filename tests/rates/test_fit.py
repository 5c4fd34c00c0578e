"""The fixed door: against certified values, statsmodels and algebra."""

from __future__ import annotations

import math
from decimal import Decimal

import hypothesis.strategies as st
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import statsmodels.api as sm
from hypothesis import given, settings

from puhui.errors import FitError
from puhui.rates import design as design_module
from puhui.rates import fit
from puhui.rates import moments as moments_module
from puhui.rates.columns import fixed

LONGLEY_X = ["GNPDEFL", "GNP", "UNEMP", "ARMED", "POP", "YEAR"]
# NIST StRD, linear regression, dataset Longley: certified estimates and standard deviations.
LONGLEY = {
    "intercept": (-3482258.63459582, 890420.383607373),
    "GNPDEFL": (15.0618722713733, 84.9149257747669),
    "GNP": (-0.0358191792925910, 0.0334910077722432),
    "UNEMP": (-2.02022980381683, 0.488399681651699),
    "ARMED": (-1.03322686717359, 0.214274163161675),
    "POP": (-0.0511041056535807, 0.226073200069370),
    "YEAR": (1829.15146461355, 455.478499142212),
}
# NIST StRD, dataset Wampler3: deviations from the polynomial, orthogonal to it.
WAMPLER_DEVIATIONS = [
    759, -2048, 2048, -2048, 2523, -2048, 2048, -2048, 1838, -2048, 2048,
    -2048, 1838, -2048, 2048, -2048, 2523, -2048, 2048, -2048, 759,
]  # fmt: skip
WAMPLER_SD = [
    2152.32624678170,
    2363.55173469681,
    779.343524331583,
    101.475507550350,
    5.64566512170752,
    0.112324854679312,
]


def digits(value: float, certified: float) -> float:
    """Log relative error: how many significant digits agree."""
    error = abs(value - certified) / abs(certified)
    return 16.0 if error == 0 else -math.log10(error)


def panel(seed: int = 1, n: int = 600) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    d = pd.DataFrame(
        {
            "bank": [f"B{v:02d}" for v in rng.integers(0, 12, n)],
            "month": rng.integers(0, 9, n),
            "product": rng.integers(0, 3, n),
            "x": np.round(rng.normal(size=n), 4),
            "z": rng.integers(0, 5, n),
            "w": np.round(rng.uniform(0.5, 90, n), 2),
        }
    )
    shock = dict(zip(sorted(set(d.bank)), rng.normal(size=12), strict=False))
    d["y"] = np.round(0.7 * d.x - 0.1 * d.z + d.bank.map(shock) + rng.normal(size=n), 4)
    d["cell"] = d.bank + "/" + d["product"].astype(str)
    return d


def assert_close(ours: list[float | None], theirs: object, tolerance: float = 1e-10) -> None:
    expected = np.asarray(theirs, dtype=float)
    assert len(ours) == len(expected) > 0
    assert ours == pytest.approx(list(expected), rel=tolerance, abs=0)


# Certified values


def test_longley_agrees_with_nist_to_thirteen_digits() -> None:
    data = sm.datasets.longley.load_pandas().data
    f = fit(data, "TOTEMP", LONGLEY_X)
    assert f.terms == list(LONGLEY)
    for i, (beta, sd) in enumerate(LONGLEY.values()):
        assert digits(f.beta[i], beta) >= 13
        assert digits(f.se_ols[i], sd) >= 13  # type: ignore[arg-type]
    assert digits(f.residual_sd, 304.854073561965) >= 13  # type: ignore[arg-type]
    assert digits(f.r2, 0.995479004577296) >= 13  # type: ignore[arg-type]


def test_longley_moved_by_a_billion_keeps_every_bit_of_the_slopes() -> None:
    data = sm.datasets.longley.load_pandas().data
    near = fit(data, "TOTEMP", LONGLEY_X)
    moved = data.astype(object).map(lambda v: Decimal(repr(v)))
    moved[LONGLEY_X] = moved[LONGLEY_X].map(lambda v: v + Decimal(10) ** 9)
    far = fit(moved, "TOTEMP", LONGLEY_X)
    assert far.beta[1:] == near.beta[1:]
    assert far.se_ols[1:] == near.se_ols[1:]
    assert far.residual_sd == near.residual_sd


def wampler(y: list[object]) -> pd.DataFrame:
    return pd.DataFrame({f"x{p}": [v**p for v in range(21)] for p in range(1, 6)} | {"y": y})


def test_wampler_1_and_2_are_perfect_fits() -> None:
    x = [f"x{p}" for p in range(1, 6)]
    first = fit(wampler([sum(v**p for p in range(6)) for v in range(21)]), "y", x)
    assert first.beta == [1.0] * 6
    assert first.residual_sd == 0.0 and first.se_ols == [0.0] * 6 and first.r2 == 1.0
    tenths = [sum(Decimal(v) ** p / 10**p for p in range(1, 6)) + 1 for v in range(21)]
    second = fit(wampler(tenths), "y", x)
    assert second.beta == [1.0, 0.1, 0.01, 0.001, 0.0001, 0.00001]
    assert second.residual_sd == 0.0


@pytest.mark.parametrize("factor", [1, 100, 10_000])
def test_wampler_3_to_5(factor: int) -> None:
    y = [
        sum(v**p for p in range(6)) + factor * d
        for v, d in zip(range(21), WAMPLER_DEVIATIONS, strict=True)
    ]
    f = fit(wampler(y), "y", [f"x{p}" for p in range(1, 6)])
    assert f.beta == [1.0] * 6
    assert digits(f.residual_sd, 2360.14502379268 * factor) >= 13  # type: ignore[arg-type]
    for ours, certified in zip(f.se_ols, WAMPLER_SD, strict=True):
        assert digits(ours, certified * factor) >= 13  # type: ignore[arg-type]


def test_no_intercept_datasets_of_nist() -> None:
    first = pd.DataFrame({"x": range(60, 71), "y": range(130, 141)})
    f = fit(first, "y", ["x"], intercept=False)
    assert f.terms == ["x"]
    assert digits(f.beta[0], 2.07438016528926) >= 13
    assert digits(f.se_ols[0], 0.0165289256198347) >= 13  # type: ignore[arg-type]
    assert digits(f.residual_sd, 3.56753034006338) >= 13  # type: ignore[arg-type]
    assert digits(f.r2, 0.999365492298663) >= 13  # type: ignore[arg-type]
    f = fit(pd.DataFrame({"x": [4, 5, 6], "y": [3, 4, 4]}), "y", ["x"], intercept=False)
    assert digits(f.beta[0], 0.727272727272727) >= 13
    assert digits(f.se_ols[0], 0.0420827318078432) >= 13  # type: ignore[arg-type]
    assert digits(f.residual_sd, 0.369274472937998) >= 13  # type: ignore[arg-type]


# Against statsmodels on the same rows


def test_classical_and_clustered_errors_equal_statsmodels() -> None:
    d = panel()
    f = fit(d, "y", ["x", "z"], cluster="bank")
    design = sm.add_constant(d[["x", "z"]])
    assert_close(f.beta, sm.OLS(d.y, design).fit().params)
    assert_close(f.se_ols, sm.OLS(d.y, design).fit().bse)
    clustered = sm.OLS(d.y, design).fit(cov_type="cluster", cov_kwds={"groups": d.bank}, use_t=True)
    assert_close(f.se_crv1, clustered.bse)
    assert_close(f.t, clustered.tvalues)
    assert_close(f.p_crv1, clustered.pvalues, 1e-8)
    assert f.df == [11, 11, 11] and f.g == 12 and f.n == 600
    assert f.r2 == pytest.approx(clustered.rsquared, rel=1e-10)


def dummies(d: pd.DataFrame, effects: list[str]) -> pd.DataFrame:
    parts = [
        pd.get_dummies(d[e], prefix=e, drop_first=i > 0, dtype=float) for i, e in enumerate(effects)
    ]
    return pd.concat([d[["x", "z"]].astype(float), *parts], axis=1)


@pytest.mark.parametrize(
    ("cluster", "absorb"),
    [
        ("bank", ["bank"]),  # nested: swept out
        ("bank", ["cell"]),  # finer than the cluster: swept out
        ("bank", ["cell", "bank"]),  # one spans the other
        ("bank", ["month"]),  # crosses clusters: explicit columns
        ("bank", ["bank", "month"]),
        ("month", ["bank", "product"]),
    ],
)
@pytest.mark.parametrize("weights", [None, "w"])
def test_absorbed_effects_equal_dummies(
    cluster: str, absorb: list[str], weights: str | None
) -> None:
    d = panel(2)
    f = fit(d, "y", ["x", "z"], cluster=cluster, absorb=absorb, weights=weights,
            count_absorbed=True)  # fmt: skip
    shown = [e for e in absorb if not (e == "bank" and "cell" in absorb)]
    model = sm.WLS(d.y, dummies(d, shown), weights=d[weights] if weights else 1.0)
    theirs = model.fit(cov_type="cluster", cov_kwds={"groups": d[cluster]})
    assert f.terms == ["x", "z"]
    assert_close(f.beta, theirs.params[["x", "z"]])
    assert_close(f.se_ols, model.fit().bse[["x", "z"]])
    assert_close(f.se_crv1, theirs.bse[["x", "z"]])
    assert f.r2 == pytest.approx(theirs.rsquared, rel=1e-9)


def test_nested_effects_count_as_one_constant_unless_each_counts() -> None:
    d = panel(3)
    bare = fit(d, "y", ["x", "z"], cluster="bank", absorb=["bank"])
    counted = fit(d, "y", ["x", "z"], cluster="bank", absorb=["bank"], count_absorbed=True)
    ratio = math.sqrt((600 - 3) / (600 - 14))  # K = 2 + 1 constant against 2 + 12 effects
    assert counted.se_crv1[0] / bare.se_crv1[0] == pytest.approx(ratio, rel=1e-14)  # type: ignore[operator]


def test_crv3_equals_leave_one_bank_out_refits() -> None:
    d = panel(4)
    f = fit(d, "y", ["x", "z"], cluster="bank", absorb=["bank"], weights="w")
    columns = ["x", "z"]
    full = sm.WLS(d.y, dummies(d, ["bank"]), weights=d.w).fit().params[columns]
    spread = np.zeros(2)
    for bank in sorted(set(d.bank)):
        rest = d[d.bank != bank]
        refit = sm.WLS(rest.y, dummies(rest, ["bank"]), weights=rest.w).fit().params[columns]
        spread += np.asarray(refit - full) ** 2
    assert_close(f.se_crv3, np.sqrt(11 / 12 * spread))


def test_partial_leverage_equals_the_frisch_waugh_residuals() -> None:
    d = panel(5)
    f = fit(d, "y", ["x", "z"], cluster="bank")
    residual = sm.OLS(d.x, sm.add_constant(d[["z"]])).fit().resid
    share = (residual**2).groupby(d.bank).sum() / (residual**2).sum()
    assert f.g_star[1] == pytest.approx(1 / (share**2).sum(), rel=1e-10)
    assert f.largest_share[1] == pytest.approx(share.max(), rel=1e-10)


# What is refused and what is said


def test_duplicate_column_is_refused_naming_the_pair() -> None:
    d = panel().assign(copy=lambda t: t.x * 2)
    with pytest.raises(FitError, match="“x”“copy”线性相关"):
        fit(d, "y", ["z", "x", "copy"])


def test_constant_column_and_absorbed_column_are_refused_by_name() -> None:
    d = panel().assign(one=1)
    with pytest.raises(FitError, match="“intercept”“one”线性相关"):
        fit(d, "y", ["x", "one"])
    with pytest.raises(FitError, match="“product”在所吸收的效应之内没有变化"):
        fit(d, "y", ["x", "product"], absorb=["cell"])
    with pytest.raises(FitError, match="“month”与所列效应线性相关"):
        fit(d.assign(m=d.month), "y", ["x", "month"], cluster="bank", absorb=["m"])


def test_nearly_dependent_columns_are_solved() -> None:
    """One unit in the ninth decimal apart: ill-conditioned, not singular."""
    d = pd.DataFrame({"x": ["1", "2", "3", "4"], "z": ["1", "2", "3", "4.000000001"]})
    d["y"] = ["1", "2", "3", "5"]
    assert fit(d, "y", ["x", "z"], intercept=False).beta == [-999999999.0, 1000000000.0]


def test_too_many_explicit_columns_are_refused() -> None:
    d = panel(6, 1400).assign(day=lambda t: t.index % 350)
    with pytest.raises(FitError, match="超过 300 列"):
        fit(d, "y", ["x"], cluster="bank", absorb=["day"])
    assert fit(d, "y", ["x"], cluster="day", absorb=["day"]).g == 350


def test_missing_values_singletons_and_zero_weights_are_counted() -> None:
    d = panel(7)
    d.loc[0, "x"] = np.nan
    d.loc[1, "bank"] = None
    d.loc[2, "w"] = 0
    d.loc[3, "cell"] = "alone"
    f = fit(d, "y", ["x"], cluster="bank", absorb=["cell"], weights="w")
    assert f.dropped == {"missing": 2, "zero_weight": 1, "singletons": 1}
    assert f.n == 596
    same = fit(d.drop(index=[0, 1, 2, 3]), "y", ["x"], cluster="bank", absorb=["cell"], weights="w")
    assert (f.beta, f.se_crv3) == (same.beta, same.se_crv3)
    with pytest.raises(FitError, match="有负数"):
        fit(d.assign(w=-1), "y", ["x"], weights="w")


def test_four_clusters_give_an_estimate_and_no_test() -> None:
    d = panel(8)
    f = fit(d[d.bank < "B04"], "y", ["x"], cluster="bank")
    assert f.g == 4 and f.status == "no_test" and f.p_crv1 == [None, None]
    assert f.beta[1] and f.se_crv1[1]
    assert "只有 4 个，少于 5 个，不作检验" in f.reason
    five = fit(d[d.bank < "B05"], "y", ["x"], cluster="bank")
    assert five.status == "ok" and five.df == [4, 4]


def test_a_refit_that_loses_a_coefficient_names_the_cluster() -> None:
    d = panel(9).assign(only=lambda t: np.where(t.bank == "B03", t.z, 0))
    f = fit(d, "y", ["x", "only"], cluster="bank")
    assert f.se_crv3[2] is None
    assert "去掉“B03”后“only”无法估计" in f.reason
    rest = d[d.bank != "B03"]
    assert f.se_crv3[1] is not None
    alone = fit(rest, "y", ["x"], cluster="bank")
    assert alone.g == 11  # the other coefficients stay estimable


def test_the_value_tested_against_moves_t_and_nothing_else() -> None:
    d = panel(10)
    f, g = (fit(d, "y", ["x"], cluster="bank", h0=null) for null in (0.0, 1.0))
    assert g.t[1] == pytest.approx((f.beta[1] - 1) / f.se_crv1[1], rel=1e-12)  # type: ignore[operator]
    assert (g.beta, g.se_crv3, g.se_cr2, g.ci) == (f.beta, f.se_crv3, f.se_cr2, f.ci)
    assert g.p_boot != f.p_boot and f.reason == ""


# Reading


def test_csv_text_parquet_and_frame_give_the_same_bits(tmp_path) -> None:
    d = panel(11)
    d.to_csv(tmp_path / "d.csv", index=False)
    pq.write_table(pa.Table.from_pandas(d), tmp_path / "d.parquet")
    kwargs = {"cluster": "bank", "absorb": ["cell"], "weights": "w"}
    results = [
        fit(source, "y", ["x", "z"], **kwargs)
        for source in (d, pa.Table.from_pandas(d), tmp_path / "d.csv", str(tmp_path / "d.parquet"))
    ]
    assert all(r == results[0] for r in results)


def test_decimal_text_is_taken_exactly(tmp_path) -> None:
    """Twenty digits that differ only in the last: floats could not tell them apart."""
    rows = ["y,x", "1,1.0000000000000000001", "2,1.0000000000000000002", "3,1.0000000000000000003"]
    (tmp_path / "d.csv").write_text("\n".join(rows), encoding="utf-8")
    f = fit(tmp_path / "d.csv", "y", ["x"])
    assert f.beta[1] == 1e19 and f.residual_sd == 0.0


@pytest.mark.parametrize("kind", [pa.decimal128(38, 9), pa.decimal256(76, 47)])
def test_long_decimals_keep_every_digit(kind) -> None:
    # 29 digits before the point and nine after: the default context of decimals would round.
    texts = ["12345678901234567890123456789.012345678", "-0.000000001", "7"]
    column = fixed(pa.table({"x": pa.array([Decimal(t) for t in texts], kind)}), "x")
    assert column.scale == 9
    assert column.whole.tolist() == [12345678901234567890123456789012345678, -1, 7 * 10**9]
    as_text = fixed(pa.table({"x": texts}), "x")
    assert as_text.whole.tolist() == column.whole.tolist()


def test_what_cannot_be_read_is_said(tmp_path) -> None:
    (tmp_path / "d.csv").write_text("y,x\n1,2\n2,三\n", encoding="utf-8")
    with pytest.raises(FitError, match="列“x”第 2 行的“三”不是数"):
        fit(tmp_path / "d.csv", "y", ["x"])
    with pytest.raises(FitError, match=r"没有列“rate”.*现有的列：y、x"):
        fit(tmp_path / "d.csv", "rate", ["x"])
    with pytest.raises(FitError, match="找不到文件"):
        fit(tmp_path / "nothing.csv", "y", ["x"])


# Algebra


def test_engine_and_python_integers_agree_to_the_bit(monkeypatch) -> None:
    d = panel(12)
    kwargs = {"cluster": "bank", "absorb": ["cell", "month"], "weights": "w"}
    by_engine = fit(d, "y", ["x", "z"], **kwargs)
    monkeypatch.setattr(design_module, "fits_engine", lambda *_: False)
    assert fit(d, "y", ["x", "z"], **kwargs) == by_engine


def test_sums_that_would_not_fit_the_engine_are_still_exact() -> None:
    """Columns of 10²⁰ have squares beyond 128 bits; a slope of 3 stays a slope of 3."""
    x = [10**20 + v * 10**18 for v in range(8)]
    d = pd.DataFrame({"x": [str(v) for v in x], "y": [str(3 * v + 7) for v in x]})
    f = fit(d, "y", ["x"])
    assert f.beta == [7.0, 3.0] and f.residual_sd == 0.0


def test_a_rounded_common_denominator_changes_no_bit_of_the_floats(monkeypatch) -> None:
    d = panel(14).assign(perfect=lambda t: (3 * t.x).round(4))
    kwargs = {"cluster": "bank", "absorb": ["cell"], "weights": "w"}
    exact = fit(d, "y", ["x", "z"], **kwargs)
    monkeypatch.setattr(moments_module, "_EXACT_BITS", 64)
    assert fit(d, "y", ["x", "z"], **kwargs) == exact
    assert fit(d, "perfect", ["x"], **kwargs).residual_sd == 0.0
    with pytest.raises(FitError, match="“product”在所吸收的效应之内没有变化"):
        fit(d, "y", ["x", "product"], **kwargs)
    with pytest.raises(FitError, match="“x”“perfect”线性相关"):
        fit(d, "y", ["x", "perfect"], **kwargs)


@settings(max_examples=25, deadline=None)
@given(st.randoms(use_true_random=False), st.integers(20, 60))
def test_order_of_rows_changes_no_bit(random, n: int) -> None:
    d = panel(n, n)
    d = d[d.groupby("bank").bank.transform("size") > 1]
    order = list(range(len(d)))
    random.shuffle(order)
    kwargs = {"cluster": "bank", "absorb": ["bank"], "weights": "w"}
    assert fit(d.iloc[order], "y", ["x"], **kwargs) == fit(d, "y", ["x"], **kwargs)


@settings(max_examples=25, deadline=None)
@given(st.integers(-5, 5), st.integers(1, 10**6))
def test_scaling_the_outcome_scales_the_estimates(power: int, shift: int) -> None:
    base = panel(13, 60)
    d = pd.DataFrame({"bank": base.bank, "x": base.x.map(repr), "y": base.y.map(repr)})
    ten = Decimal(10) ** power
    scaled = d.assign(
        y=[str(Decimal(v) * ten) for v in d.y], x=[str(Decimal(v) + shift) for v in d.x]
    )
    a, b = fit(d, "y", ["x"], cluster="bank"), fit(scaled, "y", ["x"], cluster="bank")
    assert b.beta[1] == pytest.approx(a.beta[1] * float(ten), rel=1e-15)
    assert b.se_crv1[1] == pytest.approx(a.se_crv1[1] * float(ten), rel=1e-14)  # type: ignore[operator]
    assert b.se_crv3[1] == pytest.approx(a.se_crv3[1] * float(ten), rel=1e-14)  # type: ignore[operator]
    assert b.r2 == pytest.approx(a.r2, rel=1e-15)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(-1e6, 1e6).filter(lambda v: v == 0 or abs(v) > 1e-9), min_size=3))
def test_a_float_is_its_shortest_decimal(values: list[float]) -> None:
    y = [repr(v) for v in values]
    x = list(range(len(values)))
    assert fit(pd.DataFrame({"y": values, "x": x}), "y", ["x"]) == fit(
        pd.DataFrame({"y": y, "x": x}), "y", ["x"]
    )
