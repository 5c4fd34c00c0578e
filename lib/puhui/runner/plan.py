"""Which notebooks a run executes, with which parameters, and what each depends on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from puhui.runner import as_judged
from puhui.runner.editing import edits_key
from puhui.runner.notebooks import Task, notebook_key
from puhui.runner.packs import pack_files
from puhui.runner.project import code_fingerprint, combine, file_hash
from puhui.runner.workspace import COUNTY, Run
from puhui.store import content_hash

#: Slices an institution's working papers save; without all of them it has no page.
INSTITUTION_SLICES = {
    "02_indicators": ("indicators", "parts", "clauses"),
    "03_rates": (
        "spreads",
        "contracts",
        "contract_breaches",
        "contracts_unchecked",
        "decomposition",
        "decomposition_cells",
    ),
    "04_eligibility": ("tolerance", "tolerance_history", "exemption", "exemption_practice"),
}
#: Slices of the county; a table may have rows of institutions and rows of all of them together.
COUNTY_SLICES = {
    "03_rates": (
        "regressions",
        "identification",
        "moves",
        "slopes",
        "mean_regressions",
        "filed_spreads",
        "contracts",
        "decomposition",
        "decomposition_cells",
        "stability",
        "placebo",
        "unusual",
        "unusual_counts",
    ),
    "04_eligibility": ("outlook", "migration", "backtest"),
}


@dataclass(frozen=True)
class Planner:
    """Makes tasks for one run."""

    run: Run
    notebooks: Path

    def working(self) -> list[Task]:
        """01, then 02–04 of each institution, and 03 and 04 of the county.

        A snapshot's digest covers every table of it, answers and registers included; the
        office's covers plans, notes and the register.
        """
        office = self.run.supervisor_snapshot
        office_digest = "" if office is None else office.digest
        snapshots = {
            i: [s.digest for s in self.run.snapshots if s.institution_id == i]
            for i in self.run.config.institutions
        }
        # The register says of which kind an institution is.
        everything = combine(*(s.digest for s in self.run.snapshots), self.run.register.to_pylist())
        tasks = [
            self._task("01_intake", COUNTY, combine(self._reports_key()), ()),
            self._task("03_rates", COUNTY, everything, COUNTY_SLICES["03_rates"]),
            self._task(
                "04_eligibility",
                COUNTY,
                combine(everything, office_digest),
                COUNTY_SLICES["04_eligibility"],
            ),
        ]
        for institution in self.run.config.institutions:
            rests_on = combine(
                *snapshots[institution],
                office_digest,
                self._measures_key(institution),
                self.run.facts(institution).values,
                self.run.branches(institution),
            )
            for name in ("02_indicators", "03_rates", "04_eligibility"):
                tasks.append(self._task(name, institution, rests_on, INSTITUTION_SLICES[name]))
        return tasks

    def pages(self, institutions: list[str], gathered: Mapping[str, pa.Table]) -> list[Task]:
        """05 of each institution with complete slices, and 06."""
        shown = combine(
            content_hash(gathered, {}),
            self.run.register.to_pylist(),
            self.run.branch_register.to_pylist(),
            sorted(self.run.config.failed.items()),
            sorted(self.run.meta().items()),
        )
        tasks = [self._page("05_institution", i, shown) for i in institutions]
        return [*tasks, self._page("06_county", COUNTY, shown)]

    def _page(self, name: str, part: str, shown: str) -> Task:
        said = as_judged.notes(self.run.config)
        rests_on = combine(shown, edits_key(self.run, part), self.run.config.audiences, *said)
        packs = pack_files(self.run, part)
        made = self.run.annex_path(part), self.run.document_path(part), *packs
        return self._task(name, part, rests_on, (), *made)

    def _task(
        self, name: str, part: str, rests_on: str, slices: tuple[str, ...], *makes: Path
    ) -> Task:
        notebook = self.notebooks / f"{name}.ipynb"
        parameters = {"run_file": str(self.run.config.file), "quarter": self.run.config.quarter}
        if name not in ("01_intake", "06_county"):
            # What 04 calls with an institution's id takes the county's as well.
            of_county = COUNTY if name == "04_eligibility" else ""
            parameters["institution_id"] = of_county if part == COUNTY else part
        return Task(
            id=f"{name}/{part}",
            notebook=notebook,
            output=self.run.config.working / part / f"{name}.ipynb",
            parameters=parameters,
            key=combine(
                notebook_key(notebook), self.base_key, rests_on, sorted(parameters.items())
            ),
            makes=(*makes, *(self.run.slice_path(s, part) for s in slices)),
            institution_id="" if part == COUNTY else part,
        )

    @property
    def base_key(self) -> str:
        """What every notebook depends on: code, parameters, the benchmark and its measures."""
        series = self.run.params.benchmarks[self.run.params.run.rates.benchmark]
        files = (f"{name} {file_hash(path)}" for name, path in sorted(series.files.items()))
        return combine(code_fingerprint(), self.run.params.fingerprint, *files)

    def _measures_key(self, institution_id: str) -> str:
        table = self.run.measures
        mine = table.filter(pc.equal(table["institution_id"], institution_id))
        return content_hash({"measures": mine}, {})

    def _reports_key(self) -> str:
        return content_hash({n: self.run.intake(n) for n in ("intake", "findings")}, {})
