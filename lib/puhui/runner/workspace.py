"""A run as notebooks see it: parameters, snapshots, measures, slices and results."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from puhui import __version__, derive, params, results, schema
from puhui.engine import DuckDBEngine
from puhui.engine.duckdb import plain_parquet
from puhui.errors import RunError
from puhui.indicators import Answers, Bench, Facts
from puhui.params.expression import Value
from puhui.params.rows import REGISTERS
from puhui.quarter import Quarter
from puhui.store import SUPERVISOR, Snapshot, Store, write_table, write_text

if TYPE_CHECKING:
    from puhui.briefing.source import ClauseWords, Edits, IndicatorWords, Source
    from puhui.briefing.table import Section


#: The part of working papers, slices and failures that belongs to no single institution.
COUNTY = "county"
#: Findings of filed figures held against ledgers, which come after the measures.
RECONCILED = "reconciliation"
#: Folder of hand edits, in the data folder: beside ``store/`` the only one written there.
EDITS = "edits"
#: Item of a plan that says that the two increases were handed down as a task.
PLANNED = "assessed_balance"


@dataclass(frozen=True)
class RunConfig:
    """What a run was asked to do and which revisions it reads (``working/run.json``)."""

    quarter: str
    data: str
    params: str
    store: str
    out: str
    key_fingerprint: str
    snapshots: tuple[tuple[str, str, int], ...]
    """(quarter, institution, revision) of every snapshot read, base periods included."""
    institutions: tuple[str, ...]
    """Institutions of the run's quarter that are to be judged."""
    failed: Mapping[str, str] = field(default_factory=dict)
    chosen: bool = False
    """Whether only some of the institutions that submitted were asked for."""
    threads: int = 2
    """Threads of each notebook's engine."""
    memory: str | None = None
    """Most memory of each notebook's engine, e.g. ``4000MB``."""
    audiences: tuple[str, ...] = ()
    """Whom packs are written for, ids of ``params/audiences.yaml``."""

    @property
    def folder(self) -> Path:
        """``output/<quarter>``."""
        return Path(self.out) / self.quarter

    @property
    def working(self) -> Path:
        """Working papers and slices."""
        return self.folder / "working"

    @property
    def file(self) -> Path:
        """The run file itself."""
        return self.working / "run.json"

    def write(self) -> None:
        """Write the run file."""
        self.working.mkdir(parents=True, exist_ok=True)
        self.write_to(self.file)

    def write_to(self, path: Path) -> None:
        """Write it elsewhere: where it will have been published, say."""
        write_text(path, json.dumps(asdict(self), ensure_ascii=False, indent=1))

    @classmethod
    def read(cls, path: Path) -> RunConfig:
        """Read a run file; raises :class:`RunError` if there is none."""
        if not path.is_file():
            raise RunError(f"找不到运行文件 {path}。", remedy="请先执行 puhui run。")
        data = json.loads(path.read_text(encoding="utf-8"))
        data["snapshots"] = tuple((q, i, int(r)) for q, i, r in data["snapshots"])
        data["institutions"] = tuple(data["institutions"])
        data["audiences"] = tuple(data.get("audiences", ()))
        return cls(**data)


class Run:
    """What a notebook works with; open one with :func:`puhui.runner.open_run`."""

    def __init__(self, config: RunConfig, loaded: params.Params | None = None) -> None:
        self.config = config
        self.quarter = Quarter.parse(config.quarter)
        read = loaded or params.load(Path(config.params), data_folder=Path(config.data))
        self.params = read
        self.store = Store(Path(config.store), key_fingerprint=config.key_fingerprint)

    @cached_property
    def snapshots(self) -> tuple[Snapshot, ...]:
        """Every snapshot the run reads, without the supervisor's."""
        return tuple(
            self.store.get(q, i, r) for q, i, r in self.config.snapshots if i != SUPERVISOR
        )

    @cached_property
    def register(self) -> pa.Table:
        """Institutions: the supervisor's register, then those shared files bring along."""
        return pa.Table.from_pylist(
            list(self._register_rows().values()), schema.arrow_schema("institutions")
        )

    def _register_rows(self) -> dict[str, dict[str, object]]:
        rows: dict[str, dict[str, object]] = {}
        for snapshot in self.snapshots:
            if "institutions" in snapshot.tables and snapshot.quarter == self.config.quarter:
                for row in pq.ParquetFile(snapshot.file("institutions")).read().to_pylist():
                    rows[snapshot.institution_id] = {
                        **row,
                        "institution_id": snapshot.institution_id,
                    }
        rows |= {r["institution_id"]: r for r in self._supervisor("institutions").to_pylist()}
        for institution in sorted({*self.config.institutions, *self.config.failed} - {COUNTY}):
            # Not in the register: its kind is unknown, and every clause is to be verified.
            unknown: dict[str, object] = {"institution_id": institution, "name": institution}
            rows.setdefault(institution, unknown)
        return dict(sorted(rows.items()))

    @cached_property
    def supervisor_snapshot(self) -> Snapshot | None:
        """The office's own tables, if it has any."""
        for quarter, institution, revision in self.config.snapshots:
            if institution == SUPERVISOR:
                return self.store.get(quarter, institution, revision)
        return None

    def _supervisor(self, table: str) -> pa.Table:
        snapshot = self.supervisor_snapshot
        if snapshot is None or table not in snapshot.tables:
            return schema.arrow_schema(table).empty_table()
        return pq.ParquetFile(snapshot.file(table)).read()

    @cached_property
    def branch_register(self) -> pa.Table:
        """Branches the supervisor knows."""
        return self._supervisor("branches")

    def facts(self, institution_id: str) -> Facts:
        """Register facts of an institution; raises :class:`RunError` for an unknown one.

        :data:`COUNTY` stands for all of them together and has no facts of its own.
        """
        if institution_id == COUNTY:
            return Facts(COUNTY, self.params.run.area, {})
        if institution_id not in self._registered:
            raise RunError(f"名录和报送中都没有机构 {institution_id}。")
        row = self._registered[institution_id]
        plans = self._planned.get(institution_id, [])
        values: dict[str, Value | None] = {**row, "has_plan": None in plans}
        planned = frozenset(b for b in plans if b is not None)
        return Facts(institution_id, str(row["name"]), values, planned)

    @cached_property
    def _registered(self) -> dict[str, dict[str, Value | None]]:
        return {r["institution_id"]: r for r in self.register.to_pylist()}

    @cached_property
    def _planned(self) -> dict[str, list[str | None]]:
        """Institutions and branches a plan was handed down to, by institution."""
        found: dict[str, list[str | None]] = {}
        for row in self._supervisor("plans").to_pylist():
            if row["item"] == PLANNED:
                found.setdefault(row["institution_id"], []).append(row["branch_id"] or None)
        return found

    def everyone(self) -> list[Facts]:
        """Register facts of all institutions, in order."""
        return [self.facts(str(i)) for i in self.register["institution_id"].to_pylist()]

    def branches(self, institution_id: str) -> tuple[str, ...]:
        """Branches of an institution: in the register, or in its ledger of the quarter."""
        known = set(self._branches_registered.get(institution_id, ()))
        known |= self._branches_of_ledgers.get(institution_id, set())
        return tuple(sorted(known))

    @cached_property
    def _branches_registered(self) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        for row in self.branch_register.to_pylist():
            found.setdefault(row["institution_id"], set()).add(row["branch_id"])
        return found

    @cached_property
    def _branches_of_ledgers(self) -> dict[str, set[str]]:
        """Branches with figures of the quarter, by institution."""
        table = self.measures
        mine = pc.and_(
            pc.equal(table["quarter"], self.config.quarter), table["branch_id"].is_valid()
        )
        units = table.filter(mine).group_by(["institution_id", "branch_id"]).aggregate([])
        found: dict[str, set[str]] = {}
        for row in units.to_pylist():
            if row["branch_id"]:
                found.setdefault(row["institution_id"], set()).add(row["branch_id"])
        return found

    @cached_property
    def measures(self) -> pa.Table:
        """Measures of the quarter and its base periods, all institutions."""
        return pq.read_table(self.config.working / "measures.parquet")

    @cached_property
    def bench(self) -> Bench:
        """Parameters, quarter and measures, for evaluating indicators."""
        answers = Answers.read(self.snapshots, self.supervisor_snapshot)
        return Bench.of(self.params, self.quarter, self.measures, answers)

    def engine(self, institution_id: str = "") -> DuckDBEngine:
        """Open an engine over the run's snapshots (or one institution's).

        Views: ``loan_facts``, and each register a measure may be added up from.
        """
        engine = DuckDBEngine(
            [Path(self.config.store)],
            threads=self.config.threads,
            memory_limit=self.config.memory,
            spill=self.config.working,
        )
        kept = [s for s in self.snapshots if institution_id in ("", s.institution_id)]
        derive.loan_facts(engine, self.params, kept)
        for table in REGISTERS:
            self._register_view(engine, table, kept)
        return engine

    def _register_view(
        self, engine: DuckDBEngine, table: str, snapshots: Sequence[Snapshot]
    ) -> None:
        """Make the view of a register; the office's own holds for every quarter of its year."""
        office = self.supervisor_snapshot
        if office is None or table not in office.tables:
            derive.source_view(engine, table, snapshots)
            return
        year = Quarter.parse(office.quarter).year
        quarters = pa.table({"quarter": [f"{year}Q{n}" for n in range(1, 5)]})
        engine.register("quarters_of_office", quarters)
        rows = plain_parquet([office.file(table)])
        engine.view(table, f"SELECT q.quarter, o.* FROM {rows} o CROSS JOIN quarters_of_office q")

    def intake(self, name: str = "intake") -> pa.Table:
        """``intake`` or ``findings`` of the quarter's submissions, reconciliation included."""
        table = pq.read_table(self.config.working / f"{name}.parquet")
        reconciled = self.config.working / f"{RECONCILED}.parquet"
        if name != "findings" or not reconciled.is_file():
            return table
        return concat(name, [table, pq.read_table(reconciled)])

    def save(self, name: str, part: str, table: pa.Table) -> Path:
        """Save a slice of a result table; ``part`` is an institution id or ``county``."""
        path = self.slice_path(name, part)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_table(path, table.cast(results.SCHEMAS[name]))
        return path

    def slice_path(self, name: str, part: str) -> Path:
        """Where a slice is kept."""
        return self.config.working / "slices" / name / f"{part}.parquet"

    def results(self) -> Mapping[str, pa.Table]:
        """Gathered result tables; raises :class:`RunError` before they are gathered."""
        folder = self.config.folder / "results"
        if not (folder / "indicators.parquet").is_file():
            raise RunError(
                f"{self.config.quarter} 的结果还没有汇集。",
                remedy=f"请先执行 puhui run {self.config.quarter}。",
            )
        return {
            name: pq.read_table(folder / f"{name}.parquet")
            for name in results.SCHEMAS
            if (folder / f"{name}.parquet").is_file()
        }

    def source(self) -> Source:
        """Everything pages are made from: gathered results and words, no engine."""
        # Only pages need the briefing room; the working papers' kernels do not load it.
        from puhui.briefing.source import Source
        from puhui.briefing.words import Words

        columns = ["institution_id", "name", "kind", "level", "is_local_legal_person"]
        register = self.register.select(columns)
        if self.config.chosen:
            asked = [*self.config.institutions, *self.config.failed]
            register = register.filter(pc.is_in(register["institution_id"], pa.array(asked)))
        return Source(
            quarter=self.quarter,
            results=self.results(),
            institutions=register,
            branches=self.branch_register.select(["branch_id", "institution_id", "name"]),
            catalogue=self._catalogue(),
            notice=self._notice(),
            words=Words.load(self.params.word_files()),
            meta=self.meta(),
            failed=dict(self.config.failed),
            edits=self._edits(),
        )

    def edits_file(self, page: str) -> Path:
        """Where an analyst's sentences for a page stand; ``page`` is an institution or county."""
        return Path(self.config.data) / EDITS / self.config.quarter / f"{page}.yaml"

    def _edits(self) -> dict[str, Edits]:
        from puhui.briefing.edits import read_edits

        pages = (COUNTY, *self.config.institutions)
        files = {page: self.edits_file(page) for page in pages}
        return {page: read_edits(file) for page, file in files.items() if file.is_file()}

    def _catalogue(self) -> dict[str, IndicatorWords]:
        from puhui.briefing.source import IndicatorWords

        found = {}
        policy = self.params.policy.on(self.quarter.end)
        for key, indicator in self.params.indicators.items():
            clause = self.params.clauses[indicator.clause]
            found[key] = IndicatorWords(
                indicator_id=key,
                label=indicator.label,
                clause=clause.id,
                section=str(clause.section),
                force=clause.force,
                wording=clause.wording.zh,
                unit=indicator.unit,
                formula=indicator.formula_words(self.params.label),
                test=indicator.test_words(policy, self.quarter) or results.VERDICTS["shown"],
                kind=indicator.kind,
                tier=indicator.tier,
                pending=indicator.pending,
                parts={name: part.label for name, part in indicator.parts.items()},
                is_total=indicator.total_of is not None,
            )
        return found

    def _notice(self) -> dict[str, ClauseWords]:
        from puhui.briefing.source import ClauseWords

        return {
            key: ClauseWords(
                clause=key,
                section=str(clause.section),
                force="" if clause.force == "none" else clause.force,
                wording=clause.wording.zh,
            )
            for key, clause in self.params.clauses.items()
        }

    def annex_path(self, part: str) -> Path:
        """Excel annex of an institution or of the county."""
        return self._beside(part, "xlsx")

    def document_path(self, part: str) -> Path:
        """Editable document of an institution's letter or of the county's circular."""
        return self._beside(part, "docx")

    def _beside(self, part: str, kind: str) -> Path:
        name = f"{COUNTY}.{kind}" if part == COUNTY else f"institutions/{part}.{kind}"
        return self.config.folder / name

    def save_document(self, name: str, sections: Sequence[Section]) -> Path:
        """Write the editable document of a page from the very sections the page shows."""
        from puhui.briefing.docx import write_document
        from puhui.briefing.titles import county_title, institution_title

        path = self.document_path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        source = self.source()
        title = county_title(source) if name == COUNTY else institution_title(source, name)
        write_document(path, title, sections, source.words, office=self.params.run.office)
        return path

    def save_annex(self, name: str, sections: Sequence[Section]) -> Path:
        """Write the Excel annex of a page from the very tables the page shows."""
        from puhui.briefing.html.pages import provenance
        from puhui.briefing.xlsx import write_annex

        tables = [t for s in sections for t in s.tables]
        path = self.annex_path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        subject = self.params.run.area if name == COUNTY else self.facts(name).name
        source = self.source()
        notes = [f"{label}：{text}" for label, text in provenance(source.meta, source.words)]
        write_annex(path, tables, title=f"{subject} {self.quarter.label}附表", notes=notes)
        return path

    def save_packs(self, name: str, sections: Sequence[Section]) -> list[Path]:
        """Write what each audience of the run is given of a page; returns the files."""
        from puhui.runner.packs import write_packs

        return write_packs(self, name, sections)

    def _selection(self) -> str:
        if not self.config.chosen:
            return ""
        sent = {i for q, i, _ in self.config.snapshots if q == self.config.quarter}
        return (
            f"本次只编制选定的 {len(self.config.institutions)} 家机构，"
            f"本季度共有 {len(sent - {SUPERVISOR})} 家机构报送；利率部分用全部机构的贷款。"
        )

    def meta(self) -> dict[str, str]:
        """Provenance every page prints."""
        mine = [(i, r) for q, i, r in self.config.snapshots if q == self.config.quarter]
        of_record = [f"{i} 第{r}版" for i, r in mine if i != SUPERVISOR]
        listed = "、".join(of_record[:_LISTED]) + ("等" if len(of_record) > _LISTED else "")
        others = len(self.config.snapshots) - len(mine)
        return {
            "office": self.params.run.office,
            "version": f"puhui {__version__}",
            "params": self.params.fingerprint[:12],
            "inputs": f"{self.config.quarter}：{listed}；另有基期及以前季度快照 {others} 份",
            "selection": self._selection(),
            "policy": f"按 {self.quarter.end.isoformat()} 生效的政策参数",
        }


#: How many submissions a page's footer names before it says "and others".
_LISTED = 30


def concat(name: str, tables: Iterable[pa.Table]) -> pa.Table:
    """Join slices of one result table (none at all gives an empty table)."""
    return pa.concat_tables([results.empty(name), *tables])


def sort_results(name: str, table: pa.Table) -> pa.Table:
    """Put a result table in its lasting order: by every text column from the left."""
    keys: Sequence[tuple[str, str]] = [
        (f.name, "ascending") for f in table.schema if pa.types.is_string(f.type)
    ]
    return table.sort_by(list(keys))
