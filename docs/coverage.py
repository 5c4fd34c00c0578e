"""Writes ``coverage.md`` from ``params/``: how each clause of the notice is answered.

Run it after changing clauses, indicators or measures::

    python docs/coverage.py

``--check`` writes nothing and ends with 1 if the page is stale.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

from puhui.params import Indicator, Measure, Params, load, yaml

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "coverage.md"

HEAD = """# How each clause of the notice is answered（条款覆盖）

Made by `python docs/coverage.py` from `params/clauses.yaml`, `params/indicators.yaml` and
`params/measures.yaml`; do not edit. 本页由程序生成，请勿手改。

- **Force**（性质）: *ban* and *must* can be not met; *strive* is on track or behind; *encourage* is
  shown, never judged.
- **Kind**（回答方式）: *rule* a value against a limit, *trend* against its own past, *list* rows to
  be verified, *att* answers with documents, *shown* a figure without a verdict, *count* C1 alone.
- **Tier**（数据层级）: T0 the one-sheet return, T1 with registers and answers, T2 with the loan
  ledger, T3 with flows, connections and cases.
- **Ways**（取数途径）: *returns* filed figures, *ledger* loans, *register* products, plans,
  deferrals and the like, *answers* the sheet on rules and mechanisms, *pending* a list or a case
  file that a later version makes; until then the verdict is 无数据.
"""
SECTIONS = {
    1: "General（总体要求）",
    2: "Supply of credit（信贷供给）",
    3: "Rates, fees and risk（利率、收费与风险防控）",
    4: "Structure of loans（贷款结构）",
    5: "Key fields（重点领域）",
    6: "Service mechanisms（服务机制）",
    7: "Tolerance and exemption（不良容忍与尽职免责）",
    8: "Appraisal and incentives（考核激励）",
    9: "Outside support（外部协作）",
}
COLUMNS = ("Clause", "Force", "Scope", "Who", "Kind", "Tier", "Indicator", "Ways", "要求")
_WAYS = ("returns", "ledger", "register", "answers", "pending")


def ways(params: Params, indicator: Indicator) -> list[str]:
    """Ways an indicator's figures can be had, in the order of the page."""
    if indicator.pending:
        return ["pending"]
    if indicator.answers:
        return ["answers"]
    assert indicator.formula is not None
    found: set[str] = set()
    for qualifier, name in indicator.formula.columns:
        if qualifier not in ("policy", "facts", "period"):
            found |= _ways_of(params.measures[name])
    return [way for way in _WAYS if way in found]


def _ways_of(measure: Measure) -> set[str]:
    if measure.attested is not None:
        return {"answers"}
    if measure.register is not None or measure.ranked is not None:
        return {"register"}
    lent = measure.ledger or measure.compared or measure.charged
    return {w for w, given in (("returns", measure.returns), ("ledger", lent)) if given is not None}


def rows(params: Params) -> dict[int, list[tuple[str, ...]]]:
    """Rows of the page by section of the notice."""
    who = {name: str(entry["who"]) for name, entry in _written(params).items()}
    found: dict[int, list[tuple[str, ...]]] = {}
    for clause in params.clauses.values():
        mine = [i for i in params.indicators.values() if i.clause == clause.id]
        row = (
            clause.id,
            clause.force,
            clause.scope,
            who[clause.id],
            _joined(i.kind for i in mine) or "count",
            _joined(i.tier for i in mine) or "–",
            "<br>".join(f"`{i.id}` {i.label}" for i in mine) or "–",
            _joined(way for i in mine for way in ways(params, i)) or "–",
            clause.wording.zh,
        )
        found.setdefault(clause.section, []).append(row)
    return found


def _written(params: Params) -> dict[str, dict[str, object]]:
    """Clauses as their file has them: groups by name."""
    raw = yaml.load(params.path("clauses.yaml"))
    return {name: dict(entry) for name, entry in raw.items() if isinstance(entry, dict)}


def _joined(parts: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(parts))


def page(params: Params) -> str:
    """Text of the whole page."""
    lines = [HEAD]
    for section, found in sorted(rows(params).items()):
        lines.append(f"## {section}　{SECTIONS[section]}\n")
        lines.append("| " + " | ".join(COLUMNS) + " |")
        lines.append("|" + " --- |" * len(COLUMNS))
        lines += [
            "| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in found
        ]
        lines.append("")
    return "\n".join(lines)


def main() -> int:
    """Write the page, or with ``--check`` say whether it is stale."""
    text = page(load(ROOT / "params"))
    if "--check" not in sys.argv[1:]:
        PAGE.write_text(text, encoding="utf-8")
        return 0
    if PAGE.is_file() and PAGE.read_text(encoding="utf-8") == text:
        return 0
    sys.stderr.write("docs/coverage.md 已过期，请运行 python docs/coverage.py。\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
