"""Moments from a Parquet file in the engine: the very objects that reading the rows gives."""

from __future__ import annotations

import math
from decimal import Decimal
from pathlib import Path

import hypothesis.strategies as st
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings

from puhui.errors import FitError
from puhui.rates import fit
from puhui.rates.columns import fixed
from puhui.rates.design import gather, one_sided, prepare
from puhui.rates.direct import Direct, moments_of

EVERY = 10**6


def loans(seed: int, n: int = 500, *, holes: float = 0.03) -> pa.Table:
    """Loans of nine banks with columns of every type, some fields empty, some weights zero."""
    rng = np.random.default_rng(seed)

    def some(values: list[object]) -> list[object]:
        gone = rng.random(n) < holes
        return [None if out else v for v, out in zip(values, gone, strict=True)]

    def decimals(whole: np.ndarray, places: int) -> list[object]:
        return [Decimal(int(v)).scaleb(-places) for v in whole]

    bank = rng.integers(0, 9, n)
    branch = bank * 10 + rng.integers(0, 4, n)
    age = rng.integers(-30, 400, n)
    lean = rng.normal(size=n)
    y = np.round(0.7 * lean + 0.01 * age + bank + rng.normal(size=n), 4)
    return pa.table(
        {
            "bank": pa.array(some([f"行{v}" for v in bank]), pa.string()),
            "branch": pa.array(some([int(v) for v in branch]), pa.int32()),
            "month": pa.array(some([int(v) for v in rng.integers(0, 6, n)]), pa.int8()),
            "kind": pa.array(
                some([["a", "b", " ", "ab"][v] for v in rng.choice(4, n, p=[0.4, 0.3, 0.02, 0.28])])
            ).dictionary_encode(),
            "rare": pa.array([int(v) for v in rng.integers(0, n, n)], pa.int64()),
            "online": pa.array(some([bool(v) for v in rng.integers(0, 2, n)]), pa.bool_()),
            "y": pa.array(some(decimals(np.round(y * 1e4), 4)), pa.decimal128(18, 6)),
            "x": pa.array(some([float(v) for v in np.round(lean, 3)]), pa.float64()),
            "age": pa.array(some([int(v) for v in age]), pa.int16()),
            "step": pa.array(decimals(rng.choice([3850, 4050, 4200], n), 3), pa.decimal128(9, 6)),
            "amount": pa.array(
                some(decimals(rng.choice([0, 1, 5], n, p=[0.05, 0.5, 0.45]) * 1000, 2)),
                pa.decimal128(18, 2),
            ),
            "odd": pa.array(some([float(v) for v in rng.integers(1, 90, n) / 8]), pa.float64()),
            "side": pa.array([int(v < 3) for v in bank], pa.int8()),
        }
    )


def stored(table: pa.Table, folder: Path) -> Path:
    path = folder / "loans.parquet"
    pq.write_table(table, path, row_group_size=150)
    return path


def by_rows(path: Path, x: list[str], **given: object) -> Direct:
    options = {"cluster": None, "weights": None, "absorb": [], "intercept": True} | given
    constant = bool(options.pop("intercept"))
    effects = options.pop("absorb")
    design = prepare(path, "y", x, effects=effects, **options)  # type: ignore[arg-type]
    moments = gather(design, intercept=constant)
    return Direct(moments, design.dropped, one_sided(design, EVERY))


X = ["x", "age", "step", "online"]
SHAPES = [
    {"cluster": "bank"},
    {"cluster": "bank", "intercept": False},
    {"cluster": None},
    {"cluster": "bank", "absorb": ["branch"], "intercept": False},
    {"cluster": "bank", "absorb": ["branch", "month", "kind"], "intercept": False},
    {"cluster": "bank", "absorb": ["bank", "branch"], "intercept": False},
    {"cluster": "bank", "absorb": ["month", "online"], "intercept": False},
    {"cluster": "month", "absorb": ["bank"], "intercept": False},
    {"cluster": None, "absorb": ["branch"], "intercept": False},
]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("weights", [None, "amount", "odd"])
def test_the_same_moments_as_from_the_rows(
    tmp_path: Path, shape: dict[str, object], weights: str | None
) -> None:
    path = stored(loans(7), tmp_path)
    direct = moments_of(path, "y", X, weights=weights, **shape)  # type: ignore[arg-type]
    expected = by_rows(path, X, weights=weights, **shape)
    assert direct is not None
    assert direct.moments == expected.moments
    assert direct.dropped == expected.dropped
    if shape["cluster"] is not None:
        assert direct.sides == expected.sides
    assert direct.dropped["missing"] > 50
    assert (direct.dropped["zero_weight"] > 0) == (weights == "amount")


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10**6), n=st.integers(12, 120), weighted=st.booleans())
def test_small_files_with_rows_alone_in_a_level(
    tmp_path_factory: pytest.TempPathFactory, seed: int, n: int, weighted: bool
) -> None:
    path = stored(loans(seed, n), tmp_path_factory.mktemp("few"))
    options = {
        "cluster": "bank",
        "weights": "amount" if weighted else None,
        "absorb": ["rare", "branch"],
        "intercept": False,
    }
    direct = moments_of(path, "y", ["x"], **options)  # type: ignore[arg-type]
    try:
        expected = by_rows(path, ["x"], **options)
    except FitError:
        assert direct is None
        return
    assert direct is not None
    assert direct.moments == expected.moments
    assert direct.dropped == expected.dropped


def test_many_cells_are_scanned_apart_from_products(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = stored(loans(3), tmp_path)
    options = {"cluster": "bank", "absorb": ["branch", "month"], "intercept": False}
    together = moments_of(path, "y", X, **options)  # type: ignore[arg-type]
    monkeypatch.setattr("puhui.rates.direct._FEW_CELLS", 0)
    assert moments_of(path, "y", X, **options) == together  # type: ignore[arg-type]
    assert together is not None


@pytest.mark.parametrize("bits", [0, 64])
def test_a_rounded_denominator_is_rounded_alike(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bits: int
) -> None:
    monkeypatch.setattr("puhui.rates.moments._EXACT_BITS", bits)
    path = stored(loans(11), tmp_path)
    options = {
        "cluster": "bank",
        "weights": "odd",
        "absorb": ["branch", "month"],
        "intercept": False,
    }
    direct = moments_of(path, "y", X, **options)  # type: ignore[arg-type]
    assert direct is not None and not direct.moments.exact
    assert direct.moments == by_rows(path, X, **options).moments


def test_integers_of_more_than_64_bits_in_sums(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    n = 200
    wide = rng.integers(-(10**15), 10**15, n)
    table = pa.table(
        {
            "g": rng.integers(0, 5, n),
            "x": pa.array(wide),
            "y": pa.array([Decimal(int(v)).scaleb(-4) for v in wide // 3], pa.decimal128(38, 4)),
            "w": rng.integers(1, 10**4, n),
        }
    )
    path = stored(table, tmp_path)
    for weights in (None, "w"):
        direct = moments_of(path, "y", ["x"], cluster="g", weights=weights)
        assert direct is not None
        assert direct.moments == by_rows(path, ["x"], cluster="g", weights=weights).moments
        assert max(abs(int(v)) for m in direct.moments.cross for v in m.entries()) > 2**64


@pytest.mark.parametrize("threads", [1, 2, 4])
def test_threads_change_nothing(tmp_path: Path, threads: int) -> None:
    path = stored(loans(13, 3000), tmp_path)
    options = {"cluster": "bank", "weights": "amount", "absorb": ["branch", "month"]}
    one = moments_of(path, "y", X, **options, intercept=False)  # type: ignore[arg-type]
    other = moments_of(path, "y", X, **options, intercept=False, threads=threads)  # type: ignore[arg-type]
    assert one is not None and one == other


def test_the_fit_is_the_same_to_the_bit(tmp_path: Path) -> None:
    path = stored(loans(17), tmp_path)
    for absorb in ([], ["branch", "month"]):
        options = {"cluster": "bank", "weights": "amount", "absorb": absorb}
        by_file = fit(path, "y", [*X, "side"][: 4 if absorb else 5], **options)  # type: ignore[arg-type]
        by_table = fit(pq.read_table(path), "y", [*X, "side"][: 4 if absorb else 5], **options)  # type: ignore[arg-type]
        assert by_file == by_table
        assert by_file.p_boot is not None and by_file.p_boot[0] is not None


def test_a_regressor_with_few_clusters_on_a_side_is_not_tested(tmp_path: Path) -> None:
    path = stored(loans(19), tmp_path)
    f = fit(path, "y", ["x", "side"], cluster="bank")
    assert f.p_crv1[2] is None and "“side”只在聚类之间变化，一侧只有 3 个聚类" in f.reason


# Binary floats


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.integers(-(10**14), 10**14), st.integers(0, 11)), min_size=1, max_size=6)
)
def test_a_double_is_the_integer_of_its_shortest_decimal(
    tmp_path_factory: pytest.TempPathFactory, drawn: list[tuple[int, int]]
) -> None:
    values = [float(Decimal(k).scaleb(-s)) for k, s in drawn]
    table = pa.table({"y": [1.0, *values], "x": [0.0, *values]})
    path = stored(table, tmp_path_factory.mktemp("doubles"))
    direct = moments_of(path, "y", ["x"], cluster=None)
    column = fixed(table, "x")
    if column.scale > 9 or column.bound >= 10**15:
        assert direct is None
    else:
        assert direct is not None
        assert direct.moments == by_rows(path, ["x"]).moments


@pytest.mark.parametrize(
    "value",
    [0.1 + 0.2, 1 / 3, 1e15, 9007199254740993.0, 1e-10, math.inf, -math.inf, 5e-324],
)
def test_a_double_that_is_no_short_decimal_is_left_to_the_rows(
    tmp_path: Path, value: float
) -> None:
    path = stored(pa.table({"y": [1.0, 2.0, 4.0], "x": [0.5, 1.5, value]}), tmp_path)
    assert moments_of(path, "y", ["x"], cluster=None) is None


def test_minus_zero_and_not_a_number(tmp_path: Path) -> None:
    table = pa.table({"y": [1.0, 2.0, 4.0, 4.5], "x": [-0.0, 1.5, None, 2.0]})
    path = stored(table, tmp_path)
    direct = moments_of(path, "y", ["x"], cluster=None)
    assert direct is not None and direct.dropped["missing"] == 1
    assert direct.moments == by_rows(path, ["x"]).moments
    path = stored(pa.table({"y": [1.0, 2.0, 4.0], "x": [-0.0, 1.5, math.nan]}), tmp_path)
    assert moments_of(path, "y", ["x"], cluster=None) is None
    assert fit(path, "y", ["x"]).dropped["missing"] == 1


# What is left to the other way


def test_what_is_not_read_here(tmp_path: Path) -> None:
    table = loans(23)
    path = stored(table, tmp_path)
    assert moments_of(path, "y", ["x"], cluster="bank") is not None
    assert moments_of(table, "y", ["x"], cluster="bank") is None
    assert moments_of(tmp_path / "none.parquet", "y", ["x"], cluster="bank") is None
    assert moments_of(path, "y", ["bank"], cluster="bank") is None
    assert moments_of(path, "y", ["x"], cluster="x") is None
    assert moments_of(path, "y", ["x", "x"], cluster="bank") is None
    assert moments_of(path, "y", ["nowhere"], cluster="bank") is None
    csv = tmp_path / "loans.csv"
    csv.write_text("y,x,bank\n1,2,a\n", encoding="utf-8")
    assert moments_of(csv, "y", ["x"], cluster="bank") is None
    negative = table.set_column(10, "amount", pa.array([Decimal(-1)] * len(table)))
    assert (
        moments_of(stored(negative, tmp_path), "y", ["x"], cluster=None, weights="amount") is None
    )
    cased = table.append_column("X", table["age"])
    assert moments_of(stored(cased, tmp_path), "y", ["x"], cluster="bank") is None
    single = table.set_column(7, "x", table["x"].cast(pa.float32()))
    assert moments_of(stored(single, tmp_path), "y", ["x"], cluster="bank") is None
    starred = tmp_path / "loans[1].parquet"
    pq.write_table(table, starred)
    assert moments_of(starred, "y", ["x"], cluster="bank") is None


def test_wide_integers_are_left_to_python(tmp_path: Path) -> None:
    table = pa.table({"y": [1, 2, 5], "x": [2**62, 3, 4]})
    path = stored(table, tmp_path)
    assert moments_of(path, "y", ["x"], cluster=None) is None
    assert fit(path, "y", ["x"]) == fit(table, "y", ["x"])


def test_refusals_are_those_of_the_rows(tmp_path: Path) -> None:
    path = stored(loans(29), tmp_path)
    for x, options in ((["x", "x"], {}), (["kind"], {})):
        with pytest.raises(FitError) as by_file:
            fit(path, "y", x, cluster="bank", **options)  # type: ignore[arg-type]
        with pytest.raises(FitError) as by_table:
            fit(pq.read_table(path), "y", x, cluster="bank", **options)  # type: ignore[arg-type]
        assert str(by_file.value) == str(by_table.value)


def test_names_that_need_quoting(tmp_path: Path) -> None:
    table = loans(31).rename_columns(
        [
            "机构 id",
            "branch",
            "month",
            "kind",
            "rare",
            "online",
            "y",
            'a"b',
            *loans(31).column_names[8:],
        ]
    )
    path = stored(table, tmp_path)
    named = fit(path, "y", ['a"b'], cluster="机构 id")
    plain = fit(pd.read_parquet(stored(loans(31), tmp_path)), "y", ["x"], cluster="bank")
    assert named.beta == plain.beta and named.se_crv3 == plain.se_crv3
