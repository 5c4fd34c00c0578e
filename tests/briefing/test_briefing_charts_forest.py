import re

import pytest

from puhui.briefing.charts_forest import Slope, forest_alt, forest_chart, ordered

ROWS = [
    Slope("甲银行潢川支行", 0.42, 0.1, 0.74, 0.5, "0.42，n=120，5期"),
    Slope("乙行", 1.3, None, None, 0.9, "1.30，n=14，3期"),
    Slope("丙行$x^2$<b>", -0.2, -9.0, 9.0, 0.4, "−0.20，n=30，5期"),
]


def forest(rows: list[Slope] | None = None, county: float | None = 0.6, extra: str = "") -> str:
    return forest_chart(
        ROWS if rows is None else rows,
        county=county,
        county_text="共同斜率0.60" + extra,
        own_text="各机构（线为95%区间）",
        shrunken_text="收缩后",
        axis_text="基准变动1个百分点对应的利率变动（百分点）",
    )


def test_rows_stand_from_the_largest_slope_down():
    assert [s.label[0] for s in ordered(ROWS)] == ["乙", "甲", "丙"]
    assert forest() == forest(ROWS[::-1])
    assert forest() != forest([Slope(s.label, -s.value, None, None, None, "") for s in ROWS])


def test_no_text_is_left_to_the_readers_fonts_and_the_same_bytes_twice():
    svg = forest()
    assert "<text" not in svg
    assert "font" not in svg
    assert "http" not in svg.replace("http://www.w3.org/", "")
    assert svg == forest()


def test_lines_stand_at_zero_one_and_the_county():
    def lines(svg: str) -> dict[str, list[float]]:
        found: dict[str, list[float]] = {}
        for x, style in re.findall(r'd="M([\d.]+) [\d.]+L\1 [\d.]+"[^>]*style="([^"]*)"', svg):
            dash = re.search(r"stroke-dasharray: ([\d., ]+)", style)
            if dash:
                found.setdefault(dash[1], []).append(float(x))
        return found

    drawn = lines(forest())
    assert sorted(map(len, drawn.values())) == [1, 2]
    (zero, one), (county,) = sorted(drawn.values(), key=len, reverse=True)
    assert county == pytest.approx(zero + 0.6 * (one - zero), abs=0.1)
    assert sorted(map(len, lines(forest(county=None)).values())) == [2]


def test_signs_differ_in_shape_and_not_only_in_colour():
    hollow = "fill: #ffffff; stroke: #1f2933"
    whole, bare = (forest([Slope("甲", 0.5, 0.4, 0.6, v, "")]) for v in (0.55, None))
    # Without a shrunken point its diamond is drawn neither in the row nor in the key.
    assert hollow in whole
    assert hollow not in bare


def test_an_interval_beyond_the_axis_ends_in_an_arrow_and_leaves_the_points_apart():
    wide = Slope("甲", 0.5, -50.0, 50.0, None, "")
    near = Slope("甲", 0.5, 0.2, 0.8, None, "")
    assert forest([wide]).count("<use") > forest([near]).count("<use")


def test_charts_of_one_page_share_no_ids():
    ids = [set(re.findall(r'id="([^"]+)"', svg)) for svg in (forest(), forest(extra="另"))]
    assert ids[0]
    assert not ids[0] & ids[1]


@pytest.mark.parametrize("rows", [1, 30])
def test_a_chart_grows_with_its_rows(rows):
    slopes = [Slope(f"机构{n}", n / 10, None, None, None, str(n)) for n in range(rows)]
    height = float(re.search(r'viewBox="0 0 [\d.]+ ([\d.]+)"', forest(slopes))[1])
    assert height == pytest.approx(72 * (1.35 + 0.4 * rows))


def test_the_alternative_text_says_every_row_and_what_has_no_interval():
    said = forest_alt(ROWS, county=0.6)
    assert said.startswith(
        "各机构利率随基准变动的斜率，由大到小。全部机构共同斜率0.60。乙行1.30（无区间）"
    )
    assert "甲银行潢川支行0.42（区间0.10至0.74），收缩后0.50" in said
    assert "−0.20（区间−9.00至9.00）" in said
    assert "共同斜率" not in forest_alt(ROWS, county=None)
