"""The county's institutions: who they are, what they send, and how their business goes.

One line of a table is one institution; the numbers steer the generator and are part of the
truth. Growth, shares and probabilities are permille, rates and ratios basis points.
"""

from __future__ import annotations

from dataclasses import dataclass

from puhui.quarter import Quarter

FIRST, LAST = Quarter(2019, 4), Quarter(2021, 4)
QUARTERS = tuple(FIRST.shift(i) for i in range(9))
COUNTY_CODE = "411526"

# tier: 0 one sheet, 1 registers, 2 loan ledger, 3 flows, connections, cases; 9 an insurer.
_UNITS = """
ZC1 午政策性银行潢川支行   policy            branch        0 one_sheet         1    80  52
ZC2 未政策性银行潢川支行   policy            branch        1 workbook          2   120  47
DX1 乙银行潢川支行         large             branch        2 east40            5   700 142
DX2 丁银行潢川支行         large             branch        2 east50_gz         5  2500 137
DX3 戊邮储银行潢川支行     large             branch        2 east40_gz         9  4300  82
DX4 己银行潢川支行         large             branch        1 item_list         6  2300 139
GF1 庚银行潢川支行         joint_stock       branch        2 workbook          2   850 138
GF2 辛银行潢川支行         joint_stock       branch        1 workbook          1   250 141
CS1 壬银行潢川支行         city              branch        2 workbook_messy          3  1000 188
CS2 癸城市商业银行         city              legal_person  3 workbook_messy    5  1500   0
NS1 甲农村商业银行         rural_commercial  legal_person  3 workbook         18  5000   0
NS2 子农村商业银行         rural_commercial  legal_person  3 east50_gz        14  2600   0
NS3 丑农村商业银行         rural_commercial  legal_person  2 east40_gz        12  4700   0
CZ1 丙村镇银行             village           legal_person  0 one_sheet         3   450   0
CZ2 寅村镇银行             village           legal_person  2 workbook          3   650   0
CZ3 卯村镇银行             village           legal_person  0 one_sheet_messy   2   350   0
CX1 辰财产保险潢川支公司   property_insurer  branch        9 workbook          1     0   0
CX2 巳财产保险潢川支公司   property_insurer  branch        9 workbook          1     0   0
RS1 申人寿保险潢川支公司   life_insurer      branch        9 workbook          1     0   0
RS2 酉人寿保险潢川营销部   life_insurer      branch        9 workbook          0     0   0
"""

# Growth of the number of inclusive borrowings and of the others, 2020 and 2021; inclusive NPL
# ratio at the first and the last quarter and that of the others; unsecured, medium-and-long,
# renewed, revolving and online shares of drawdowns before 2021 and in it.
_CONDUCT = """
     grow20 grow21 rest20 rest21  npl0 npl1 rest0 rest1  credit   long    renew   revolve  online
ZC1     180    240    120    110   120   95   60    55   100 250  600 750  150 200  50 100    0   0
ZC2    220    200    130    120   110  480   60    50   150 120  650 500  200 120 100  60    0   0
DX1     530    360    110    110   160  140  125   135   430 230  250 420  250 380 150 260  300 350
DX2     570    300    100    110   160  135  130   135   180 420  300 480  300 420 200 320  350 500
DX3     510    340    110    110   130  125  105   110   150 360  350 200  250 150 150 100  150 300
DX4     540    350    100    110   165  145  130   135   200 400  300 450  300 400 200 300  300 400
GF1     340    340    120    110   210  175  140   120   200 420  250 420  350 480 250 380  350 500
GF2     310   -100    120    300   230  200  140   120   300 120  400 220  400 250 300 180  300 300
CS1     320    270    120    120   250  215  185   145   150 340  200 380  300 430 150 280  150 300
CS2     310    290    110      0   315  245  200   160   120 300  200 360  300 420 120 260  100 250
NS1     270    340    110      0   500  370  275   235    90 260  180 340  250 400 100 240   80 200
NS2     260   -150    120    200   500 1000  275   150   220  90  380 200  400 230 260 120   60 120
NS3     260    340    110      0   500  380  275   235   100 280  200 380  280 420 120 280   60 180
CZ1     250   -300    100    400   520  420  300   260   120 300  150 320  220 380  90 230    0   0
CZ2     280    310    100      0   520  410  300   260   140 340  160 340  240 400 100 260   40 140
CZ3     260    260    100      0   500  900  300   200   300 120  330 160  380 220 240 110    0   0
"""

# Pricing: level over LPR in bp, true pass-through and, at ledgers, the share of floating loans
# and of those whose rate breaks their own spread.
_PRICING = """
ZC1   20  900  500   0
ZC2   30  800  500   0
DX1   45  850  700   4
DX2   40  900  650   0
DX3   75  700  600  12
DX4   45  850  650   0
GF1  140  750  600   6
GF2  150  700  600   0
CS1  190  600  500  20
CS2  230  550  450   8
NS1  300  400  350   5
NS2  320  350  400  30
NS3  290  500  350   0
CZ1  360  300  250   0
CZ2  370  450  300  15
CZ3  380  300  250   0
"""


@dataclass(frozen=True)
class Unit:
    """An institution of the example.

    Attributes
    ----------
    short
        Three characters that start its customers', loans' and staff's ids.
    sends
        The layout of its current submission.
    branches, loans
        Branches, and IOUs outstanding at the end.
    since
        First quarter it submitted.
    npl_ratio_bp
        Published all-loan NPL ratio of its legal person; 0 if the unit is one.
    growth
        Permille in 2020 and 2021: inclusive borrowings, then the others.
    npl
        Inclusive ratio at the first and last quarter, then that of the others; bp.
    credit, long, renew, revolve, online
        Permille of drawdowns before 2021 and in 2021.
    level_bp, pass_through, floating, off_contract
        Level over LPR; permille of an LPR move in the rate; permille floating; permille of
        the floating loans whose rate is not LPR plus their own spread.
    """

    short: str
    name: str
    kind: str
    level: str
    tier: int
    sends: str
    branches: int
    loans: int
    npl_ratio_bp: int
    since: Quarter
    growth: tuple[int, int, int, int] = (0, 0, 0, 0)
    npl: tuple[int, int, int, int] = (0, 0, 0, 0)
    credit: tuple[int, int] = (0, 0)
    long: tuple[int, int] = (0, 0)
    renew: tuple[int, int] = (0, 0)
    revolve: tuple[int, int] = (0, 0)
    online: tuple[int, int] = (0, 0)
    level_bp: int = 0
    pass_through: int = 0
    floating: int = 0
    off_contract: int = 0

    @property
    def is_bank(self) -> bool:
        """Whether it lends; the others are insurers."""
        return self.tier != 9

    @property
    def has_ledger(self) -> bool:
        """Whether it submits its loan ledger."""
        return self.tier in (2, 3)

    @property
    def is_postal(self) -> bool:
        """Whether it belongs to the sixth large bank, outside the first five."""
        return self.short == "DX3"

    @property
    def is_local(self) -> bool:
        """Whether it is a local legal person."""
        return self.is_bank and self.level == "legal_person"


def institution_id(short: str, prefix: str = "HC") -> str:
    """Licence number of an institution of a county, e.g. ``HCNS0001``."""
    return f"{prefix}{short[:2]}000{short[2]}"


def _lines(text: str) -> dict[str, list[str]]:
    found = {}
    for line in text.strip().splitlines():
        short, *rest = line.split()
        found[short] = rest
    return found


def _roster() -> tuple[Unit, ...]:
    conduct, pricing = _lines(_CONDUCT), _lines(_PRICING)
    units = []
    for short, (name, kind, level, tier, sends, branches, loans, ratio) in _lines(_UNITS).items():
        c = [int(v) for v in conduct.get(short, [0] * 18)]
        p = [int(v) for v in pricing.get(short, [0] * 4)]
        units.append(
            Unit(
                short=short,
                name=name,
                kind=kind,
                level=level,
                tier=int(tier),
                sends=sends,
                branches=int(branches),
                loans=int(loans),
                npl_ratio_bp=int(ratio),
                since=Quarter(2021, 3) if short == "DX4" else FIRST,
                growth=(c[0], c[1], c[2], c[3]),
                npl=(c[4], c[5], c[6], c[7]),
                credit=(c[8], c[9]),
                long=(c[10], c[11]),
                renew=(c[12], c[13]),
                revolve=(c[14], c[15]),
                online=(c[16], c[17]),
                level_bp=p[0],
                pass_through=p[1],
                floating=p[2],
                off_contract=p[3],
            )
        )
    return tuple(units)


#: Every institution of the county, in the order of the register.
ROSTER = _roster()
