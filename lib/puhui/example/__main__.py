"""``python -m puhui.example data/example`` writes the packaged example."""

from __future__ import annotations

import argparse
from pathlib import Path

from puhui.example import small


def main() -> None:
    """Write the example into a folder."""
    parser = argparse.ArgumentParser(prog="python -m puhui.example", description="生成示例数据。")
    parser.add_argument("folder", type=Path, help="写入的文件夹")
    parser.add_argument("--seed", type=int, default=2021, help="随机种子（默认 2021）")
    arguments = parser.parse_args()
    for path in small(arguments.seed).write(arguments.folder):
        print(path)  # noqa: T201


if __name__ == "__main__":
    main()
