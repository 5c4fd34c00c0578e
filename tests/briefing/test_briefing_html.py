import re
from base64 import b64encode
from fractions import Fraction
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path

import nbformat
import pytest

from puhui.briefing.county import county_sections
from puhui.briefing.figures import Figure
from puhui.briefing.html import (
    Link,
    Status,
    export_notebook,
    index_page,
    render_section,
    render_table,
)
from puhui.briefing.html.environment import script
from puhui.briefing.html.pages import provenance
from puhui.briefing.institution import institution_sections
from puhui.briefing.table import Chart, Column, Mark, NoData, Section, Table, plain
from puhui.briefing.titles import county_title, institution_title
from puhui.errors import NotebookFailed

HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "&lt;b&gt;",
    "{{ 7 * 7 }}{% raw %}",
    '=HYPERLINK("http://x.example","y")',
    "𠮷㙓支行",
]
VOID = {"meta", "img", "br", "hr", "link", "input"}


class Page(HTMLParser):
    """Elements, text and attributes of a page; complains about wrong nesting."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.scripts: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == [], self.open

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        if "script" in self.open:
            self.scripts.append(data)
        elif "style" not in self.open:
            self.text.append(data)

    def names(self) -> set[str]:
        return {tag for tag, _ in self.tags}


def notebook(*outputs: dict[str, object]) -> nbformat.NotebookNode:
    cell = nbformat.v4.new_code_cell("secret = 1", outputs=list(outputs))
    words = nbformat.v4.new_markdown_cell("给分析人员的话")
    return nbformat.v4.new_notebook(cells=[words, cell])


def page_of(source, sections, title) -> str:
    shown = [nbformat.v4.new_output("display_data", {"text/html": render_section(s)})
             for s in sections]  # fmt: skip
    printed = nbformat.v4.new_output("stream", text="printed for the analyst")
    nb = notebook(printed, *shown)
    return export_notebook(
        nb, title=title, meta=source.meta, provenance=provenance(source.meta, source.words)
    )


def pages(source) -> dict[str, str]:
    made = {
        i: page_of(source, institution_sections(source, i), institution_title(source, i))
        for i in source.institution_ids
    }
    made["county"] = page_of(source, county_sections(source), county_title(source))
    made["index"] = index_page(
        source,
        [
            Status(i, source.name(i), "village", "ok", "", (Link("监管反馈", f"{i}.html"),))
            for i in source.institution_ids
        ],
        links=[Link("全县通报", "county.html")],
    )
    return made


@pytest.mark.parametrize("hostile", HOSTILE)
def test_text_from_submissions_is_shown_as_its_characters(county, hostile):
    source = county(
        names=dict.fromkeys(("RCB00001", "LGB00001", "VLB00001"), hostile),
    )
    for name, text in pages(source).items():
        page = Page(text)
        assert hostile in "".join(page.text), name
        assert page.scripts == [script()], "our own script and no other"
        assert not page.names() & {"iframe", "object", "embed", "form", "base"}
        for _, attributes in page.tags:
            assert not [a for a in attributes if a.startswith("on")]


def test_direction_marks_are_made_visible(county):
    source = county(names={"RCB00001": "甲\u202e行\u200f\u2066"})
    for text in pages(source).values():
        assert not re.search("[\u200e\u200f\u202a-\u202e\u2066-\u2069]", text)
    assert plain("甲\u202e行\u2066") == "甲〈U+202E〉行〈U+2066〉"


def test_a_page_stands_alone(source):
    for name, text in pages(source).items():
        page = Page(text)
        assert "link" not in page.names()
        for tag, attributes in page.tags:
            assert "src" not in attributes or (attributes["src"] or "").startswith("data:")
            assert "srcset" not in attributes
            for key in ("href", "xlink:href"):
                target = attributes.get(key) or ""
                assert not re.match(r"[a-z]+:|//", target), (name, tag, target)
        assert not re.search(r"url\((?!#)|@import", text)
        (policy,) = [a["content"] or "" for t, a in page.tags if a.get("http-equiv")]
        assert policy.startswith("default-src 'none'")
        (own,) = page.scripts
        digest = b64encode(sha256(own.encode()).digest()).decode()
        assert f"script-src 'sha256-{digest}';" in policy
        assert "unsafe-inline" not in policy.partition("script-src")[2]
        assert "http" not in policy


def test_shape_of_a_page(source):
    for name, text in pages(source).items():
        assert text.startswith('<!doctype html>\n<html lang="zh-CN">')
        page = Page(text)
        tags = [t for t, _ in page.tags]
        assert tags.count("h1") == 1
        assert {"main", "header", "footer", "caption"} <= set(tags), name
        heads = [a for t, a in page.tags if t == "th"]
        assert heads
        assert all(a.get("scope") in ("col", "row", "rowgroup") for a in heads)
        pictures = [a for t, a in page.tags if t == "svg"]
        assert all(a["role"] == "img" and a["aria-label"] for a in pictures)
        ids = [a["id"] for _, a in page.tags if a.get("id")]
        assert len(ids) == len(set(ids)), name
        assert "puhui 0.1" in "".join(page.text)
        assert len(text.encode()) <= 300_000


def test_the_same_bytes_twice(source):
    assert pages(source) == pages(source)


def test_code_and_prints_stay_in_the_notebook(source):
    text = page_of(source, [Section("a", "甲", ("乙",))], "题")
    assert "secret" not in text
    assert "printed for the analyst" not in text
    assert "给分析人员的话" not in text
    assert "<h2>甲</h2>" in text


def test_a_failed_or_empty_notebook_makes_no_page(source):
    failed = nbformat.v4.new_output("error", ename="KeyError", evalue="x", traceback=[])
    with pytest.raises(NotebookFailed, match=r"第 2 格.*KeyError"):
        export_notebook(notebook(failed), title="题", meta={})
    with pytest.raises(NotebookFailed, match="没有可导出的内容"):
        export_notebook(notebook(), title="题", meta={})


def test_pictures_of_an_analyst_are_embedded_with_their_text():
    output = nbformat.v4.new_output(
        "display_data", {"image/png": "QUJD\n"}, metadata={"image/png": {"alt": 'a"b'}}
    )
    text = export_notebook(notebook(output), title="题", meta={})
    images = [a for t, a in Page(text).tags if t == "img"]
    assert images == [{"alt": 'a"b', "src": "data:image/png;base64,QUJD"}]


def test_cells_by_kind():
    columns = (
        Column("name", "机构"),
        Column("money", "余额", "万元", "money_wan"),
        Column("verdict", "结论", "", "verdict"),
    )
    rows = (
        ("甲", Figure(Fraction(123456), "money_wan"), Mark("met", "√", "达标", ("临界",))),
        ("乙", NoData("缺表"), None),
    )
    page = Page(render_table(Table("t", "表", columns, rows, ("注",))))
    text = re.sub(r"\s+", " ", " ".join(page.text))
    assert "12.35" in text
    assert "√ 达标（临界）" in text
    assert "无数据：缺表" in text
    assert "—" in text
    assert "注" in text
    assert "0.00" not in text


def test_a_row_of_another_length_is_refused():
    with pytest.raises(ValueError, match="2 cells for 1 columns"):
        Table("t", "表", (Column("a", "甲"),), (("x", "y"),))


def test_alternative_text_is_escaped():
    chart = Chart("<svg viewBox='0 0 1 1'></svg>", '"><script>', "图", "one")
    page = Page(render_section(Section("s", "节", charts=(chart,))))
    assert [a["aria-label"] for t, a in page.tags if t == "svg"] == ['"><script>']
    assert "script" not in page.names()


def test_index_lists_trouble_first_and_says_why(source):
    statuses = [
        Status("A0000001", "甲", "village", "ok", links=(Link("监管反馈", "institutions/a.html"),)),
        Status("B0000001", "乙", "large", "refused", "台账.xlsx 不是工作簿。"),
        Status("C0000001", "丙", "city", "failed", "02 第 3 格出错"),
        Status("RCB00001", "丁", "city", "with_errors"),
    ]
    text = index_page(source, statuses)
    order = [text.index(s.institution_id) for s in sorted(statuses, key=lambda s: s.name)]
    names = ["丙", "乙", "丁", "甲"]
    places = [text.index(f"{n} <span") for n in names]
    assert places == sorted(places)
    assert len(order) == 4
    for part in (
        "台账.xlsx 不是工作簿。",
        "隔离 7 行，错误 7 条。",
        "02 第 3 格出错",
        "失败",
        "退回",
        "有错误",
        "正常",
    ):
        assert part in text
    assert 'href="institutions/a.html"' in text


def test_a_county_page_that_failed_stands_at_the_top_of_the_index(source):
    statuses = [Status("A0000001", "甲", "village", "ok")]
    why = "06_county 第 3 格：<b>KeyError</b>"
    text = index_page(source, statuses, county_failure=why)
    shown = "".join(Page(text).text)
    assert f"全县通报未能完成：{why}" in shown
    assert shown.index("全县通报未能完成") < shown.index("共 1 家机构")
    assert "全县通报未能完成" not in index_page(source, statuses)


def test_the_footer_shows_policy_and_inputs(source):
    meta = {**source.meta, "policy": "按 2021-12-31 生效的政策参数"}
    assert dict(provenance(meta, source.words)) == {
        "软件版本": "puhui 0.1",
        "参数版本": "0a1b2c",
        "适用政策": "按 2021-12-31 生效的政策参数",
        "数据来源": "3 份",
    }


def test_index_of_a_whole_city(source):
    statuses = [Status(f"X{n:07d}", f"机构{n}", "village", "ok") for n in range(389)]
    page = Page(index_page(source, statuses))
    assert sum(t == "tr" for t, _ in page.tags) == 390


def test_an_unknown_condition_is_refused():
    with pytest.raises(ValueError, match="unknown condition"):
        Status("A0000001", "甲", "village", "fine")


def test_no_template_marks_text_as_safe():
    templates = Path(__file__).parents[2] / "lib/puhui/briefing/html/templates"
    found = list(templates.glob("*.j2"))
    assert len(found) >= 5
    assert not [p.name for p in found if re.search(r"\|\s*safe|autoescape", p.read_text())]
