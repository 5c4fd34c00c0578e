"""A corrected return: the submission becomes a second revision and its verdict changes."""

from __future__ import annotations

import shutil
from fractions import Fraction

import pytest

from puhui.indicators import result_row
from puhui.quarter import Quarter
from puhui.runner.preparing import prepare
from runner.extract import EXAMPLE, QUARTER, answers, extract
from vocabulary import PARAMS

WHO = "HCNS0003"
CLAUSE = "C7.2"


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    """The institution's result as first submitted, and after its corrected file came."""
    folder = tmp_path_factory.mktemp("resubmitted")
    data = extract(folder, (WHO,))
    first, before = result(data, folder)
    corrected = EXAMPLE / "resubmissions" / QUARTER / WHO
    shutil.copytree(corrected, data / "submissions" / QUARTER / WHO, dirs_exist_ok=True)
    second, after = result(data, folder)
    return (first, second), (before, after)


def result(data, folder):
    """The institution's row, and when each quarter's measures were last written."""
    run = prepare(data, PARAMS, folder / "out", Quarter.parse(QUARTER)).run
    assert run.config.failed == {}
    row = result_row(run.bench, run.params.indicators[CLAUSE], run.facts(WHO), None)
    kept = (run.config.working / "measured").glob("*.measures.parquet")
    return row, {path.name.partition(".")[0]: path.stat().st_mtime_ns for path in kept}


def true(revision):
    (row,) = (
        r
        for r in answers((WHO,), revision=revision)
        if (r["branch_id"], r["source"], r["indicator_id"]) == (None, "returns", CLAUSE)
    )
    return row["verdict"], Fraction(int(row["num"]), int(row["den"]))


def test_a_corrected_return_is_a_second_revision_and_mends_the_verdict(both):
    for revision, found in enumerate(both[0], start=1):
        value = Fraction(int(found["value_num"]), int(found["value_den"]))
        assert (found["verdict"], value) == true(str(revision))
        assert found["revision"] == revision
    assert [found["verdict"] for found in both[0]] == ["not_met", "met"]


def test_only_the_resubmitted_quarter_is_measured_again(both):
    before, after = both[1]
    assert len(before) == len(after) > 5
    assert [quarter for quarter in before if before[quarter] != after[quarter]] == [QUARTER]
