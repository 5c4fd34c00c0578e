from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from puhui.errors import StoreError, StoreLocked
from puhui.quarter import Quarter
from puhui.store import Store
from vocabulary import canonical

Q = Quarter.parse("2021Q4")


def loans(balance: str) -> pa.Table:
    return canonical(
        "loans", [{"institution_id": "HCNS0001", "loan_id": "L1"}], {"balance": balance}
    )


def test_equal_data_is_the_same_revision_and_a_change_is_a_new_one(tmp_path):
    store = Store(tmp_path, key_fingerprint="k")
    first = store.put(Q, "HCNS0001", {"loans": loans("1.00")}, absent={})
    again = store.put(Q, "HCNS0001", {"loans": loans("1.00")}, absent={})
    changed = store.put(Q, "HCNS0001", {"loans": loans("1.01")}, absent={})
    assert (first.revision, again.revision, changed.revision) == (1, 1, 2)
    assert store.get("2021Q4", "HCNS0001", 1).digest == first.digest
    assert store.latest(Q, "HCNS0001").revision == 2


def test_a_column_said_to_be_absent_is_part_of_what_was_submitted(tmp_path):
    store = Store(tmp_path, key_fingerprint="k")
    store.put(Q, "HCNS0001", {"loans": loans("1.00")}, absent={})
    second = store.put(Q, "HCNS0001", {"loans": loans("1.00")}, absent={"loans": ("balance",)})
    assert second.revision == 2
    assert second.absent == {"loans": ("balance",)}


def test_what_memory_holds_under_an_empty_cell_is_not_content(tmp_path):
    store = Store(tmp_path, key_fingerprint="k")
    for under in (7, 8):
        held = pa.array([under], pa.int32()).buffers()[1]
        dirty = pa.Array.from_buffers(pa.int32(), 1, [pa.py_buffer(b"\0"), held])
        assert dirty.to_pylist() == [None]
        table = loans("1.00").append_column("x", dirty)
        snapshot = store.put(Q, "HCNS0001", {"loans": table}, absent={})
        assert snapshot.revision == 1


def test_customers_and_branches_are_numbered_within_the_snapshot(tmp_path):
    sent = [
        {"customer_id": "C2", "branch_id": "B1"},
        {"customer_id": None, "branch_id": None},
        {"customer_id": "C9", "branch_id": "B0"},
        {"customer_id": "C2", "branch_id": "B0"},
    ]
    keys = [{"institution_id": "HCNS0001", "loan_id": f"L{i}", **r} for i, r in enumerate(sent)]
    people = [{"institution_id": "HCNS0001", "customer_id": c} for c in ("C1", "C2")]
    tables = {
        "loans": canonical("loans", keys, {}),
        "customers": canonical("customers", people, {}),
    }
    kept = Store(tmp_path, key_fingerprint="k").put(Q, "HCNS0001", tables, absent={})
    ledger, listed = (pq.read_table(kept.file(t)) for t in ("loans", "customers"))
    c1, c2 = listed["customer_no"].to_pylist()
    first, none, c9, again = ledger["customer_no"].to_pylist()
    assert first == again == c2
    assert none is None
    assert len({c1, c2, c9}) == 3
    branches = [None if n is None else kept.branches[n] for n in ledger["branch_no"].to_pylist()]
    assert branches == ["B1", None, "B0", "B0"]


def test_a_store_of_another_layout_is_refused(tmp_path):
    Store(tmp_path, key_fingerprint="k")
    marker = tmp_path / "store.json"
    marker.write_text(marker.read_text().replace('"format": 2', '"format": 1'))
    with pytest.raises(StoreError, match="格式不同"):
        Store(tmp_path, key_fingerprint="k")


@pytest.mark.parametrize("bad", ["abc", "../X", "甲银行", "HC", "A" * 33])
def test_an_institution_id_that_could_leave_the_store_is_refused(tmp_path, bad):
    with pytest.raises(StoreError, match="机构编号"):
        Store(tmp_path, key_fingerprint="k").put(Q, bad, {"loans": loans("1.00")}, absent={})


def test_a_store_made_with_another_key_refuses_to_open(tmp_path):
    Store(tmp_path, key_fingerprint="one")
    with pytest.raises(StoreError, match="密钥"):
        Store(tmp_path, key_fingerprint="two")


def test_two_runs_on_one_store_the_second_is_told_who_holds_it(tmp_path):
    store = Store(tmp_path, key_fingerprint="k")
    with store.lock(), pytest.raises(StoreLocked, match="占用") as caught, store.lock():
        pass
    assert caught.value.exit_code == 3
