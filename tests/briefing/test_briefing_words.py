from pathlib import Path

import pytest

from puhui.briefing.words import Words
from puhui.errors import ParamsError

FOLDER = Path(__file__).parents[2] / "params" / "words"


def words(tmp_path, text: str, local: str = "") -> Words:
    files = [tmp_path / "a.yaml", tmp_path / "local.yaml"]
    for file, content in zip(files, (text, local), strict=True):
        file.write_text(content, encoding="utf-8")
    return Words.load(files)


def test_a_template_is_filled(tmp_path):
    assert words(tmp_path, 'b: {c: "{n} 家"}').text("a.b.c", n=3) == "3 家"


def test_braces_in_values_are_only_text(tmp_path):
    filled = words(tmp_path, 'b: "{name}。"').text("a.b", name="{other}{0.__class__}")
    assert filled == "{other}{0.__class__}。"


@pytest.mark.parametrize("name", ["a.x", "x.y", "a"])
def test_a_missing_text_names_file_and_key(tmp_path, name):
    with pytest.raises(ParamsError):
        words(tmp_path, "b: 乙").text(name)


@pytest.mark.parametrize("template", ["{missing}", "{n", "{0}", "{n.nothing}"])
def test_a_wrong_template_says_what_may_be_used(tmp_path, template):
    with pytest.raises(ParamsError, match="可用的名称：n"):
        words(tmp_path, f'b: "{template}"').text("a.b", n=1)


def test_local_texts_replace_only_what_they_hold(tmp_path):
    both = words(tmp_path, "b: {c: 一, d: 二}\ne: 三", "a: {b: {c: 四}}")
    assert [both.text(n) for n in ("a.b.c", "a.b.d", "a.e")] == ["四", "二", "三"]


def test_a_local_text_for_no_file_is_refused_with_its_line(tmp_path):
    with pytest.raises(ParamsError, match=r"local\.yaml:2.*可用的名称：a"):
        words(tmp_path, "b: 乙", "a: {b: 丙}\nz: {b: 丁}")


def test_no_files_are_an_error():
    with pytest.raises(ParamsError, match="找不到文字模板"):
        Words.load([])


def test_every_verdict_has_its_own_word_and_sign():
    from puhui.results import VERDICTS

    loaded = Words.load(sorted(FOLDER.glob("*.yaml")))
    marks = [loaded.mark(v, ["small"]) for v in VERDICTS]
    assert [m.word for m in marks] == list(VERDICTS.values())
    assert all(m.sign and m.flags == ("样本小",) for m in marks)
    passed = {loaded.mark(v).sign for v in ("met", "on_track")}
    failed = {loaded.mark(v).sign for v in ("not_met", "behind", "met_reserved", "no_data")}
    assert not passed & failed
