"""The contract check on the pages: floating rates held against benchmark plus spread."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from puhui.briefing.figures import Figure, exact
from puhui.briefing.overall import joined
from puhui.briefing.source import Row, Source
from puhui.briefing.table import Column, NoData, Table
from puhui.briefing.words import Words

_STAGES = ("origination", "repricing")


def contract_sentence(source: Source, institution_id: str | None) -> str:
    """Say what the check found of an institution, or of all together (``None``), in a sentence.

    Stages come in order of time; loans that could not be checked are counted with the reasons.
    """
    words = source.words
    benchmark = words.text("rates.pass_through.benchmark")
    totals = _totals(source).get(institution_id, {})
    if not totals:
        return words.text("rates.contracts.none", benchmark=benchmark)
    said = [_stage(totals[s], words) for s in _STAGES if s in totals]
    left = [
        r
        for r in source.rows("contracts_unchecked")
        if institution_id in (None, r["institution_id"])
    ]
    if left:
        count = f"{sum(r['loans'] for r in left):,}"
        reasons = joined(dict.fromkeys(r["reason"] for r in left))
        said.append(words.text("rates.contracts.unchecked", count=count, list=reasons))
    return words.text("rates.contracts.sentence", benchmark=benchmark, list="；".join(said))


def _stage(row: Row, words: Words) -> str:
    share = _share(row)
    name = "off" if row["off"] else "clean"
    return words.text(
        f"rates.contracts.{name}",
        stage=words.of("rates.contracts.stages", row["stage"]),
        loans=f"{row['loans']:,}",
        count=f"{row['off']:,}",
        share=share.text if isinstance(share, Figure) else share.word,
    )


def contract_table(source: Source) -> Table | None:
    """Return the check by institution, all together last; ``None`` if nothing was checked."""
    words, totals = source.words, _totals(source)
    ids = [i for i in source.institution_ids if i in totals]
    if not ids:
        return None
    columns = [Column("institution", words.text("rates.contracts.columns.institution"))]
    for stage in _STAGES:
        word = words.of("rates.contracts.stages", stage)
        columns += [
            Column(
                f"{stage}_{key}", words.text(f"rates.contracts.columns.{key}", stage=word), *kind
            )
            for key, kind in _FIGURES
        ]
    columns.append(
        Column("unchecked", words.text("rates.contracts.columns.unchecked"), "笔", "count")
    )
    left = _unchecked(source.rows("contracts_unchecked"))
    cells = [(source.name(i), *_cells(totals[i]), left.get(i, 0)) for i in ids]
    if None in totals:
        every = words.text("rates.contracts.all")
        cells.append((every, *_cells(totals[None]), sum(left.values())))
    caption = words.text("rates.contracts.caption")
    notes = (words.text("rates.contracts.note"),)
    return Table("contracts", caption, tuple(columns), tuple(cells), notes)


_FIGURES = (
    ("loans", ("笔", "count")),
    ("off", ("笔", "count")),
    ("share", ("%", "percent")),
)


def _totals(source: Source) -> dict[str | None, dict[str, Row]]:
    """Rows of all quarters of pricing together, by institution and stage."""
    found: dict[str | None, dict[str, Row]] = {}
    for row in source.rows("contracts"):
        if row["priced_in"] is None:
            found.setdefault(row["institution_id"], {})[row["stage"]] = row
    return found


def _cells(stages: Mapping[str, Row]) -> list[object]:
    cells: list[object] = []
    for stage in _STAGES:
        row = stages.get(stage)
        if row is None:
            cells += [0, 0, None]
        else:
            cells += [row["loans"], row["off"], _share(row)]
    return cells


def _share(row: Row) -> Figure | NoData:
    """Loans off in per cent of those checked; a share above zero is never shown as zero."""
    loans, off = exact(row["loans"]), exact(row["off"])
    if not loans or off is None:
        return NoData()
    return Figure(100 * off / loans, "percent", against=(off * 0,))


def _unchecked(rows: Iterable[Row]) -> dict[str, int]:
    found: dict[str, int] = {}
    for row in rows:
        found[row["institution_id"]] = found.get(row["institution_id"], 0) + row["loans"]
    return found
