"""The count of every row: per file and table, in = accepted + quarantined + non-data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from puhui import results, schema
from puhui.intake.block import Block
from puhui.intake.checking import Outcome
from puhui.intake.reading import Refusal
from puhui.intake.recognise import ReadFile
from puhui.intake.values import IntakeFault
from puhui.quarter import Quarter


class Ledger:
    """Collects the rows of ``results.SCHEMAS["intake"]`` for one folder."""

    def __init__(self, quarter: Quarter | None, institution_id: str | None) -> None:
        self._common: dict[str, object] = {
            "quarter": str(quarter) if quarter else None,
            "institution_id": institution_id,
        }
        self._rows: list[dict[str, object]] = []

    def enter(
        self,
        table: str,
        blocks: Sequence[Block],
        outcome: Outcome,
        findings: Sequence[pa.Table],
        unused: str,
    ) -> None:
        """Count a table's rows per file; ``unused`` says why the table as a whole is left out.

        Raises
        ------
        IntakeFault
            A row is neither accepted, quarantined nor non-data.
        """
        files: dict[str, dict[str, int]] = {}
        balances: dict[str, Decimal | None] = {}
        missing: dict[str, tuple[str, ...]] = {}
        for i, block in enumerate(blocks):
            passing = outcome.passing(i).to_numpy(zero_copy_only=False)
            frame_of = block.frame_of()
            width = len(block.part.wide) or 1
            for index, frame in enumerate(block.stacks[""].frames):
                counts = files.setdefault(frame.file, dict.fromkeys(_COUNTS, 0))
                mine = frame_of == index
                counts["rows_in"] += frame.rows_in * width
                counts["accepted"] += int((mine & passing).sum())
                counts["quarantined"] += int((mine & ~passing).sum())
                counts["non_data"] += frame.non_data * width + block.left_out[index]
                balances[frame.file] = _plus(
                    balances.get(frame.file), _balance(block, mine & ~passing)
                )
                missing[frame.file] = block.not_received
        warned = {file for found in findings for file in found.column("file").to_pylist()}
        for file, counts in files.items():
            status = "accepted_with_warnings" if file in warned else "accepted"
            if counts["quarantined"] or unused:
                status = "accepted_with_errors"
            entry = {"status": status, "quarantined_balance": balances[file]}
            self._enter(table, file, counts, missing[file], entry, unused)

    def _enter(
        self,
        table: str,
        file: str,
        counts: Mapping[str, int],
        missing: Sequence[str],
        entry: Mapping[str, object],
        unused: str,
    ) -> None:
        if counts["rows_in"] != sum(counts[n] for n in _COUNTS[1:]):
            raise IntakeFault(
                f"表“{schema.label(table)}”的行数对不上：{dict(counts)}。",
                where=file,
                remedy="这是程序的错误，请连同文件报告。",
            )
        message = (
            f"表“{schema.label(table)}”读入 {counts['rows_in']} 行：接受 {counts['accepted']}，"
            f"隔离 {counts['quarantined']}，空行、合计、备注与重复 {counts['non_data']}。"
        )
        if missing:
            message += f"没有收到 {'、'.join(missing)}，取自其中的列记为无数据。"
        if unused:
            message += f"整张表不用，以上行只计数、不入库：{unused}"
        about: dict[str, object] = {"file": file, "table": table, "message": message}
        self._rows.append(self._common | dict(counts) | dict(entry) | about)

    def enter_joined(self, read: ReadFile, warned: bool) -> None:
        """Count a file that only completes rows of others (a joined source)."""
        entered = {row["file"] for row in self._rows}
        if read.file in entered:
            return
        rows_in = sum(frame.rows_in for frame in read.frames)
        non_data = sum(frame.non_data for frame in read.frames)
        self._rows.append(
            self._common
            | {
                "status": "accepted_with_warnings" if warned else "accepted",
                "file": read.file,
                "rows_in": rows_in,
                "accepted": rows_in - non_data,
                "quarantined": 0,
                "non_data": non_data,
                "message": f"用于补充其他表的列，读入 {rows_in} 行，非数据 {non_data}。",
            }
        )

    def note(self, file: str, table: str | None, status: str, line: str) -> None:
        """Enter what was not read of a file that is otherwise accepted; it counts no row."""
        about: dict[str, object] = {"file": file, "table": table, "status": status, "message": line}
        self._rows.append(self._common | dict.fromkeys(_COUNTS, 0) | about)

    def refuse(self, file: str, refusal: Refusal) -> None:
        """Enter a refused file with its one line; the row's ``file`` says which."""
        line = f"{refusal.message} {refusal.remedy}".strip()
        if refusal.sheet:
            line = f"工作表“{refusal.sheet}”：{line}"
        self._rows.append(self._common | {"status": "refused", "file": file, "message": line})

    def table(self) -> pa.Table:
        """The intake table, by file and then table."""
        rows = sorted(self._rows, key=lambda r: (str(r["file"]), str(r.get("table") or "")))
        return results.from_rows("intake", rows)


_COUNTS = ("rows_in", "accepted", "quarantined", "non_data")


def _balance(block: Block, mask: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> Decimal | None:
    """Readable balances of the masked loans; ``None`` where balances are not submitted."""
    if block.part.table != "loans" or "balance" not in set(block.values) - block.absent:
        return None
    total = pc.sum(block.values["balance"].filter(pa.array(mask))).as_py()
    return Decimal(0) if total is None else Decimal(total)


def _plus(one: Decimal | None, other: Decimal | None) -> Decimal | None:
    return other if one is None else one + (other or Decimal(0))
