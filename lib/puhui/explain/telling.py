"""How a value came about: formula in words, measures, rows, base, threshold, clause, source."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction

from puhui import results
from puhui.engine import DuckDBEngine
from puhui.errors import RunError
from puhui.explain.figures import answer_items, behind, lists_rows, measure_lines, plain
from puhui.indicators import (
    COUNTY,
    SOURCE_WORDS,
    Bench,
    Evaluation,
    Facts,
    evaluate,
    result_row,
    totals_table,
)
from puhui.indicators.answers import STATES
from puhui.indicators.evaluation import holds
from puhui.params import Expression, Indicator, Params
from puhui.params.expression import NoData, Value

Row = Mapping[str, object]
_FORCES = {"ban": "禁止", "must": "应当", "strive": "努力", "encourage": "鼓励", "none": "计数"}


def find(params: Params, indicator_id: str) -> Indicator:
    """Return an indicator; raises :class:`RunError` listing the known ones."""
    if indicator_id not in params.indicators:
        known = "、".join(params.indicators)
        raise RunError(f"没有指标 {indicator_id}。", remedy=f"现有：{known}。")
    return params.indicators[indicator_id]


def explain(
    bench: Bench,
    indicator_id: str,
    facts: Facts,
    branch_id: str | None = None,
    *,
    engine: DuckDBEngine | None = None,
    rows: int = 0,
    sql: bool = False,
    everyone: Sequence[Facts] = (),
) -> str:
    """Explain one indicator of one unit as Chinese text.

    Parameters
    ----------
    bench, indicator_id, facts, branch_id
        What is explained. The id of a clause stands for all its indicators.
    engine
        Engine with the store's views, needed to list rows.
    rows
        How many loans or register rows behind each measure to list.
    sql
        Whether to show the statement behind each measure.
    everyone
        Facts of all institutions, which totals of the county are over.

    Raises
    ------
    RunError
        Unknown indicator; a total asked of an institution, or anything else of the county.
    """
    params = bench.params
    if indicator_id in params.clauses and indicator_id not in params.indicators:
        wanted = [i for i in params.indicators.values() if i.clause == indicator_id]
    else:
        wanted = [find(params, indicator_id)]
    told = []
    for indicator in wanted or [find(params, indicator_id)]:
        _check_unit(indicator, facts)
        if indicator.total_of is not None:
            told.append(_total(bench, indicator, everyone))
        else:
            told.append(_one(bench, indicator, facts, branch_id, engine, rows, sql))
    return "\n\n".join(told)


def _check_unit(indicator: Indicator, facts: Facts) -> None:
    total, county = indicator.total_of is not None, facts.institution_id == COUNTY
    if total is not county:
        here = f"机构编号写 {COUNTY}" if total else "请写机构编号"
        what = "全县合计" if total else "按机构计算"
        raise RunError(f"指标 {indicator.id} 是{what}的。", remedy=f"{here}。")


def _one(
    bench: Bench,
    indicator: Indicator,
    facts: Facts,
    branch_id: str | None,
    engine: DuckDBEngine | None,
    rows: int,
    sql: bool,
) -> str:
    params = bench.params
    row = result_row(bench, indicator, facts, branch_id)
    formula = indicator.formula_for(True) if branch_id is not None else indicator.formula
    lines = [*_head(bench, indicator, facts, branch_id, formula), value_line(row)]
    lines += _standard_lines(bench, indicator, row, formula)
    lines += _verdict_lines(row)
    if holds(indicator.who, facts.at(branch_id)) is not True:
        return "\n".join(lines)
    if formula is None:
        return "\n".join([*lines, *_answer_lines(bench, indicator, facts)])
    done = evaluate(bench, indicator, facts, branch_id)
    lines += parts_lines(indicator, done.parts)
    used = [*done.used, *_at_base(bench, indicator, facts, branch_id, done)]
    lines += measure_lines(params, used)
    lines += _numbers_answered(bench, facts, used)
    listed = [m for m in used if lists_rows(params, m)]
    for one in listed:
        lines += behind(params, one, engine, rows, sql)
    if listed and not rows:
        lines.append("加 --rows N 列出明细，加 --sql 显示取数语句。")
    return "\n".join(lines)


def _at_base(
    bench: Bench, indicator: Indicator, facts: Facts, branch_id: str | None, done: Evaluation
) -> list[Row]:
    """Measures the base value rests on, where the indicator is compared with its own past."""
    if indicator.base is None or not isinstance(done.value, Fraction):
        return []
    at = bench.quarter.bases[indicator.base]
    base = evaluate(bench, indicator, facts, branch_id, at=at, source=done.source)
    return [row for row in base.used if row not in done.used]


def _head(
    bench: Bench,
    indicator: Indicator,
    facts: Facts,
    branch_id: str | None,
    formula: Expression | None,
) -> list[str]:
    """What is explained, the clause it answers, and how it is worked out."""
    params, clause = bench.params, bench.params.clauses[indicator.clause]
    unit = facts.name if branch_id is None else f"{facts.name} {branch_id}"
    force = _FORCES[clause.force]
    said = indicator.formula_words(params.label) if formula is None else formula.words(params.label)
    how = "公式" if formula is not None else "暂不计算" if indicator.pending else "应答"
    lines = [
        f"{indicator.id} {indicator.label} — {unit}，{bench.quarter.label}",
        f"条款：{clause.id}（第{clause.section}部分，{force}）{clause.wording.zh}",
        f"{how}：{said}" + (f"，单位 {indicator.unit}" if indicator.unit else ""),
    ]
    if indicator.not_applicable_when is not None:
        words = indicator.not_applicable_when.words(params.label)
        lines.append(f"不适用的情形：{words}（{indicator.not_applicable_why}）")
    return lines


def value_line(row: Row) -> str:
    """Write the value with its exact fraction and source, or that there is none."""
    if row.get("value_num") is None:
        return "数值：无数据"
    exact = f"{row['value_num']}/{row['value_den']}"
    source = SOURCE_WORDS[str(row["source"])]
    said = row.get("answers")
    if isinstance(said, list):
        return f"数值：{row['value_num']}/{len(said)} {row['unit']}（来源：答卷）"
    return f"数值：{row['value']:.12g} {row['unit']}（精确值 {exact}；来源：{source}）"


def _standard_lines(
    bench: Bench, indicator: Indicator, row: Row, formula: Expression | None
) -> list[str]:
    """Base, limit, and the settings of the policy they and the formula use."""
    lines = []
    if row.get("base_num") is not None:
        label = bench.quarter.bases[str(row["base"])].label
        exact = f"{row['base_num']}/{row['base_den']}"
        lines.append(f"基数（{label}）：{row['base_value']:.12g}（精确值 {exact}）")
        lines.append(f"变动：{row['change']:.12g}")
    policy = bench.params.policy.on(bench.quarter.end)
    said = indicator.test_words(policy, bench.quarter)
    if row["threshold"] is not None:
        how = f"限值：{row['test']} {row['threshold']}；{_policy_line(bench, indicator)}"
        lines.append(f"{how}（本项目自定，超过只提示）" if indicator.only_flags else how)
    elif said:
        lines.append(f"判断：{said}")
    used = [f for f in (formula, indicator.threshold_formula) if f is not None]
    names = sorted({n for f in used for q, n in f.columns if q == "policy"})
    lines += [f"参数：{_setting(bench, name)}" for name in names]
    return lines


def _policy_line(bench: Bench, indicator: Indicator) -> str:
    policy = bench.params.policy.on(bench.quarter.end)
    if indicator.threshold_formula is not None:
        return f"按公式 {indicator.threshold_formula.words(bench.params.label)}"
    if indicator.threshold not in policy:
        return "条款本身的限值"
    return f"参数 {_setting(bench, str(indicator.threshold))}"


def _setting(bench: Bench, name: str) -> str:
    """Name a setting with its value, since when it holds, and on what it rests."""
    policy = bench.params.policy.on(bench.quarter.end)
    label = bench.params.policy.settings[name].label
    value = "无" if policy[name] is None else policy[name]
    return f"{name}（{label}）= {value}，自 {policy.since(name)} 起，依据：{policy.source(name)}"


def _verdict_lines(row: Row) -> list[str]:
    lines = [f"结论：{results.VERDICTS[str(row['verdict'])]}"]
    flags = row.get("flags")
    if isinstance(flags, list) and flags:
        lines.append(f"标注：{'、'.join(results.FLAGS[f] for f in flags)}")
    if row.get("reason"):
        lines.append(f"说明：{row['reason']}")
    return lines


def parts_lines(indicator: Indicator, parts: Mapping[str, Value]) -> list[str]:
    """Figures shown beside the value, those that could be worked out."""
    return [
        f"其中：{indicator.parts[name].label} = {float(value):.12g} {indicator.parts[name].unit}"
        for name, value in parts.items()
        if isinstance(value, Fraction)
    ]


def _answer_lines(bench: Bench, indicator: Indicator, facts: Facts) -> list[str]:
    """Each item: answer, document, since when in force, and how that counts; the office's note."""
    answers, key = bench.answers, (str(bench.quarter), facts.institution_id)
    states = answers.states(indicator, facts.institution_id, bench.quarter)
    if isinstance(states, str):
        return []
    given = answers.given.get(key, {})
    lines = [_answer(item, given.get(item), STATES[state]) for item, state in states.items()]
    note = answers.note(indicator.clause, facts.institution_id, bench.quarter)
    if note is not None:
        lines.append(f"监管记录（{note.noted_on}）：{note.fact}")
    return lines


def _answer(item: str, row: Row | None, counted: str = "") -> str:
    """One answer with its document, as a line."""
    if row is None:
        return f"答卷：{item} 未答"
    said = [f"回答“{row['value']}”"]
    said += [f"{word} {row[k]}" for k, word in _PROOF.items() if row.get(k)]
    said += [f"计为：{counted}"] if counted else []
    return f"答卷：{item} {'，'.join(said)}"


_PROOF = {"document_no": "文号", "in_force_from": "生效日期", "evidence": "佐证"}


def _numbers_answered(bench: Bench, facts: Facts, used: Iterable[Row]) -> list[str]:
    """Answers that the measures were read from."""
    lines = []
    for row in used:
        measure = bench.params.measures[str(row["measure_id"])]
        if measure.attested is None:
            continue
        given = bench.answers.given.get((str(row["quarter"]), facts.institution_id), {})
        for item in answer_items(measure):
            names = [item]
            if item.endswith(".*"):
                names = sorted(n for n in given if n.startswith(item.removesuffix("*")))
            lines += [f"{_answer(n, given.get(n))}（{row['quarter']}）" for n in names]
    return list(dict.fromkeys(lines))


def _total(bench: Bench, indicator: Indicator, everyone: Sequence[Facts]) -> str:
    """Explain a total: who is in it with which figures, and who is left out and why."""
    found = totals_table(bench, everyone).to_pylist()
    row = next(r for r in found if r["indicator_id"] == indicator.id)
    county = Facts(COUNTY, "全县合计", {})
    lines = [*_head(bench, indicator, county, None, indicator.formula), value_line(row)]
    lines += _standard_lines(bench, indicator, row, indicator.formula)
    lines += _verdict_lines(row)
    assert indicator.total_of is not None
    for facts in everyone:
        if holds(indicator.total_of, facts) is not True:
            continue
        done = evaluate(bench, indicator, facts)
        if isinstance(done.value, NoData):
            lines.append(f"未计入：{facts.name}，{'；'.join(done.value.reasons)}")
            continue
        figures = "、".join(_figure(bench.params, used) for used in done.used)
        lines.append(f"计入：{facts.name}（{SOURCE_WORDS[str(done.source)]}）：{figures}")
    return "\n".join(lines)


def _figure(params: Params, used: Row) -> str:
    measure = params.measures[str(used["measure_id"])]
    return f"{used['quarter']} {measure.label} {plain(used['value'])} {measure.unit}"
