"""Slopes of institutions on the pages: sentences, forest plot, table; nothing is computed."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from puhui.briefing.charts_forest import Slope, forest_alt, forest_chart
from puhui.briefing.figures import Figure, exact
from puhui.briefing.source import Row, Source
from puhui.briefing.table import Chart, Column, NoData, Table
from puhui.briefing.tolerance import MOST_ROWS
from puhui.briefing.words import Words

#: What p must fall below for slopes to be said to differ.
_LEVEL = 0.05


def county_slopes(source: Source) -> tuple[list[str], list[Table], list[Chart]]:
    """Return what the circular says of the institutions' slopes: sentences, table, forest plot."""
    known, words = {None, *source.institution_ids}, source.words
    rows = [r for r in source.rows("slopes") if r["institution_id"] in known]
    if not rows:
        return [], [], []
    said = [*slopes_said(rows, words), *dynamics_said(source)]
    chart = slopes_chart(rows, source.name, words)
    table = slopes_table(rows, source.name, words)
    return said, [] if table is None else [table], [] if chart is None else [chart]


def _county(rows: Sequence[Row]) -> Row:
    return next(r for r in rows if r["institution_id"] is None)


def _own(rows: Sequence[Row]) -> list[Row]:
    return [r for r in rows if r["institution_id"] is not None]


def slopes_said(rows: Sequence[Row], words: Words) -> list[str]:
    """Say whether institutions differ, or why nothing can be said, then what the figures hold."""
    county, own = _county(rows), _own(rows)
    if county["p_equal"] is None:
        said = [words.text("rates.slopes.untested", reason=_bare(county["reason"]))]
    else:
        name = "differ" if county["p_equal"] < _LEVEL else "alike"
        said = [
            words.text(
                f"rates.slopes.{name}",
                common=_text(county["estimate"]),
                p=_text(county["p_equal"], 3),
                draws=county["draws"],
                spread=_text(county["spread"]),
            )
        ]
    if any(r["estimate"] is not None for r in own):
        held = any(r["ci_low"] is not None for r in own)
        said.append(words.text("rates.slopes.co_movement"))
        said.append(words.text("rates.slopes.coverage" if held else "rates.slopes.no_interval"))
    if county["left_out"]:
        said.append(words.text("rates.slopes.left_out", count=county["left_out"]))
    return said


def dynamics_said(source: Source) -> list[str]:
    """Say the dynamic pass-through in a sentence an equation, or once why there is none."""
    words = source.words
    rows = [r for r in source.rows("mean_regressions") if r["equation"] in ("lags", "correction")]
    said = []
    for row in sorted(rows, key=lambda r: r["equation"], reverse=True):
        if row["status"] != "ok":
            said.append(str(row["reason"]))
            continue
        error = row["se_crv3"] if row["se_crv3"] is not None else row["se_crv1"]
        speed = words.text("rates.dynamics.speed", share=_text(100 * row["speed"], 1)) if (
            row["speed"] is not None
        ) else ""  # fmt: skip
        said.append(
            words.text(
                "rates.dynamics.sentence",
                equation=words.of("rates.dynamics.equations", row["equation"]),
                estimate=_text(row["estimate"]),
                error=_text(error),
                first=_text(row["first"]),
                speed=speed,
                months=row["periods"],
                moves=row["moves"],
            )
        )
    return list(dict.fromkeys(said))


def institution_slope(source: Source, institution_id: str) -> list[str]:
    """Return the letter's sentence: where the institution's slope stands, or why it has none."""
    rows, words = source.rows("slopes"), source.words
    if not rows:
        return []
    county = _county(rows)
    own = next((r for r in rows if r["institution_id"] == institution_id), None)
    if own is None:
        if not _own(rows):
            return [words.text("rates.slopes.own_none", reason=_bare(county["reason"]))]
        return [words.text("rates.slopes.own_absent")]
    if own["estimate"] is None:
        return [words.text("rates.slopes.own_none", reason=_bare(own["reason"]))]
    interval = own["reason"] or words.text("rates.slopes.interval", **_ends(own))
    stands = ""
    if county["p_equal"] is not None:
        stands = words.text(
            f"rates.slopes.{_standing(own, county)}", common=_text(county["estimate"])
        )
    return [
        words.text(
            "rates.slopes.own",
            benchmark=words.text("rates.pass_through.benchmark"),
            estimate=_text(own["estimate"]),
            interval=interval,
            loans=own["loans"],
            stands=stands,
        )
    ]


def _standing(own: Row, county: Row) -> str:
    """Name the sentence on where an institution stands beside the common slope."""
    if county["p_equal"] >= _LEVEL:
        return "own_alike"
    if own["ci_low"] is None:
        return "own_no_interval"
    if own["ci_low"] > county["estimate"]:
        return "own_above"
    return "own_below" if own["ci_high"] < county["estimate"] else "own_within"


def slopes_chart(rows: Sequence[Row], name: Callable[[str], str], words: Words) -> Chart | None:
    """Draw the forest plot; none for fewer than two slopes.

    Parameters
    ----------
    rows
        Of the result table ``slopes``.
    name
        Name of an institution by its id.
    """
    county = _county(rows)
    known = [r for r in _own(rows) if r["estimate"] is not None]
    if len(known) < 2:
        return None
    shown = sorted(known, key=lambda r: (-r["loans"], r["institution_id"]))[:MOST_ROWS]
    slopes = [
        Slope(
            name(r["institution_id"]),
            r["estimate"],
            r["ci_low"],
            r["ci_high"],
            r["shrunken"],
            _beside(r, words),
        )
        for r in shown
    ]
    common = county["estimate"] if county["p_equal"] is not None else None
    svg = forest_chart(
        slopes,
        county=common,
        county_text=words.text("rates.slopes.common", common=_text(common)),
        own_text=words.text("rates.slopes.own_sign"),
        shrunken_text=words.text("rates.slopes.shrunken_sign"),
        axis_text=words.text("rates.slopes.axis"),
    )
    cut = ""
    if len(shown) < len(known):
        cut = words.text("rates.slopes.cut", shown=len(shown), total=len(known))
    caption = words.text("rates.slopes.chart", cut=cut)
    return Chart(svg, forest_alt(slopes, county=common), caption, "slopes")


def _beside(row: Row, words: Words) -> str:
    if row["ci_low"] is None:
        return _text(row["estimate"])
    ends = words.text("rates.slopes.brackets", **_ends(row))
    return f"{_text(row['estimate'])} {ends}"


def _ends(row: Row) -> dict[str, str]:
    return {"low": _text(row["ci_low"]), "high": _text(row["ci_high"])}


def slopes_table(rows: Sequence[Row], name: Callable[[str], str], words: Words) -> Table | None:
    """Tabulate every institution's slope, or why it has none; none without institutions."""
    own = sorted(_own(rows), key=lambda r: str(r["institution_id"]))
    if not own:
        return None
    columns = (
        Column("institution", words.text("rates.slopes.columns.institution")),
        Column("loans", words.text("rates.slopes.columns.loans"), "笔", "count"),
        Column("regimes", words.text("rates.slopes.columns.regimes"), "个", "count"),
        *(
            Column(key, words.text(f"rates.slopes.columns.{key}"), "", "number", 3)
            for key in ("estimate", "se", "ci_low", "ci_high", "shrunken")
        ),
        Column("reason", words.text("rates.slopes.columns.reason")),
    )
    cells = tuple(
        (
            name(r["institution_id"]),
            r["loans"],
            r["regimes"],
            *(_number(r[k]) for k in ("estimate", "se", "ci_low", "ci_high", "shrunken")),
            r["reason"] or "—",
        )
        for r in own
    )
    return Table("slopes", words.text("rates.slopes.table"), columns, cells)


def _bare(reason: str | None) -> str:
    """Take a reason without its full stop, to be put into a sentence."""
    return (reason or "").rstrip("。")


def _number(value: float | None, digits: int = 3) -> Figure | NoData:
    number = exact(value)
    return NoData() if number is None else Figure(number, "number", digits)


def _text(value: float | None, digits: int = 2) -> str:
    figure = _number(value, digits)
    return figure.text if isinstance(figure, Figure) else figure.word
