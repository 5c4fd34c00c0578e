"""Editable documents: the page's sections and tables, in a word processor's own terms."""

from __future__ import annotations

import shutil
import subprocess
import zipfile

import docx
import pytest
from docx.enum.section import WD_ORIENT
from docx.oxml.ns import qn
from hypothesis import given, settings
from hypothesis import strategies as st

from puhui.briefing.docx import write_document
from puhui.briefing.table import Chart, Column, Mark, NoData, Section, Table, plain
from puhui.briefing.words import Words
from vocabulary import PARAMS

WORDS = Words.load(sorted((PARAMS / "words").glob("*.yaml")))
HOSTILE = (
    "<script>alert(1)</script>",
    '=HYPERLINK("http://a.example")',
    "甲" + chr(0x202E) + "行",
    "长" * 300,
    "😀㙓𠮷",
    "换\n行\t与\x0b控制\x00符",
    "&amp;]]>",
)
NARROW = Table(
    "narrow",
    "主要指标",
    (
        Column("a", "机构"),
        Column("b", "余额", "万元", "money_wan"),
        Column("c", "结论", kind="verdict"),
    ),
    (
        ("甲银行", 1234567, Mark("met", "√", "达标", ("临界",))),
        ("乙银行", NoData("未报送"), Mark("not_met", "×", "未达标")),
    ),
    ("单位以表头为准。",),
)
WIDE = Table("wide", "宽表", tuple(Column(f"c{i}", f"列{i}") for i in range(10)), (("甲",) * 10,))
GROUPED = Table(
    "grouped",
    "分组表",
    (Column("g", "类别"), Column("a", "机构")),
    (("大型银行", "甲"), ("大型银行", "乙"), ("保险", "丙")),
    grouped=True,
)
SECTIONS = (
    Section("opening", "", ("甲银行：", "现反馈如下。")),
    Section("overall", "一、总体评价", ("总体良好。",), (NARROW,)),
    Section("problems", "二、发现的问题", items=("第一个。", "第二个。")),
    Section("one", "附件1\u3000指标", (), (WIDE, GROUPED), is_annex=True),
    Section(
        "two",
        "附件2\u3000图表",
        (),
        (NARROW,),
        (Chart("<svg/>", "图", "走势", "one"),),
        is_annex=True,
    ),
    Section("methods", "计算方法", ("不进公文。",), folded=True),
)


def written(path, sections=SECTIONS, title="关于甲银行的监管反馈", **more):
    write_document(path, title, sections, WORDS, **more)
    return docx.Document(str(path))


def lines(document):
    return [(p.style.name, p.text) for p in document.paragraphs if p.text]


def test_parts_stand_in_the_order_of_an_official_paper(tmp_path):
    assert lines(written(tmp_path / "a.docx")) == [
        ("Normal", "〔待填：发文字号〕"),
        ("Normal", "签发人：〔待填：姓名〕"),
        ("Title", "关于甲银行的监管反馈"),
        ("Normal", "甲银行："),
        ("Normal", "现反馈如下。"),
        ("Heading 1", "一、总体评价"),
        ("Normal", "总体良好。"),
        ("Caption", "主要指标"),
        ("Normal", "单位以表头为准。"),
        ("Heading 1", "二、发现的问题"),
        ("Normal", "1.第一个。"),
        ("Normal", "2.第二个。"),
        ("Normal", "附件：1.指标"),
        ("Normal", "\u3000\u3000\u30002.图表"),
        ("Normal", "〔待填：发文机关〕"),
        ("Normal", "〔待填：成文日期〕"),
        ("Normal", "（联系人：〔待填：姓名〕；电话：〔待填：号码〕）"),
        ("Heading 1", "附件1\u3000指标"),
        ("Heading 2", "（一）宽表"),
        ("Heading 2", "（二）分组表"),
        ("Heading 1", "附件2\u3000图表"),
        ("Caption", "主要指标"),
        ("Normal", "单位以表头为准。"),
    ]


def test_the_office_signs_where_it_is_known(tmp_path):
    texts = [t for _, t in lines(written(tmp_path / "a.docx", office="潢川监管组"))]
    assert "潢川监管组" in texts and "〔待填：发文机关〕" not in texts


def test_cells_are_those_of_the_page_with_reasons_and_signs(tmp_path):
    table = written(tmp_path / "a.docx").tables[0]
    assert [[c.text for c in r.cells] for r in table.rows] == [
        ["机构", "余额（万元）", "结论"],
        ["甲银行", "123.46", "√ 达标（临界）"],
        ["乙银行", "无数据：未报送", "× 未达标"],
    ]
    sides = [c.paragraphs[0]._p.pPr.find(qn("w:jc")).get(qn("w:val")) for c in table.rows[1].cells]
    assert sides == ["left", "right", "left"]


def test_heads_repeat_no_row_is_cut_and_groups_span(tmp_path):
    document = written(tmp_path / "a.docx")
    for table in document.tables:
        marks = [r._tr.trPr for r in table.rows]
        assert all(m.find(qn("w:cantSplit")) is not None for m in marks)
        assert [m.find(qn("w:tblHeader")) is not None for m in marks] == [
            True,
            *([False] * (len(marks) - 1)),
        ]
    grouped = document.tables[2]
    assert [[t.text for t in r._tr.iter(qn("w:t"))] for r in grouped.rows] == [
        ["机构"],
        ["大型银行"],
        ["甲"],
        ["乙"],
        ["保险"],
        ["丙"],
    ]


def test_pages_are_a4_and_only_wide_tables_lie_across(tmp_path):
    parts = written(tmp_path / "a.docx").sections
    assert [p.orientation for p in parts] == [
        WD_ORIENT.PORTRAIT,
        WD_ORIENT.LANDSCAPE,
        WD_ORIENT.PORTRAIT,
    ]
    sizes = [(round(p.page_width.mm), round(p.page_height.mm)) for p in parts]
    assert sizes == [(210, 297), (297, 210), (210, 297)]
    for part, table in zip(parts[:2], written(tmp_path / "b.docx").tables[:2], strict=True):
        room = part.page_width - part.left_margin - part.right_margin
        grid = sum(int(g.get(qn("w:w"))) for g in table._tbl.tblGrid.iter(qn("w:gridCol")))
        assert grid * 635 == pytest.approx(room, rel=0.002)


def test_body_is_fangsong_and_pages_are_numbered(tmp_path):
    document = written(tmp_path / "a.docx")
    fonts = document.styles["Normal"].element.rPr.rFonts
    assert fonts.get(qn("w:eastAsia")) == "仿宋"
    assert document.styles["Heading 2"].element.rPr.rFonts.get(qn("w:eastAsia")) == "楷体"
    footer = document.sections[0].footer._element.xml
    assert 'w:instr="PAGE"' in footer


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_shown_as_its_characters_everywhere(tmp_path, text):
    table = Table("t", text, (Column("a", text, note=text),), ((text,),), (text,))
    section = Section("s", text, (text,), (table,), items=(text,))
    annex = Section("x", text, (), (table, table), is_annex=True)
    document = written(tmp_path / "a.docx", (section, annex), text, office=text)
    shown = "".join(t for _, t in lines(document))
    assert plain(text) in shown
    with zipfile.ZipFile(tmp_path / "a.docx") as parts:
        body = parts.read("word/document.xml").decode()
    assert "<script" not in body and "\u202e" not in body
    assert "w:hyperlink" not in body and "w:instrText" not in body


@given(st.text(max_size=60))
@settings(max_examples=40, deadline=None)
def test_any_text_opens(tmp_path_factory, text):
    path = tmp_path_factory.mktemp("docx") / "a.docx"
    table = Table("t", text, (Column("a", text),), ((text,),))
    assert written(path, (Section("s", text, (text,), (table,)),), text).tables


def test_the_same_sections_give_the_same_bytes(tmp_path, monkeypatch):
    written(tmp_path / "a.docx")
    monkeypatch.setenv("TZ", "Asia/Shanghai")
    monkeypatch.setattr("time.time", lambda: 2_000_000_000.0)
    written(tmp_path / "b.docx")
    assert (tmp_path / "a.docx").read_bytes() == (tmp_path / "b.docx").read_bytes()
    changed = (*SECTIONS[:-1], Section("more", "三、另", ("另有。",)))
    written(tmp_path / "c.docx", changed)
    assert (tmp_path / "a.docx").read_bytes() != (tmp_path / "c.docx").read_bytes()


@pytest.mark.slow
def test_libreoffice_opens_it_and_prints_every_part(tmp_path):
    assert shutil.which("soffice"), "LibreOffice is installed by .ci/run"
    written(tmp_path / "a.docx")
    home = f"-env:UserInstallation={(tmp_path / 'home').as_uri()}"
    subprocess.run(
        ["soffice", home, "--headless", "--convert-to", "pdf", "--outdir", tmp_path,
         tmp_path / "a.docx"], check=True, capture_output=True, timeout=240,
    )  # fmt: skip
    done = subprocess.run(["pdftotext", "-layout", tmp_path / "a.pdf", "-"], check=True,
                          capture_output=True, text=True, timeout=60)  # fmt: skip
    pages = done.stdout.split("\f")
    assert "关于甲银行的监管反馈" in pages[0] and "—1—" in pages[0].replace(" ", "")
    assert "分组表" in pages[1] and "图表" in pages[2]
