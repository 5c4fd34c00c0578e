"""Fixtures: the hand-made county of :mod:`briefing.made`."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from briefing.made import make_source
from puhui.briefing.source import Source


@pytest.fixture
def county() -> Callable[..., Source]:
    """Make the county, with parts replaced."""
    return make_source


@pytest.fixture(scope="session")
def source() -> Source:
    """The county as it is."""
    return make_source()
