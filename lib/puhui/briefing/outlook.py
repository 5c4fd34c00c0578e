"""The outlook on the pages: sentences, a small table, and how past forecasts did."""

from __future__ import annotations

from fractions import Fraction

from puhui.briefing.figures import Figure, beside, exact, half_up, ratio
from puhui.briefing.source import Row, Source
from puhui.briefing.table import Column, NoData, Table
from puhui.briefing.words import Words
from puhui.quarter import Quarter

_SUPPOSED = (5, 10, 20)


def outlook_row(source: Source, institution_id: str) -> Row | None:
    """Return the institution's row of ``outlook``, if it has one."""
    rows = source.rows("outlook")
    return next((r for r in rows if r["institution_id"] == institution_id), None)


def institution_outlook(source: Source, institution_id: str) -> tuple[str, ...]:
    """Return the paragraphs of an institution's outlook; none without a row."""
    row, words = outlook_row(source, institution_id), source.words
    if row is None:
        return ()
    if row["method"] is None:
        return (words.text("outlook.none", reason=row["reason"] or ""), *_deferred(row, words))
    sentences = [
        words.text(
            "outlook.lead",
            quarter=Quarter.parse(row["for_quarter"]).label,
            middle=_pp(row["middle_pp"], row),
            low=_pp(row["low_pp"], row),
            high=_pp(row["high_pp"], row),
            limit=row["tolerance_pp"],
            beyond=chance(row["beyond"], words),
        ),
        words.text(f"outlook.method.{basis(row)}", transitions=row["transitions"]),
    ]
    if row["reason"]:
        sentences.append(words.text("outlook.reason", reason=row["reason"]))
    scores = _of_method(source, row["method"], "short")
    return ("".join(sentences), *_deferred(row, words), *scores)


def basis(row: Row) -> str:
    """Name what a forecast rests on: ledger, changes_kind or changes_county."""
    return str(row["method"]) + (f"_{row['pool']}" if row["pool"] else "")


def chance(share: float | None, words: Words) -> str:
    """Say a share of draws; their number is finite, so never 0 % or 100 %.

    A share nearer to an end than ``outlook.chance.least`` is said as less, or more, than that.
    """
    value = exact(share)
    if value is None:
        return "—"
    least = Fraction(words.text("outlook.chance.least"))
    if 100 * value < least:
        return words.text("outlook.chance.none", least=f"{float(least):g}")
    if 100 * (1 - value) < least:
        return words.text("outlook.chance.most", most=f"{float(100 - least):g}")
    return words.text("outlook.chance.some", value=half_up(100 * value, 1))


def _pp(value: float | None, row: Row) -> str:
    """Points of a forecast, so that rounding does not put them on the limit's other side."""
    found = _figure(value, row)
    return found.text if isinstance(found, Figure) else "—"


def _told_apart(score: float, other: float) -> str:
    """Write a score with as many decimals as tell it from the other one."""
    mine, against = exact(score), exact(other)
    if mine is None or against is None:
        return "—"
    return Figure(mine, "number", 3, (against,)).text


def _figure(value: float | None, row: Row) -> Figure | NoData:
    number, limit = exact(value), exact(row["tolerance_pp"])
    return NoData() if number is None else beside(number, "pp", limit)


def _deferred(row: Row, words: Words) -> list[str]:
    """Say that classes were held, and the gap if part of the deferred balance turned NPL."""
    if not row["held_until"]:
        return []
    held = words.text("outlook.held", date=row["held_until"])
    balance = exact(row["deferred"])
    if balance is None:
        return [held + words.text("outlook.no_deferred")]
    five, ten, twenty = (_pp(row[f"gap_if_{share}_pp"], row) for share in _SUPPOSED)
    supposed = words.text(
        "outlook.supposed",
        balance=Figure(balance, "money_wan").text,
        five=five,
        ten=ten,
        twenty=twenty,
    )
    return [held + supposed]


def _of_method(source: Source, method: str, length: str) -> list[str]:
    rows = [r for r in source.rows("backtest") if r["method"] == method]
    if not rows:
        return [source.words.text("outlook.backtest.none")]
    return [_score(rows, source.words, length)]


def _score(rows: list[Row], words: Words, length: str) -> str:
    """Say how forecasts of one method did: counts first, then whether they were any better.

    The ``short`` one leaves out on which side the interval missed and the Brier score.
    """
    total = next(r for r in rows if r["origin"] is None)
    each = [r for r in rows if r["origin"] is not None]
    won = sum(r["better"] == "yes" for r in each)
    name = "better" if total["better"] == "yes" else "no_better"
    share = Fraction(100 * total["inside"], total["forecasts"])
    said = words.text(
        f"outlook.backtest.{length}",
        method=words.text(f"outlook.backtest.{total['method']}"),
        origins=len(each),
        forecasts=total["forecasts"],
        inside=total["inside"],
        share=half_up(share, 0),
        below=total["below"],
        above=total["above"],
        crps=_told_apart(total["crps_pp"], total["crps_as_now_pp"]),
        as_now=_told_apart(total["crps_as_now_pp"], total["crps_pp"]),
        verdict=words.text(f"outlook.backtest.{name}", count=len(each), won=won),
    )
    if length == "short":
        return said
    told = {"could": total["could_leave"], "events": total["events"]}
    if total["brier"] is None:
        return said + words.text("outlook.backtest.few", **told)
    mine, as_now = total["brier"], total["brier_as_now"]
    scores = {"brier": _told_apart(mine, as_now), "as_now": _told_apart(as_now, mine)}
    return said + words.text("outlook.backtest.brier", **told, **scores)


def county_outlook(source: Source) -> tuple[tuple[str, ...], tuple[Table, ...]]:
    """Return the county's paragraphs (how forecasts did) and its table by institution."""
    words, ids = source.words, source.institution_ids
    rows = {r["institution_id"]: r for r in source.rows("outlook")}
    shown = [rows[i] for i in ids if i in rows]
    if not shown:
        return (), ()
    quarter = Quarter.parse(shown[0]["for_quarter"]).label
    methods = sorted({r["method"] for r in shown if r["method"]}, reverse=True)
    scores = [text for method in methods for text in _of_method(source, method, "score")]
    held = shown[0]["held_until"]
    caveat = [words.text("outlook.held", date=held)] if held else []
    paragraphs = (words.text("outlook.county.lead", quarter=quarter), *caveat, *scores)
    return paragraphs, (_county_table(source, shown, quarter),)


def _county_table(source: Source, rows: list[Row], quarter: str) -> Table:
    words = source.words
    points = ("now", "middle", "low", "high")
    columns = (
        Column("institution", words.text("outlook.county.institution")),
        *(Column(n, words.text(f"outlook.county.{n}"), "百分点", "pp") for n in points),
        Column("limit", words.text("outlook.county.limit"), "百分点", "pp"),
        Column("beyond", words.text("outlook.county.beyond")),
        *(
            Column(f"if_{s}", words.text("outlook.county.if", share=s), "百分点", "pp")
            for s in _SUPPOSED
        ),
        Column("basis", words.text("outlook.county.basis")),
        Column("reason", words.text("outlook.county.reason")),
    )
    cells = tuple(
        (
            source.name(row["institution_id"]),
            _gap_now(row),
            *(_figure(row[f"{n}_pp"], row) for n in points[1:]),
            exact(row["tolerance_pp"]),
            chance(row["beyond"], words),
            *(_figure(row[f"gap_if_{s}_pp"], row) for s in _SUPPOSED),
            words.text(f"outlook.county.{basis(row) if row['method'] else 'none'}"),
            row["reason"] or "",
        )
        for row in rows
    )
    return Table("outlook", words.text("outlook.county.caption", quarter=quarter), columns, cells)


def _gap_now(row: Row) -> Figure | NoData:
    value, limit = ratio(row["gap_num"], row["gap_den"]), exact(row["tolerance_pp"])
    return NoData() if value is None else beside(value, "pp", limit)
