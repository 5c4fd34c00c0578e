"""The clauses of the notice: force, scope, whom each one binds, and its wording."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

import pytest

from puhui import schema
from puhui.errors import ParamsError
from puhui.params import NoData
from puhui.params.catalogue import load_clauses, load_groups
from puhui.params.yaml import load, loads

PARAMS = Path(__file__).parents[2] / "params"
KINDS = tuple(schema.CODES["institution_kind"])
LEVELS = tuple(schema.CODES["level"])

# id, force, scope of loans, whom: copied by hand from the design's catalogue. Two things it says
# in words are settled here: "all, mse" is all; a clause on the whole county or on a bank's
# persons binds those who must answer for it, everyone and the banks.
CATALOGUE = """
C1     none      none      *
C2.1a  must      assessed  B-P
C2.1b  must      assessed  B-P
C2.1c  must      incl      L5
C2.1d  must      assessed  B-P
C2.2   must      incl      B-P
C2.2c  must      assessed  *
C2.3   strive    ent       N
C2.3x  must      ent       B
C2.4a  strive    ent       J,C
C2.4b  must      none      J,C
C2.5a  must      mse       LP
C2.5b  must      mse       LP
C3.1a  must      incl      B
C3.1b  must      incl      B
C3.1c  must      incl      B
C3.2   ban       incl      B
C3.3a  must      incl      B
C3.3b  ban       mse       *
C3.3c  must      mse       *
C3.4a  ban       mse       B
C3.4b  ban       mse       B
C3.4c  ban       mse       I
C3.5a  must      mse       B
C3.5b  ban       mse       B
C3.5c  ban       mse       B
C3.6a  must      mse       B
C3.6b  must      mse       B
C3.6c  must      mse       B
C4.1a  must      mse       B
C4.1b  must      mse       B
C4.2a  must      mse       N
C4.2b  must      mse       C,R,V
C4.3a  must      mse       B
C4.3b  must      mse       B,I
C4.4   must      mse       B
C4.5a  must      mse       B
C4.5b  must      mse       B
C4.5c  must      mse       B
C4.6   must      mse       B
C4.7a  must      incl      B
C4.7b  must      incl      B
C4.7c  must      incl      B
C5.0   must      all       B
C5.1   must      all       B
C5.2   must      all       B
C5.3   must      mse       B
C5.4   encourage mse       B
C5.5a  must      agri      B
C5.5b  strive    agri      B
C5.5c  encourage agri      B
C5.6   must      none      *
C5.7   encourage mse       B,I
C6.0   must      none      B-P
C6.1   must      none      L
C6.2   strive    none      J
C6.3a  must      none      LP
C6.3b  must      none      LP
C6.4a  strive    mse       C,R,V
C6.4b  must      mse       B
C6.4c  must      none      N
C6.4d  strive    none      C,R,V
C7.1   must      none      B
C7.2   must      incl      B
C7.3   must      none      B
C7.4   must      none      B
C7.5   must      none      B
C8.1   must      none      B
C8.2   must      none      B-P
C8.3   must      none      N
C8.4   must      none      LP,C
C8.5   must      none      B
C9.1   must      none      *
C9.2   must      incl      LP
C9.3   must      none      *
C9.4   must      none      *
"""
ROWS = [line.split() for line in CATALOGUE.strip().splitlines()]

# Kinds of institutions behind each letter, written out. A kind alone: at any level, local or
# not. "kind/legal": only where the unit is the legal person; "kind/local": only where it is
# the legal person and a local one.
BANKS = """
policy large joint_stock city rural_commercial rural_cooperative village other_bank
"""
WHO = {
    "*": BANKS + "property_insurer life_insurer other",
    "B": BANKS,
    "B-P": "large joint_stock city rural_commercial rural_cooperative village other_bank",
    "I": "property_insurer life_insurer",
    "B,I": BANKS + "property_insurer life_insurer",
    "L": "large",
    "L5": "large",
    "J": "joint_stock",
    "N": "large joint_stock",
    "J,C": "joint_stock city",
    "C,R,V": "city rural_commercial rural_cooperative village",
    "LP": "city/local rural_commercial/legal rural_cooperative/legal village/legal",
    "LP,C": "city rural_commercial/legal rural_cooperative/legal village/legal",
}

CHINESE = re.compile(r"[\u4e00-\u9fff]")
ABBREVIATIONS = {"LPR", "FTP", "NPL"}


@pytest.fixture(scope="module")
def groups():
    return load_groups(load(PARAMS / "groups.yaml"))


@pytest.fixture(scope="module")
def clauses(groups):
    return load_clauses(load(PARAMS / "clauses.yaml"), groups)


def units(text: str) -> set[tuple[str, str, bool]]:
    """Write out kind, level and whether local, from kinds as in WHO."""
    found = set()
    for word in text.split():
        kind, _, only = word.partition("/")
        levels = ("legal_person",) if only else LEVELS
        local = (True,) if only == "local" else (True, False)
        found |= set(itertools.product((kind,), levels, local))
    return found


def asked(who, number: str | None = "QT1FR0001"):
    """Find the units for which a condition holds; none may be left undecided."""
    found = set()
    for kind, level, local in itertools.product(KINDS, LEVELS, (True, False)):
        facts = {
            "kind": kind,
            "level": level,
            "is_local_legal_person": local,
            "legal_person_id": number if number is not None else NoData(("legal_person_id",)),
        }
        answer = who.evaluate(lambda _, name, facts=facts: facts[name])
        assert answer is True or answer is False, (kind, level, local)
        if answer:
            found.add((kind, level, local))
    return found


def test_the_table_above_has_each_kind_and_the_clauses_of_the_catalogue():
    assert len(ROWS) == len({row[0] for row in ROWS}) == 76
    assert {kind for kind, _, _ in units(WHO["*"])} == set(KINDS)
    assert {row[3] for row in ROWS} == set(WHO)


def test_ids_in_the_catalogues_order(clauses):
    wanted = [row[0] for row in ROWS]
    assert list(clauses) == wanted


@pytest.mark.parametrize(("name", "force", "scope", "who"), ROWS, ids=[r[0] for r in ROWS])
def test_force_scope_section_and_whom(clauses, name, force, scope, who):
    clause = clauses[name]
    assert (clause.force, clause.scope) == (force, scope)
    assert clause.section == int(name[1])
    assert asked(clause.who) == units(WHO[who])


def test_the_five_large_banks_leave_out_the_postal_bank_alone(clauses):
    # DX3FR0001 is the legal-person number of the example's postal savings bank.
    large = {("large", level, local) for level in LEVELS for local in (True, False)}
    assert asked(clauses["C2.1c"].who, "DX3FR0001") == set()
    assert asked(clauses["C2.1c"].who, "DX1FR0001") == large
    assert asked(clauses["C6.1"].who, "DX3FR0001") == large


@pytest.mark.parametrize("kind", KINDS)
def test_without_a_legal_persons_number_only_a_large_bank_is_undecided(clauses, kind):
    missing = NoData(("legal_person_id",))
    facts = {"kind": kind, "level": "branch", "is_local_legal_person": False}
    answer = clauses["C2.1c"].who.evaluate(lambda _, name: facts.get(name, missing))
    assert answer == (missing if kind == "large" else False)


@pytest.mark.parametrize("name", [n for n, _, _, who in ROWS if who != "L5"])
def test_no_other_clause_asks_for_a_legal_persons_number(clauses, name):
    assert asked(clauses[name].who, None) == asked(clauses[name].who)


def test_an_unknown_kind_answers_only_what_binds_everyone(clauses):
    other = {name for name, c in clauses.items() if ("other", "branch", False) in asked(c.who)}
    assert other == {"C1", "C2.2c", "C3.3b", "C3.3c", "C5.6", "C9.1", "C9.3", "C9.4"}


def test_wording_is_one_sentence_in_each_language(clauses):
    for name, clause in clauses.items():
        zh, en = clause.wording.zh, clause.wording.en
        assert zh.endswith("。") and zh.count("。") == 1, name
        assert en.endswith(".") and not re.search(r"[.?!] ", en), name
        assert zh == zh.strip() and en == en.strip() and en[0].isupper(), name


def test_chinese_is_chinese_and_english_english(clauses):
    for name, clause in clauses.items():
        zh, en = clause.wording.zh, clause.wording.en
        assert len(CHINESE.findall(zh)) >= 10, name
        assert set(re.findall(r"[A-Za-z]+", zh)) <= ABBREVIATIONS, name
        assert not re.search(r"[,;:?!()]", zh), name
        assert en.isascii() and len(en.split()) >= 8, name


def test_wording_gives_no_number_that_policy_holds(clauses):
    for name, clause in clauses.items():
        assert not re.search(r"[0-9%％]", clause.wording.zh + clause.wording.en), name


def test_no_two_clauses_are_worded_the_same(clauses):
    for language in ("zh", "en"):
        said = [getattr(clause.wording, language) for clause in clauses.values()]
        assert len(set(said)) == len(said)


def test_force_can_be_heard_in_the_wording(clauses):
    """A ban says 不得, an aim 努力 or 争取, an encouragement 鼓励; nothing else says so."""
    for name, clause in clauses.items():
        zh = clause.wording.zh
        assert ("不得" in zh) == (clause.force == "ban"), name
        assert zh.startswith("鼓励") == (clause.force == "encourage"), name
        if clause.force == "strive":
            assert re.search("努力|争取|逐步", zh), name


def test_the_other_countrys_folder_names_the_same_groups(groups):
    abroad = load_groups(load(PARAMS / "sba7a" / "groups.yaml"))
    assert list(abroad) == list(groups)
    assert load_clauses(load(PARAMS / "clauses.yaml"), abroad)


def test_a_clause_for_an_unknown_group_is_refused(groups):
    raw = loads(
        "C9.9: {section: 9, force: must, scope: none, who: L6, wording: {zh: 甲, en: a}}",
        "clauses.yaml",
    )
    with pytest.raises(ParamsError, match="L6"):
        load_clauses(raw, groups)
