"""Section 3: on-lending beside similar loans (the bank's own: each case is alone of its kind)."""

from __future__ import annotations

from indicators.cases.case import Case, Sent, usual_cases

Q4 = "2021Q4"
INSURER = {"kind": "property_insurer"}


def beside(
    onlent: str,
    own: str,
    *,
    count: int = 5,
    guarantee: str = "mortgaged",
    more: str = "",
    lacks: dict[str, tuple[str, ...]] | None = None,
) -> Sent:
    """``count`` loans of policy funds beside five of own funds, each of 1,000,000, and rates."""
    lines = [f"P{guarantee}{i} policy_onlent {guarantee} {onlent}" for i in range(count)]
    lines += [f"O{guarantee}{i} own {guarantee} {own}" for i in range(5)]
    header = "loan_id funding_source guarantee rate_at_drawdown"
    return Sent(loans="\n".join([header, *lines, more]), lacks=lacks or {})


CHEAPER = beside("4", "5", guarantee="credit").loans.partition("\n")[2]
NOTHING = "没有转贷贷款，或没有笔数足够、可以比较的格"

CASES = [
    *usual_cases(
        "C3.2",
        {Q4: beside("5", "5")},
        {Q4: beside("5", "5", lacks={"loans": ("funding_source",)})},
        "资金来源（funding_source）",
        wrong=INSURER,
    ),
    Case(
        "C3.2",
        "at_limit",
        "five on-lent at 5 % beside five others of the cell at 5 %: no difference",
        "met",
        "0",
        sent={Q4: beside("5", "5")},
        source="ledger",
    ),
    Case(
        "C3.2",
        "above",
        "5.000001 % beside 5 %: a ten-thousandth of a basis point dearer",
        "not_met",
        "1/10000",
        sent={Q4: beside("5.000001", "5")},
    ),
    Case(
        "C3.2",
        "below",
        "4.999999 % beside 5 %",
        "met",
        "-1/10000",
        sent={Q4: beside("4.999999", "5")},
    ),
    Case(
        "C3.2",
        "other",
        "credit loans 100 basis points cheaper do not make up for mortgaged ones 50 dearer",
        "not_met",
        "50",
        sent={Q4: beside("5.5", "5", more=CHEAPER)},
    ),
    Case(
        "C3.2",
        "nothing_there",
        "no loan of policy funds",
        "not_applicable",
        None,
        NOTHING,
        sent={Q4: beside("5", "5", count=0)},
    ),
    Case(
        "C3.2",
        "nothing_there",
        "four on-lent loans are too few for a cell to be judged, however dear",
        "not_applicable",
        None,
        NOTHING,
        sent={Q4: beside("9", "5", count=4)},
    ),
]
