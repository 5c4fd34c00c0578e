"""Pages in headless Chromium with the network off: Chinese text, charts, no request, no error."""

from __future__ import annotations

import pytest

from runner.extract import FEW, LENDER

pytestmark = pytest.mark.slow

PAGES = ("index.html", "county.html", *(f"institutions/{i}.html" for i in FEW))
WIDTHS = (1280, 390)

#: Draws a character and an unassigned one; a font that lacks the first draws both alike.
HAS_GLYPHS = """(text) => {
  const canvas = document.createElement('canvas'); canvas.width = canvas.height = 48;
  const paint = (c) => { const x = canvas.getContext('2d', {willReadFrequently: true});
    x.clearRect(0, 0, 48, 48); x.font = '32px ' + getComputedStyle(document.body).fontFamily;
    x.fillText(c, 4, 36); return x.getImageData(0, 0, 48, 48).data.join(); };
  const box = paint('\\u{10FFFD}');
  return [...new Set(text)].filter((c) => paint(c) === box);
}"""


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("page_name", PAGES)
def test_a_page_opens_from_disk_and_asks_for_nothing(finished, browser, page_name, width):
    context = browser.new_context(offline=True, viewport={"width": width, "height": 900})
    page = context.new_page()
    requests, errors = [], []
    page.on("request", lambda r: requests.append(r.url))
    page.on("console", lambda m: errors.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda e: errors.append(str(e)))
    page.goto((finished.out / page_name).as_uri())
    assert requests == [(finished.out / page_name).as_uri()]
    assert errors == []
    text = page.inner_text("body")
    assert "小微企业" in text
    chinese = "".join(c for c in text if "\u4e00" <= c <= "\u9fff")
    assert len(chinese) > 100
    assert page.evaluate(HAS_GLYPHS, chinese) == []
    assert page.evaluate("document.documentElement.lang") == "zh-CN"
    overflow = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    assert overflow <= 0, f"{page_name} scrolls sideways by {overflow} px at {width}"
    context.close()


def test_charts_are_drawn_with_their_own_outlines(finished, browser):
    page = browser.new_page()
    page.goto((finished.out / f"institutions/{LENDER}.html").as_uri())
    charts = page.locator("svg")
    assert charts.count() >= 2
    for n in range(charts.count()):
        chart = charts.nth(n)
        assert chart.locator("text").count() == 0, "a chart relies on the reader's fonts"
        assert chart.locator("path").count() > 20
        box = chart.bounding_box()
        assert box and box["width"] > 200 and box["height"] > 60
    page.close()


def test_every_link_of_the_index_leads_somewhere(finished, browser):
    page = browser.new_page()
    page.goto((finished.out / "index.html").as_uri())
    links = [a.get_attribute("href") for a in page.locator("a").all()]
    assert len(links) > 8
    for link in links:
        if not link.startswith("#"):
            assert (finished.out / link).is_file(), link
    page.close()


def test_an_institution_page_is_light(finished):
    for path in (finished.out / "institutions").glob("*.html"):
        assert path.stat().st_size <= 300_000, path.name
    assert (finished.out / "county.html").stat().st_size <= 800_000
