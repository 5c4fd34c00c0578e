"""Params folders: what an overlay overrides, misspelt keys, fingerprints."""

import datetime as dt
import shutil
from pathlib import Path

import pytest

from puhui.errors import ParamsError
from puhui.params import load
from puhui.params.expression import Expression
from puhui.quarter import Quarter

ROOT = Path(__file__).parents[2]


@pytest.fixture
def base(tmp_path):
    folder = tmp_path / "params"
    shutil.copytree(ROOT / "params", folder)
    return folder


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("office:", "ofice:", "office"),
        ("jobs: 2", "jobs: two", "“jobs”的值“two”应为整数"),
        ("jobs: 2", "job: 2", "jobs"),
        ("jobs: 2", "jobs: 2\njbos: 3", "不认识的键“jbos”。 是否想写“jobs”"),
        ("window_from: 2019Q4", "window_from: 2019Q5", "window_from"),
        ("  tenor: term_tenor", "  tenor: term_tenor\n  window_too: 2021Q4", "window_to"),
        ("[returns, ledger]", "[returns, ledgers]", "ledger"),
        ("benchmark: lpr", "benchmark: lrp", "是否想写“lpr”"),
        ("guarantee, kind", "guarantees, kind", "是否想写“guarantee”"),
        ("where: in_scope_at_drawdown", "where: in_scope_now and amount > 0", "sample_where"),
        ("tenor: term_tenor", "tenor: term_tenors", "是否想写“term_tenor”"),
    ],
)
def test_run_file_mistakes_name_line_and_nearest_key(base, old, new, said):
    edit(base / "run.yaml", old, new)
    with pytest.raises(ParamsError) as error:
        load(base)
    assert error.value.where.startswith("run.yaml:")
    assert said in str(error.value)


def test_run_file_values(base):
    run = load(base).run
    assert run.figure_of_record == ("returns", "ledger")
    assert run.rates.window(Quarter.parse("2021Q4")) == (Quarter(2019, 4), Quarter(2021, 4))
    assert run.hash_key_path() == base.parent / "data" / "example" / "hash.key"


def overlay(base: Path, **files: str) -> Path:
    folder = base.parent / "mine"
    folder.mkdir()
    shutil.copy(base / "run.yaml", folder / "run.yaml")
    edit(folder / "run.yaml", "country: 中国", "extends: ../params\ncountry: 乙国")
    for name, text in files.items():
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    return folder


def test_an_overlay_supplies_only_what_differs(base):
    named = ("L", "L5", "J", "N", "C", "R", "V", "I", "B")
    text = "".join(f"{name}: 'true'\n" for name in named)
    folder = overlay(base, groups=f"{text}P: 'false'\nLP: B\neveryone: 'true'\n")
    (folder / "layouts").mkdir()
    (folder / "layouts" / "own.yaml").write_text("a: 1\n", encoding="utf-8")
    params = load(folder)
    assert params.run.country == "乙国"
    assert set(params.groups) == {*named, "P", "LP", "everyone"}
    assert params.groups["V"].text == "true"
    assert params.path("policy.yaml") == base / "policy.yaml"
    assert params.path("groups.yaml") == folder / "groups.yaml"
    layouts = params.layout_paths()
    assert folder / "layouts" / "own.yaml" in layouts
    assert [p.name for p in layouts] == sorted({p.name for p in layouts})


def test_an_overlay_may_change_single_entries(base):
    text = """
extends: yes
npl_tolerance_pp:
  label: 容忍度
  type: decimal
  values: [{from: 2020-01-01, value: "2", source: 甲, certainty: ours}]
"""
    policy = load(overlay(base, policy=text)).policy.on(dt.date(2021, 12, 31))
    assert policy["npl_tolerance_pp"] == 2
    assert policy["inclusive_line_limit"] == 10_000_000


def test_nothing_to_extend_is_told(base):
    edit(base / "groups.yaml", "L:", "extends: yes\nL:")
    with pytest.raises(ParamsError, match="没有可以补充的上级文件"):
        load(base)


def test_circles_and_missing_folders_are_told(base):
    edit(base / "run.yaml", "country:", "extends: .\ncountry:")
    with pytest.raises(ParamsError, match="互相引用"):
        load(base)
    with pytest.raises(ParamsError, match="找不到参数目录"):
        load(base / "nowhere")


def test_fingerprint_follows_any_change_of_content_and_nothing_else(base, tmp_path):
    first = load(base).fingerprint
    elsewhere = tmp_path / "other" / "params"
    shutil.copytree(base, elsewhere)
    assert load(elsewhere).fingerprint == first
    edit(base / "policy.yaml", 'value: "3.00"', 'value: "2.00"')
    assert load(base).fingerprint != first


def test_an_overlay_inside_does_not_change_the_base(base):
    before = load(base).fingerprint
    edit(base / "sba7a" / "run.yaml", "country: 美国", "country: 甲国")
    assert load(base / "sba7a").run.country == "甲国"
    assert load(base).fingerprint != load(base / "sba7a").fingerprint
    assert before


def test_every_name_an_expression_uses_has_a_chinese_label(base):
    for params in (load(base), load(base / "sba7a")):
        expressions: list[Expression | None] = [d.expression for d in params.derived.values()]
        for indicator in params.indicators.values():
            expressions += [indicator.formula, indicator.branch, indicator.who]
            expressions += [indicator.judged_when, indicator.not_applicable_when]
            expressions += [indicator.strive_when, indicator.threshold_formula]
            expressions += [part.formula for part in indicator.parts.values()]
        assert len(expressions) > 500
        for expression in filter(None, expressions):
            for qualifier, name in expression.columns:
                assert not params.label(qualifier, name).isascii(), (qualifier, name)


def test_real_loans_overlay(base):
    params = load(base / "sba7a")
    assert params.run.rates.benchmark == "us_prime"
    assert params.run.rates.effects == ("institution_id",)
    assert {"C7.2", "X7.1"} <= set(params.indicators)
    assert params.indicators["X7.1"].test is None
    asked = {i.id: i.who.evaluate(lambda *_: None) for i in params.indicators.values()}
    insurers = {"C3.4c", "C4.3b.insurer", "C5.7.insurer"}
    assert {name for name, who in asked.items() if who is not True} == insurers
