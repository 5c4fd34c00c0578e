"""A few institutions of the packaged example, and the truth about them.

The whole county takes minutes through the notebooks; its recovery is tested with the example.
What must hold of any run is tested on an extract: their own submissions of 2021Q4, the archives
of the quarters it is compared with, cut to them, and the supervisor's files.
"""

from __future__ import annotations

import csv
import shutil
from collections.abc import Collection
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from vocabulary import PROJECT

EXAMPLE = PROJECT / "data" / "example"
QUARTER = "2021Q4"
#: Year start and previous quarter.
EARLIER = ("2020Q4", "2021Q3")

#: Village banks with a ledger and with one sheet, an EAST branch, an insurer.
LENDER, SHEET, BRANCH, INSURER = "HCCZ0002", "HCCZ0001", "HCDX0001", "HCCX0001"
FEW = (LENDER, SHEET, BRANCH, INSURER)


def extract(folder: Path, institutions: Collection[str] = FEW) -> Path:
    """Write ``folder``/data with these institutions only and return it."""
    data = folder / "data"
    for institution in institutions:
        place = Path("submissions") / QUARTER / institution
        shutil.copytree(EXAMPLE / place, data / place)
    for quarter in EARLIER:
        place = Path("submissions") / quarter / "_shared"
        (data / place).mkdir(parents=True)
        for path in sorted((EXAMPLE / place).glob("*.parquet")):
            _cut(path, data / place / path.name, institutions)
    shutil.copytree(EXAMPLE / "supervisor", data / "supervisor")
    for name in ("institutions.csv", "branches.csv"):
        _cut_csv(data / "supervisor" / name, institutions)
    shutil.copy(EXAMPLE / "hash.key", data)
    return data


def history(data: Path, institutions: Collection[str]) -> None:
    """Add the archives of all other quarters: cases go back to them."""
    for folder in sorted((EXAMPLE / "submissions").iterdir()):
        if folder.name in (*EARLIER, QUARTER):
            continue
        target = data / "submissions" / folder.name / "_shared"
        target.mkdir(parents=True)
        for path in sorted((folder / "_shared").glob("*.parquet")):
            _cut(path, target / path.name, institutions)


def _cut(source: Path, target: Path, institutions: Collection[str]) -> None:
    table = pq.ParquetFile(source).read()
    wanted = pc.is_in(table["institution_id"], value_set=pa.array(sorted(institutions)))
    kept = table.filter(wanted)
    if kept.num_rows:
        pq.write_table(kept, target)


def _cut_csv(path: Path, institutions: Collection[str]) -> None:
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        kept = [row for row in reader if row["机构编号"] in institutions]
        columns = reader.fieldnames or ()
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(kept)


def truth(name: str, institutions: Collection[str] = FEW) -> list[dict[str, str | None]]:
    """Rows of a truth table about these institutions in 2021Q4; an empty cell is ``None``."""
    with (EXAMPLE / "truth" / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        rows = [{k: v or None for k, v in row.items()} for row in csv.DictReader(file)]
    return [r for r in rows if r["quarter"] == QUARTER and r["institution_id"] in institutions]


def answers(
    institutions: Collection[str] = FEW, *, revision: str = "1"
) -> list[dict[str, str | None]]:
    """What each indicator is, by source, as first submitted or resubmitted."""
    return [r for r in truth("answers", institutions) if r["revision"] == revision]


def of_record(rows: list[dict[str, str | None]]) -> list[dict[str, str | None]]:
    """The answers a page shows: filed figures where there are any, branches from ledgers."""
    keys = ("institution_id", "branch_id", "indicator_id")
    filed = {tuple(r[k] for k in keys) for r in rows if r["source"] == "returns"}
    return [r for r in rows if r["source"] == "returns" or tuple(r[k] for k in keys) not in filed]


def private() -> list[str]:
    """Names, certificates, phones and ids of persons that no output may hold."""
    with (EXAMPLE / "truth" / "private.csv").open(encoding="utf-8", newline="") as file:
        return [row["text"] for row in csv.DictReader(file)]
