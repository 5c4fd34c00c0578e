import datetime as dt
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest

from puhui.errors import ParamsError, ReferenceDataError
from puhui.params.benchmarks import load_benchmarks
from puhui.params.yaml import load, loads

ROOT = Path(__file__).parents[2]
D = dt.date

SERIES = """
prime:
  label: 甲国最优惠利率
  file: prime.csv
  date_column: Date
  date_format: "%Y-%m-%d"
  tenors: {prime: RATE}
  unit: percent
  source: 甲国央行
  certainty: found
  known_until: 2020-05-01
"""
CSV = '"Date","RATE"\n2020-01-01,4.75\n2020-02-01,4.75\n2020-03-01,3.78\n2020-04-01,3.25\n'


@pytest.fixture(scope="module")
def lpr():
    folders = [ROOT / "data" / "reference" / "benchmarks"]
    return load_benchmarks(load(ROOT / "params" / "benchmarks.yaml"), folders)["lpr"]


def prime(folder: Path, text: str = CSV, series: str = SERIES):
    (folder / "prime.csv").write_text(text, encoding="utf-8")
    return load_benchmarks(loads(series, "benchmarks.yaml"), [folder])["prime"]


@pytest.mark.parametrize(
    ("tenor", "day", "rate"),
    [
        # 2020-04-20 cut by 20 bp (1Y) and 10 bp (5Y); 2021-12-20 by 5 bp, 1Y only
        ("1Y", D(2019, 8, 20), "4.25"),
        ("1Y", D(2020, 4, 19), "4.05"),
        ("1Y", D(2020, 4, 20), "3.85"),
        ("5Y", D(2020, 4, 19), "4.75"),
        ("5Y", D(2020, 4, 20), "4.65"),
        ("1Y", D(2021, 12, 19), "3.85"),
        ("1Y", D(2021, 12, 20), "3.80"),
        ("5Y", D(2021, 12, 31), "4.65"),
        ("5Y", D(2024, 2, 20), "3.95"),
        ("1Y", D(2026, 9, 19), "3.00"),
    ],
)
def test_rate_in_force_is_the_last_one_published(lpr, tenor, day, rate):
    assert lpr.rate_on(tenor, day) == Decimal(rate)


@pytest.mark.parametrize(
    ("tenor", "day", "said"),
    [
        ("1Y", D(2019, 8, 19), "2019-08-20 起"),
        ("1Y", D(2026, 9, 20), "2026-09-20 之前"),
        ("3Y", D(2021, 1, 1), "没有期限“3Y”"),
    ],
)
def test_outside_what_is_known_is_refused(lpr, tenor, day, said):
    with pytest.raises(ReferenceDataError, match=said):
        lpr.rate_on(tenor, day)


def test_steps_are_real_changes_only(lpr):
    until_2021 = [(d.isoformat(), str(r)) for d, r in lpr.steps("5Y") if d.year <= 2021]
    assert until_2021 == [
        ("2019-08-20", "4.850000"),
        ("2019-11-20", "4.800000"),
        ("2020-02-20", "4.750000"),
        ("2020-04-20", "4.650000"),
    ]


def test_every_publication_is_there(lpr):
    lines = lpr.path.read_text(encoding="utf-8").splitlines()
    assert len(lines) == 1 + 85


def test_another_series_by_parameters_alone(tmp_path):
    series = prime(tmp_path)
    assert series.rate_on("prime", D(2020, 2, 29)) == Decimal("4.75")
    assert series.rate_on("prime", D(2020, 4, 30)) == Decimal("3.25")
    table = series.table()
    assert table.schema.field("rate").type == pa.decimal128(9, 6)
    assert [tuple(r.values()) for r in table.to_pylist()] == [
        ("prime", "prime", D(2020, 1, 1), Decimal("4.75")),
        ("prime", "prime", D(2020, 3, 1), Decimal("3.78")),
        ("prime", "prime", D(2020, 4, 1), Decimal("3.25")),
    ]


def test_the_first_folder_that_has_the_file_counts(tmp_path):
    own, shared = tmp_path / "own", tmp_path / "shared"
    for folder, rate in ((own, "1.5"), (shared, "2.5")):
        folder.mkdir()
        (folder / "prime.csv").write_text(f"Date,RATE\n2020-01-01,{rate}\n", encoding="utf-8")
    both = load_benchmarks(loads(SERIES), [own, shared])["prime"]
    only = load_benchmarks(loads(SERIES), [tmp_path / "none", shared])["prime"]
    assert both.rate_on("prime", D(2020, 1, 1)) == Decimal("1.5")
    assert only.rate_on("prime", D(2020, 1, 1)) == Decimal("2.5")


def test_a_missing_file_is_told_when_the_series_is_asked(tmp_path):
    series = load_benchmarks(loads(SERIES), [tmp_path])["prime"]
    with pytest.raises(ReferenceDataError, match=r"prime\.csv"):
        series.rate_on("prime", D(2020, 1, 1))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Date,X\n2020-01-01,1\n", "缺列：RATE"),
        ("Date,RATE\n", "没有任何值"),
        ("Date,RATE\n2020-01-01,abc\n", "prime.csv:2：利率“abc”不是数字"),
        ("Date,RATE\n2020-01-01,0.0000001\n", "六位小数"),
        ("Date,RATE\n2020-01-01,nan\n", "利率“nan”"),
        ("Date,RATE\n01/02/2020,1\n", "prime.csv:2：日期"),
        ("Date,RATE\n2020-02-01,1\n2020-01-01,1\n", "由早到晚"),
        ("Date,RATE\n2020-01-01,1\n2020-01-01,1\n", "由早到晚"),
        ("Date,RATE\n2020-05-01,1\n", "known_until"),
    ],
)
def test_a_broken_file_is_refused(tmp_path, text, said):
    with pytest.raises(ReferenceDataError, match=said):
        prime(tmp_path, text).rate_on("prime", D(2020, 4, 1))


def test_a_file_outside_the_folders_cannot_be_named(tmp_path):
    with pytest.raises(ParamsError, match="不写目录"):
        prime(tmp_path, series=SERIES.replace("prime.csv", "../prime.csv"))
