"""On-lending beside its placebo, and how many rates stand out for review, on the county page."""

from __future__ import annotations

from fractions import Fraction

from puhui.briefing.figures import Figure, ratio
from puhui.briefing.source import Row, Source
from puhui.briefing.table import Column, Table


def placebo_sentences(source: Source) -> tuple[str, ...]:
    """Say where each on-lender ranks among institutions in its place, or why it does not."""
    words, said = source.words, []
    for row in _placebo(source):
        if row["in_place"] != row["institution_id"]:
            continue
        name = source.name(row["institution_id"])
        if row["reason"]:
            said.append(words.text("rates.placebo.refused", name=name, reason=row["reason"]))
            continue
        gap = _gap(row)
        way = "higher" if gap.value > 0 else "lower" if gap.value < 0 else "equal"
        size = Figure(abs(gap.value), "bp").text
        places = {"rank": row["rank"], "ranked": row["ranked"]}
        said.append(words.text(f"rates.placebo.{way}", name=name, gap=size, **places))
    if said:
        said.append(words.text("rates.placebo.note"))
    return tuple(said)


def placebo_table(source: Source) -> Table | None:
    """Return gaps and ranks by on-lender, the dearest first; ``None`` if nobody could be ranked."""
    words = source.words
    rows = sorted(
        (r for r in _placebo(source) if r["rank"] is not None),
        key=lambda r: (r["institution_id"], r["rank"], r["in_place"]),
    )
    if not rows:
        return None
    columns = (
        Column("lender", words.text("rates.placebo.columns.lender")),
        Column("in_place", words.text("rates.placebo.columns.in_place")),
        Column("gap", words.text("rates.placebo.columns.gap"), "个基点", "bp"),
        Column("loans", words.text("rates.placebo.columns.loans"), "笔", "count"),
        Column("similar", words.text("rates.placebo.columns.similar"), "笔", "count"),
        Column("rank", words.text("rates.placebo.columns.rank"), "", "count"),
    )
    cells = tuple(
        (
            source.name(r["institution_id"]),
            _in_place(source, r),
            _gap(r),
            r["loans"],
            r["similar_loans"],
            r["rank"],
        )
        for r in rows
    )
    return Table("placebo", words.text("rates.placebo.caption"), columns, cells)


def _in_place(source: Source, row: Row) -> str:
    name = source.name(row["in_place"])
    own = row["in_place"] == row["institution_id"]
    return source.words.text("rates.placebo.own", name=name) if own else name


def _placebo(source: Source) -> list[Row]:
    """Rows whose institutions both have a name on the page."""
    known = set(source.institution_ids)
    return [r for r in source.rows("placebo") if {r["institution_id"], r["in_place"]} <= known]


def _gap(row: Row) -> Figure:
    value = ratio(row["gap_num"], row["gap_den"])
    return Figure(Fraction(str(row["gap_bp"])) if value is None else value, "bp")


def unusual_sentences(source: Source) -> tuple[str, ...]:
    """Count the rates for review, all institutions together, by what they were held against."""
    words, rows = source.words, source.rows("unusual_counts")
    said = []
    for against in dict.fromkeys(r["against"] for r in rows):
        own = [r for r in rows if r["against"] == against]
        counts = {
            key: sum(r[key] for r in own)
            for key in ("tested", "high", "low", "small", "leverage", "no_scale")
        }
        untested = counts.pop("small") + counts.pop("leverage") + counts.pop("no_scale")
        name = words.of("rates.unusual.against", against)
        shown = {k: f"{v:,}" for k, v in {**counts, "untested": untested}.items()}
        said.append(words.text("rates.unusual.counts", against=name, **shown))
    return (words.text("rates.unusual.sentence", list="；".join(said)),) if said else ()


def unusual_table(source: Source) -> Table | None:
    """Return the institutions with rates for review, by comparison; ``None`` if there are none."""
    words, known = source.words, set(source.institution_ids)
    rows = [
        r
        for r in source.rows("unusual_counts")
        if r["institution_id"] in known and r["high"] + r["low"]
    ]
    if not rows:
        return None
    columns = (
        Column("institution", words.text("rates.contracts.columns.institution")),
        Column("against", words.text("rates.unusual.columns.against")),
        *(
            Column(k, words.text(f"rates.unusual.columns.{k}"), "笔", "count")
            for k in ("tested", "high", "low")
        ),
    )
    cells = tuple(
        (
            source.name(r["institution_id"]),
            words.of("rates.unusual.against", r["against"]),
            *(r[k] for k in ("tested", "high", "low")),
        )
        for r in sorted(rows, key=lambda r: (r["institution_id"], r["against"]))
    )
    return Table("unusual", words.text("rates.unusual.caption"), columns, cells)
