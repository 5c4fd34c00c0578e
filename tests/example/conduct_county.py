"""A county with its registers, made once a seed, for the tests of conduct."""

from __future__ import annotations

from functools import cache
from typing import Any

from puhui.example import conduct
from puhui.example.county import County
from puhui.example.roster import QUARTERS, ROSTER
from puhui.example.world import grow

SEEDS = (1, 20, 300)


@cache
def county(seed: int = SEEDS[0]) -> County:
    return grow(seed)


@cache
def registers(seed: int = SEEDS[0]) -> dict[Any, Any]:
    here = county(seed)
    return {(q, u.short): conduct.registers(here, q, u.short) for q in QUARTERS for u in ROSTER}


@cache
def situations(seed: int = SEEDS[0]) -> list[dict[str, Any]]:
    rows = conduct.situations(county(seed), registers(seed))
    return rows + conduct.overall(county(seed), rows)
