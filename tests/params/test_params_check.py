"""``puhui params check``: every problem of every file at once, where it stands, and a remedy."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
import yaml

from puhui.errors import ParamsError
from puhui.params import load
from puhui.params.checking import check
from puhui.runner.parameters import lint
from vocabulary import PARAMS


@pytest.fixture
def base(tmp_path):
    folder = tmp_path / "params"
    shutil.copytree(PARAMS, folder)
    return folder


def add(path: Path, text: str) -> int:
    """Append an entry; returns the line before its first."""
    before = path.read_text(encoding="utf-8")
    assert before.endswith("\n")
    path.write_text(before + text, encoding="utf-8")
    return before.count("\n")


def replace(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def measure(name, where="is_on_book", **more):
    fields = {"label": "甲", "unit": "元", "kind": "stock"} | more
    head = "".join(f"  {k}: {v}\n" for k, v in fields.items())
    return f"{name}:\n{head}  ledger:\n    sum: balance\n    where: {where}\n"


def indicator(name, formula="100 * incl_npl / incl_balance", **more):
    fields = {"clause": "C7.2", "label": "甲", "unit": "百分点", "tier": "T0", "who": "B"}
    fields |= {"formula": formula} | more
    return f"{name}:\n" + "".join(f"  {k}: {v}\n" for k, v in fields.items())


def setting(name, value="1", **more):
    fields = {"label": "甲", "type": "decimal"} | more
    head = "".join(f"  {k}: {v}\n" for k, v in fields.items())
    values = f'    - {{from: 2010-01-01, value: "{value}", source: 甲, certainty: ours}}\n'
    return f"{name}:\n{head}  values:\n{values}"


def derived(name, expr):
    return f"{name}:\n  label: 甲\n  as_of: now\n  expr: {expr}\n"


#: file, entry added to it, line of the problem within it, its text, message, remedy
PLANTED = [
    ("policy.yaml", setting("new_a", "abc"), 5, 'value: "abc"', "不是 decimal", ""),
    ("policy.yaml", setting("new_b", lable="乙"), 4, "lable: 乙", "不认识的键“lable”", "label"),
    ("derived.yaml", derived("new_c", "balanc > 0"), 4, "balanc > 0", "没有“balanc”", "balance"),
    ("measures.yaml", measure("new_d", "is_on_bok"), 7, "is_on_bok", "“is_on_bok”", "is_on_book"),
    ("measures.yaml", measure("new_e", kind="stok"), 4, "kind: stok", "“stok”不可用", "stock"),
    ("groups.yaml", "new_f: L or facts.kynd = 'city'\n", 1, "kynd", "facts.kynd", "kind"),
    ("clauses.yaml", "new_g: {}\n", 1, "new_g: {}", "缺少键“section”", ""),
    ("indicators.yaml", indicator("new_h", "incl_npl / inkl_balance"), 7, "inkl_balance",
     "公式里的“inkl_balance”", "incl_balance"),
    ("indicators.yaml", indicator("new_i", clause="C7.3x"), 2, "clause: C7.3x", "没有条款", ""),
    ("benchmarks.yaml", "new_j: {}\n", 1, "new_j: {}", "缺少键", ""),
    ("run.yaml", "ofice: 甲\n", 1, "ofice: 甲", "不认识的键“ofice”", ""),
    ("checks.yaml", "  X9999:\n    {table: loans, builtin: datum}\n", 2, "datum",
     "", ""),
    ("words/county.yaml", "new_k: [\n", 1, "new_k: [", "不是合法的 YAML", ""),
    ("layouts/archive.yaml", "new_l: 1\n", 1, "new_l: 1", "不认识的键“new_l”", ""),
    ("layouts/supervisor.yaml", "new_m: 1\n", 1, "new_m: 1", "不认识的键“new_m”", ""),
]  # fmt: skip


@pytest.mark.parametrize("folder", [".", "sba7a"])
def test_the_parameters_we_ship_have_no_problem(folder):
    report = lint(PARAMS / folder)
    assert report.problems == []
    assert report.unchecked == []


EXEMPTION = (PARAMS / "exemption.yaml").read_text(encoding="utf-8")


def test_what_is_right_is_counted():
    def entries(name):
        text = (PARAMS / f"{name}.yaml").read_text(encoding="utf-8")
        return yaml.load(text, Loader=yaml.BaseLoader)

    def leaves(node):
        if isinstance(node, dict):
            return sum(map(leaves, node.values()))
        return len(node) if isinstance(node, list) else 1

    words = (yaml.load(p.read_text("utf-8"), yaml.BaseLoader) for p in PARAMS.glob("words/*.yaml"))
    assert lint(PARAMS).counts == {
        "clauses": len(entries("clauses")),
        "measures": len(entries("measures")),
        "indicators": len(entries("indicators")),
        "settings": len(entries("policy")),
        "rules": len(re.findall(r"^ +id: [SBRE]\d", EXEMPTION, re.MULTILINE)),
        "checks": len(entries("checks")["checks"]),
        "layouts": len(list(PARAMS.glob("layouts/*.yaml"))),
        "words": sum(map(leaves, words)),
    }


def test_every_planted_problem_is_found_at_once_and_no_other(base):
    expected = []
    for file, text, line, shown, message, remedy in PLANTED:
        start = add(base / file, text)
        where = "params" if "/" not in file else ""
        expected.append((f"{where}/{file}".lstrip("/"), start + line, shown, message, remedy))
    found = {p.where: p for p in lint(base).problems}
    assert len(found) == len(PLANTED)
    for file, line, shown, message, remedy in expected:
        problem = found[f"{file}:{line}"]
        assert shown in problem.text, problem
        assert message in problem.message, problem
        assert remedy in f"{problem.message}{problem.remedy}", problem


@pytest.mark.parametrize(
    "planted", [p for p in PLANTED if "/" not in p[0] and p[0] != "checks.yaml"], ids=lambda p: p[0]
)
def test_of_one_problem_load_says_the_same(base, planted):
    add(base / planted[0], planted[1])
    with pytest.raises(ParamsError) as error:
        load(base)
    (problem,) = check(base).problems
    assert (problem.message, problem.remedy) == (error.value.message, error.value.remedy)


def messages(base):
    return [p.message for p in lint(base).problems]


def test_several_problems_of_one_entry_are_told_as_far_as_they_can_be_mended(base):
    text = indicator("new", "incl_nlp / inkl_balance", test='"<="', thresold="1", jugded_when="LQ")
    start = add(base / "indicators.yaml", text)
    found = [(p.where.rpartition(":")[2], p.message) for p in lint(base).problems]
    assert found == [
        (str(start + 9), "不认识的键“thresold”。"),
        (str(start + 10), "不认识的键“jugded_when”。"),
        (str(start + 7), "公式里的“incl_nlp”不存在。"),
        (str(start + 7), "公式里的“inkl_balance”不存在。"),
        (str(start + 10), "“LQ”不是机构类别，也不是机构事实。"),
    ]


def test_several_problems_of_the_run_file_are_told(base):
    replace(base / "run.yaml", "office:", "ofice:")
    replace(base / "run.yaml", "benchmark: lpr", "benchmark: lrp")
    replace(base / "run.yaml", "guarantee, kind", "guarantees, kind")
    said = "".join(messages(base))
    assert len(messages(base)) == 3
    assert all(word in said for word in ("ofice", "lrp", "guarantees"))


def test_a_word_in_a_long_value_is_shown_on_its_own_line(base):
    formula = ">-\n    100 * incl_npl\n    / inkl_balance"
    start = add(base / "indicators.yaml", indicator("new", formula))
    (problem,) = lint(base).problems
    assert problem.where == f"params/indicators.yaml:{start + 9}"
    assert problem.text == "/ inkl_balance"


def test_what_rests_on_a_wrong_entry_is_named_and_not_called_wrong(base):
    add(base / "policy.yaml", setting("new_limit", "abc"))
    add(base / "derived.yaml", derived("new_scope", "balance > policy.new_limit"))
    add(base / "measures.yaml", measure("new_sum", "new_scope"))
    add(base / "indicators.yaml", indicator("new_share", "new_sum / incl_balance"))
    report = lint(base)
    (problem,) = report.problems
    assert "“abc”不是 decimal" in problem.message
    assert report.unchecked == [
        "derived.yaml new_scope",
        "measures.yaml new_sum",
        "indicators.yaml new_share",
    ]


def test_derived_columns_below_one_another_are_right_in_any_order(base):
    add(base / "derived.yaml", derived("new_a", "new_b") + derived("new_b", "balance > 0"))
    add(base / "derived.yaml", derived("new_c", "balanc > 0"))
    report = lint(base)
    assert ["balanc" in p.message for p in report.problems] == [True]
    assert report.unchecked == []


def test_a_circle_of_derived_columns_is_told(base):
    add(base / "derived.yaml", derived("new_a", "new_b") + derived("new_b", "new_a"))
    (problem,) = lint(base).problems
    assert "互相引用：" in problem.message and "new_a → new_b" in problem.message


def test_a_file_that_cannot_be_read_leaves_what_rests_on_it_unchecked(base):
    line = add(base / "measures.yaml", "new: [\n") + 1
    add(base / "benchmarks.yaml", "new: {}\n")
    report = lint(base)
    assert {p.where.rpartition(":")[0] for p in report.problems} == {
        "params/measures.yaml",
        "params/benchmarks.yaml",
    }
    assert f"params/measures.yaml:{line}" in {p.where for p in report.problems}
    assert report.unchecked == ["reconciliation.yaml", "indicators.yaml", "audiences.yaml"]


@pytest.mark.parametrize(
    "name", ["policy.yaml", "measures.yaml", "clauses.yaml", "checks.yaml", "run.yaml"]
)
def test_a_missing_file_is_told(base, name):
    (base / name).unlink()
    assert [m for m in messages(base) if f"缺少参数文件 {name}" in m]


def test_an_overlay_is_told_apart_from_what_it_extends(base):
    own = base / "sba7a"
    start = add(own / "measures.yaml", measure("new_a", "is_on_bok"))
    below = add(base / "measures.yaml", measure("new_b", "is_on_bok"))
    assert {p.where for p in lint(own).problems} == {
        f"sba7a/measures.yaml:{start + 7}",
        f"params/measures.yaml:{below + 7}",
    }


def test_folders_that_go_in_circles_are_told(base):
    replace(base / "run.yaml", "country:", "extends: .\ncountry:")
    (problem,) = lint(base).problems
    assert "互相引用" in problem.message


def test_each_wrong_check_is_told_and_none_for_being_missed_afterwards(base):
    path = base / "checks.yaml"
    lines = path.read_text(encoding="utf-8").splitlines()
    date = next(n for n, line in enumerate(lines) if "builtin: date," in line)
    lines[date] = lines[date].replace("severity: error", "severity: eror")
    code = next(n for n, line in enumerate(lines) if "builtin: code," in line)
    lines[code] = lines[code].replace("phase: format", "fase: format")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    found = lint(base).problems
    assert [p.where for p in found] == [f"params/checks.yaml:{n + 1}" for n in (date, code)]


def test_what_nobody_uses_or_misses_is_a_warning(base):
    before = lint(base).warnings
    add(base / "policy.yaml", setting("new_setting"))
    add(base / "measures.yaml", measure("new_measure"))
    wording = "  wording: {zh: 甲, en: a}\n"
    clause = f"C99:\n  section: 9\n  force: must\n  scope: incl\n  who: B\n{wording}"
    add(base / "clauses.yaml", clause)
    replace(base / "words" / "county.yaml", "\ntitle:", "\ntittle:")
    report = lint(base)
    assert report.problems == []
    new = [w for w in report.warnings if w not in before]
    assert [w.partition("：")[2] for w in new] == [
        "指标量“new_measure”（甲）没有任何指标使用。",
        "政策项“new_setting”（甲）没有任何地方用到。",
        "条款“C99”没有任何指标。",
        "缺少页面要用的文字“county.title”。",
    ]
    used = indicator("new", "new_measure", test='"<="', threshold="new_setting", clause="C99")
    add(base / "indicators.yaml", used)
    assert [w for w in lint(base).warnings if w not in before] == new[-1:]
