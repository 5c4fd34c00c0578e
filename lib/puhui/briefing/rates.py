"""Rates on the pages: what needs no model, what can be identified, then models A, B and C."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import floor, log10

from puhui.briefing.charts import Dot, dot_chart
from puhui.briefing.contracts import contract_sentence, contract_table
from puhui.briefing.decomposition import (
    change_charts,
    change_sentences,
    change_table,
    county_change_table,
    stability_sentences,
)
from puhui.briefing.figures import Figure, exact
from puhui.briefing.filed_spreads import county_filed, institution_filed
from puhui.briefing.overall import joined
from puhui.briefing.review import (
    placebo_sentences,
    placebo_table,
    unusual_sentences,
    unusual_table,
)
from puhui.briefing.slopes import county_slopes, institution_slope
from puhui.briefing.source import Row, Source
from puhui.briefing.spreads import spread_charts, spread_path, spread_table
from puhui.briefing.table import Chart, Column, NoData, Section, Table
from puhui.briefing.words import Words

_FIT_DIGITS = 4
_PARTS = ("estimate", "se_crv1", "se_crv3")
_MODELS = ("A", "B", "C")
#: What p must fall below for a value to be told apart from.
_LEVEL = 0.05


def county_rates(source: Source, heading: str) -> Section:
    """Return the circular's section on rates: what needs no model first, then the models."""
    models = _models(source, heading)
    if not source.rows("contracts") and not source.rows("decomposition"):
        return models
    tables = (
        contract_table(source),
        county_change_table(source),
        placebo_table(source),
        unusual_table(source),
    )
    return replace(
        models,
        paragraphs=(
            contract_sentence(source, None),
            *change_sentences(source, None),
            *stability_sentences(source),
            *placebo_sentences(source),
            *unusual_sentences(source),
            *models.paragraphs,
        ),
        tables=(*(t for t in tables if t is not None), *models.tables),
        charts=(*change_charts(source, None), *models.charts),
    )


def _models(source: Source, heading: str) -> Section:
    """Return the equations of all institutions together.

    Sentences on identification come before any number; a refused or unidentified model
    has its sentence and no number.
    """
    words, every = source.words, _of_the_county(source)
    rows = [r for r in every if r["variant"] is None]
    if not rows:
        return Section("rates", heading, (words.text("rates.none"),))
    paragraphs = [words.text("rates.scope_county"), *_sentences(rows, words)]
    paragraphs += [_pass_through(r, words) for r in rows if _is_c(r)]
    tables = []
    regimes = source.rows("identification")
    if regimes:
        tables.append(_regimes(regimes, words))
    for group in _groups([r for r in rows if _estimated(r)]):
        tables.append(_side_by_side(group, words, len(tables)))
    tables += [*_variants(every, words), *_moves(source.rows("moves"), words)]
    charts = [*_chart(rows, words)]
    for said, more, drawn in (county_slopes(source), county_filed(source)):
        paragraphs += said
        tables += more
        charts += drawn
    return Section("rates", heading, tuple(paragraphs), tuple(tables), tuple(charts))


def institution_rates(source: Source, institution_id: str, heading: str) -> Section:
    """Return the letter's section on rates: own spread, contract check, why the average moved.

    Regressions stand in the circular only; here one sentence points there, or says why
    there is none.
    """
    words = source.words
    rows = [r for r in _of_the_county(source) if r["variant"] is None]
    path = spread_path(source, institution_id)
    paragraphs = [words.text("rates.spread.lead" if path else "rates.spread.none")]
    found = next((r for r in rows if _is_c(r)), None)
    if found is not None:
        paragraphs.append(
            words.text(
                "rates.spread.county_c",
                benchmark=words.text("rates.pass_through.benchmark"),
                estimate=_text(found["estimate"], 2),
                verdict=_verdict(found, words),
            )
        )
    elif any(_estimated(r) for r in rows):
        paragraphs.append(words.text("rates.spread.county"))
    else:
        paragraphs += _sentences(rows, words)
    paragraphs += institution_slope(source, institution_id)
    if not path:
        said, filed = institution_filed(source, institution_id)
        return Section("rates", heading, (*paragraphs, *said), tuple(filed))
    if source.rows("contracts"):
        paragraphs.append(contract_sentence(source, institution_id))
    paragraphs += change_sentences(source, institution_id)
    tables = (spread_table(path, words), change_table(source, institution_id))
    charts = (*spread_charts(source, path), *change_charts(source, institution_id))
    shown = tuple(t for t in tables if t is not None)
    return Section("rates", heading, tuple(paragraphs), shown, charts)


def _of_the_county(source: Source) -> list[Row]:
    return [r for r in source.rows("regressions") if r["institution_id"] is None]


def _estimated(row: Row) -> bool:
    return row["status"] in ("ok", "weak") and row["estimate"] is not None


def _is_c(row: Row) -> bool:
    """Whether it is the pass-through of model C, unweighted."""
    is_coefficient = row["term"] == "benchmark" and row["weights"] == "none"
    return is_coefficient and row["model"] == "C" and _estimated(row)


def _pass_through(row: Row, words: Words) -> str:
    """Say model C in one sentence: coefficient, interval, what it can be told apart from."""
    interval = ""
    if row["ci_low"] is not None or row["ci_high"] is not None:
        ends = [
            words.text("rates.pass_through.unbounded") if v is None else _text(v, 2)
            for v in (row["ci_low"], row["ci_high"])
        ]
        interval = words.text("rates.pass_through.interval", low=ends[0], high=ends[1])
    return words.text(
        "rates.pass_through.sentence",
        benchmark=words.text("rates.pass_through.benchmark"),
        weights=words.of("rates.weights", row["weights"]),
        estimate=_text(row["estimate"], 2),
        interval=interval,
        detectable=_text(row["detectable"], 2),
        verdict=_verdict(row, words),
    )


def _verdict(row: Row, words: Words) -> str:
    zero, one = row["p_zero"], row["p_one"]
    if row["status"] == "weak":
        return words.text("rates.pass_through.weak")
    if zero is None or one is None:
        return words.text("rates.pass_through.untested")
    told = {
        (False, False): "both",
        (False, True): "none",
        (True, False): "full",
        (True, True): "between",
    }[zero < _LEVEL, one < _LEVEL]
    return words.text(f"rates.pass_through.{told}")


def _chart(rows: Sequence[Row], words: Words) -> tuple[Chart, ...]:
    """Draw the benchmark's coefficient of every model and weighting; nothing for fewer than two."""
    shown = [r for r in rows if r["term"] == "benchmark" and _estimated(r)]
    if len(shown) < 2 or not any(_is_c(r) for r in shown):
        return ()
    dots, said = [], []
    for row in sorted(shown, key=lambda r: (r["weights"] != "none", r["model"])):
        weights = words.of("rates.weights", row["weights"])
        label = words.text("rates.compared.label", model=row["model"], weights=weights)
        text = _text(row["estimate"], 2)
        if row["ci_low"] is not None and row["ci_high"] is not None:
            text += f" [{_text(row['ci_low'], 2)}, {_text(row['ci_high'], 2)}]"
        dots.append(Dot(label, float(row["estimate"]), text, None))
        said.append(f"{label}{text}")
    svg = dot_chart(dots, limit=None, limit_text="", axis_text=words.text("rates.compared.axis"))
    alt = words.text("rates.compared.alt", list="；".join(said))
    return (Chart(svg, alt, words.text("rates.compared.chart"), "models"),)


def _variants(rows: Sequence[Row], words: Words) -> list[Table]:
    """Coefficients with controls, without late loans and without each move, one line each."""
    of = [r for r in rows if r["term"] == "benchmark"]
    if all(r["variant"] is None for r in of):
        return []
    columns = (
        Column("variant", words.text("rates.compared.variant")),
        Column("weights", words.text("rates.compared.weights")),
        *(Column(m, words.text("rates.compared.column", model=m)) for m in _MODELS),
    )
    order = {v: i for i, v in enumerate((None, "controls", "timely", "other_tenor"))}
    keys = {(r["weights"], r["variant"]) for r in of}
    by_key = {(r["weights"], r["variant"], r["model"]): r for r in of}
    cells = []
    for weights, variant in sorted(
        keys, key=lambda k: (k[0] != "none", order.get(k[1], len(order)), k[1] or "")
    ):
        shown = [_with_error(by_key.get((weights, variant, m))) for m in _MODELS]
        cells.append((_variant(variant, words), words.of("rates.weights", weights), *shown))
    caption = words.text("rates.compared.table")
    return [Table("regression_variants", caption, columns, tuple(cells))]


def _variant(variant: str | None, words: Words) -> str:
    if variant is None:
        return words.text("rates.compared.plain")
    kind, _, day = variant.partition(" ")
    return words.text(f"rates.compared.{kind}", **({"day": day} if day else {}))


def _with_error(row: Row | None) -> str:
    if row is None or row["estimate"] is None:
        return "—"
    error = f"（{_text(row['se_crv3'], 3)}）" if row["se_crv3"] is not None else ""
    return f"{_text(row['estimate'], 3)}{error}"


def _moves(rows: Sequence[Row], words: Words) -> list[Table]:
    """Mean rates around each move, unweighted."""
    own = [r for r in rows if r["weights"] == "none"]
    if not own:
        return []
    columns = (
        Column("day", words.text("rates.moves.day"), "", "date"),
        Column("benchmark", words.text("rates.moves.benchmark")),
        Column("change", words.text("rates.moves.change"), "个基点", "number", 0),
        Column("answer", words.text("rates.moves.answer"), "个基点", "number", 1),
        Column("ratio", words.text("rates.moves.ratio"), "", "number", 2),
        Column("loans", words.text("rates.moves.loans"), "笔", "count"),
        Column("institutions", words.text("rates.moves.institutions"), "家", "count"),
        Column("measures", words.text("rates.moves.measures")),
    )
    cells = tuple(
        (
            r["day"],
            words.of("rates.benchmarks", r["benchmark"]) or "—",
            _number(r["change_bp"], 0),
            _number(_answer(r), 1),
            _number(r["ratio"], 2),
            r["loans"],
            r["institutions"],
            r["measures"] or "—",
        )
        for r in sorted(own, key=lambda r: (r["day"], r["benchmark"]))
    )
    return [Table("moves", words.text("rates.moves.caption"), columns, cells)]


def _answer(row: Row) -> float | None:
    if row["mean_before"] is None or row["mean_after"] is None:
        return None
    return round(100 * (float(row["mean_after"]) - float(row["mean_before"])), 9)


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
