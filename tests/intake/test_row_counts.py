"""Rows in = accepted + quarantined + non-data, whatever is in the file."""

import csv
import io
import itertools
import tempfile
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from intake import builders as b
from puhui.intake import submission
from puhui.intake.block import select
from puhui.intake.reading import even_columns, open_text, text_columns
from puhui.intake.values import IntakeFault

good = st.just(b.EAST["s504"][2])
changed = st.builds(
    lambda field, value: b.EAST["s504"][2] | {field: value},
    st.sampled_from(["XDJJH", "KHTYBH", "DKJE", "DKYE", "DKFFRQ", "DKWJFL", "SJLL", "XDHTH"]),
    st.sampled_from(["", "-", "无", "甲", "L0002", "1", "-1", "20211231", "0.001", "９９"]),
)
blank = st.just({})
total = st.just({"JRXKZH": "合计", "DKJE": "1"})
note = st.just({"JRXKZH": "备注：导出于月末"})


@settings(max_examples=40, deadline=None)
@given(st.lists(st.one_of(good, changed, blank, total, note), max_size=12))
def test_every_row_of_a_file_is_accounted_for(rows):
    with tempfile.TemporaryDirectory() as place:
        folder = b.east(Path(place), rows={"s503": [{"JRXKZH": "本表无数据"}], "s504": rows})
        read = b.read(folder)
    file = "EAST_504_对公信贷业务借据表.txt"
    entries = [r for r in read.intake.to_pylist() if r["file"] == file]
    assert len(entries) == 1
    (entry,) = entries
    data = [r for r in rows if r.get("JRXKZH") == b.BANK]
    if entry["status"] == "refused":
        # No data row at all, or all rates so odd that their scale cannot be the declared one.
        assert not data or "中位数" in entry["message"]
        return
    assert entry["rows_in"] == len(rows)
    assert entry["non_data"] == len(rows) - len(data)
    loans = read.tables.get("loans")
    assert entry["accepted"] == (0 if loans is None else loans.num_rows)
    assert (loans is None) == ("loans" in read.missing) == ("整张表不用" in entry["message"])
    assert entry["quarantined"] == read.quarantine["loans"].num_rows
    assert entry["accepted"] + entry["quarantined"] == len(data)


def test_a_row_that_vanishes_is_our_error(tmp_path, monkeypatch):
    """The identity is really compared: a reader that loses a row cannot pass unnoticed."""
    b.workbook(tmp_path / "填报.xlsx", loans=[b.LOAN, b.LOAN | {"借据号": "L0002"}])
    whole = submission.assemble

    def losing(part, *rest):
        block = whole(part, *rest)
        if block is None or part.table != "loans":
            return block
        return replace(select(block, pa.array([0])), left_out=block.left_out)

    monkeypatch.setattr(submission, "assemble", losing)
    with pytest.raises(IntakeFault, match="行数对不上"):
        b.read(tmp_path)


cell = st.text(alphabet='ab甲1,|" \n\r\t', max_size=5)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.lists(cell, min_size=3, max_size=3) | st.just([]), min_size=1, max_size=8))
def test_quick_and_careful_text_readers_agree(rows):
    """The two ways of reading a text file differ in speed alone."""
    out = io.StringIO(newline="")
    csv.writer(out).writerows([["x", "y", "z"], *rows])
    quick = even_columns(out.getvalue(), 1, 3, ",")
    careful = text_columns(
        itertools.islice(csv.reader(io.StringIO(out.getvalue(), "")), 1, None), 3
    )
    assert quick is not None
    assert [c.to_pylist() for c in quick[0]] == [c.to_pylist() for c in careful[0]]
    assert quick[1].to_pylist() == careful[1].to_pylist() == [True] * len(rows)


@pytest.mark.parametrize("body", ["1,2\n", "1,2,3,4\n"])
def test_uneven_rows_are_left_to_the_careful_reader(body):
    assert even_columns("x,y,z\n" + body, 1, 3, ",") is None


@settings(max_examples=150, deadline=None)
@given(st.text(alphabet='a甲|" \n\r\t', max_size=30))
def test_without_quoting_records_are_physical_lines(tail):
    """Quick or careful, whatever stands in the text: as many records as lines."""
    with tempfile.TemporaryDirectory() as place:
        file = Path(place) / "x.txt"
        file.write_bytes(f"x|y\r\n{tail}".encode("gbk"))
        source = b.LAYOUT["east40_gbk"].sources["s203"]
        columns, whole = open_text(file, "x.txt", source, 1000).body(1)
    lines = tail.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    assert len(whole) == len(columns[0]) == len(lines) - (lines[-1] == "")
