"""What the example's institutions are like: numbers only, so that a county is more rows.

Money is in 万元 here and in fen everywhere else; rates are basis points; shares permille.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

FEN_PER_WAN = 1_000_000
LIMIT_FEN = 1000 * FEN_PER_WAN


@dataclass(frozen=True)
class Segment:
    """A group of customers that borrow alike.

    ``lines`` are credit lines to draw from; ``special_lines`` (before, after) in fen go to
    the first customers: lines at, one fen above and across the 10-million limit.
    ``products`` are (product, months) pairs; ``newcomers`` first borrow in 2021.
    """

    kind: str
    size: str | None
    customers: int
    lines: tuple[int, ...]
    products: tuple[tuple[str, int], ...]
    spread_bp: int
    newcomers: int
    special_lines: tuple[tuple[int, int], ...] = ()
    second_slot: int = 100


@dataclass(frozen=True)
class Profile:
    """An institution with a ledger: identity, customers, and the outcomes it is steered to.

    ``branch_npl`` is the exact inclusive NPL ratio of each branch at the quarter's end,
    ``all_npl`` the exact all-loan ratio of the institution. ``credit_share`` gives the
    permille of unsecured drawdowns before and in the run's year. ``trading_names`` counts
    the individual businesses that borrow under their firm's name.
    """

    institution_id: str
    name: str
    kind: str
    level: str
    prefix: str
    layout: str
    branches: tuple[tuple[str, str], ...]
    segments: tuple[Segment, ...]
    branch_npl: tuple[Fraction, ...]
    all_npl: Fraction
    base_spread_bp: int
    credit_share: tuple[int, int]
    floating_share: int
    serial: int
    files_returns: bool
    line_scope: str
    legal_person_id: str | None = None
    legal_person_npl_bp: int | None = None
    written_off: int = 2
    trading_names: int = 0
    pair_wan: tuple[int, int] = (250, 950)
    big_pair_wan: tuple[int, int] = (1500, 8000)


_WORKING = (
    ("working_capital", 6),
    ("working_capital", 12),
    ("working_capital", 12),
    ("working_capital", 12),
    ("working_capital", 24),
    ("working_capital", 36),
    ("fixed_asset", 60),
    ("fixed_asset", 84),
    ("discount", 6),
)
_BUSINESS = (
    ("business_personal", 12),
    ("business_personal", 12),
    ("business_personal", 24),
    ("business_personal", 36),
    ("business_personal", 84),
)
_HOUSEHOLD = (("consumer", 12), ("consumer", 36), ("mortgage", 240), ("mortgage", 360))
_BIG = (("working_capital", 12), ("fixed_asset", 60), ("fixed_asset", 96))

#: Exactly at the limit, one fen above it, and across it in either direction.
_AT_THE_LIMIT = (
    (LIMIT_FEN, LIMIT_FEN),
    (LIMIT_FEN, LIMIT_FEN),
    (LIMIT_FEN + 1, LIMIT_FEN + 1),
    (800 * FEN_PER_WAN, 1200 * FEN_PER_WAN),
    (1200 * FEN_PER_WAN, LIMIT_FEN),
    (900 * FEN_PER_WAN, 1100 * FEN_PER_WAN),
    (1500 * FEN_PER_WAN, 900 * FEN_PER_WAN),
)

RURAL = Profile(
    institution_id="HCNS0001",
    name="甲农村商业银行",
    kind="rural_commercial",
    level="legal_person",
    prefix="NS",
    layout="workbook",
    branches=(
        ("HCNS0001B1", "甲农村商业银行一支行"),
        ("HCNS0001B2", "甲农村商业银行二支行"),
        ("HCNS0001B3", "甲农村商业银行三支行"),
        ("HCNS0001B4", "甲农村商业银行四支行"),
    ),
    segments=(
        Segment(
            "enterprise", "small", 48, (300, 500, 800, 1200), _WORKING, 20, 240, _AT_THE_LIMIT, 180
        ),
        Segment("enterprise", "micro", 72, (50, 100, 200, 300, 500), _WORKING, 40, 240),
        Segment(
            "individual_business", None, 68, (10, 20, 30, 50, 80, 100, 200), _BUSINESS, 60, 240
        ),
        Segment("mse_owner", None, 50, (20, 50, 80, 100, 150, 300), _BUSINESS, 50, 240),
        Segment("farmer", None, 40, (3, 5, 8, 10, 20), _BUSINESS, 80, 200),
        Segment("other_personal", None, 44, (5, 10, 20, 40, 60), _HOUSEHOLD, 30, 250),
        Segment("enterprise", "medium", 6, (2000, 3000, 5000), _BIG, 0, 0),
        Segment("enterprise", "large", 5, (8000, 9000), _BIG, -60, 0),
    ),
    branch_npl=(Fraction(34, 1000), Fraction(66, 1000), Fraction(50, 1000), Fraction(30, 1000)),
    all_npl=Fraction(20, 1000),
    base_spread_bp=190,
    credit_share=(90, 260),
    floating_share=350,
    serial=10,
    files_returns=True,
    line_scope="legal_person",
    written_off=3,
)

LARGE_BRANCH = Profile(
    institution_id="HCDX0001",
    name="乙银行潢川支行",
    kind="large",
    level="branch",
    prefix="DX",
    layout="east",
    branches=(("HCDX0001A", "乙银行潢川支行营业室"), ("HCDX0001B", "乙银行潢川城关支行")),
    segments=(
        Segment("enterprise", "small", 42, (300, 500, 800, 1200), _WORKING, 0, 220, _AT_THE_LIMIT),
        Segment("enterprise", "micro", 48, (50, 100, 200, 300, 500), _WORKING, 10, 220),
        Segment("individual_business", None, 52, (10, 20, 30, 50, 100), _BUSINESS, 20, 220),
        Segment("mse_owner", None, 32, (20, 50, 80, 100, 300), _BUSINESS, 15, 220),
        Segment("farmer", None, 12, (5, 8, 10), _BUSINESS, 30, 250),
        Segment("other_personal", None, 52, (5, 10, 30, 50, 80), _HOUSEHOLD, 10, 250),
        Segment("enterprise", "medium", 6, (2000, 3000, 5000), _BIG, -10, 0),
        Segment("enterprise", "large", 5, (8000, 9000), _BIG, -40, 0),
    ),
    branch_npl=(Fraction(21, 1000), Fraction(18, 1000)),
    all_npl=Fraction(12, 1000),
    base_spread_bp=35,
    credit_share=(430, 200),
    floating_share=700,
    serial=5000,
    files_returns=False,
    line_scope="reporting_unit",
    legal_person_id="DXYH0001",
    legal_person_npl_bp=142,
    trading_names=8,
)

LEDGER_PROFILES = (RURAL, LARGE_BRANCH)
