"""Named benchmark series: the rate of a series and tenor in force on a date."""

from __future__ import annotations

import bisect
import csv
import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import cached_property
from pathlib import Path
from typing import Literal

import pyarrow as pa

from puhui.errors import ParamsError, ReferenceDataError
from puhui.params.reading import Strict, build, mapping, nearest
from puhui.params.yaml import YamlMap

RATE = pa.decimal128(9, 6)
_PLACES = Decimal("0.000001")


class _RawSeries(Strict):
    label: str
    file: str
    date_column: str
    date_format: str = "%Y-%m-%d"
    tenors: dict[str, str]
    unit: Literal["percent"]
    source: str
    certainty: Literal["found", "high", "medium", "low"]
    known_until: dt.date


@dataclass(frozen=True)
class Series:
    """A benchmark such as LPR; rates in percent a year.

    Parameters
    ----------
    name, label, source
        Id, Chinese name and origin.
    tenors
        Tenor name → column of the file.
    known_until
        First day the series cannot answer for: rates are known before it.
    folders
        Where the file is looked for, in order.
    """

    name: str
    label: str
    file: str
    date_column: str
    date_format: str
    tenors: Mapping[str, str]
    source: str
    certainty: str
    known_until: dt.date
    folders: tuple[Path, ...]

    @property
    def path(self) -> Path:
        """File in use: the first folder that holds it.

        Raises
        ------
        ReferenceDataError
            If none does.
        """
        for folder in self.folders:
            if (folder / self.file).is_file():
                return folder / self.file
        raise ReferenceDataError(
            f"找不到基准利率“{self.label}”的文件 {self.file}。",
            remedy="请放到数据目录的 supervisor/benchmarks/ 下。",
        )

    @property
    def measures_path(self) -> Path | None:
        """Dated list of what else was in force: ``<name>_measures.csv``, first folder first."""
        name = f"{self.name}_measures.csv"
        return next((f / name for f in self.folders if (f / name).is_file()), None)

    @property
    def files(self) -> dict[str, Path]:
        """Files in use by stem: the series, and the list of measures beside it if there is one.

        Raises
        ------
        ReferenceDataError
            If there is no file of the series.
        """
        beside = self.measures_path
        found = {self.name: self.path}
        return found if beside is None else found | {beside.stem: beside}

    @property
    def primary_tenor(self) -> str:
        """Tenor of figures that name none: the first that ``benchmarks.yaml`` lists."""
        return next(iter(self.tenors))

    def rate_on(self, tenor: str, day: dt.date) -> Decimal:
        """Return the rate in force: the last one published on or before the day.

        Raises
        ------
        ReferenceDataError
            Unknown tenor, a day before the series begins, or after it is known.
        """
        points = self._points(tenor)
        days = [d for d, _ in points]
        index = bisect.bisect_right(days, day) - 1
        if index < 0:
            raise ReferenceDataError(
                f"{self.label}（{tenor}）自 {days[0]} 起才有，{day} 没有可用的值。"
            )
        if day >= self.known_until:
            raise ReferenceDataError(
                f"{self.label}（{tenor}）只录到 {self.known_until} 之前，{day} 没有可用的值。",
                remedy=f"请在 {self.file} 补录，并更新 benchmarks.yaml 的 known_until。",
            )
        return points[index][1]

    def steps(self, tenor: str) -> list[tuple[dt.date, Decimal]]:
        """First value and real changes only, as (date in force, rate)."""
        points = self._points(tenor)
        kept = [p for i, p in enumerate(points) if i == 0 or p[1] != points[i - 1][1]]
        return list(kept)

    def table(self) -> pa.Table:
        """Tabulate the steps of every tenor: series, tenor, from_date, rate DECIMAL(9,6)."""
        rows = [
            {"series": self.name, "tenor": tenor, "from_date": day, "rate": rate}
            for tenor in self.tenors
            for day, rate in self.steps(tenor)
        ]
        text = pa.string()
        fields = [("series", text), ("tenor", text), ("from_date", pa.date32()), ("rate", RATE)]
        return pa.Table.from_pylist(rows, pa.schema(fields))

    def _points(self, tenor: str) -> list[tuple[dt.date, Decimal]]:
        if tenor not in self.tenors:
            raise ReferenceDataError(
                f"{self.label}没有期限“{tenor}”。", remedy=nearest(tenor, self.tenors)
            )
        return self._read[tenor]

    @cached_property
    def _read(self) -> dict[str, list[tuple[dt.date, Decimal]]]:
        with self.path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream)
            wanted = {self.date_column, *self.tenors.values()}
            missing = sorted(wanted - set(reader.fieldnames or ()))
            if missing:
                raise ReferenceDataError(f"缺列：{'、'.join(missing)}。", where=self.file)
            rows = [(reader.line_num, row) for row in reader]
        read: dict[str, list[tuple[dt.date, Decimal]]] = {t: [] for t in self.tenors}
        for line, row in rows:
            day = self._day(row[self.date_column], line)
            for tenor, column in self.tenors.items():
                if row[column].strip():
                    read[tenor].append((day, self._rate(row[column], line)))
        for tenor, points in read.items():
            self._check_order(tenor, points)
        return read

    def _day(self, text: str, line: int) -> dt.date:
        try:
            return dt.datetime.strptime(text.strip(), self.date_format).date()
        except ValueError:
            raise ReferenceDataError(
                f"日期“{text}”不合 {self.date_format}。", where=f"{self.file}:{line}"
            ) from None

    def _rate(self, text: str, line: int) -> Decimal:
        where = f"{self.file}:{line}"
        try:
            rate = Decimal(text.strip())
            exact = rate.quantize(_PLACES)
        except InvalidOperation:
            raise ReferenceDataError(f"利率“{text}”不是数字。", where=where) from None
        if exact != rate or not -100 < exact < 1000:
            raise ReferenceDataError(f"利率“{text}”超出百分数六位小数的范围。", where=where)
        return exact

    def _check_order(self, tenor: str, points: Sequence[tuple[dt.date, Decimal]]) -> None:
        days = [d for d, _ in points]
        if not days:
            raise ReferenceDataError(f"期限“{tenor}”没有任何值。", where=self.file)
        if days != sorted(set(days)):
            raise ReferenceDataError(f"期限“{tenor}”的日期应由早到晚且不重复。", where=self.file)
        if self.known_until <= days[-1]:
            raise ReferenceDataError(
                f"known_until（{self.known_until}）应晚于最后一次公布（{days[-1]}）。",
                where="benchmarks.yaml",
            )


def load_benchmarks(raw: YamlMap, folders: Sequence[Path]) -> dict[str, Series]:
    """Read ``benchmarks.yaml``; files are opened when a series is first asked.

    Parameters
    ----------
    raw
        The file's mapping, series by name.
    folders
        Where series files are looked for, in order.

    Raises
    ------
    ParamsError
        Wrong key or value; no tenor.
    """
    series: dict[str, Series] = {}
    for name, value in raw.items():
        entry = mapping(value, where=raw.where(name))
        model = build(_RawSeries, entry)
        if not model.tenors:
            raise ParamsError(f"基准“{name}”没有期限。", where=entry.where("tenors"))
        if Path(model.file).name != model.file:
            raise ParamsError("file 只写文件名，不写目录。", where=entry.where("file"))
        fields = model.model_dump(exclude={"unit"})
        series[name] = Series(name=name, folders=tuple(folders), **fields)
    return series
