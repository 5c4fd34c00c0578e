"""NIST's certified linear regressions, from decimal text in a file, by `puhui.rates.fit`.

The certificate is the reference. `pytest -s` prints the digits each set reaches.
"""

from __future__ import annotations

import csv
import math
from decimal import Decimal
from pathlib import Path

import pytest
import scipy.stats
import statsmodels.api as sm

from puhui.errors import FitError
from puhui.rates import Fit, fit

LONGLEY_X = ["GNPDEFL", "GNP", "UNEMP", "ARMED", "POP", "YEAR"]
#: Per set: certified coefficients, their standard deviations, residual standard deviation.
CERTIFIED: dict[str, tuple[list[float], list[float], float]] = {
    "NoInt1": ([2.07438016528926], [0.0165289256198347], 3.56753034006338),
    "NoInt2": ([0.727272727272727], [0.0420827318078432], 0.369274472937998),
    "Norris": (
        [-0.262323073774029, 1.00211681802045],
        [0.232818234301152, 0.429796848199937e-03],
        0.884796396144373,
    ),
    "Longley": (
        [
            -3482258.63459582,
            15.0618722713733,
            -0.358191792925910e-01,
            -2.02022980381683,
            -1.03322686717359,
            -0.511041056535807e-01,
            1829.15146461355,
        ],
        [
            890420.383607373,
            84.9149257747669,
            0.334910077722432e-01,
            0.488399681651699,
            0.214274163161675,
            0.226073200069370,
            455.478499142212,
        ],
        304.854073561965,
    ),
    "Wampler1": ([1.0] * 6, [0.0] * 6, 0.0),
    "Wampler2": ([1.0, 0.1, 0.01, 0.001, 0.0001, 0.00001], [0.0] * 6, 0.0),
}
_WAMPLER_SD = [
    2152.32624678170,
    2363.55173469681,
    779.343524331583,
    101.475507550350,
    5.64566512170752,
    0.112324854679312,
]
for _name, _times in (("Wampler3", 1), ("Wampler4", 100), ("Wampler5", 10_000)):
    CERTIFIED[_name] = ([1.0] * 6, [v * _times for v in _WAMPLER_SD], 2360.14502379268 * _times)
# Wampler3 and its kin: deviations from the polynomial, orthogonal to it.
_DEVIATIONS = [
    759, -2048, 2048, -2048, 2523, -2048, 2048, -2048, 1838, -2048, 2048,
    -2048, 1838, -2048, 2048, -2048, 2523, -2048, 2048, -2048, 759,
]  # fmt: skip


def _wampler(name: str) -> list[Decimal]:
    x = [Decimal(v) for v in range(21)]
    if name == "Wampler2":
        return [1 + sum((v / 10) ** p for p in range(1, 6)) for v in x]
    times = {"Wampler1": 0, "Wampler3": 1, "Wampler4": 100, "Wampler5": 10_000}[name]
    powers = [1 + sum(v**p for p in range(1, 6)) for v in x]
    return [y + times * d for y, d in zip(powers, _DEVIATIONS, strict=True)]


def _norris() -> list[list[str]]:
    """Rows y, x of Norris as text, from the copy of NIST's file in scipy's tests."""
    found = Path(scipy.stats.__file__).parent / "tests/data/nist_linregress/Norris.dat"
    lines = found.read_text(encoding="ascii").splitlines()
    rows = [line.split() for line in lines[60:96]]
    assert len(rows) == 36 and rows[0] == ["0.1", "0.2"] and rows[3] == ["888.0", "884.6"]
    return rows


def _longley(shift: int = 0) -> list[list[str]]:
    frame = sm.datasets.longley.load_pandas().data
    table = [
        [Decimal(repr(v)) for v in row] for row in frame[["TOTEMP", *LONGLEY_X]].to_numpy().tolist()
    ]
    return [[str(row[0]), *(str(v + shift) for v in row[1:])] for row in table]


def rows_of(name: str) -> tuple[list[str], list[list[str]]]:
    """Header (outcome first) and rows of a set, every number as decimal text."""
    if name == "NoInt1":
        return ["y", "x"], [[str(130 + i), str(60 + i)] for i in range(11)]
    if name == "NoInt2":
        return ["y", "x"], [["3", "4"], ["4", "5"], ["4", "6"]]
    if name == "Norris":
        return ["y", "x"], _norris()
    if name == "Longley":
        return ["TOTEMP", *LONGLEY_X], _longley()
    rows = zip(_wampler(name), range(21), strict=True)
    return ["y", *(f"x{p}" for p in range(1, 6))], [
        [str(y), *(str(x**p) for p in range(1, 6))] for y, x in rows
    ]


def fitted(folder: Path, header: list[str], rows: list[list[str]], **options: bool) -> Fit:
    path = folder / "set.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    return fit(path, header[0], header[1:], **options)


def digits(ours: float | None, certified: float) -> float:
    """Correct significant digits (the log relative error); 16 if equal."""
    assert ours is not None
    if ours == certified:
        return 16.0
    return -math.log10(abs(ours - certified) / abs(certified)) if certified else 0.0


@pytest.mark.parametrize("name", sorted(CERTIFIED))
def test_certified(name: str, tmp_path: Path) -> None:
    header, rows = rows_of(name)
    f = fitted(tmp_path, header, rows, intercept=not name.startswith("NoInt"))
    beta, deviations, residual = CERTIFIED[name]
    assert len(f.beta) == len(f.se_ols) == len(beta) and f.n == len(rows)
    reached = [
        min(digits(*pair) for pair in zip(f.beta, beta, strict=True)),
        min(digits(*pair) for pair in zip(f.se_ols, deviations, strict=True)),
        digits(f.residual_sd, residual),
    ]
    told = zip(("coefficients", "errors", "residual SD"), reached, strict=True)
    print(f"{name:9s} " + ", ".join(f"{what} {n:.1f}" for what, n in told))
    assert min(reached) >= 13
    if name in ("Wampler1", "Wampler2"):
        assert f.residual_sd == 0.0 and f.beta == beta


def test_a_billion_more_in_every_column_leaves_every_bit_of_the_slopes(tmp_path: Path) -> None:
    header = ["TOTEMP", *LONGLEY_X]
    near, far = (fitted(tmp_path, header, _longley(shift)) for shift in (0, 10**9))
    assert far.beta[1:] == near.beta[1:] and far.beta[0] != near.beta[0]
    assert far.se_ols[1:] == near.se_ols[1:]
    assert far.residual_sd == near.residual_sd


def test_a_duplicate_column_is_refused_by_the_names_of_the_pair(tmp_path: Path) -> None:
    header = ["TOTEMP", *LONGLEY_X, "GNP2"]
    rows = [[*row, row[2]] for row in _longley()]
    with pytest.raises(FitError, match="“GNP”“GNP2”线性相关"):
        fitted(tmp_path, header, rows)
