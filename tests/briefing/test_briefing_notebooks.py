import ast
import os
import subprocess
import sys
import types
from pathlib import Path

import nbformat
import pytest
from IPython.core.display import HTML

from puhui.briefing.html import export_notebook

ROOT = Path(__file__).parents[2]
NAMES = ("05_institution", "06_county")


def read(name: str) -> nbformat.NotebookNode:
    return nbformat.read(ROOT / "notebooks" / f"{name}.ipynb", as_version=4)


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_is_clean_and_defines_nothing(name):
    nb = read(name)
    nbformat.validate(nb)
    assert (nb.nbformat, nb.nbformat_minor) == (4, 5)
    assert set(nb.metadata) == {"kernelspec", "language_info"}
    code = [c for c in nb.cells if c.cell_type == "code"]
    assert [c.metadata.get("tags") for c in code].count(["parameters"]) == 1
    checked = [c for c in code if c.source.startswith("# NBVAL_CHECK_OUTPUT\n")]
    assert len(checked) >= 3
    defining = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
    for cell in code:
        nodes = list(ast.walk(ast.parse(cell.source)))
        assert not [n for n in nodes if isinstance(n, defining)]
    ids = [c.id for c in nb.cells]
    assert len(set(ids)) == len(ids)


class Run:
    """A run of the hand-made county that writes nothing."""

    def __init__(self, source) -> None:
        self._source = source
        self.saved: list[tuple[str, int]] = []
        self.config = types.SimpleNamespace(folder=Path())

    def source(self):
        return self._source

    def save_annex(self, name, sections) -> Path:
        self.saved.append((name, sum(len(s.tables) for s in sections)))
        return Path(f"{name}.xlsx")

    def save_document(self, name, sections) -> Path:
        return Path(f"{name}.docx")

    def save_packs(self, name, sections) -> list[Path]:
        return [Path(f"packs/{name}.html")]


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_makes_its_page_from_a_source(name, source, monkeypatch, capsys):
    run, shown = Run(source), []
    stub = types.ModuleType("puhui.runner")
    stub.open_run = lambda run_file, *, quarter: run
    monkeypatch.setitem(sys.modules, "puhui.runner", stub)
    nb = read(name)
    space: dict[str, object] = {}
    for cell in (c for c in nb.cells if c.cell_type == "code"):
        exec(compile(cell.source, name, "exec"), space)  # our own notebook, run as a kernel would
        if "parameters" in cell.metadata.get("tags", ()):
            space["institution_id"] = "RCB00001"
        space["display"] = shown.append
        cell.outputs = [
            nbformat.v4.new_output("display_data", {"text/html": h.data})
            for h in shown
            if isinstance(h, HTML)
        ]
        shown.clear()
    page = export_notebook(nb, title="题", meta=source.meta)
    for section in space["sections"]:
        assert f'<section id="{section.id}">' in page
    ((_, tables),) = run.saved
    assert tables == sum(len(s.tables) for s in space["sections"])
    assert "C7.2" in capsys.readouterr().out


SCRIPT = """
import sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from made import make_source
from puhui.briefing.county import county_sections
from puhui.briefing.html import render_section
from puhui.briefing.xlsx import write_annex
sections = county_sections(make_source())
write_annex(Path(sys.argv[2]), [t for s in sections for t in s.tables], title="附表")
sys.stdout.buffer.write("".join(render_section(s) for s in sections).encode())
"""


def test_bytes_do_not_depend_on_hash_seed_time_zone_or_locale(tmp_path):
    made = []
    for seed, zone, locale in (("1", "UTC", "C.UTF-8"), ("2", "Asia/Shanghai", "POSIX")):
        book = tmp_path / f"{seed}.xlsx"
        given = {"PYTHONHASHSEED": seed, "TZ": zone, "LC_ALL": locale, "PYTHONUTF8": "1"}
        page = subprocess.run(
            [sys.executable, "-c", SCRIPT, str(Path(__file__).parent), str(book)],
            env={**os.environ, **given},
            capture_output=True,
            check=True,
        ).stdout
        made.append((page, book.read_bytes()))
    assert len(made[0][0]) > 10_000
    assert made[0] == made[1]
