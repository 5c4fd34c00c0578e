"""Run a quarter so that it can be killed: says where it is, and may kill itself while publishing.

    python -m runner.dying DATA OUT SAID [STEP]

``SAID`` is a file with the stage the run is in. With ``STEP`` the process group is killed before
the so-manieth file operation of publishing.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from puhui.quarter import Quarter
from puhui.runner import publishing, staging
from puhui.runner.quarterly import Request, run_quarter

#: Stages in their order; the first is what comes before any progress.
STAGES = (
    "启动",
    "接收与校验",
    "计算指标量",
    "计算底稿",
    "汇集",
    "编制通报",
    "网页",
    "发布",
)
PARAMS = Path(__file__).resolve().parents[2] / "params"


def main(data: str, out: str, said: str, step: str = "0") -> None:
    """Run; ``SAID`` is written at every progress."""

    def progress(stage: str, _done: int, _total: int, _text: str) -> None:
        Path(said).write_text(stage, encoding="utf-8")

    def telling(stage: str, does: Callable[..., Any]) -> Callable[..., Any]:
        def one(*args: Any, **kwargs: Any) -> Any:
            Path(said).write_text(stage, encoding="utf-8")
            if stage == STAGES[-1] and int(step):
                _die_before(int(step))
            return does(*args, **kwargs)

        return one

    # Put in place of the real ones on purpose: this process is to die inside them.
    publishing.gather = telling(STAGES[4], publishing.gather)
    publishing.write_index = telling(STAGES[6], publishing.write_index)
    staging.Staging.publish = telling(  # type: ignore[method-assign]
        STAGES[7], staging.Staging.publish
    )
    Path(said).write_text(STAGES[0], encoding="utf-8")
    run_quarter(Request(Quarter.parse("2021Q4"), Path(data), PARAMS, Path(out), jobs=2), progress)
    Path(said).write_text("完成", encoding="utf-8")


def _die_before(step: int) -> None:
    left = step

    def counted(does: Callable[..., Any]) -> Callable[..., Any]:
        def one(*args: Any, **kwargs: Any) -> Any:
            nonlocal left
            left -= 1
            if left == 0:
                os.killpg(0, signal.SIGKILL)
            return does(*args, **kwargs)

        return one

    # As above: each is the real operation behind a counter.
    Path.replace = counted(Path.replace)  # type: ignore[method-assign]
    Path.unlink = counted(Path.unlink)  # type: ignore[method-assign]
    shutil.rmtree = counted(shutil.rmtree)  # type: ignore[assignment]


if __name__ == "__main__":
    main(*sys.argv[1:])
