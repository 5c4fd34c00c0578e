"""Every page of the example county in headless Chromium with the network off, and as printed."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass

import lxml.html
import pytest
from axe_playwright_python.sync_playwright import Axe

from puhui.runner.printing import find_browser, print_page
from runner.test_in_the_browser import HAS_GLYPHS
from vocabulary import PROJECT

pytestmark = pytest.mark.slow

OUT = PROJECT / "output" / "2021Q4"
PAGES = sorted(
    p.relative_to(OUT).as_posix() for p in OUT.rglob("*.html") if "working" not in p.parts
)
#: Printed ones: the longest of each kind.
PRINTED = ("county.html", "institutions/HCNS0001.html", "packs/government/government.html")


def test_there_are_pages():
    assert len(PAGES) == 1 + 1 + 20 + 22


@dataclass
class Seen:
    """A page, and what it asked for or complained of."""

    page: object
    requests: list[str]
    said: list[str]


@pytest.fixture
def opened(browser):
    """Open a page with the network off."""
    contexts = []

    def open_page(name, width) -> Seen:
        context = browser.new_context(offline=True, viewport={"width": width, "height": 900})
        contexts.append(context)
        page = context.new_page()
        seen = Seen(page, [], [])
        page.on("request", lambda r: seen.requests.append(r.url))
        page.on("console", lambda m: seen.said.append(m.text))
        page.on("pageerror", lambda e: seen.said.append(str(e)))
        page.goto((OUT / name).as_uri())
        return seen

    yield open_page
    for context in contexts:
        context.close()


@pytest.mark.parametrize("width", [1280, 360])
@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_complete_quiet_and_fits(opened, name, width):
    seen = opened(name, width)
    page = seen.page
    assert seen.requests == [(OUT / name).as_uri()]
    assert seen.said == []
    text = page.inner_text("body")
    assert "\ufffd" not in text
    assert page.evaluate(HAS_GLYPHS, "".join(c for c in text if not c.isspace())) == []
    overflow = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    assert overflow <= 0, f"scrolls sideways by {overflow} px"
    # What the script has made of the tables: a heading that sorts is a button.
    tables = page.locator("table.sortable").count()
    assert page.locator("table.sortable thead th").count() == page.locator("th > button").count()
    assert tables or name.startswith("packs/government") or "institutions" in name


@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing(opened, name):
    found = Axe().run(opened(name, 1280).page)
    assert found.violations_count == 0, found.generate_report()


@pytest.mark.parametrize("name", PAGES)
def test_every_link_leads_somewhere(name):
    tree = lxml.html.parse(str(OUT / name))
    ids = {str(i) for i in tree.xpath("//@id")}
    for href in tree.xpath("//a/@href"):
        if href.startswith("#"):
            assert href[1:] in ids
        else:
            assert ((OUT / name).parent / href).is_file(), href


def column(page, table, n):
    cells = page.locator(f"{table} tbody tr:not([hidden]) > :nth-child({n})")
    return [c.strip() for c in cells.all_inner_texts()]


def test_the_index_sorts_by_numbers_and_by_words_by_mouse_and_by_keyboard(opened):
    page = opened("index.html", 1280).page
    head = page.locator("#table-status thead th").nth(3)
    given = column(page, "#table-status", 1)
    head.locator("button").click()
    assert head.get_attribute("aria-sort") == "ascending"
    counts = [int(c) for c in column(page, "#table-status", 4)]
    assert counts == sorted(counts) != sorted(counts, reverse=True)
    head.locator("button").focus()
    page.keyboard.press("Enter")
    assert head.get_attribute("aria-sort") == "descending"
    assert [int(c) for c in column(page, "#table-status", 4)] == sorted(counts, reverse=True)
    page.keyboard.press("Enter")
    assert head.get_attribute("aria-sort") is None
    assert column(page, "#table-status", 1) == given
    kind = page.locator("#table-status thead th").nth(1)
    kind.locator("button").click()
    kinds = column(page, "#table-status", 2)
    assert kinds == sorted(kinds, key=kinds.index), "equal ones stand together"
    assert page.locator("[aria-sort]").count() == 1


def test_a_table_of_the_circular_sorts_with_missing_figures_last(opened):
    page = opened("county.html", 1280).page
    table = "#table-structure"
    head = page.locator(f"{table} thead th").nth(1)
    for direction in (1, -1):
        head.locator("button").click()
        texts = column(page, table, 2)
        figures = [float(t.replace(",", "")) for t in texts if re.fullmatch(r"[\d,.]+", t)]
        assert len(figures) > 5
        assert figures == sorted(figures, key=lambda v: v * direction)
        assert all(not re.fullmatch(r"[\d,.]+", t) for t in texts[len(figures) :])
        assert len(texts) > len(figures)


def test_rows_that_hang_on_their_order_do_not_sort(opened):
    page = opened("county.html", 1280).page
    for table in ("two_increases", "matrix", "coverage"):
        assert page.locator(f"#table-{table}").count() == 1
        assert page.locator(f"#table-{table} th > button").count() == 0


def test_the_index_filters_by_text_kind_and_condition(opened):
    page = opened("index.html", 1280).page
    everyone = column(page, "#table-status", 1)
    page.fill(".filter input", "村镇")
    found = column(page, "#table-status", 1)
    assert found == [n for n in everyone if "村镇" in n]
    assert len(found) == 3
    assert page.inner_text(".filter output") == "显示 3 家"
    page.fill(".filter input", "")
    page.select_option(".filter select[name=kind]", "rural_commercial")
    assert set(column(page, "#table-status", 2)) == {"农村商业银行"}
    page.select_option(".filter select[name=condition]", "with_errors")
    assert len(column(page, "#table-status", 1)) == 1
    page.fill(".filter input", "没有这家")
    assert column(page, "#table-status", 1) == []
    assert page.inner_text(".filter output") == "显示 0 家"


def test_without_a_script_the_index_is_whole(browser):
    context = browser.new_context(java_script_enabled=False, offline=True)
    page = context.new_page()
    page.goto((OUT / "index.html").as_uri())
    assert page.locator("#table-status tbody tr").count() == 20
    assert not page.locator(".filter").is_visible()
    context.close()


def test_pages_are_light():
    for name in PAGES:
        size = (OUT / name).stat().st_size
        assert size <= (800_000 if name in ("county.html",) or "circular" in name else 300_000), (
            name
        )


def squeezed(text):
    return re.sub(r"\s", "", text)


@pytest.fixture(scope="module", params=PRINTED)
def printed(request, tmp_path_factory):
    """A page, and the text of its printed pages in the order it was drawn."""
    page = tmp_path_factory.mktemp("print") / "page.html"
    shutil.copy(OUT / request.param, page)
    document = print_page(page, find_browser())
    text = subprocess.run(
        ["pdftotext", "-raw", document, "-"], capture_output=True, check=True
    ).stdout.decode()
    return lxml.html.parse(str(page)), [squeezed(t) for t in text.split("\f")[:-1]], document


def test_every_printed_page_has_its_number(printed):
    _, pages, _ = printed
    assert len(pages) > 1
    for n, text in enumerate(pages, start=1):
        assert text.startswith(f"{n}/{len(pages)}"), text[:40]


def test_no_printed_row_is_cut_and_heads_are_repeated(printed):
    """A cell of several lines is whole on one page; a table goes on below its head."""
    tree, pages, _ = printed
    whole = repeated = 0
    for table in tree.xpath("//section/div//table | //section//table[not(ancestor::details)]"):
        heads = [squeezed(h.text_content()) for h in table.xpath("./thead/tr/th")]
        on = set()
        for row in table.xpath("./tbody/tr[not(@class)]"):
            for cell in (squeezed(c.text_content()) for c in row):
                if len(cell) >= 30:
                    places = {n for n, text in enumerate(pages) if cell in text}
                    assert places, f"cut: {cell}"
                    on |= places if len(places) == 1 else set()
                    whole += 1
        for n in sorted(on)[1:]:
            if not table.xpath("ancestor::div[contains(@class, 'matrix')]"):
                assert all(h in pages[n] for h in heads), (table.get("id"), n, heads)
                repeated += 1
    assert whole > 5
    assert repeated or len(pages) < 8


def test_a_printed_page_has_the_same_bytes_again(printed):
    _, _, document = printed
    first = document.read_bytes()
    assert first.startswith(b"%PDF-")
    again = print_page(document.with_suffix(".html"), find_browser())
    assert again.read_bytes() == first
