"""A quarter judged again from its ``inputs.lock``: the same revisions, the same results."""

from __future__ import annotations

import dataclasses
import json
import shutil

import pyarrow.parquet as pq
import pytest

from puhui.errors import RunError
from puhui.indicators import result_table
from puhui.quarter import Quarter
from puhui.runner.as_judged import notes
from puhui.runner.preparing import prepare
from puhui.runner.quarterly import Request, run_quarter
from runner.extract import EXAMPLE, QUARTER, extract
from vocabulary import PARAMS

WHO = "HCNS0003"
AT = Quarter.parse(QUARTER)


@pytest.fixture(scope="module")
def judged(tmp_path_factory):
    """WHO judged (``out``), its corrected return taken in and judged elsewhere (``later``)."""
    folder = tmp_path_factory.mktemp("judged")
    data = extract(folder, (WHO,))
    first = prepare(data, PARAMS, folder / "out", AT)
    corrected = EXAMPLE / "resubmissions" / QUARTER / WHO
    shutil.copytree(corrected, data / "submissions" / QUARTER / WHO, dirs_exist_ok=True)
    later = prepare(data, PARAMS, folder / "later", AT)
    return folder, first, later


def lock_of(folder, out="out"):
    return folder / out / QUARTER / "inputs.lock"


def again(folder, out, **options):
    lock = options.pop("lock", lock_of(folder))
    params = options.pop("params", PARAMS)
    data = options.pop("data", folder / "data")
    return prepare(data, params, folder / out, AT, as_judged=lock, **options)


def indicators(run):
    return result_table(run.bench, run.facts(WHO), run.branches(WHO)).to_pylist()


def test_the_lock_names_every_revision_read_and_the_rules(judged):
    folder, first, _ = judged
    lock = json.loads(lock_of(folder).read_text(encoding="utf-8"))
    named = [(s["quarter"], s["institution_id"], s["revision"]) for s in lock["snapshots"]]
    assert named == list(first.run.config.snapshots)
    assert {q for q, _, _ in named} == {"2020Q4", "2021Q3", "2021Q4"}
    assert lock["params"] == first.run.params.fingerprint
    assert lock["policy_date"] == "2021-12-31"
    marker = json.loads((folder / "data/store/store.json").read_text(encoding="utf-8"))
    assert lock["key_fingerprint"] == marker["key_fingerprint"]
    assert lock["version"] and lock["institutions"] == [WHO]
    assert set(lock["benchmarks"]) == {"lpr", "lpr_measures"}


def test_after_a_resubmission_the_lock_still_gives_the_first_judgement(judged):
    folder, first, later = judged
    repeated = again(folder, "again")
    assert repeated.notes == ()
    assert indicators(repeated.run) == indicators(first.run) != indicators(later.run)
    assert repeated.run.measures.equals(first.run.measures)
    for name in ("intake", "findings"):
        assert repeated.run.intake(name).equals(first.run.intake(name)), name
    assert lock_of(folder, "again").read_bytes() == lock_of(folder).read_bytes()
    assert repeated.taken == ()


def test_nothing_submitted_is_needed_or_read(judged, tmp_path):
    folder, first, _ = judged
    shutil.copytree(folder / "data" / "store", tmp_path / "data" / "store")
    repeated = again(folder, "bare", data=tmp_path / "data")
    assert indicators(repeated.run) == indicators(first.run)


def test_reports_of_intake_that_are_gone_are_said_to_be(judged, tmp_path):
    folder, first, _ = judged
    alone = tmp_path / "inputs.lock"
    shutil.copy(lock_of(folder), alone)
    repeated = again(folder, "alone", lock=alone)
    (note,) = repeated.notes
    assert f"{WHO} 第 1 版" in note and "没有保存" in note
    assert repeated.run.intake().num_rows == 0 < first.run.intake().num_rows
    # Also when the copy is repeated in turn, beside which there are reports, of no rows.
    assert again(folder, "twice", lock=lock_of(folder, "alone")).notes == (note,)
    # The later revision's are what the store keeps.
    current = tmp_path / "current.lock"
    shutil.copy(lock_of(folder, "later"), current)
    assert again(folder, "current", lock=current).notes == ()


def refusal(folder, **options):
    with pytest.raises(RunError) as error:
        again(folder, "refused", **options)
    return str(error.value)


def copied(folder, tmp_path):
    data = tmp_path / "data"
    shutil.copytree(folder / "data" / "store", data / "store")
    return data, data / "store" / f"quarter={QUARTER}" / f"institution_id={WHO}" / "rev=0001"


def test_a_missing_revision_is_named(judged, tmp_path):
    folder, *_ = judged
    data, revision = copied(folder, tmp_path)
    shutil.rmtree(revision)
    said = refusal(folder, data=data)
    assert f"{QUARTER} {WHO} 第 1 版" in said and "备份" in said


@pytest.mark.parametrize("what", ["a figure", "the snapshot's own hash"])
def test_a_changed_revision_is_refused(judged, tmp_path, what):
    folder, *_ = judged
    data, revision = copied(folder, tmp_path)
    if what == "a figure":
        path = revision / "returns.parquet"
        table = pq.ParquetFile(path).read()
        pq.write_table(table.slice(1), path)
    else:
        path = revision / "snapshot.json"
        about = json.loads(path.read_text(encoding="utf-8"))
        path.write_text(json.dumps({**about, "digest": "0" * 64}), encoding="utf-8")
    said = refusal(folder, data=data)
    assert f"{QUARTER} {WHO} 第 1 版" in said and "校验值不符" in said


def test_what_is_no_lock_of_this_quarter_is_refused(judged, tmp_path):
    folder, *_ = judged
    assert "找不到锁定文件" in refusal(folder, lock=tmp_path / "nowhere.lock")
    text = lock_of(folder).read_text(encoding="utf-8")
    cases = {
        "[]": "不是本版本的锁定文件",
        "{": "不是本版本的锁定文件",
        text.replace('"refused"', '"refusd"'): "不是本版本的锁定文件",
        text.replace('"quarter": "2021Q4"', '"quarter": "2021Q3"', 1): "2021Q3",
        text.replace('"key_fingerprint": "', '"key_fingerprint": "0'): "密钥",
    }
    for content, said in cases.items():
        path = tmp_path / "inputs.lock"
        path.write_text(content, encoding="utf-8")
        assert said in refusal(folder, lock=path), content[:40]
    (tmp_path / "empty").mkdir()
    assert "没有数据仓" in refusal(folder, data=tmp_path / "empty")
    assert not (tmp_path / "empty" / "store").exists()


@pytest.fixture
def later_policy(tmp_path):
    """Parameters with a threshold that changes after the quarter."""
    params = tmp_path / "params"
    shutil.copytree(PARAMS, params)
    run = params / "run.yaml"
    text = run.read_text(encoding="utf-8")
    key = (PARAMS / "../data/example/hash.key").resolve()
    run.write_text(text.replace("../data/example/hash.key", str(key)), encoding="utf-8")
    reference = PARAMS.parent / "data" / "reference"
    shutil.copytree(reference, tmp_path / "data" / "reference")
    policy = params / "policy.yaml"
    lines = policy.read_text(encoding="utf-8").splitlines()
    start = next(n for n, line in enumerate(lines) if line.startswith("npl_tolerance_pp:"))
    end = next(n for n in range(start + 1, len(lines)) if not lines[n].startswith(" "))
    new = '    - {from: 2022-01-01, value: "0.01", source: 甲, certainty: ours}'
    lines.insert(end, new)
    policy.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return params


def test_a_later_policy_is_said_and_changes_no_old_judgement(judged, later_policy):
    folder, first, _ = judged
    repeated = again(folder, "policy", params=later_policy)
    (note,) = repeated.notes
    assert "参数文件与锁定时不同" in note and "2021-12-31" in note
    assert repeated.run.params.fingerprint[:12] in note
    assert indicators(repeated.run) == indicators(first.run)


def test_other_code_and_benchmarks_are_said(judged, tmp_path):
    folder, *_ = judged
    lock = json.loads(lock_of(folder).read_text(encoding="utf-8"))
    lock |= {"code": "0" * 64, "benchmarks": {}}
    path = tmp_path / "inputs.lock"
    path.write_text(json.dumps(lock), encoding="utf-8")
    said = "；".join(again(folder, "code", lock=path).notes)
    assert "程序与锁定时不同" in said and "lpr" in said


def test_an_old_judgement_never_covers_another(judged):
    folder, *_ = judged
    before = lock_of(folder, "later").read_bytes()
    over = Request(AT, folder / "data", PARAMS, folder / "later", as_judged=lock_of(folder))
    with pytest.raises(RunError, match="--out"):
        run_quarter(over)
    assert lock_of(folder, "later").read_bytes() == before


def test_what_pages_have_to_say_is_kept_until_the_next_ordinary_run(judged, tmp_path):
    folder, *_ = judged
    alone = tmp_path / "inputs.lock"
    shutil.copy(lock_of(folder), alone)
    repeated = again(folder, "notes", lock=alone)
    assert notes(repeated.run.config) == repeated.notes != ()
    ordinary = prepare(folder / "data", PARAMS, folder / "notes", AT)
    assert notes(ordinary.run.config) == ordinary.notes == ()


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """A full run, then the corrected return taken in and judged elsewhere (``later``)."""
    folder = tmp_path_factory.mktemp("pages")
    data = extract(folder, (WHO,))
    request = Request(AT, data, PARAMS, folder / "out", jobs=2)
    first = run_quarter(request)
    corrected = EXAMPLE / "resubmissions" / QUARTER / WHO
    shutil.copytree(corrected, data / "submissions" / QUARTER / WHO, dirs_exist_ok=True)
    prepare(data, PARAMS, folder / "later", AT)
    return folder, request, first


@pytest.mark.slow
def test_pages_and_results_are_byte_for_byte_those_of_the_first_run(pages):
    folder, request, first = pages
    lock = lock_of(folder)
    repeated = run_quarter(dataclasses.replace(request, out=folder / "again", as_judged=lock))
    assert (repeated.exit_code, repeated.notes) == (first.exit_code, ())
    compared = 0
    for path in sorted((folder / "out" / QUARTER).rglob("*")):
        inside = path.relative_to(folder / "out" / QUARTER)
        if path.is_file() and inside.parts[0] != "working" and path.name != "manifest.json":
            if path.name[0] == ".":
                continue
            other = folder / "again" / QUARTER / inside
            assert other.read_bytes() == path.read_bytes(), inside
            compared += 1
    assert compared >= 10


@pytest.mark.slow
def test_pages_say_where_they_cannot_be_as_they_were(pages, later_policy):
    folder, request, _ = pages
    changed = dataclasses.replace(
        request, out=folder / "changed", as_judged=lock_of(folder), params=later_policy
    )
    outcome = run_quarter(changed)
    assert "参数文件与锁定时不同" in outcome.notes[0]
    assert outcome.manifest["as_judged"] == list(outcome.notes)
    for page in ("index.html", "county.html", f"institutions/{WHO}.html"):
        text = (folder / "changed" / QUARTER / page).read_text(encoding="utf-8")
        assert "参数文件与锁定时不同" in text, page
