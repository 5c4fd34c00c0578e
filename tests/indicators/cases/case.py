"""One case of an indicator's edge table: what an institution sent, and what must come out.

How to add a case: put a ``Case`` into ``CASES`` of the section's module (``section_2.py`` …, or
a further module named ``section_…``, where one grows long). Nothing else is registered anywhere.

- ``indicator``, ``edge`` (a name of :data:`EDGES`), and ``working``: the arithmetic in words, by
  hand; never taken from what the program printed.
- ``sent``: by quarter a :class:`Sent` of text tables. First line: column names; ``-`` an empty
  cell; columns not named have the plain values of ``vocabulary.py`` (a healthy small-enterprise
  loan of 1,000,000 drawn in 2021 at 5 %; filed figures in yuan). A register whose text is only
  its header was sent without rows; one not named was not sent.
- ``office``: the supervisor's own tables (plans, key_firms, notes) by name, without the column
  institution_id. With ``{}`` the office has these tables and nothing in them on this
  institution; ``None``: the office has no tables at all.
- ``facts``: what the register says beside "a local rural commercial bank"; ``branch``: judge this
  branch; ``quarter``: judge at this quarter (2021Q4).
- expected: ``verdict``; ``value`` and ``base`` as exact text ("3/4"), ``None`` for no value;
  ``flags``; ``reason``: a fragment the reason contains, ``None`` if there is to be none;
  ``wrong_way`` and ``source`` where they matter.

A module's ``EXEMPT`` gives ``(indicator, edge): why in words`` for an edge that cannot occur.
A module of cases imports nothing of puhui: expected values owe nothing to the code under test.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

#: Every edge a case can be of, and what it shows.
EDGES = {
    "nothing": "nothing was submitted",
    "zero_denominator": "a denominator is zero",
    "nothing_there": "there is nothing to judge",
    "at_limit": "exactly at the limit",
    "below": "one unit or fen below the limit (a trend: one fen beyond what counts as flat)",
    "above": "one unit or fen above the limit (a trend: one fen within what counts as flat)",
    "wrong_twice": "against the trend two quarters in a row",
    "missing": "a column, table or item it needs is missing",
    "wrong_kind": "an institution the clause is not for",
    "no_base": "the base period was not submitted",
    "plain": "an ordinary value",
    "only_shown": "an institution for which the value is shown and not judged",
    "mid_year": "before the year is over",
    "branch": "a branch",
    "none_there": "answered that there is nothing there to do",
    "yes": "answered yes, with a document in force",
    "no": "answered no",
    "no_document": "answered yes without a document",
    "not_in_force": "answered yes with a document in force only later",
    "noted": "answered yes, and the office noted otherwise",
    "other": "something else, said in the working",
}


@dataclass(frozen=True, kw_only=True)
class Sent:
    """What an institution sent for one quarter; nothing of what is not named."""

    loans: str = ""
    customers: str = ""
    returns: str = ""
    answers: str = ""
    registers: Mapping[str, str] = field(default_factory=dict)
    lacks: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """table → columns its layout does not supply."""
    missing: Mapping[str, str] = field(default_factory=dict)
    """table → why it could not be used."""
    set_aside: Mapping[str, int] = field(default_factory=dict)
    """table → rows in quarantine."""


@dataclass(frozen=True)
class Case:
    """One line of an edge table."""

    indicator: str
    edge: str
    working: str
    verdict: str
    value: str | None = None
    reason: str | None = None
    sent: Mapping[str, Sent] = field(default_factory=dict)
    flags: tuple[str, ...] = ()
    base: str | None = ""
    """Exact value at the base; the empty text: not compared."""
    wrong_way: int | None = -1
    """Quarters in a row against the trend; -1: not compared."""
    source: str = ""
    facts: Mapping[str, object] = field(default_factory=dict)
    branch: str | None = None
    planned_branches: tuple[str, ...] = ()
    quarter: str = "2021Q4"
    office: Mapping[str, str] | None = field(default_factory=dict)
    office_lacks: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def answer_cases(
    indicator: str,
    item: str,
    *,
    others: tuple[str, ...] = (),
    met: str = "met",
    not_met: str = "not_met",
    wrong_kind: Mapping[str, object] | None = None,
    facts: Mapping[str, object] | None = None,
    registers: Mapping[str, str] | None = None,
) -> list[Case]:
    """Cases every question has: item by item all yes but ``item``, which is varied.

    The value counts answers of yes; ``met`` and ``not_met`` are what the clause's force makes
    of them. A yes that is in doubt is to be verified; one item not answered is no data.
    """
    clause = item.rpartition(".")[0]
    rest = [f"{other} 是 某行发〔2021〕3号 2021-01-01" for other in others]
    all_yes, rest_yes = str(1 + len(others)), str(len(others))
    proved = f"{item} 是 某行发〔2021〕3号 2021-01-01"

    def case(edge: str, working: str, verdict: str, line: str, **expected: object) -> Case:
        lines = ["item value document_no in_force_from", *rest, *([line] if line else [])]
        sent = Sent(answers="\n".join(lines), registers=registers or {})
        given = {"sent": {"2021Q4": sent}, "facts": facts or {}, "source": "register"}
        return Case(indicator, edge, working, verdict, **{**given, **expected})

    cases = [
        Case(
            indicator,
            "nothing",
            "no answers were sent, so there is nothing to count",
            "no_data",
            reason="没有报送",
            facts=facts or {},
        ),
        case("yes", "each item yes with a document since January", met, proved, value=all_yes),
        case(
            "no",
            "one item no: that item counts nothing",
            not_met,
            f"{item} 否 - -",
            value=rest_yes,
            reason=f"{item} 否",
        ),
        case(
            "missing",
            "one item is not among the answers: the count is not known",
            "no_data",
            "" if others else f"{clause}.other 是 某行发〔2021〕3号 2021-01-01",
            reason=f"{item} 未答",
        ),
        case(
            "no_document",
            "one yes names no document: it counts and is to be verified",
            "to_verify",
            f"{item} 是 - 2021-01-01",
            value=all_yes,
            reason=f"{item} 答“是”但没有文号",
        ),
        case(
            "not_in_force",
            "the document of one yes is in force from the day after the quarter's end",
            "to_verify",
            f"{item} 是 某行发〔2021〕3号 2022-01-01",
            value=all_yes,
            reason=f"{item} 答“是”但没有文号或生效日期",
        ),
        case(
            "noted",
            "the office noted a complaint on the clause in August: each yes is in doubt",
            "to_verify",
            proved,
            value=all_yes,
            reason="监管记录（2021-08-01）：来访人反映情况不符",
            office={"notes": f"note_id clause\nN1 {clause}"},
        ),
    ]
    if wrong_kind is not None:
        cases.append(
            case(
                "wrong_kind",
                "the same answers of an institution the clause is not for",
                "not_applicable",
                proved,
                reason="不适用于该类机构",
                facts=wrong_kind,
                source="",
            )
        )
    return cases


def usual_cases(
    indicator: str,
    good: Mapping[str, Sent],
    lacking: Mapping[str, Sent],
    says: str,
    *,
    facts: Mapping[str, object] | None = None,
    wrong: Mapping[str, object] | None = None,
    office: Mapping[str, str] | None = None,
) -> list[Case]:
    """Nothing sent; what it needs lacking (the reason says ``says``); an institution not asked.

    ``good`` is what would give a value, so that only the kind of institution stops it.
    """
    mine, table = facts or {}, office or {}
    found = [
        Case(
            indicator,
            "nothing",
            "nothing was sent, so nothing is known",
            "no_data",
            None,
            "2021Q4 未报送",
            facts=mine,
            office=table,
        ),
        Case(
            indicator,
            "missing",
            f"all is sent but what the reason names ({says}): not known, and not zero",
            "no_data",
            None,
            says,
            sent=lacking,
            facts=mine,
            office=table,
        ),
    ]
    if wrong is not None:
        found.append(
            Case(
                indicator,
                "wrong_kind",
                "sent by an institution the clause is not for",
                "not_applicable",
                None,
                "不适用于该类机构",
                sent=good,
                facts=wrong,
                office=table,
            )
        )
    return found


def share_cases(
    indicator: str,
    share: Callable[[str, str], Sent],
    lacking: Sent,
    says: str,
    *,
    none: Sent | None = None,
    none_says: str = "",
    facts: Mapping[str, object] | None = None,
    wrong: Mapping[str, object] | None = None,
) -> list[Case]:
    """Cases of a share that is not to fall below that at the start of the year.

    ``share(part, rest)`` is a ledger of the part and of what else the whole holds. At the start
    of the year 5,000 of 10,000: 50 %. A fall of exactly 0.01 points counts as flat. ``lacking``
    is what is sent at the end when what the reason names is missing; ``none`` a ledger
    without anything in the whole.
    """
    start, whole = "2020Q4", {"facts": facts or {}, "source": "ledger"}
    half = share("5000.00", "5000.00")

    def at_end(edge: str, working: str, part: str, rest: str, value: str, **more: object) -> Case:
        sent = {start: half, "2021Q4": share(part, rest)}
        expected = {"verdict": "on_track", "sent": sent, "base": "50", "wrong_way": 0}
        return Case(indicator, edge, working, value=value, **{**whole, **expected, **more})

    bad_third = {start: half, "2021Q3": share("4000.00", "6000.00")}
    found = [
        *usual_cases(
            indicator,
            {start: half, "2021Q4": half},
            {start: half, "2021Q4": lacking},
            says,
            facts=facts,
            wrong=wrong,
        ),
        at_end(
            "at_limit",
            "4,999 of 10,000 is 49.99 %: down by 0.01, which is flat",
            "4999.00",
            "5001.00",
            "4999/100",
        ),
        at_end(
            "below",
            "one fen less, 4,998.99 of 10,000 is 49.9899 %: down, for the first quarter",
            "4998.99",
            "5001.01",
            "499899/10000",
            wrong_way=1,
            reason="首次出现不利变动",
        ),
        at_end(
            "above",
            "one fen more, 4,999.01 of 10,000 is 49.9901 %: down by less than 0.01",
            "4999.01",
            "5000.99",
            "499901/10000",
        ),
        at_end(
            "wrong_twice",
            "40 % in the third quarter and 45 % in the fourth, both below the 50 % of the start",
            "4500.00",
            "5500.00",
            "45",
            sent={**bad_third, "2021Q4": share("4500.00", "5500.00")},
            verdict="behind",
            wrong_way=2,
        ),
        at_end(
            "other",
            "40 % in the third quarter, but 60 % in the fourth: the count begins anew",
            "6000.00",
            "4000.00",
            "60",
            sent={**bad_third, "2021Q4": share("6000.00", "4000.00")},
        ),
        at_end(
            "no_base",
            "45 % now, and nothing of the start of the year: shown, not judged",
            "4500.00",
            "5500.00",
            "45",
            sent={"2021Q4": share("4500.00", "5500.00")},
            verdict="shown",
            base=None,
            wrong_way=None,
            reason="无可比基数",
        ),
    ]
    if none is not None:
        found.append(
            Case(
                indicator,
                "nothing_there",
                "the whole is zero: there is nothing to take a share of",
                "not_applicable",
                None,
                none_says,
                sent={start: half, "2021Q4": none},
                facts=facts or {},
            )
        )
    return found
