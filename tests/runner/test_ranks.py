"""The best of its peers sends worse figures: everybody's place on the pages moves."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import openpyxl
import pytest
from bs4 import BeautifulSoup

from puhui.quarter import Quarter
from puhui.runner.quarterly import Outcome, Request, run_quarter
from runner.extract import extract
from vocabulary import PARAMS

#: Legal persons of the county, the first by one sheet.
BEST, *OTHERS = ("HCCZ0001", "HCCZ0002", "HCCZ0003", "HCNS0003")
INDICATOR = "普惠型小微企业贷款不良率与各项贷款不良率之差"


@pytest.fixture(scope="module")
def before_and_after(tmp_path_factory) -> tuple[Request, Outcome, dict[str, str], dict[str, str]]:
    folder = tmp_path_factory.mktemp("ranks")
    data = extract(folder, (BEST, *OTHERS))
    request = Request(Quarter.parse("2021Q4"), data, PARAMS, folder / "output")
    file_npl(data, 0)
    run_quarter(request)
    before = places(request.staging.final)
    file_npl(data, 3_000)
    outcome = run_quarter(dataclasses.replace(request))
    return request, outcome, before, places(request.staging.final)


def file_npl(data: Path, value: float) -> None:
    """Let the bank file this balance of non-performing inclusive loans."""
    sheet = data / "submissions" / "2021Q4" / BEST / "季度情况表.xlsx"
    book = openpyxl.load_workbook(sheet)
    cell = next(c for c in book.active["A"] if c.value == "QS.incl_npl")
    book.active.cell(cell.row, 4).value = value
    book.save(sheet)


def places(folder: Path) -> dict[str, str]:
    """Each bank's place by the indicator, as its page shows it."""
    return {bank: place(folder / "institutions" / f"{bank}.html") for bank in (BEST, *OTHERS)}


def place(page: Path) -> str:
    text = BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser")
    for table in text.find_all("table"):
        heads = [h.get_text(strip=True) for h in table.find_all("th", scope="col")]
        rows = [r.find_all(["th", "td"]) for r in table.find_all("tr")]
        found = [r for r in rows if r[0].get_text(strip=True).startswith(INDICATOR)]
        if "名次" in heads and found:
            return found[0][heads.index("名次")].get_text(strip=True)
    raise AssertionError(f"{page}: no place")


def test_the_others_move_up_and_the_best_goes_last(before_and_after):
    _, _, before, after = before_and_after
    assert before[BEST] == "1/4"
    assert sorted(before.values()) == ["1/4", "2/4", "3/4", "4/4"]
    assert after[BEST] == "4/4"
    for bank in OTHERS:
        assert int(after[bank][0]) == int(before[bank][0]) - 1


def test_only_its_own_working_papers_are_done_again(before_and_after):
    _, outcome, _, _ = before_and_after
    papers = {n for n in outcome.manifest["notebook_seconds"] if not n.startswith("05")}
    own = {f"{n}/{BEST}" for n in ("02_indicators", "03_rates", "04_eligibility")}
    county = {f"{n}/county" for n in ("01_intake", "03_rates", "04_eligibility", "06_county")}
    assert papers == county | own
