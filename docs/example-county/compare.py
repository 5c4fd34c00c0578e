"""Write the tables and charts of docs/example-county.md anew.

From the project's folder: ``python docs/example-county/compare.py``. Needs no network.
"""

from __future__ import annotations

import hashlib
import re
import sys
from pathlib import Path

from county_charts import draw
from county_figures import Figures, county_figures
from county_tables import tables as _tables

FOLDER = Path(__file__).parent
PAGE = FOLDER.parent / "example-county.md"
SEED = 2021
_MARKED = re.compile(r"(<!-- table: ([a-z-]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def tables(figures: Figures) -> dict[str, str]:
    """Tables of the page, in markdown, by name."""
    return _tables(figures)


def shown() -> dict[str, str]:
    """Tables as the page has them now, by name."""
    text = PAGE.read_text(encoding="utf-8")
    return {
        m[2]: m[0].removeprefix(m[1]).removesuffix(m[3]).strip() for m in _MARKED.finditer(text)
    }


def stamp(made: dict[str, str]) -> str:
    """What the charts carry: a digest of the tables they were drawn with."""
    return hashlib.sha256("\n".join(made.values()).encode()).hexdigest()[:16]


def write(figures: Figures) -> None:
    """Put the tables between their markers and draw the charts."""
    made = tables(figures)
    text = PAGE.read_text(encoding="utf-8")
    text = _MARKED.sub(lambda m: f"{m[1]}{made[m[2]]}\n{m[3]}", text)
    PAGE.write_text(text, encoding="utf-8", newline="\n")
    draw(figures, FOLDER, stamp(made))


if __name__ == "__main__":
    write(county_figures(SEED))
    sys.stdout.write(f"{PAGE.name}, {len(list(FOLDER.glob('*.svg')))} charts\n")
