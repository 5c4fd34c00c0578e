"""A params folder with those it extends, read into one frozen object."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Protocol, TypeVar

from puhui import schema
from puhui.errors import ParamsError
from puhui.params.audiences import Audience, load_audiences
from puhui.params.benchmarks import Series, load_benchmarks
from puhui.params.catalogue import Names, load_clauses, load_groups, load_indicators
from puhui.params.exemption import Exemption, load_exemption
from puhui.params.expression import Expression
from puhui.params.indicator import FACTS, PERIOD, Clause, Indicator
from puhui.params.policy import Policy, load_policy
from puhui.params.reconciliation import Reconciliation, load_reconciliation
from puhui.params.rows import Derived, Measure, Rows, load_derived, load_measures
from puhui.params.run import Run, load_run
from puhui.params.yaml import YamlMap
from puhui.params.yaml import load as load_yaml

_PERIODS = {
    "": "",
    "year_start": "年初",
    "year_ago": "上年同期",
    "last_full_year": "上年全年",
    "last_quarter": "上季末",
    "institution": "全机构",
}


@dataclass(frozen=True)
class Params:
    """Everything an analyst may edit, checked.

    Attributes
    ----------
    folders
        The params folder and those it extends, nearest first.
    fingerprint
        SHA-256 over names and contents of all their files.
    """

    folders: tuple[Path, ...]
    run: Run
    policy: Policy
    derived: Mapping[str, Derived]
    measures: Mapping[str, Measure]
    groups: Mapping[str, Expression]
    clauses: Mapping[str, Clause]
    indicators: Mapping[str, Indicator]
    reconciliation: Mapping[str, Reconciliation]
    exemption: Exemption
    audiences: Mapping[str, Audience]
    benchmarks: Mapping[str, Series]
    fingerprint: str

    def path(self, name: str) -> Path:
        """Return the file of that name, from the nearest folder that has it.

        Raises
        ------
        ParamsError
            If none has.
        """
        return find(self.folders, name)

    def files(self, subfolder: str) -> list[Path]:
        """YAML files of a subfolder; of two with one name the nearest folder's counts."""
        return files(self.folders, subfolder)

    def layout_paths(self) -> list[Path]:
        """Layout files in use."""
        return self.files("layouts")

    def word_files(self) -> list[Path]:
        """Files of page wording in use."""
        return self.files("words")

    def label(self, qualifier: str, name: str) -> str:
        """Chinese name of what an expression names, e.g. ``年初各项贷款余额``."""
        if qualifier in _PERIODS and name in self.measures:
            return _PERIODS[qualifier] + self.measures[name].label
        if qualifier == "policy" and name in self.policy.settings:
            return self.policy.settings[name].label
        if qualifier == "facts" and name in FACTS:
            return FACTS[name]
        if qualifier == "" and name in self.derived:
            return self.derived[name].label
        if qualifier == "period":
            words = {"year_start": "年初", "end": "季末", "window_start": "利率样本期首日"}
            return {**words, **PERIOD}.get(name, name)
        table = {"": "loans", "customer": "customers"}.get(qualifier)
        labels = {c.name: c.label for c in schema.columns(table)} if table else {}
        return labels.get(name, f"{qualifier}.{name}" if qualifier else name)


def load(folder: Path, *, data_folder: Path | None = None, reference: Path | None = None) -> Params:
    """Read and check a params folder.

    Parameters
    ----------
    folder
        Folder with ``run.yaml``; what it lacks comes from the folder that file extends.
        ``policy``, ``groups``, ``derived``, ``measures``, ``clauses``, ``indicators``,
        ``reconciliation``, ``exemption``, ``audiences`` and ``benchmarks`` may instead add to
        and replace entries of the file they stand before, if their first key is
        ``extends: yes``.
    data_folder
        Data of the run; its ``supervisor/benchmarks`` is searched first for series.
    reference
        Reference data; default ``data/reference`` beside the outermost params folder.

    Raises
    ------
    ParamsError
        With file, line and a suggestion.

    Notes
    -----
    Files whose contents this process has read before are not read again: a kernel forked from
    one that has read them begins with them.
    """
    folders = chain(folder)
    places = tuple(series_folders(folders, data_folder, reference))
    return _loaded(folders, places, _fingerprint(folders), _fingerprint(places))


@lru_cache(maxsize=2)
def _loaded(folders: tuple[Path, ...], places: tuple[Path, ...], *_contents: str) -> Params:
    def strictly(name: str, read: Callable[[YamlMap], T], _: Sequence[str] = ()) -> T:
        return read(raw_file(folders, name))

    return assemble(folders, strictly, places)


RUN = "run.yaml"
#: Rule tables on exemption; a folder may do without.
EXEMPTION = "exemption.yaml"
_KEY_FILE = "hash_key_file"
T = TypeVar("T")


class Reader(Protocol):
    """Reads the parameter file ``name`` by ``read``; ``rests_on`` are files read before."""

    def __call__(
        self, name: str, read: Callable[[YamlMap], T], rests_on: Sequence[str] = (), /
    ) -> T:
        """Return what ``read`` makes of the file."""


def assemble(folders: tuple[Path, ...], reader: Reader, places: Sequence[Path]) -> Params:
    """Read every file in the order in which they rest on one another.

    Parameters
    ----------
    folders
        The params folder and those it extends, nearest first.
    reader
        How a file is read: :func:`load` stops at the first error, ``params check`` goes on.
    places
        Where benchmark series are looked for, in order.
    """
    policy = reader("policy.yaml", load_policy)
    derived = reader("derived.yaml", lambda raw: load_derived(raw, policy), ("policy.yaml",))
    measures = reader(
        "measures.yaml",
        lambda raw: load_measures(raw, derived, policy),
        ("policy.yaml", "derived.yaml"),
    )
    groups = reader("groups.yaml", load_groups)
    clauses = reader("clauses.yaml", lambda raw: load_clauses(raw, groups), ("groups.yaml",))
    names = Names(measures, clauses, groups, policy)
    reconciliation = reader(
        "reconciliation.yaml",
        lambda raw: load_reconciliation(raw, measures),
        ("measures.yaml",),
    )
    indicators = reader(
        "indicators.yaml",
        lambda raw: load_indicators(raw, names),
        ("policy.yaml", "measures.yaml", "groups.yaml", "clauses.yaml"),
    )
    exemption = Exemption()
    if any((folder / EXEMPTION).is_file() for folder in folders):
        exemption = reader(EXEMPTION, lambda raw: load_exemption(raw, policy), ("policy.yaml",))
    audiences = reader(
        "audiences.yaml",
        lambda raw: load_audiences(raw, clauses, indicators),
        ("clauses.yaml", "indicators.yaml"),
    )
    benchmarks = reader("benchmarks.yaml", lambda raw: load_benchmarks(raw, places))
    columns = {c.name for t in ("loans", "customers") for c in schema.columns(t)} | set(derived)

    def read_run(raw: YamlMap) -> Run:
        folder = find(folders, RUN).parent
        rows = Rows(derived, policy)
        return load_run(raw, folder, rows=rows, columns=columns, benchmarks=set(benchmarks))

    return Params(
        folders=folders,
        run=reader(RUN, read_run, ("policy.yaml", "derived.yaml", "benchmarks.yaml")),
        policy=policy,
        derived=derived,
        measures=measures,
        groups=groups,
        clauses=clauses,
        indicators=indicators,
        reconciliation=reconciliation,
        exemption=exemption,
        audiences=audiences,
        benchmarks=benchmarks,
        fingerprint=_fingerprint(folders),
    )


def raw_file(folders: Sequence[Path], name: str) -> YamlMap:
    """Read a file's mapping, put over those of the folders it extends."""
    return _run_file(folders) if name == RUN else merged(folders, name)


def _run_file(folders: Sequence[Path]) -> YamlMap:
    """Read the nearest run file; what it does not say, those it extends say.

    A path among them stays relative to the folder of the file that gives it.
    """
    nearest = find(folders, RUN).parent
    own = load_yaml(nearest / RUN)
    for folder in folders[folders.index(nearest) + 1 :]:
        extended = load_yaml(folder / RUN) if (folder / RUN).is_file() else {}
        for key in extended.keys() - own.keys():
            value = extended[key]
            own[key] = str((folder / str(value)).resolve()) if key == _KEY_FILE else value
            own.lines[key] = 0
    return own


def files(folders: Sequence[Path], subfolder: str) -> list[Path]:
    """YAML files of a subfolder; of two with one name the nearest folder's counts."""
    found: dict[str, Path] = {}
    for folder in folders:
        for path in sorted((folder / subfolder).glob("*.yaml")):
            found.setdefault(path.name, path)
    return [found[name] for name in sorted(found)]


def chain(folder: Path) -> tuple[Path, ...]:
    """Return a params folder and those it extends, nearest first.

    Raises
    ------
    ParamsError
        A folder that is not there, or that extends itself in a circle.
    """
    folders: list[Path] = []
    here: Path | None = folder.resolve()
    while here is not None:
        if not here.is_dir():
            raise ParamsError("找不到参数目录。", where=str(here))
        if here in folders:
            raise ParamsError("参数目录互相引用（extends）。", where=str(here / "run.yaml"))
        folders.append(here)
        run = here / "run.yaml"
        base = load_yaml(run).get("extends") if run.is_file() else None
        here = (here / str(base)).resolve() if base else None
    return tuple(folders)


def find(folders: Sequence[Path], name: str) -> Path:
    """Return the nearest file of a name; :class:`ParamsError` if no folder has it."""
    for folder in folders:
        if (folder / name).is_file():
            return folder / name
    raise ParamsError(f"缺少参数文件 {name}。", where=str(folders[0]))


def merged(folders: Sequence[Path], name: str) -> YamlMap:
    """Read a file; with ``extends: yes`` its entries are put over those of the next one."""
    index = next((i for i, f in enumerate(folders) if (f / name).is_file()), None)
    if index is None:
        raise ParamsError(f"缺少参数文件 {name}。", where=str(folders[0]))
    own = load_yaml(folders[index] / name)
    if "extends" not in own:
        return own
    if own["extends"] != "yes":
        raise ParamsError("写作“extends: yes”，或去掉这一行。", where=own.where("extends"))
    result = merged(folders[index + 1 :], name) if folders[index + 1 :] else YamlMap()
    if not result:
        raise ParamsError("没有可以补充的上级文件。", where=own.where("extends"))
    for key in own:
        if key != "extends":
            result[key] = own[key]
            result.lines[key] = own.lines[key]
    return result


def series_folders(
    folders: Sequence[Path], data_folder: Path | None = None, reference: Path | None = None
) -> list[Path]:
    """Where benchmark series are looked for: the run's own data, then the reference data."""
    own = [data_folder / "supervisor" / "benchmarks"] if data_folder is not None else []
    outer = reference if reference is not None else folders[-1].parent / "data" / "reference"
    return [*own, outer / "benchmarks"]


def _fingerprint(folders: Sequence[Path]) -> str:
    digest = sha256()
    for number, folder in enumerate(folders):
        nested = [f for f in folders if f != folder and folder in f.parents]
        for path in sorted(folder.rglob("*")):
            if not path.is_file() or any(n in path.parents for n in nested):
                continue
            content = sha256(path.read_bytes()).hexdigest()
            digest.update(f"{number}/{path.relative_to(folder).as_posix()}\0{content}\n".encode())
    return digest.hexdigest()
