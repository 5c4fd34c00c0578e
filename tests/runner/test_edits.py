"""``puhui edits`` writes a page's sentences; what is filled in renders that page again, only it."""

from __future__ import annotations

import json

import pytest
import yaml

from puhui.errors import RunError
from puhui.quarter import Quarter
from puhui.runner.editing import write_edits
from puhui.runner.quarterly import Request, run_quarter
from runner.extract import LENDER, extract
from vocabulary import PARAMS


def fill(path, **texts):
    """Change entries of a file of edits."""
    entries = yaml.safe_load(path.read_text(encoding="utf-8"))
    for key, more in texts.items():
        entries.setdefault(key, {}).update(more)
    path.write_text(yaml.safe_dump(entries, allow_unicode=True), encoding="utf-8")
    return entries


@pytest.mark.slow
def test_an_edit_is_an_input_of_its_page_alone(tmp_path):
    data = extract(tmp_path)
    request = Request(Quarter.parse("2021Q4"), data, PARAMS, tmp_path / "output", jobs=2)
    first = run_quarter(request)
    run, out = first.run, tmp_path / "output" / "2021Q4"
    assert json.loads((out / "manifest.json").read_text("utf-8"))["edits"] == {}

    path, count = write_edits(run, LENDER)
    assert path == data / "edits" / "2021Q4" / f"{LENDER}.yaml"
    entries = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert len(entries) == count > 50
    assert {e["text"] for e in entries.values()} == {""}

    key = next(k for k in entries if k.startswith("requirements/"))
    fill(path, **{key: {"text": "请<当面>说明。"}, "没有/这句": {"text": "x"}})
    second = run_quarter(request)
    assert second.manifest["executed"] == second.manifest["pages_written"] == 1
    assert list(second.manifest["edits"]) == [path.name]
    page = (out / "institutions" / f"{LENDER}.html").read_text(encoding="utf-8")
    assert "请&lt;当面&gt;说明。〔人工修改〕" in page
    index = (out / "index.html").read_text(encoding="utf-8")
    assert f"{path.name}：页面上没有键“没有/这句”" in index
    assert run_quarter(request).manifest["pages_written"] == 0

    fill(path, **{key: {"generated": "从前的一句。"}})
    run_quarter(request)
    assert f"{key} 原句已变，请复核" in (out / "index.html").read_text(encoding="utf-8")

    again, _ = write_edits(run, LENDER)
    kept = yaml.safe_load(again.read_text(encoding="utf-8"))[key]
    assert kept == {"generated": "从前的一句。", "text": "请<当面>说明。"}
    write_edits(run, LENDER, reviewed=True)
    kept = yaml.safe_load(again.read_text(encoding="utf-8"))
    assert kept[key] == {"generated": entries[key]["generated"], "text": "请<当面>说明。"}
    assert kept["没有/这句"]["text"] == "x"

    path.write_text("a: [", encoding="utf-8")
    with pytest.raises(RunError, match="不能读取"):
        write_edits(run, LENDER)
    with pytest.raises(RunError, match="没有页面"):
        write_edits(run, "../x")
