"""A county nobody has looked at: its seed is taken from the commit."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from example.submitted import Sent
from puhui.example import County, grow

ROOT = Path(__file__).parents[2]


def commit_seed() -> int:
    """First 32 bits of the commit's hash; ``PUHUI_SEED`` repeats a run; 1 outside a checkout."""
    if given := os.environ.get("PUHUI_SEED"):
        return int(given)
    found = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return int(found.stdout[:8], 16) if found.returncode == 0 else 1


@pytest.fixture(scope="session")
def seed() -> int:
    """Seed of the day; shown with every failure."""
    number = commit_seed()
    print(f"PUHUI_SEED={number}")
    return number


@pytest.fixture(scope="session")
def county(seed: int) -> County:
    """The county of that seed."""
    return grow(seed)


@pytest.fixture(scope="session")
def sent(county: County) -> Sent:
    """What reached the office of that county, for a second reader."""
    return Sent(county)
