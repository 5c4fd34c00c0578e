"""Kinds of test by clause, as the design's catalogue has them; names that must exist."""

from __future__ import annotations

import re

import pytest

from puhui import schema
from puhui.derive import needed_columns
from puhui.errors import ParamsError
from puhui.params import load
from puhui.params.rows import REGISTERS, load_measures
from puhui.params.yaml import loads
from vocabulary import PARAMS

# Read off the catalogue's column "indicator and test": a rule with its number; ↑ and ↓ are
# trends; a list; att: answers with a document; shown: never judged.
BY_HAND = """
overall  C1
rule     C2.1a C2.1b C2.1d C2.2 C2.2c C2.3 C2.5b
rule     C3.1b C3.2 C3.3c C3.6c
rule     C4.1b C4.2a C4.2b C4.3b C4.6 C4.7a C4.7c
rule     C5.0 C5.3
rule     C6.3a C6.4a C6.4b C6.4d
rule     C7.1 C7.2
rule     C8.2 C8.3 C8.5
rule     C9.2 C9.3 C9.4
trend    C2.4a C2.5a C3.3a C4.1a C4.3a C4.4 C4.5a C4.5b C5.5b C6.3b
list     C2.3x C3.3b C3.4a C3.4b C3.5a C3.5b C3.5c C3.6a C3.6b C4.7b
att      C2.4b C3.4c C4.5c C5.5c C5.6 C6.0 C6.1 C6.2 C6.4c C7.4 C8.1 C8.4 C9.1
shown    C2.1c C3.1a C3.1c C5.1 C5.2 C5.4 C5.5a C5.7 C7.3 C7.5
"""
KINDS = {
    clause: kind
    for kind, *clauses in (line.split() for line in BY_HAND.strip().splitlines())
    for clause in clauses
}


@pytest.fixture(scope="module")
def params():
    return load(PARAMS)


def kind_of(params, clause):
    """Kind of the clause's own indicator, else of its first; a pending one has no test yet."""
    mine = [i for i in params.indicators.values() if i.clause == clause]
    if not mine:
        return "overall", False
    one = next((i for i in mine if i.id == clause), mine[0])
    return one.kind, bool(one.pending)


def test_each_clause_is_tested_as_the_catalogue_says(params):
    assert len(KINDS) == sum(len(line.split()) - 1 for line in BY_HAND.strip().splitlines())
    assert set(KINDS) == set(params.clauses)
    for clause, wanted in KINDS.items():
        kind, pending = kind_of(params, clause)
        # A number not worked out yet is shown as pending; a list that is pending stays a list.
        expected = "shown" if pending and wanted != "list" else wanted
        assert kind == expected, clause


def test_every_ledger_measure_rests_on_columns_of_loans_and_customers(params):
    known = {(t, c.name) for t in ("loans", "customers") for c in schema.columns(t)}
    ledgers = {m.id: m.ledger for m in params.measures.values() if m.ledger is not None}
    assert len(ledgers) > 40
    for name, ledger in ledgers.items():
        needed = needed_columns(params, ledger.where)
        needed |= needed_columns(params, ledger.of) if ledger.of is not None else set()
        assert needed and needed <= known, name


def test_every_register_measure_rests_on_columns_of_its_register(params):
    registers = {m.id: m.register for m in params.measures.values() if m.register is not None}
    assert len(registers) > 30
    for name, register in registers.items():
        known = {c.name for c in schema.columns(register.table)} | set(REGISTERS[register.table])
        named = [register.where, *([register.of] if register.of is not None else [])]
        columns = {n for e in named for q, n in e.columns if q == ""}
        assert columns <= known, name


def answered_items(params):
    """Items of the answer sheet measures and indicators ask for."""
    found = {item for i in params.indicators.values() for item in i.items}
    for measure in params.measures.values():
        found |= {item for item in measure.items if item.startswith("C")}
        said = measure.attested
        if said is not None:
            found |= {n for _, n in said.number.columns} if said.number is not None else set()
            found |= {one for one in (said.least, said.minus, said.granted) if one}
    return found


def test_every_answered_item_is_of_a_clause(params):
    found = answered_items(params)
    assert {"C3.3c.due", "C2.1d.granted", "C8.3.ordinary", "C4.4.balance", "C6.2.centre"} <= found
    for item in found:
        clause, _, name = item.rpartition(".")
        assert clause in params.clauses and re.fullmatch(r"[a-z0-9_]+", name), item


@pytest.mark.parametrize(
    ("way", "said"),
    [
        ("ledger: {sum: balans, where: is_on_book}", "“balans”"),
        ("ledger: {sum: balance, where: is_on_bok}", "“is_on_bok”"),
        ("ledger: {sum: balance, where: customer.sise = 'small'}", "“customer.sise”"),
        ("ledger: {sum: balance, where: fees.amount > 0}", "前缀“fees”"),
        ("register: {table: products, sum: balans, where: unsecured}", "没有“balans”"),
        ("register: {table: products, count: yes, where: unsecure}", "没有“unsecure”"),
        ("register: {table: plans, count: yes, where: after_deferral}", "没有“after_deferral”"),
        ("register: {table: loans, count: yes, where: 'true'}", "不能从“loans”取数"),
        ("attested: {number: C3.3c.due}", "读不懂表达式“C3.3c.due”"),
        ("attested: {least: C8.3.ordinary, number: '1'}", "number、least、granted 之一"),
        ("attested: {minus: C8.3.inclusive}", "number、least、granted 之一"),
        ("attested: {numbers: '1'}", "是否想写“number”"),
        ("returns: QS.npl", "双引号"),
    ],
)
def test_a_measure_naming_what_does_not_exist_is_refused(params, way, said):
    text = f"m:\n  label: 甲\n  unit: 元\n  kind: stock\n  {way}\n"
    with pytest.raises(ParamsError) as error:
        load_measures(loads(text, "measures.yaml"), params.derived, params.policy)
    assert said in str(error.value)
    assert error.value.where.startswith("measures.yaml:")
