"""A quarter of generated loans in the store's layout, for ``indicators.py``.

Some three hundred institutions of ten branches each; 1.3 loans to a customer; every column the
ledger measures rest on, and no other. Features of a loan are drawn on their own (skewed as they
are in a county), which makes the masks as many as they can be: worse than real loans.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pyarrow as pa

from puhui import schema
from puhui.quarter import Quarter
from puhui.store import Store

QUARTER = Quarter.parse("2021Q4")
INSTITUTIONS, BRANCHES, LOANS_PER_CUSTOMER = 300, 10, 1.3
_DAY0 = np.datetime64("2018-01-01")
_YEAR_START, _END = np.datetime64("2021-01-01"), np.datetime64("2021-12-31")
_CHAINS = ("装备制造", "绿色食品", "电子制造", "新材料", "生物医药", "其他")

Chance = np.random.Generator
Columns = dict[str, pa.Array]


def generate(folder: Path, loans: int) -> None:
    """Write a store of about ``loans`` loans (a multiple of the institutions) under ``folder``."""
    store = Store(folder, key_fingerprint="benchmark")
    for i in range(INSTITUTIONS):
        chance = np.random.default_rng([loans, i])
        name = f"B{i:04d}H25118000{i % 10}"
        size = loans // INSTITUTIONS
        people = _people(chance, int(size / LOANS_PER_CUSTOMER), i)
        tables = {
            "loans": _table("loans", name, _loans(chance, size, people, i)),
            "customers": _table("customers", name, people),
        }
        store.put(QUARTER, name, tables, absent={})


def register() -> pa.Table:
    """Return the county of every institution."""
    names = [f"B{i:04d}H25118000{i % 10}" for i in range(INSTITUTIONS)]
    codes = [f"51180{i % 8}" for i in range(INSTITUTIONS)]
    return pa.table({"institution_id": names, "county_code": codes})


def _table(table: str, institution: str, columns: Columns) -> pa.Table:
    wanted = schema.arrow_schema(table)
    size = len(next(iter(columns.values())))
    named = {"institution_id": pa.array([institution] * size), **columns}
    return pa.table({f.name: named[f.name].cast(f.type) for f in wanted if f.name in named})


def _pick(chance: Chance, size: int, weights: dict[str | None, float]) -> pa.Array:
    """Draw values by weight."""
    share = np.array(list(weights.values()))
    index = chance.choice(len(share), size=size, p=share / share.sum())
    return pa.DictionaryArray.from_arrays(
        pa.array(index.astype("int8")), pa.array(list(weights), pa.string())
    ).cast(pa.string())


def _only(mask: np.ndarray, values: np.ndarray) -> pa.Array:
    """Return values where the mask holds, else null."""
    return pa.array(values, mask=~mask)


def _money(yuan: np.ndarray) -> pa.Array:
    """Whole fen as DECIMAL(18,2)."""
    fen = pa.array(np.maximum(np.rint(yuan * 100), 1).astype("int64"))
    return _decimal(fen, 18, 2)


def _decimal(units: pa.Array, precision: int, scale: int) -> pa.Array:
    """Read integers as decimals of so many places."""
    wide = np.zeros((len(units), 2), "int64")
    wide[:, 0] = units.fill_null(0).to_numpy()
    buffers = [units.is_valid().buffers()[1], pa.py_buffer(wide)]
    return pa.Array.from_buffers(pa.decimal128(precision, scale), len(units), buffers)


def _people(chance: Chance, size: int, seed: int) -> Columns:
    kind = _pick(
        chance,
        size,
        {
            "enterprise": 12,
            "individual_business": 22,
            "mse_owner": 12,
            "farmer": 24,
            "other_personal": 27,
            "farm_cooperative": 1.5,
            "village_collective": 0.5,
            "other_organisation": 1,
        },
    )
    named = np.array(kind.to_pylist())
    firm = named == "enterprise"
    line = np.exp(chance.normal(12.2, 1.2, size)) * np.where(firm, 8, 1)
    query = chance.random(size) < 0.9
    return {
        "customer_id": pa.array(_customer_ids(named, seed)),
        "kind": kind,
        "size": _only(
            firm,
            np.array(
                _pick(chance, size, {"large": 1, "medium": 6, "small": 38, "micro": 55}).to_pylist()
            ),
        ),
        "industry": _pick(
            chance,
            size,
            {"A0111": 25, "C1310": 8, "C3311": 5, "F5211": 30, "H6210": 12, "Z0000": 20},
        ),
        "county_code": _pick(chance, size, {f"51180{seed % 8}": 85, "511899": 15}),
        "credit_line": _money(np.ceil(line / 1e4) * 1e4),
        "credit_line_scope": _pick(chance, size, {"legal_person": 1}),
        "chain": _pick(chance, size, {None: 88, **dict.fromkeys(_CHAINS, 2)}),
        "first_drawdown_on": pa.array(_DAY0 + chance.integers(0, 1461, size)),
        "first_loan_query_clear": _only(query, chance.random(size) < 0.7),
        "is_lifted_household": pa.array((named == "farmer") & (chance.random(size) < 0.15)),
    }


def _customer_ids(kinds: np.ndarray, seed: int) -> list[str]:
    """Persons by the hash the store keeps, organisations by a customer number."""
    persons = np.isin(kinds, ("individual_business", "mse_owner", "farmer", "other_personal"))
    return [
        hashlib.md5(b"%d/%d" % (seed, i), usedforsecurity=False).hexdigest()
        if person
        else f"{seed:04d}{i:08d}"
        for i, person in enumerate(persons)
    ]


def _loans(chance: Chance, size: int, people: Columns, seed: int) -> Columns:
    who = np.sort(chance.integers(0, len(people["kind"]), size))
    chance.shuffle(who)
    at = pa.array(who)
    kind = np.array(people["kind"].take(at).to_pylist())
    line = people["credit_line"].take(at)
    drawn = _END - chance.geometric(0.0025, size) % 1400
    months = chance.choice([6, 12, 24, 36, 60, 240], size=size, p=[0.1, 0.4, 0.15, 0.2, 0.1, 0.05])
    matures = drawn + (months * 30.4375).astype("int64")
    status = _status(chance, drawn, matures)
    amount = line.cast(pa.float64()).to_numpy() * chance.uniform(0.1, 1, size)
    gone = np.isin(status, ("settled", "written_off", "transferred"))
    left = np.where(gone, 0, np.rint(amount * chance.uniform(0.2, 1, size) * 100))
    closed = np.minimum(_END, drawn + chance.integers(30, 700, size))
    rate = chance.integers(3_000_000, 9_000_000, size)
    branch = np.minimum(chance.geometric(0.22, size), BRANCHES)
    return {
        "branch_id": pa.array([f"{seed:04d}{b:05d}" for b in range(BRANCHES + 1)]).take(
            pa.array(branch)
        ),
        "customer_id": people["customer_id"].take(at),
        **_kinds(chance, size, kind),
        **_features(chance, size, drawn),
        "amount": _money(amount),
        "balance": _decimal(pa.array(left.astype("int64")), 18, 2),
        "drawn_on": pa.array(drawn),
        "matures_on": pa.array(matures),
        "closed_on": _only(gone, closed),
        "written_off_amount": _decimal(
            _only(status == "written_off", np.rint(amount * 50).astype("int64")), 18, 2
        ),
        "transferred_amount": _decimal(
            _only(status == "transferred", np.rint(amount * 60).astype("int64")), 18, 2
        ),
        "rate_at_drawdown": _decimal(pa.array(rate), 9, 6),
        "rate_now": _decimal(pa.array(rate - chance.integers(0, 300_000, size)), 9, 6),
        "status": pa.array(status),
        "credit_line_at_drawdown": line,
    }


def _status(chance: Chance, drawn: np.ndarray, matures: np.ndarray) -> np.ndarray:
    names = np.array(["normal", "overdue", "settled", "written_off", "transferred"])
    drawn_share = chance.choice(5, size=len(drawn), p=[0.8, 0.03, 0.15, 0.015, 0.005])
    return names[np.where(matures < _END, np.maximum(drawn_share, 1), drawn_share)]


def _kinds(chance: Chance, size: int, kind: np.ndarray) -> Columns:
    product = np.array(
        _pick(
            chance,
            size,
            {
                "working_capital": 70,
                "fixed_asset": 8,
                "overdraft": 3,
                "discount": 9,
                "rediscount": 2,
                "trade_finance": 3,
                "entrusted": 3,
                "other": 2,
            },
        ).to_pylist()
    )
    person = np.isin(kind, ("individual_business", "mse_owner", "farmer"))
    product = np.where(person, "business_personal", product)
    private = kind == "other_personal"
    homes = chance.random(size) < 0.5
    product = np.where(private, np.where(homes, "mortgage", "consumer"), product)
    return {
        "product": pa.array(product),
        "is_business_loan": pa.array(~private, mask=~(person | private)),
    }


def _features(chance: Chance, size: int, drawn: np.ndarray) -> Columns:
    due = drawn + 30
    checked = drawn + chance.integers(10, 45, size)
    has_due = (drawn >= _YEAR_START) & (chance.random(size) < 0.9)
    mitigant = chance.choice(9, size=size, p=[0.86, 0.02, 0.02, 0.02, 0.02, 0.02, 0.02, 0.01, 0.01])
    lists = [
        None,
        ["home"],
        ["ip"],
        ["receivable"],
        ["policy"],
        ["inventory"],
        ["land_right", "home"],
        ["credit_insurance"],
        ["gov_fund", "receivable"],
    ]
    return {
        "issue_kind": _pick(
            chance,
            size,
            {"new": 80, "renewal": 12, "refinance": 4, "restructured": 2, "extended": 2},
        ),
        "benchmark": _pick(chance, size, {"lpr:1Y": 60, "lpr:5Y": 20, "other": 5, None: 15}),
        "guarantee": _pick(
            chance,
            size,
            {"credit": 30, "guaranteed": 25, "mortgaged": 35, "pledged": 5, "mixed": 5},
        ),
        "mitigants": pa.array(lists, pa.list_(pa.string())).take(pa.array(mitigant)),
        "five_class": _pick(
            chance,
            size,
            {"normal": 94, "special_mention": 3.5, "substandard": 1, "doubtful": 1, "loss": 0.5},
        ),
        "is_revolving": pa.array(chance.random(size) < 0.12),
        "is_online": pa.array(chance.random(size) < 0.25),
        "is_agricultural": pa.array(chance.random(size) < 0.4),
        "first_check_due_on": _only(has_due, due),
        "first_check_on": _only(has_due & (checked <= _END), checked),
    }
