"""The wild bootstrap from moments against its definition on rows, and its rules."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest

from puhui.errors import FitError
from puhui.rates import bootstrap, fit
from puhui.rates.bootstrap import Drawn, draws, interval, multiples
from rates.refits_by_rows import SIX_POINTS, p_by_rows, signs


def banks(seed: int, clusters: int, rows: int = 8, slope: float = 0.4) -> pd.DataFrame:
    """Rows of unequal banks with a shock and a slope of their own."""
    rng = np.random.default_rng(seed)
    sizes = rng.integers(3, rows, clusters)
    g = np.repeat(np.arange(clusters), sizes)
    x, z = rng.normal(size=len(g)), rng.normal(size=len(g))
    y = (slope + rng.normal(size=clusters))[g] * x + z + rng.normal(size=clusters)[g]
    y = y + rng.normal(size=len(g))
    names = [f"B{v:03d}" for v in g]
    return pd.DataFrame({"bank": names, "g": g, "x": x, "z": z, "y": y}).round({"x": 4, "y": 4})


def design(d: pd.DataFrame, *columns: str) -> np.ndarray:
    return np.column_stack([np.ones(len(d)), *(d[c] for c in columns)])


# Against the definition


@pytest.mark.parametrize("null", [0.0, 0.6, -2.5])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_ten_clusters_all_signs(seed: int, null: float) -> None:
    d = banks(seed, 10)
    f = fit(d, "y", ["x", "z"], cluster="bank", h0=null)
    x, y, g = design(d, "x", "z"), d.y.to_numpy(), d.g.to_numpy()
    for j in range(3):
        expected = p_by_rows(x, y, g, j, null, signs(10))
        assert (f.p_boot[j], f.p_boot_classic[j]) == expected


@pytest.mark.parametrize("clusters", [5, 6])
def test_webb_all_points(clusters: int) -> None:
    d = banks(4, clusters, 6)
    f = fit(d, "y", ["x"], cluster="bank", h0=0.3)
    x, y, g = design(d, "x"), d.y.to_numpy(), d.g.to_numpy()
    expected = p_by_rows(x, y, g, 1, 0.3, signs(clusters, SIX_POINTS))
    assert (f.p_boot[1], f.p_boot_classic[1]) == expected


def test_nested_effects_swept_out_are_dummies() -> None:
    d = banks(5, 10)
    f = fit(d, "y", ["x", "z"], cluster="bank", absorb=["bank"], h0=0.2)
    x = np.column_stack([d.x, d.z, pd.get_dummies(d.bank).to_numpy(float)])
    for j in range(2):
        expected = p_by_rows(x, d.y.to_numpy(), d.g.to_numpy(), j, 0.2, signs(10))
        assert (f.p_boot[j], f.p_boot_classic[j]) == expected


def test_weights_are_rows_stretched_by_their_root() -> None:
    d = banks(6, 10).assign(w=lambda t: np.round(1 + np.arange(len(t)) % 7 + t.g / 4, 2))
    f = fit(d, "y", ["x", "z"], cluster="bank", weights="w")
    root = np.sqrt(d.w.to_numpy())
    x, y = design(d, "x", "z") * root[:, None], d.y.to_numpy() * root
    expected = p_by_rows(x, y, d.g.to_numpy(), 1, 0.0, signs(10))
    assert (f.p_boot[1], f.p_boot_classic[1]) == expected


def test_clusters_without_leverage_are_not_counted_and_change_no_p() -> None:
    """x stands still in two banks of twelve: ten count, and all signs of twelve agree."""
    d = banks(7, 12)
    d.loc[d.g.isin([3, 8]), "x"] = 1.5
    f = fit(d, "y", ["x"], cluster="bank", absorb=["bank"])
    x = np.column_stack([d.x, pd.get_dummies(d.bank).to_numpy(float)])
    expected = p_by_rows(x, d.y.to_numpy(), d.g.to_numpy(), 0, 0.0, signs(12))
    assert (f.p_boot[0], f.p_boot_classic[0]) == expected
    assert f.df == [9] and f.g == 12


def test_interval_holds_what_is_not_rejected_by_refits() -> None:
    d = banks(8, 10)
    f = fit(d, "y", ["x"], cluster="bank")
    low, high = f.ci[1]
    se = f.se_crv3[1]
    x, y, g = design(d, "x"), d.y.to_numpy(), d.g.to_numpy()
    inside = [low + 1e-6 * se, *np.linspace(low, high, 9)[1:-1], high - 1e-6 * se]
    assert all(p_by_rows(x, y, g, 1, r, signs(10))[0] > 0.05 for r in inside)
    outside = [low - 1e-6 * se, high + 1e-6 * se, low - 2 * se, high + 2 * se]
    assert all(p_by_rows(x, y, g, 1, r, signs(10))[0] <= 0.05 for r in outside)
    assert "不连续" not in f.reason


def test_testing_a_value_is_testing_zero_of_what_is_left() -> None:
    d = banks(9, 11)
    left = [Decimal(str(b)) - 2 * Decimal(str(a)) for a, b in zip(d.x, d.y, strict=True)]
    moved = d.assign(y=left)
    a = fit(d, "y", ["x"], cluster="bank", h0=2.0)
    b = fit(moved, "y", ["x"], cluster="bank")
    assert a.p_boot[1] == b.p_boot[1] and a.p_boot_classic[1] == b.p_boot_classic[1]
    assert a.ci[1] == pytest.approx([v + 2 for v in b.ci[1]], rel=1e-9)


# Weights


def test_all_points_come_once_up_to_sign() -> None:
    for kind, points, clusters in (("rademacher", (1.0, -1.0), 5), ("webb", SIX_POINTS, 3)):
        found = [
            tuple(np.round(column, 12))
            for block in draws(kind, True, clusters)
            for column in sum(value * pattern for value, pattern in block).T
        ]
        everything = {tuple(np.round(column, 12)) for column in signs(clusters, points).T}
        assert len(found) == len(set(found)) == len(points) ** clusters // 2
        assert set(found) | {tuple(-v for v in column) for column in found} == everything
        assert (1.0,) * clusters in found


@pytest.mark.parametrize(
    ("kind", "clusters", "digest"),
    [("rademacher", 20, "978ce18fd0f6ef57"), ("webb", 9, "53b2482901f3d763")],
)
def test_random_weights_are_the_same_everywhere(kind: str, clusters: int, digest: str) -> None:
    total, seen, text = np.zeros(clusters), 0, hashlib.sha256()
    for block in draws(kind, False, clusters):
        weights = sum(value * pattern for value, pattern in block)
        if not seen:
            assert (weights[:, 0] == 1).all()
        total += weights.sum(axis=1)
        seen += weights.shape[1]
        text.update(np.round(1000 * weights.T).astype("<i2").tobytes())
    assert seen == 100_000
    assert np.abs(total / seen).max() < 0.02
    assert text.hexdigest()[:16] == digest


def test_draws_do_not_depend_on_the_size_of_blocks(monkeypatch) -> None:
    d = banks(10, 20)
    whole = fit(d, "y", ["x"], cluster="bank")
    monkeypatch.setattr(bootstrap, "_BLOCK", 1 << 13)
    assert fit(d, "y", ["x"], cluster="bank") == whole
    assert whole.p_boot[1] * 100_000 == pytest.approx(round(whole.p_boot[1] * 100_000))
    assert whole.p_boot[1] >= 1e-5


def test_draws_come_near_all_signs(monkeypatch) -> None:
    d = banks(11, 12)
    exact = fit(d, "y", ["x"], cluster="bank", h0=0.9)
    monkeypatch.setitem(bootstrap.ENUMERATED, "rademacher", 11)
    drawn = fit(d, "y", ["x"], cluster="bank", h0=0.9)
    error = np.sqrt(exact.p_boot[1] * (1 - exact.p_boot[1]) / 1e5)
    assert drawn.p_boot[1] != exact.p_boot[1]
    assert abs(drawn.p_boot[1] - exact.p_boot[1]) < 5 * error + 1e-5


def test_products_of_rounded_rows_are_exact() -> None:
    rng = np.random.default_rng(1)
    matrix = multiples(rng.normal(size=(40, 300)) * 10.0 ** rng.integers(-9, 9, (40, 1)))
    pattern = rng.integers(-1, 2, (300, 7)).astype(float)
    exact = [
        [sum(Fraction(a) * Fraction(b) for a, b in zip(row, column, strict=True)) for column in
         pattern.T] for row in matrix
    ]  # fmt: skip
    assert (matrix @ pattern).tolist() == [[float(v) for v in row] for row in exact]


@pytest.mark.slow
def test_threads_change_no_bit(tmp_path) -> None:
    banks(12, 60, 12).to_csv(tmp_path / "d.csv", index=False)
    asked = ["--y", "y", "--x", "x", "--x", "z", "--cluster", "bank", "--json"]
    start = "from puhui.cli import main; main()"
    command = [sys.executable, "-c", start, "fit", str(tmp_path / "d.csv"), *asked]
    said = [
        subprocess.run(
            command,
            check=True,
            capture_output=True,
            env={**os.environ, "OPENBLAS_NUM_THREADS": n, "OMP_NUM_THREADS": n},
        ).stdout
        for n in ("1", "2", "2")
    ]
    assert said[0] == said[1] == said[2]
    assert json.loads(said[0])["p_boot"][1] > 0


# Rules


def test_p_is_never_zero_and_counts_the_identity() -> None:
    d = banks(13, 10, slope=40.0)
    f = fit(d, "y", ["x"], cluster="bank")
    assert f.p_boot[1] >= 2 / 2**10 and f.p_boot_classic[1] >= 2 / 2**10


def test_four_clusters_are_not_tested() -> None:
    f = fit(banks(14, 4), "y", ["x"], cluster="bank")
    assert f.p_boot == f.p_boot_classic == [None, None] and f.ci == [None, None]
    assert "少于 5 个，不作检验" in f.reason


def test_a_coefficient_one_bank_carries_has_no_bootstrap_and_the_others_do() -> None:
    d = banks(15, 12).assign(own=lambda t: np.where(t.g == 3, t.z, 0.0))
    f = fit(d, "y", ["x", "own"], cluster="bank")
    assert f.p_boot[2] is None and f.ci[2] is None
    assert "去掉“B003”后“own”无法估计" in f.reason
    assert f.p_boot[1] is not None and f.ci[1] is not None
    x = design(d, "x", "own")
    expected = p_by_rows(x, d.y.to_numpy(), d.g.to_numpy(), 1, 0.0, signs(12))
    assert (f.p_boot[1], f.p_boot_classic[1]) == expected


@pytest.mark.parametrize(("treated", "tested"), [(1, False), (3, False), (4, True), (11, False)])
def test_few_treated_clusters_are_not_tested(treated: int, tested: bool) -> None:
    d = banks(16, 14).assign(treated=lambda t: (t.g < treated).astype(int))
    f = fit(d, "y", ["treated", "x"], cluster="bank")
    assert (f.p_boot[1] is not None) == tested and (f.p_crv1[1] is not None) == tested
    assert f.p_boot[2] is not None and f.se_crv1[1] is not None
    few = min(treated, 14 - treated)
    assert (f"“treated”只在聚类之间变化，一侧只有 {few} 个聚类" in f.reason) != tested


def test_a_perfect_fit_has_no_test() -> None:
    d = banks(17, 10).assign(y=lambda t: (3 * t.x).round(4))
    f = fit(d, "y", ["x"], cluster="bank")
    assert f.p_boot == [None, None] and "标准误为 0" in f.reason


def test_too_many_clusters_are_said(monkeypatch) -> None:
    monkeypatch.setattr("puhui.rates.inference.MOST_CLUSTERS", 11)
    f = fit(banks(18, 12), "y", ["x"], cluster="bank")
    assert f.p_boot == [None, None] and "聚类超过 11 个，不作自助法" in f.reason
    assert f.p_crv1[1] is not None


# Interval


def steps(threshold_low: float, threshold_high: float, gap: tuple[float, float]) -> Drawn:
    """A test that rejects outside two thresholds, and within a gap."""

    class Made(Drawn):
        def p(self, null: float) -> float:
            inside = threshold_low <= null <= threshold_high
            return 0.06 if inside and not gap[0] < null < gap[1] else 0.05

    return Made(0.0, 1.0, np.zeros((2, 1)), np.zeros((3, 1)))


def test_ends_of_an_interval() -> None:
    found = interval(steps(-1.3, 2.7, (9, 9)), 1.0)
    assert (found.low, found.high) == pytest.approx((-1.3, 2.7), rel=1e-10)
    assert not found.pieces
    found = interval(steps(-1e9, 2.7, (1.1, 1.6)), 1.0)
    assert found.low is None and found.high == pytest.approx(2.7, rel=1e-10) and found.pieces


def test_an_unbounded_interval_is_said() -> None:
    """Two banks hold nearly all of the variation of x: where their weights agree, so does t*."""
    d = banks(3, 6)
    d["x"] *= 100.0**-d.g
    f = fit(d, "y", ["x"], cluster="bank", absorb=["bank"])
    low, high = f.ci[0]
    assert low is None or high is None
    assert "“x”的区间向" in f.reason and "无界（超过 50 个标准误）" in f.reason


def test_second_cluster_without_first_is_refused() -> None:
    with pytest.raises(FitError, match="没有给第一个"):
        fit(banks(19, 6), "y", ["x"], cluster2="bank")
