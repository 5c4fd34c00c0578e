"""Rates on the pages: what can be identified first, then models A and B side by side."""

from __future__ import annotations

from collections.abc import Sequence
from math import floor, log10

from puhui.briefing.figures import Figure, exact
from puhui.briefing.overall import joined
from puhui.briefing.source import Row, Source
from puhui.briefing.spreads import spread_charts, spread_path, spread_table
from puhui.briefing.table import Column, NoData, Section, Table
from puhui.briefing.words import Words

_FIT_DIGITS = 4
_PARTS = ("estimate", "se_crv1", "se_crv3")


def county_rates(source: Source, heading: str) -> Section:
    """Return the circular's section on rates.

    Sentences on identification come before any number; a refused or unidentified model
    has its sentence and no number.
    """
    words, rows = source.words, _of_the_county(source)
    if not rows:
        return Section("rates", heading, (words.text("rates.none"),))
    paragraphs = [words.text("rates.scope_county"), *_sentences(rows, words)]
    tables = []
    regimes = source.rows("identification")
    if regimes:
        tables.append(_regimes(regimes, words))
    for group in _groups([r for r in rows if _estimated(r)]):
        tables.append(_side_by_side(group, words, len(tables)))
    return Section("rates", heading, tuple(paragraphs), tuple(tables))


def institution_rates(source: Source, institution_id: str, heading: str) -> Section:
    """Return the letter's section on rates: the institution's own spread by quarter of pricing.

    Regressions stand in the circular only; here one sentence points there, or says why
    there is none.
    """
    words, rows = source.words, _of_the_county(source)
    path = spread_path(source, institution_id)
    paragraphs = [words.text("rates.spread.lead" if path else "rates.spread.none")]
    if any(_estimated(r) for r in rows):
        paragraphs.append(words.text("rates.spread.county"))
    else:
        paragraphs += _sentences(rows, words)
    if not path:
        return Section("rates", heading, tuple(paragraphs))
    table = spread_table(path, words)
    return Section("rates", heading, tuple(paragraphs), (table,), spread_charts(path, words))


def _of_the_county(source: Source) -> list[Row]:
    return [r for r in source.rows("regressions") if r["institution_id"] is None]


def _estimated(row: Row) -> bool:
    return row["status"] in ("ok", "weak") and row["estimate"] is not None


def _sentences(rows: Sequence[Row], words: Words) -> list[str]:
    """One sentence on identification, then what each model says of itself, each once."""
    statuses = {r["status"] for r in rows}
    said = []
    if "weak" in statuses:
        said.append(words.text("rates.weak"))
    elif "ok" in statuses:
        said.append(words.text("rates.ok"))
    models: dict[str, dict[str, None]] = {}
    for row in rows:
        if row["reason"]:
            models.setdefault(row["reason"], {})[row["model"]] = None
    for reason, named in models.items():
        said.append(words.text("rates.model", model=joined(named), reason=reason))
    return said


def _regimes(rows: Sequence[Row], words: Words) -> Table:
    columns = (
        Column("benchmark", "基准"),
        Column("from", "起", "", "date"),
        Column("to", "止", "", "date"),
        Column("rate", "利率", "%", "percent"),
        Column("days", "天数", "", "count"),
        Column("loans", "贷款", "笔", "count"),
        Column("institutions", "机构", "家", "count"),
    )
    ranked = sorted(rows, key=lambda r: (r["benchmark"] or "", r["window_from"] or "", r["regime"]))
    cells = tuple(
        (
            words.of("rates.benchmarks", r["benchmark"]) or "—",
            r["date_from"],
            r["date_to"],
            _number(r["rate"], 2),
            r["days"],
            r["loans"],
            r["institutions"],
        )
        for r in ranked
    )
    return Table("identification", words.text("rates.identification"), columns, cells)


def _groups(rows: Sequence[Row]) -> list[list[Row]]:
    """Rows of one scope, window and weighting together, in order of appearance."""
    found: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        key = tuple(str(row[k]) for k in ("scope", "window_from", "window_to", "weights"))
        found.setdefault(key, []).append(row)
    return list(found.values())


def _side_by_side(rows: Sequence[Row], words: Words, n: int) -> Table:
    models = sorted({r["model"] for r in rows})
    by_key = {(r["model"], r["term"]): r for r in rows}
    terms = list(dict.fromkeys(r["term"] for r in sorted(rows, key=lambda r: r["model"])))
    columns = [Column("term", words.text("rates.columns.term"))]
    for model in models:
        for part in _PARTS:
            label = words.text(f"rates.columns.{part}", model=model)
            columns.append(Column(f"{model}_{part}", label, "", "number", _FIT_DIGITS))
    cells = []
    for term in terms:
        row: list[object] = [words.of("rates.terms", term)]
        for model in models:
            found = by_key.get((model, term))
            row += [_coefficient(found[p]) if found else None for p in _PARTS]
        cells.append(tuple(row))
    first = {m: next(r for r in rows if r["model"] == m) for m in models}
    notes = [_fit_note(first[m], words) for m in models]
    title = words.text("rates.coefficients")
    scope = words.of("rates.weights", rows[0]["weights"] or "none")
    return Table(
        f"regression{n}",
        f"{title}（{scope}）",
        tuple(columns),
        tuple(cells),
        (*notes, words.text("rates.note_se")),
    )


def _fit_note(row: Row, words: Words) -> str:
    return words.text(
        "rates.note_fit",
        model=row["model"],
        window=f"{row['window_from']}—{row['window_to']}",
        n=f"{row['n']:,}",
        clusters=row["clusters"],
        g_star=_text(row["g_star"], 1),
        mean=_text(row["dependent_mean"], 3),
        weights=words.of("rates.weights", row["weights"] or "none"),
        formula=row["formula"] or "—",
    )


def _number(value: float | None, digits: int) -> Figure | NoData:
    number = exact(value)
    return NoData() if number is None else Figure(number, "number", digits)


def _coefficient(value: float | None) -> Figure | NoData:
    """Four decimals, more where a small number would have fewer than three digits left."""
    if not value:
        return _number(value, _FIT_DIGITS)
    return _number(value, min(max(_FIT_DIGITS, 2 - floor(log10(abs(value)))), 10))


def _text(value: float | None, digits: int) -> str:
    figure = _number(value, digits)
    return figure.text if isinstance(figure, Figure) else figure.word
