"""The county's borrowers: invented persons and firms, recognisably made up, formally valid.

Certificate numbers carry right check digits (GB 11643 for persons, GB 32100 and GB 11714 for
organisations); every person is "born" in 1900 and every name holds 样 (sample), so that nobody
real is meant and a leak is easy to find. A borrower of several banks is one entity.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from puhui.example.chance import Dice
from puhui.example.columns import NONE, Columns, Ints, code, day_number
from puhui.schema import CODES

_PERSON_WEIGHTS = np.array([7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2])
_PERSON_CHECKS = np.frombuffer(b"10X98765432", dtype=np.uint8)
_BODY_WEIGHTS = np.array([3, 7, 9, 10, 5, 8, 4, 2])
_LETTERS = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_CODE_LETTERS = b"0123456789ABCDEFGHJKLMNPQRTUWXY"
_CODE_WEIGHTS = np.array([pow(3, i, 31) for i in range(17)])

_SURNAMES = "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦尤许何吕施张孔曹严华金魏"
_GIVEN = "天地玄黄宇宙洪荒日月盈昃辰宿列张寒来暑往秋收冬藏闰余成岁律吕调阳云腾致雨露结为霜"
_TRADES = ("粮油", "建材", "纺织", "机械", "茶叶", "水产", "物流", "包装", "食品", "电子")
_PREFIXES = {
    "enterprise": ("91", "有限公司"),
    "individual_business": ("92", "商行"),
    "farm_cooperative": ("93", "专业合作社"),
    "village_collective": ("54", "经济合作社"),
    "other_organisation": ("12", "服务中心"),
}
#: Six pillar chains, then ten emerging ones (notice §5).
PILLAR_CHAINS = ("装备制造", "绿色食品", "电子制造", "先进金属材料", "新型建材", "现代轻纺")
EMERGING_CHAINS = (
    "新型显示",
    "智能终端",
    "生物医药",
    "节能环保",
    "新能源及网联汽车",
    "新一代人工智能",
    "网络安全",
    "新材料",
    "智能装备",
    "智能传感器",
)
_FARM_KINDS = ("farmer", "farm_cooperative", "village_collective")
_FARMING = ("A0111", "A0411", "A0320", "A0141")
_MAKING = ("C1310", "C1711", "C3021", "C1495", "C3311", "C2439")
_TRADING = ("F5121", "F5227", "F5112", "G5430", "H6210", "L7119", "O8090")
#: Staff below the next size's minimum in GB/T 4754 industry (C) and other sections.
_STAFF = {"micro": (3, 9), "small": (25, 90), "medium": (320, 700), "large": (1100, 3000)}
_REVENUE_WAN = {
    "micro": (60, 95),
    "small": (600, 1900),
    "medium": (6000, 18000),
    "large": (90000, 160000),
}


def person_ids(county: str, serials: Ints) -> pa.Array:
    """18-character resident ids of persons "born" in 1900.

    Examples
    --------
    >>> person_ids("411526", np.array([3, 800])).to_pylist()
    ['411526190001040003', '411526190005170024']
    """
    n = len(serials)
    body = np.empty((n, 18), dtype=np.uint8)
    body[:, :6] = np.frombuffer(county.encode(), dtype=np.uint8)
    body[:, 6:10] = np.frombuffer(b"1900", dtype=np.uint8)
    parts = serials // 28 % 12 + 1, serials % 28 + 1, serials // 336 % 1000
    for value, start, width in zip(parts, (10, 12, 14), (2, 2, 3), strict=True):
        _put_digits(body, value, start, width)
    total = (body[:, :17].astype(np.int64) - 48) @ _PERSON_WEIGHTS
    body[:, 17] = _PERSON_CHECKS[total % 11]
    return _strings(body)


def credit_codes(county: str, kinds: Any, serials: Ints) -> pa.Array:
    """Social credit codes; ``kinds`` are their first two characters, as bytes of two."""
    n = len(serials)
    body = np.empty((n, 18), dtype=np.uint8)
    body[:, :2] = kinds
    body[:, 2:8] = np.frombuffer(county.encode(), dtype=np.uint8)
    body[:, 8:10] = np.frombuffer(b"XL", dtype=np.uint8)
    _put_digits(body, serials, 10, 6)
    total = _values(_LETTERS)[body[:, 8:16]] @ _BODY_WEIGHTS
    body[:, 16] = np.frombuffer(b"0X987654321", dtype=np.uint8)[total % 11]
    weighted = _values(_CODE_LETTERS)[body[:, :17]] @ _CODE_WEIGHTS
    body[:, 17] = np.frombuffer(_CODE_LETTERS, dtype=np.uint8)[-weighted % 31]
    return _strings(body)


def _values(letters: bytes) -> Ints:
    table = np.zeros(256, dtype=np.int64)
    table[np.frombuffer(letters, dtype=np.uint8)] = np.arange(len(letters))
    return table


def _put_digits(body: Any, values: Ints, start: int, width: int) -> None:
    for i in range(width):
        body[:, start + width - 1 - i] = 48 + values // 10**i % 10


def _strings(characters: Any) -> pa.Array:
    return pa.array(np.ascontiguousarray(characters).view("S18").reshape(-1).astype("U18"))


@dataclass(repr=False)
class People:
    """All borrowers of a county; an entity is its position.

    Attributes
    ----------
    kind, size
        Codes; ``size`` is :data:`NONE` but for enterprises.
    facts
        What a bank knows of an entity, under the names of ``customers``; made by
        :meth:`settle` once all entities are enrolled.
    """

    county_code: str
    kind: list[Ints] = field(default_factory=list)
    size: list[Ints] = field(default_factory=list)
    count: int = 0
    pools: dict[tuple[int, int], list[Ints]] = field(default_factory=dict)
    facts: Columns = field(default_factory=dict)

    def enrol(self, kind: int, size: int, n: int, shared: int, dice: Dice) -> Ints:
        """Give a bank n entities of a kind and size; ``shared`` permille bank elsewhere too."""
        known = self.pools.setdefault((kind, size), [])
        pool = np.concatenate(known) if known else np.empty(0, dtype=np.int64)
        again = pool[dice.order(len(pool))[: min(len(pool), n * shared // 1000)]]
        fresh = np.arange(self.count, self.count + n - len(again), dtype=np.int64)
        self.count += len(fresh)
        self.kind.append(np.full(len(fresh), kind, dtype=np.int64))
        self.size.append(np.full(len(fresh), size, dtype=np.int64))
        known.append(fresh)
        both = np.concatenate([again, fresh])
        return both[dice.order(n)]

    def settle(self, dice: Dice) -> None:
        """Draw every entity's facts; nobody is enrolled afterwards."""
        kind, size = np.concatenate(self.kind), np.concatenate(self.size)
        n = self.count
        firm = kind == code("customer_kind", "enterprise")
        named = np.isin(kind, [code("customer_kind", k) for k in _PREFIXES])
        # An individual business trades under a name in one case of three; else as a person.
        shops = kind == code("customer_kind", "individual_business")
        named &= ~shops | (np.arange(n) % 3 == 0)
        self.facts = {
            "kind": kind,
            "size": size,
            "is_organisation": named.astype(np.int64),
            **self._identity(kind, named),
            **_business(kind, size, firm, named, dice),
        }
        self._connect(firm, named, dice)

    def _identity(self, kind: Ints, named: Any) -> Columns:
        n, serials = self.count, np.arange(self.count, dtype=np.int64)
        persons = person_ids(self.county_code, serials)
        marks = np.array([_PREFIXES.get(k, ("91", ""))[0] for k in CODES["customer_kind"]])
        codes = credit_codes(
            self.county_code, marks[kind].astype("S2").view(np.uint8).reshape(n, 2), serials
        )
        forms = [_PREFIXES.get(k, ("", ""))[1] for k in CODES["customer_kind"]]
        kinds = kind.tolist()
        people = [_person_name(i) for i in range(n)]
        firms = [f"样例{i:05d}{_TRADES[i % 10]}{forms[k]}" for i, k in enumerate(kinds)]
        is_named = pa.array(named)
        return {
            "person_id": persons,
            "person_name": pa.array(people),
            "certificate_no": pc.if_else(is_named, codes, persons),
            "name": pc.if_else(is_named, pa.array(firms), pa.array(people)),
            "phone_hash": pa.array([f"1990{i:07d}" for i in range(n)]),
            "address": pa.array(
                [f"样例镇{i % 21 + 1}街{i // 21 % 400 + 1}号{i}室" for i in range(n)]
            ),
        }

    def _connect(self, firm: Any, named: Any, dice: Dice) -> None:
        """Who controls a firm: its own head, or, for one in twelve, the head of another.

        Groups are chains of two to four firms of consecutive draws under one controller.
        """
        n = self.count
        controller = np.arange(n, dtype=np.int64)
        firms = np.flatnonzero(firm)
        firms = firms[dice.order(len(firms))][: len(firms) // 12]
        starts = np.cumsum(dice.between(2, 4, len(firms)))
        group = np.searchsorted(starts, np.arange(len(firms)), side="right")
        first = np.searchsorted(group, group, side="left")
        if len(firms):
            controller[firms] = firms[first]
        self.facts["controller"] = controller
        nobody = pa.array(~named)
        persons = self.facts["person_id"]
        blank = pa.scalar(None, pa.string())
        heads = pc.if_else(nobody, blank, persons)
        owners = pc.if_else(nobody, blank, persons.take(pa.array(controller)))
        self.facts |= {"legal_representative_id": heads, "controller_id": owners}


def _person_name(i: int) -> str:
    n, m = len(_SURNAMES), len(_GIVEN)
    second = _GIVEN[i // (n * m) % m] if i % 3 else ""
    return f"{_SURNAMES[i % n]}样{_GIVEN[i // n % m]}{second}"


def _business(kind: Ints, size: Ints, firm: Any, named: Any, dice: Dice) -> Columns:
    """Industry, size figures, dates and marks of every entity."""
    n = len(kind)
    industries = pa.array([*_FARMING, *_MAKING, *_TRADING])
    farming = np.isin(kind, [code("customer_kind", k) for k in _FARM_KINDS])
    a, b, c = len(_FARMING), len(_MAKING), len(_TRADING)
    other = np.where(dice.chance(380, n), a + dice.below(b, n), a + b + dice.below(c, n))
    farm_too = dice.chance(90, n)
    industry = np.where(farming | farm_too, dice.below(a, n), other)
    making = (industry >= a) & (industry < a + b)
    chains = pa.array([None, *PILLAR_CHAINS, *EMERGING_CHAINS])
    tag = np.where(dice.chance(700, n), 1 + dice.below(6, n), 7 + dice.below(10, n))
    staff, revenue = _figures(size, firm, dice)
    founded = day_number_of(2003) + dice.below(5600, n)
    return {
        "industry": industries.take(pa.array(industry)),
        "is_farming": (industry < a).astype(np.int64),
        "is_making": making.astype(np.int64),
        "staff_count": staff,
        "revenue": revenue,
        "assets": np.where(revenue == NONE, NONE, revenue * 3 // 5),
        "founded_on": np.where(named, founded, NONE),
        "last_share_transfer_on": np.where(firm & dice.chance(150, n), founded + 400, NONE),
        "chain": chains.take(pa.array(np.where(firm & making & dice.chance(450, n), tag, 0))),
        "is_lifted_household": np.where(
            kind == code("customer_kind", "farmer"), dice.chance(120, n).astype(np.int64), NONE
        ),
    }


def _figures(size: Ints, firm: Any, dice: Dice) -> tuple[Ints, Ints]:
    n = len(size)
    staff, revenue = np.full(n, NONE), np.full(n, NONE)
    for name, (low, high) in _STAFF.items():
        mine = firm & (size == code("size", name))
        count = int(mine.sum())
        staff[mine] = dice.between(low, high, count)
        least, most = _REVENUE_WAN[name]
        revenue[mine] = dice.between(least, most, count) * 1_000_000
    return staff, revenue


def day_number_of(year: int) -> int:
    """Day number of the first of January of a year."""
    return day_number(dt.date(year, 1, 1))
