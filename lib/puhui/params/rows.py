"""Derived columns and measures: what is said of a loan, and what is added up.

A value belongs to *now* or to *drawdown* (balances use the credit line now, year-to-date
figures the line at drawdown); whatever mixes the two is refused when it is loaded.

A measure comes from the loan ledger, from filed figures, or from both; or it stands by
itself: added up from a register (products, plans, deferrals, …), ranked among its rows or
answered as a number; or it takes more than a sum over a ledger (:mod:`puhui.params.worked`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from pydantic import Field

from puhui import schema
from puhui.errors import ParamsError
from puhui.params.expression import Expression
from puhui.params.policy import Policy
from puhui.params.reading import Strict, build, expression, mapping, nearest, required
from puhui.params.worked import (
    OF_LOAN,
    Charged,
    Compared,
    Ranked,
    moments,
    read_charged,
    read_compared,
    read_ranked,
)
from puhui.params.yaml import YamlMap

PERIOD = ("year_start", "end", "window_start")
#: Columns of the institution register a row expression may compare with.
OF_INSTITUTION = ("county_code",)
#: Registers a measure may be added up from, with columns that joins add to them.
REGISTERS: dict[str, dict[str, str]] = {
    "applications": {"after_deferral": "所涉借据的延期已结束"},
    "benefits": {},
    "deferrals": {},
    "fees": {},
    "insurance": {},
    "key_firms": {},
    "plans": {},
    "products": {},
}
_RESERVED = (
    "benchmark_series",
    "benchmark_tenor",
    "benchmark_tenor_beside",
    "benchmark_date",
    "benchmark_rate",
)
_AGGREGATES = ("sum", "customers", "count")
#: Ways a measure can be had; the first two may stand side by side.
_WAYS = ("ledger", "returns", "register", "attested", "ranked", "compared", "charged")


@dataclass(frozen=True)
class Derived:
    """A named row expression; ``as_of`` is ``now``, ``drawdown`` or ``none``."""

    id: str
    label: str
    as_of: str
    expression: Expression


@dataclass(frozen=True)
class Ledger:
    """An aggregate over loans: ``aggregate`` is sum, customers or count."""

    aggregate: str
    of: Expression | None
    where: Expression


@dataclass(frozen=True)
class Register:
    """An aggregate over the rows of a register: ``aggregate`` is sum, customers or count."""

    table: str
    aggregate: str
    of: Expression | None
    where: Expression


@dataclass(frozen=True)
class Attested:
    """A number from the answers an institution gave on rules and mechanisms.

    Exactly one of: ``number``, a formula over answered numbers; ``least``, the smallest of
    all numbers whose item begins so (less that of the same ending under ``minus``, if
    given); ``granted``, 1 if the item is answered yes with a document and 0 if not.
    """

    number: Expression | None = None
    least: str = ""
    minus: str = ""
    granted: str = ""


@dataclass(frozen=True)
class Measure:
    """A named aggregate, by every way it can be had.

    ``ledger`` and ``returns`` are two sources of one figure; ``register``, ``ranked`` and
    ``attested`` stand alone and go with either. ``compared`` and ``charged`` are worked out
    from ledgers, and have no other source.
    """

    id: str
    label: str
    unit: str
    kind: str
    ledger: Ledger | None
    returns: Expression | None
    file: str
    register: Register | None = None
    attested: Attested | None = None
    compared: Compared | None = None
    charged: Charged | None = None
    ranked: Ranked | None = None

    @property
    def stands_alone(self) -> bool:
        """Whether the figure has but one source, whatever the rest of a formula rests on."""
        return any(w is not None for w in (self.register, self.attested, self.ranked))

    @property
    def items(self) -> frozenset[str]:
        """Codes of the filed items the measure can be computed from."""
        return frozenset(n for _, n in self.returns.columns) if self.returns else frozenset()


class _RawDerived(Strict):
    label: str
    as_of: Literal["now", "drawdown", "none"]
    expr: str


class _RawLedger(Strict):
    sum: str | None = None
    customers: str | None = None
    count: str | None = None
    where: str


class _RawRegister(_RawLedger):
    table: str


class _RawAttested(Strict):
    number: str | None = None
    least: str = ""
    minus: str = ""
    granted: str = ""


class _RawMeasure(Strict):
    label: str
    unit: str
    kind: Literal["stock", "flow"]
    ledger: object = None
    returns: str | None = None
    added_up: object = Field(default=None, alias="register")
    attested: object = None
    compared: object = None
    charged: object = None
    ranked: object = None


class Rows:
    """Checks names and moments of row expressions against schema, policy and each other."""

    def __init__(
        self,
        derived: Mapping[str, Derived],
        policy: Policy,
        tables: Mapping[str, str] = OF_LOAN,
    ) -> None:
        self.derived = derived
        self.policy = policy
        self.tables = tables

    def over(self, tables: Mapping[str, str]) -> Rows:
        """Return the same checks for expressions whose prefixes name other tables."""
        return Rows(self.derived, self.policy, tables)

    def moments(self, expression: Expression) -> set[str]:
        """Moments an expression rests on (``now``, ``drawdown``), derived ones followed.

        Raises
        ------
        ParamsError
            A name that is no column, derived column, policy setting or period.
        """
        return self._moments(expression, ())

    def _moments(self, expression: Expression, path: tuple[str, ...]) -> set[str]:
        found: set[str] = set()
        for qualifier, name in sorted(expression.columns):
            if qualifier == "" and name in self.derived:
                if name in path:
                    circle = " → ".join([*path[path.index(name) :], name])
                    raise ParamsError(f"派生列互相引用：{circle}。", where=expression.where)
                found |= self._moments(self.derived[name].expression, (*path, name))
            else:
                found.add(self._moment(expression, qualifier, name))
        return found - {""}

    def _moment(self, expression: Expression, qualifier: str, name: str) -> str:
        if qualifier in self.tables:
            columns = {c.name: c for c in schema.columns(self.tables[qualifier])}
            known = [*columns, *([] if qualifier else self.derived)]
            if name in columns:
                return columns[name].moment
        elif qualifier == "policy":
            known = list(self.policy.settings)
        elif qualifier == "period":
            known = list(PERIOD)
        elif qualifier == "institution":
            known = list(OF_INSTITUTION)
        else:
            raise ParamsError(
                f"不认识的前缀“{qualifier}”。",
                where=expression.where,
                remedy="行表达式可用：列名、派生列、customer.列名、policy.政策项、"
                "institution.county_code、period.year_start、period.end、period.window_start。",
            )
        if name not in known:
            full = f"{qualifier}.{name}" if qualifier else name
            raise ParamsError(
                f"没有“{full}”这一列或政策项。",
                where=expression.where,
                remedy=nearest(name, known),
            )
        return ""


def load_derived(raw: YamlMap, policy: Policy) -> dict[str, Derived]:
    """Read ``derived.yaml``: named row expressions over ``loans`` and ``customer.*``.

    Raises
    ------
    ParamsError
        Unknown column, circular reference, a name already taken, both moments in one
        expression, or ``as_of`` that is not the moment of its columns.
    """
    derived: dict[str, Derived] = {}
    taken = {c.name for t in ("loans", "customers") for c in schema.columns(t)} | set(_RESERVED)
    for name, value in raw.items():
        entry = mapping(value, where=raw.where(name))
        model = build(_RawDerived, entry)
        if name in taken:
            raise ParamsError(f"“{name}”已是表中的列名，派生列请另取名。", where=raw.where(name))
        derived[name] = Derived(name, model.label, model.as_of, required(entry, "expr"))
    rows = Rows(derived, policy)
    for one in derived.values():
        moments = rows.moments(one.expression)
        _one_moment(moments, f"派生列“{one.id}”", one.expression.where)
        actual = next(iter(moments), "none")
        if actual != one.as_of:
            raise ParamsError(
                f"派生列“{one.id}”写的时点是 {one.as_of}，所用列的时点是 {actual}。",
                where=one.expression.where,
            )
    return derived


def load_measures(
    raw: YamlMap, derived: Mapping[str, Derived], policy: Policy
) -> dict[str, Measure]:
    """Read ``measures.yaml``.

    Raises
    ------
    ParamsError
        Unknown column, both moments in one measure, a flow without ``period``, no source,
        or one that stands alone beside others.
    """
    rows = Rows(derived, policy)
    measures: dict[str, Measure] = {}
    for name, value in raw.items():
        entry = mapping(value, where=raw.where(name))
        measures[name] = _measure(name, entry, rows, measures)
    return measures


def _measure(name: str, raw: YamlMap, rows: Rows, before: Mapping[str, Measure]) -> Measure:
    model = build(_RawMeasure, raw)
    ways = [w for w in _WAYS if w in raw]
    if not ways or (len(ways) > 1 and ways != ["ledger", "returns"]):
        raise ParamsError(
            f"指标量“{name}”应写 ledger、returns（可并列），或只写 {'、'.join(_WAYS[2:])} 之一。",
            where=raw.where(),
        )
    parts = {w: mapping(raw[w], where=raw.where(w)) for w in ways if w != "returns"}
    ledger = None
    if "ledger" in parts:
        ledger = _ledger(parts["ledger"])
        _check_ledger(name, model.kind, ledger, rows)
    return Measure(
        name,
        model.label,
        model.unit,
        model.kind,
        ledger,
        _items(raw, "returns"),
        raw.where(),
        register=_register(parts["register"], rows) if "register" in parts else None,
        attested=_attested(parts["attested"]) if "attested" in parts else None,
        compared=_compared(name, parts["compared"], rows, before) if "compared" in parts else None,
        charged=_charged(name, parts["charged"], rows, before) if "charged" in parts else None,
        ranked=_ranked(name, parts["ranked"], rows) if "ranked" in parts else None,
    )


def _compared(name: str, raw: YamlMap, rows: Rows, before: Mapping[str, Measure]) -> Compared:
    known = {n: m.compared.spec for n, m in before.items() if m.compared is not None}
    found = read_compared(raw, known)
    _one_moment(moments(found.spec, rows), f"指标量“{name}”", raw.where())
    return found


def _charged(name: str, raw: YamlMap, rows: Rows, before: Mapping[str, Measure]) -> Charged:
    known = {n: m.charged.spec for n, m in before.items() if m.charged is not None}
    found = read_charged(raw, known)
    _one_moment(moments(found.spec, rows), f"指标量“{name}”", raw.where())
    return found


def _ranked(name: str, raw: YamlMap, rows: Rows) -> Ranked:
    found = read_ranked(raw, REGISTERS)
    _one_moment(moments(found, rows), f"指标量“{name}”", raw.where())
    return found


def _items(raw: YamlMap, key: str) -> Expression | None:
    """Read an expression over item codes, none of which has a prefix."""
    found = expression(raw, key)
    for qualifier, item in sorted(found.columns) if found is not None else ():
        if qualifier:
            raise ParamsError(f"项目代码“{qualifier}.{item}”要加双引号。", where=raw.where(key))
    return found


def _aggregate(raw: YamlMap) -> tuple[str, Expression | None, Expression]:
    kinds = [k for k in _AGGREGATES if k in raw]
    if len(kinds) != 1:
        raise ParamsError("应恰好写 sum、customers、count 之一。", where=raw.where())
    kind = kinds[0]
    if kind != "sum" and raw[kind] != "yes":
        raise ParamsError(f"写作“{kind}: yes”。", where=raw.where(kind))
    of = required(raw, "sum") if kind == "sum" else None
    return kind, of, required(raw, "where")


def _ledger(raw: YamlMap) -> Ledger:
    build(_RawLedger, raw)
    return Ledger(*_aggregate(raw))


def _register(raw: YamlMap, rows: Rows) -> Register:
    table = build(_RawRegister, raw).table
    if table not in REGISTERS:
        raise ParamsError(
            f"指标量不能从“{table}”取数。",
            where=raw.where("table"),
            remedy=f"可用：{'、'.join(REGISTERS)}。",
        )
    aggregate, of, where = _aggregate(raw)
    known = [c.name for c in schema.columns(table)] + list(REGISTERS[table])
    for one in (of, where):
        for qualifier, name in sorted(one.columns) if one is not None else ():
            choices = {"": known, "policy": list(rows.policy.settings), "period": list(PERIOD)}
            if name not in choices.get(qualifier, ()):
                full = f"{qualifier}.{name}" if qualifier else name
                raise ParamsError(
                    f"“{schema.label(table)}”里没有“{full}”。",
                    where=one.where if one is not None else "",
                    remedy=nearest(name, choices.get(qualifier, ())),
                )
    return Register(table, aggregate, of, where)


def _attested(raw: YamlMap) -> Attested:
    model = build(_RawAttested, raw)
    given = [k for k in ("number", "least", "granted") if k in raw]
    if len(given) != 1 or (model.minus and not model.least):
        raise ParamsError("应恰好写 number、least、granted 之一。", where=raw.where())
    return Attested(_items(raw, "number"), model.least, model.minus, model.granted)


def _check_ledger(name: str, kind: str, ledger: Ledger, rows: Rows) -> None:
    moments = rows.moments(ledger.where)
    names = set(ledger.where.columns)
    if ledger.of is not None:
        moments |= rows.moments(ledger.of)
        ledger.of.sql(lambda _, column: column)
    _one_moment(moments, f"指标量“{name}”", ledger.where.where)
    dated = any(qualifier == "period" for qualifier, _ in names)
    if (kind == "flow") is not dated:
        raise ParamsError(
            f"指标量“{name}”是{'发生额，条件里应' if kind == 'flow' else '余额，条件里不应'}"
            "用 period.year_start 或 period.end。",
            where=ledger.where.where,
        )


def _one_moment(moments: set[str], what: str, where: str) -> None:
    if len(moments) > 1:
        raise ParamsError(
            f"{what}把当前时点（now）与发放时点（drawdown）的列混在一起。",
            where=where,
            remedy="余额类用当前授信额度，发生额类用发放时授信额度，请分成两个。",
        )
