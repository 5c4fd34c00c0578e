"""Who may see what: the parts of a page each audience is given, everything else withheld."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fnmatch import fnmatchcase
from typing import Literal

from pydantic import Field, field_validator

from puhui.errors import ParamsError
from puhui.params.indicator import Indicator
from puhui.params.reading import Strict, build, mapping, nearest
from puhui.params.yaml import YamlMap

#: Shorthand of the file for everything there is at a place.
_ALL = "all"
_EVERYTHING = ("*",)
#: Unit of amounts that may be added up.
_MONEY = "元"


def _listed(value: object) -> object:
    return _EVERYTHING if value == _ALL else value


class TableRule(Strict):
    """Columns and notes of a table that are shown, as patterns of their keys."""

    columns: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    _all = field_validator("columns", "notes", mode="before")(_listed)


class SectionRule(Strict):
    """What of a section is shown: patterns of keys of texts and charts, and rules of tables."""

    texts: tuple[str, ...] = ()
    charts: tuple[str, ...] = ()
    tables: dict[str, TableRule] = Field(default_factory=dict)

    _all = field_validator("texts", "charts", mode="before")(_listed)

    @field_validator("tables", mode="before")
    @classmethod
    def _tables(cls, value: object) -> object:
        if value == _ALL:
            value = {"*": _ALL}
        whole = {"columns": _ALL, "notes": _ALL}
        if isinstance(value, Mapping):
            return {k: whole if v == _ALL else v for k, v in value.items()}
        return value

    def table(self, table_id: str) -> TableRule | None:
        """Return the rule of a table; ``None`` withholds it."""
        return self.tables.get(table_id) or self.tables.get("*")


class SmallGroups(Strict):
    """When a total may be shown: see :mod:`puhui.briefing.small_groups`."""

    fewest: int = Field(3, ge=3)
    remainder_percent: Decimal = Field(Decimal(10), ge=0)


class _Raw(Strict):
    label: str
    page: Literal["institution", "county", "government"]
    provenance: tuple[str, ...] = ()
    clauses: tuple[str, ...] = ()
    amounts: tuple[str, ...] = ()
    coordinate: tuple[str, ...] = ()
    small_groups: SmallGroups = Field(default_factory=lambda: SmallGroups.model_validate({}))
    sections: dict[str, SectionRule] = Field(default_factory=dict)

    @field_validator("sections", mode="before")
    @classmethod
    def _sections(cls, value: object) -> object:
        whole = {"texts": _ALL, "charts": _ALL, "tables": _ALL}
        if isinstance(value, Mapping):
            return {k: whole if v == _ALL else v for k, v in value.items()}
        return value


@dataclass(frozen=True)
class Audience:
    """Whom a pack is for and what is in it.

    Attributes
    ----------
    page
        The page it is cut from: ``institution`` or ``county``, or ``government``, its own.
    provenance
        Lines of the footer it shows, keys of ``common.provenance``.
    clauses
        Clauses it counts and names (none: those of the page).
    amounts
        Indicators in yuan whose sums it shows.
    coordinate
        Clauses that, not met, are a matter to coordinate.
    sections
        Section id → what of it is shown. A section not listed is withheld.
    """

    id: str
    label: str
    page: str
    provenance: tuple[str, ...]
    clauses: tuple[str, ...]
    amounts: tuple[str, ...]
    coordinate: tuple[str, ...]
    small_groups: SmallGroups
    sections: Mapping[str, SectionRule]


def matches(key: str, patterns: Iterable[str]) -> bool:
    """Whether a key is one of the patterns (``contracts.*``); letters in the case given."""
    return any(fnmatchcase(key, pattern) for pattern in patterns)


def load_audiences(
    raw: YamlMap, clauses: Iterable[str], indicators: Mapping[str, Indicator]
) -> dict[str, Audience]:
    """Read ``audiences.yaml``.

    Raises
    ------
    ParamsError
        A key it does not know, a clause or indicator that does not exist, or a sum of an
        indicator that is not an amount of money.
    """
    audiences = {}
    known = {"clauses": set(clauses), "coordinate": set(clauses), "amounts": set(indicators)}
    for name, value in raw.items():
        entry = mapping(value, where=raw.where(name))
        model = build(_Raw, entry)
        for key, names in known.items():
            for listed in getattr(model, key):
                if listed not in names:
                    raise ParamsError(
                        f"没有“{listed}”。",
                        where=entry.where(key),
                        remedy=nearest(listed, names),
                    )
        for listed in model.amounts:
            if indicators[listed].unit != _MONEY:
                raise ParamsError(
                    f"“{listed}”不是金额，各机构相加没有意义。", where=entry.where("amounts")
                )
        fields = {field: getattr(model, field) for field in _Raw.model_fields}
        audiences[str(name)] = Audience(id=str(name), **fields)
    return audiences
