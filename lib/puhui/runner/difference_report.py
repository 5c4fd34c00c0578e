"""What :mod:`puhui.runner.differences` found, as Chinese text and as a table."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import groupby
from pathlib import Path

import pyarrow.parquet as pq

from puhui import results
from puhui.errors import StoreError
from puhui.indicators import SOURCE_WORDS
from puhui.params import Params
from puhui.runner.differences import ASPECTS, Change, Differences, Row, flags_of
from puhui.runner.locking import InputsLock
from puhui.runner.workspace import COUNTY
from puhui.store import SUPERVISOR, Store


@dataclass(frozen=True)
class Names:
    """Names of institutions and labels of indicators; what has none goes by its id."""

    institutions: Mapping[str, str]
    indicators: Mapping[str, str]

    @classmethod
    def of(cls, loaded: Params, data: Path, *locks: InputsLock) -> Names:
        """Take names from the supervisor's register, as far as the store has it."""
        labels = {i: one.label for i, one in loaded.indicators.items()}
        names = {SUPERVISOR: "监管名录", COUNTY: "全县"}
        for lock in locks:
            names |= _register(data / "store", lock)
        return cls(names, labels)

    def institution(self, institution_id: str) -> str:
        """Id and name of an institution."""
        return f"{institution_id} {self.institutions.get(institution_id, '')}".rstrip()

    def indicator(self, indicator_id: str) -> str:
        """Id and label of an indicator."""
        return f"{indicator_id} {self.indicators.get(indicator_id, '')}".rstrip()


def _register(root: Path, lock: InputsLock) -> dict[str, str]:
    if not (root / "store.json").is_file():
        return {}
    mine = [s for s in lock.snapshots if s.institution_id == SUPERVISOR]
    try:
        store = Store(root, key_fingerprint=lock.key_fingerprint)
        found = [store.get(s.quarter, SUPERVISOR, s.revision) for s in mine]
    except StoreError:
        # Folders can be compared without their store; then ids stand for names.
        return {}
    rows = [
        row
        for snapshot in found
        if "institutions" in snapshot.tables
        for row in pq.ParquetFile(snapshot.file("institutions")).read().to_pylist()
    ]
    return {str(r["institution_id"]): str(r["name"]) for r in rows}


def lines(found: Differences, names: Names) -> Iterator[str]:
    """Yield the report: rules, snapshots, indicators by institution, counts."""
    yield f"前：{found.before.name}（{_rules(found.before.lock)}）"
    yield f"后：{found.after.name}（{_rules(found.after.lock)}）"
    yield "一、读入的版本"
    for moved in found.moved:
        yield f"  {moved.quarter} {names.institution(moved.institution_id)}：{moved.words()}"
    if not found.moved:
        yield "  相同。"
    yield "二、指标"
    for institution, changes in groupby(found.changes, key=lambda c: c.institution_id):
        yield f"  {names.institution(institution)}（{_why(found, institution)}）"
        for change in changes:
            yield from _change_lines(change, names)
    if not found.changes:
        yield "  相同。"
    yield "三、合计"
    yield f"  读入的版本：{len(found.moved)} 份不同。"
    parts = "、".join(f"{ASPECTS[a]} {n}" for a, n in found.counts.items())
    institutions = len({c.institution_id for c in found.changes})
    detail = f"（{parts}），涉及 {institutions} 家机构" if found.changes else ""
    yield f"  指标：比较 {found.compared} 项，{len(found.changes)} 项不同{detail}。"


def _rules(lock: InputsLock) -> str:
    return (
        f"{lock.quarter}，政策日期 {lock.policy_date}，参数 {lock.params[:12]}，"
        f"puhui {lock.version} {lock.code[:12]}"
    )


def _why(found: Differences, institution: str) -> str:
    """Which of its submissions changed; if none did, what else can be behind a change."""
    own = [m for m in found.moved if m.institution_id == institution]
    if own:
        return "；".join(f"{m.quarter} {m.words()}" for m in own)
    before, after = found.before.lock, found.after.lock
    register = any(m.institution_id == SUPERVISOR for m in found.moved)
    others = {
        "监管名录": register,
        "参数": before.params != after.params,
        "程序": (before.version, before.code) != (after.version, after.code),
        "基准利率": before.benchmarks != after.benchmarks,
        "季度": before.quarter != after.quarter,
    }
    said = "、".join(name for name, differs in others.items() if differs)
    return f"报送未变；不同的有：{said}" if said else "报送、名录、参数和程序都未变"


def _change_lines(change: Change, names: Names) -> Iterator[str]:
    unit = "全机构" if change.branch_id is None else f"网点 {change.branch_id}"
    one, other = (origin(r) for r in (change.before, change.after))
    source, revision = (a if a == b else f"{a} → {b}" for a, b in zip(one, other, strict=True))
    head = f"{unit}　{names.indicator(change.indicator_id)}"
    yield f"    {head}（来源 {source}，版本 {revision}）"
    for aspect, before, after in told(change):
        yield f"      {ASPECTS[aspect]}：{before} → {after}"


def told(change: Change) -> Iterator[tuple[str, str, str]]:
    """Yield what changed of an indicator: aspect, words before and words after."""
    for aspect in change.aspects:
        if aspect == "presence":
            shown = [_verdict(r) if r else "没有这一项" for r in (change.before, change.after)]
        elif aspect in ("value", "base"):
            shown = _figures(change, aspect)
        else:
            shown = [_words(aspect, r) for r in (change.before, change.after) if r is not None]
        yield aspect, shown[0], shown[1]


def _words(aspect: str, row: Row) -> str:
    if aspect == "verdict":
        return _verdict(row)
    if aspect == "flags":
        return "、".join(results.FLAGS[f] for f in flags_of(row)) or "无"
    if aspect == "threshold":
        return f"{row['test'] or ''} {row['threshold'] or ''}".strip() or "无"
    return str(row["reason"] or "无")


def _verdict(row: Row) -> str:
    return results.VERDICTS[str(row["verdict"])]


def _figures(change: Change, aspect: str) -> list[str]:
    """Write a figure before and after, with as many digits as it takes to tell them apart."""
    assert change.before is not None and change.after is not None
    rows = (change.before, change.after)
    exact = [_exact(row, aspect) for row in rows]
    units = [str(row["unit"] or "") for row in rows]
    for write in (lambda f: f"{float(f):,.4f}", lambda f: f"{float(f):.12g}", str):
        shown = ["无" if f is None else write(f) for f in exact]
        if shown[0] != shown[1]:
            break
    if units[0] == units[1]:
        return [shown[0], f"{shown[1]} {units[1]}".rstrip()]
    return [f"{s} {u}".rstrip() for s, u in zip(shown, units, strict=True)]


def _exact(row: Row, aspect: str) -> Fraction | None:
    if row[f"{aspect}_num"] is None:
        return None
    return Fraction(int(str(row[f"{aspect}_num"])), int(str(row[f"{aspect}_den"])))


def origin(row: Row | None) -> tuple[str, str]:
    """Source and revision of a row, in words."""
    if row is None or row["source"] is None:
        return "无", "无"
    return SOURCE_WORDS[str(row["source"])], f"第 {row['revision']} 版"


def write_csv(found: Differences, names: Names, path: Path) -> None:
    """Write every change as a line of a CSV file that spreadsheets open (UTF-8 with mark)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8-sig", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(CSV_HEADER)
        for change in found.changes:
            unit = (change.institution_id, names.institutions.get(change.institution_id, ""))
            label = names.indicators.get(change.indicator_id, "")
            sources = [text for r in (change.before, change.after) for text in origin(r)]
            for aspect, before, after in told(change):
                row = (*unit, change.branch_id or "", change.indicator_id, label)
                cells = (*row, ASPECTS[aspect], before, after, *sources)
                writer.writerow([_as_text(c) for c in cells])


CSV_HEADER = (
    *("机构编号", "机构名称", "内部机构号", "指标", "指标名称", "变动项", "前", "后"),
    *("前来源", "前版本", "后来源", "后版本"),
)


def _as_text(cell: str) -> str:
    """Keep a spreadsheet from taking a text for a formula; negative figures stay figures."""
    risky = cell[:1] in ("=", "+", "-", "@") and not _NEGATIVE.fullmatch(cell)
    return f"'{cell}" if risky else cell


_NEGATIVE = re.compile(r"-[\d,.]+(?: [^\s=+@]+)?")
