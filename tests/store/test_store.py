from __future__ import annotations

import pyarrow as pa
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
