"""Removes persons from blocks before anything is stored or shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from puhui import schema
from puhui.intake.block import Block
from puhui.intake.hashing import Hasher, is_citizen_id, is_organisation_id, normal_id

#: Ids that belong to the customer itself: kept in the clear for organisations.
_CUSTOMERS_OWN = frozenset({"customer", "address"})
#: Numbers that tell by themselves whose they are, a person's or an organisation's.
_CERTIFICATE = "certificate"
HIDDEN = "（个人信息，已隐去）"

CustomerKey = tuple[str | None, str]


def organisations(customers: Sequence[Block]) -> set[CustomerKey]:
    """Customers known to be organisations in every row about them."""
    found: set[CustomerKey] = set()
    persons: set[CustomerKey] = set()
    for block in customers:
        ids = block.values["customer_id"].to_pylist()
        banks = block.values["institution_id"].to_pylist()
        for bank, own, is_org in zip(banks, ids, is_organisation(block).to_pylist(), strict=True):
            if own is not None:
                (found if is_org else persons).add((bank, normal_id(own)))
    return found - persons


def is_organisation(block: Block) -> pa.Array:
    """True per customer row whose kind was read and is not a natural person's.

    A certificate shaped like a citizen's id is a person's whatever the kind says.
    """
    kinds = block.values["kind"]
    person = pc.is_in(kinds, value_set=pa.array(schema.PERSON_KINDS))
    is_org = pc.and_(pc.is_valid(kinds), pc.invert(person))
    if "certificate_no" not in block.values:
        return is_org
    return pc.and_(is_org, pc.invert(_each(block.values["certificate_no"], is_citizen_id)))


def _each(texts: pa.Array, test: Callable[[str], bool]) -> pa.Array:
    encoded = texts.dictionary_encode()
    told = pa.array([test(t) for t in encoded.dictionary.to_pylist()], pa.bool_())
    return pc.fill_null(told.take(encoded.indices), False)


def protect(block: Block, known: set[CustomerKey], hasher: Hasher) -> Block:
    """Hash persons' ids and drop their names, in values and in the texts findings show.

    A customer whose kind is not known counts as a person.
    """
    marked = [c for c in schema.columns(block.part.table) if c.hash_domain or c.private]
    if not any(c.name in block.values for c in marked):
        return block
    is_org = _owner_is_organisation(block, known)
    values, texts = dict(block.values), dict(block.texts)
    for column in (c for c in marked if c.name in values):
        if column.hash_domain == _CERTIFICATE:
            open_ = _each(values[column.name], is_organisation_id)
        else:
            open_ = is_org if column.private or column.hash_domain in _CUSTOMERS_OWN else None
        values[column.name], texts[column.name] = _protected(
            column, values[column.name], texts[column.name], open_, hasher
        )
    return replace(block, values=values, texts=texts)


def _owner_is_organisation(block: Block, known: set[CustomerKey]) -> pa.Array:
    if "kind" in block.values and block.part.table == "customers":
        return is_organisation(block)
    if "customer_id" not in block.values:
        return pa.array([False] * block.num_rows, pa.bool_())
    banks = block.values["institution_id"].to_pylist()
    ids = block.values["customer_id"].to_pylist()
    normal: Mapping[str, str] = {i: normal_id(i) for i in set(ids) if i is not None}
    return pa.array(
        [i is not None and (b, normal[i]) in known for b, i in zip(banks, ids, strict=True)],
        pa.bool_(),
    )


def _protected(
    column: schema.Column,
    values: pa.Array,
    texts: pa.Array,
    is_open: pa.Array | None,
    hasher: Hasher,
) -> tuple[pa.Array, pa.Array]:
    nothing = pa.nulls(len(values), pa.string())
    if is_open is None:
        is_open = pa.array(np.zeros(len(values), dtype=bool))
    if column.private:
        hidden = nothing
        hidden_text = pc.if_else(pc.is_valid(texts), pa.scalar(HIDDEN), nothing)
    else:
        hidden = hasher.column(column.hash_domain, pc.if_else(is_open, nothing, values))
        unread = pc.and_(pc.is_null(values), pc.invert(is_open))
        spoilt = hasher.column(column.hash_domain, pc.if_else(unread, texts, nothing))
        hidden_text = pc.coalesce(hidden, spoilt)
    clear = _normal(values) if column.hash_domain == _CERTIFICATE else values
    return pc.if_else(is_open, clear, hidden), pc.if_else(is_open, texts, hidden_text)


def _normal(texts: pa.Array) -> pa.Array:
    encoded = texts.dictionary_encode()
    spelt = [normal_id(t) for t in encoded.dictionary.to_pylist()]
    return pa.array(spelt, pa.string()).take(encoded.indices)
