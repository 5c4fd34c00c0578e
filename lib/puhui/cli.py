"""The ``puhui`` command. Heavy libraries are imported inside commands only."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from puhui import __version__
from puhui.errors import PuhuiError

if TYPE_CHECKING:
    from puhui.runner.measuring import Progress
    from puhui.runner.quarterly import Request

app = typer.Typer(
    help="普惠：季度小微企业金融服务监管指标、判断与通报。",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
params_app = typer.Typer(help="参数文件（params/）。", no_args_is_help=True)
app.add_typer(params_app, name="params")
_out = Console()
_err = Console(stderr=True)

QuarterArg = Annotated[str, typer.Argument(help="季度，例如 2021Q4。", show_default=False)]
DataOpt = Annotated[
    Path, typer.Option("--data", help="数据目录（submissions/、supervisor/、store/）。")
]
ParamsOpt = Annotated[Path, typer.Option("--params", help="参数目录。")]
OutOpt = Annotated[Path, typer.Option("--out", help="输出目录。")]
InstitutionOpt = Annotated[
    list[str] | None, typer.Option("--institution", help="只编制这些机构，可重复。")
]
TopOpt = Annotated[int, typer.Option("--top", min=0, help="只编制贷款笔数最多的 N 家机构。")]
JobsOpt = Annotated[int, typer.Option("--jobs", min=0, help="同时执行的笔记本数（0：按参数）。")]

SetOpt = Annotated[
    list[str] | None,
    typer.Option("--set", help="假设：事实=值，可重复；并列显示前后结论，不写入结果。"),
]

_DATA, _PARAMS, _OUTPUT = Path("data/example"), Path("params"), Path("output")


@app.callback()
def _root(
    version: Annotated[bool, typer.Option("--version", help="显示版本。")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="出错时显示完整回溯。")] = False,
) -> None:
    _Settings.debug = debug
    if version:
        _out.print(f"puhui {__version__}")
        raise typer.Exit


class _Settings:
    debug = False


@app.command()
def run(
    quarter: QuarterArg,
    data: DataOpt = _DATA,
    params: ParamsOpt = _PARAMS,
    out: OutOpt = _OUTPUT,
    institution: InstitutionOpt = None,
    top: TopOpt = 0,
    jobs: JobsOpt = 0,
    as_judged: Annotated[
        Path | None,
        typer.Option("--as-judged", help="inputs.lock：按其中锁定的版本重做，不接收新报送。"),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="全部重做，不论有无变化。")] = False,
    audience: Annotated[
        list[str] | None,
        typer.Option(
            "--audience",
            help="只编制给这些对象的发送包，可重复：supervisor（不编制）、institution、circular、"
            "government（默认全部）。",
        ),
    ] = None,
    pdf: Annotated[
        bool, typer.Option("--pdf", help="另把各页打印成 PDF（需要 Chromium 或 Chrome）。")
    ] = False,
) -> None:
    """从报送到网页：接收校验 → 入库 → 指标 → 笔记本 → 汇集 → 通报。"""
    from puhui import schema
    from puhui.runner.quarterly import run_quarter

    request = _request(quarter, data, params, out, institution, top, jobs)
    with _progress() as progress:
        asked = replace(
            request,
            as_judged=as_judged,
            force=force,
            audiences=tuple(audience or ()),
            browser=_browser() if pdf else "",
        )
        outcome = run_quarter(asked, progress)
    manifest = outcome.manifest
    for table, rows in manifest["rows"].items():
        _out.print(
            f"{schema.label(table) if table else '补充文件'}：读入 {rows['rows_in']} = "
            f"接受 {rows['accepted']} + 隔离 {rows['quarantined']} + 非数据 {rows['non_data']}"
        )
    if not manifest["seconds"]:
        _out.print("报送、参数、程序与已发布的结果都没有变化，无需重做。")
    _out.print(
        f"笔记本：执行 {manifest['executed']}，未变 {manifest['unchanged']}；"
        f"网页：更新 {manifest['pages_written']}；用时 {sum(manifest['seconds'].values()):.1f} 秒"
    )
    for line in outcome.notes:
        _err.print(f"注意　{line}。", style="yellow", highlight=False, markup=False)
    for line in outcome.refused:
        _err.print(f"退回　{line}", style="yellow", highlight=False, markup=False)
    for name, reason in sorted(outcome.failed.items()):
        _err.print(f"未完成　{name}：{reason}", style="red", highlight=False, markup=False)
    _out.print(f"首页：{outcome.config.folder / 'index.html'}", highlight=False, soft_wrap=True)
    raise typer.Exit(outcome.exit_code)


@app.command()
def check(
    quarter: QuarterArg,
    data: DataOpt = _DATA,
    params: ParamsOpt = _PARAMS,
    out: OutOpt = _OUTPUT,
    institution: InstitutionOpt = None,
) -> None:
    """只接收与校验：列出每份报送的行数与问题，不编制通报。"""
    from rich.table import Table

    from puhui.runner.quarterly import check_quarter

    request = _request(quarter, data, params, out, institution, 0, 0)
    with _progress() as progress:
        prepared = check_quarter(request, progress)
    table = Table("机构", "文件", "表", "行数", "接受", "隔离", "非数据", "状态", title="接收情况")
    for row in prepared.run.intake().to_pylist():
        counts = (str(row[c] or 0) for c in ("rows_in", "accepted", "quarantined", "non_data"))
        where = (str(row[c] or "") for c in ("institution_id", "file", "table"))
        table.add_row(*where, *counts, str(row["status"]))
    _out.print(table)
    findings = prepared.run.intake("findings").to_pylist()
    for row in findings[:_LISTED]:
        place = " ".join(str(row[c]) for c in ("file", "sheet", "cell") if row[c])
        line = f"{row['check_id']} {row['institution_id']} {place}：{row['message']}"
        _out.print(line, highlight=False, markup=False, soft_wrap=True)
    if len(findings) > _LISTED:
        _out.print(f"共 {len(findings)} 条，以上为前 {_LISTED} 条；全部见 findings.parquet。")
    for line in prepared.refused:
        _err.print(f"退回　{line}", style="yellow", highlight=False, markup=False)
    for name, reason in sorted(prepared.run.config.failed.items()):
        _err.print(f"未接收　{name}：{reason}", style="red", highlight=False, markup=False)
    raise typer.Exit(1 if prepared.refused or prepared.run.config.failed else 0)


_LISTED = 200


@app.command()
def diff(
    before: Annotated[
        Path, typer.Argument(help="前：季度的输出目录（output/2021Q4 或 2021Q4），或 inputs.lock。")
    ],
    after: Annotated[Path, typer.Argument(help="后：同上。")],
    out: OutOpt = _OUTPUT,
    data: DataOpt = _DATA,
    params: ParamsOpt = _PARAMS,
    csv: Annotated[Path | None, typer.Option("--csv", help="把变动逐项写入 CSV 文件。")] = None,
) -> None:
    """比较两次运行：哪些报送版本不同，哪些指标因此变了（相同退出码 0，不同 1，出错 2）。"""
    from puhui import params as parameters
    from puhui.runner import difference_report as report
    from puhui.runner.differences import compare, open_side

    loaded = parameters.load(_there(params, "参数目录", "--params"), data_folder=data)
    with _progress() as progress:
        sides = [
            open_side(_side(p, out), data=data, params_folder=params, progress=progress)
            for p in (before, after)
        ]
    found = compare(*sides)
    names = report.Names.of(loaded, data, *(s.lock for s in sides))
    for line in report.lines(found, names):
        typer.echo(line)
    if csv is not None:
        report.write_csv(found, names, csv)
    raise typer.Exit(1 if found.any else 0)


@app.command()
def explain(
    quarter: QuarterArg,
    indicator: Annotated[str, typer.Argument(help="指标编号，例如 C7.2。")],
    institution: Annotated[str, typer.Argument(help="机构编号。")],
    branch: Annotated[str | None, typer.Option("--branch", help="内部机构号。")] = None,
    out: OutOpt = _OUTPUT,
    rows: Annotated[int, typer.Option("--rows", help="列出背后的贷款行数。")] = 0,
    sql: Annotated[bool, typer.Option("--sql", help="显示取数语句。")] = False,
) -> None:
    """说明一个数值如何得来：公式、指标量、行数、基数、限值、条款、来源，直至明细。"""
    from puhui.explain import explain as explained
    from puhui.runner.workspace import COUNTY, Run, RunConfig

    opened = Run(RunConfig.read(out / quarter / "working" / "run.json"))
    if branch is not None and branch not in opened.branches(institution):
        known = "、".join(opened.branches(institution)) or "无"
        raise PuhuiError(f"{institution} 没有内部机构 {branch}。", remedy=f"现有：{known}。")
    text = explained(
        opened.bench,
        indicator,
        opened.facts(institution),
        branch,
        everyone=opened.everyone() if institution == COUNTY else (),
        engine=opened.engine(institution) if rows else None,
        rows=rows,
        sql=sql,
    )
    typer.echo(text)


@app.command()
def whatif(
    quarter: QuarterArg,
    tolerance: Annotated[
        str | None, typer.Option("--tolerance", help="假设的容忍度（百分点）。")
    ] = None,
    comparator: Annotated[
        str | None, typer.Option("--comparator", help="假设的网点比较基准：institution、branch。")
    ] = None,
    institution: InstitutionOpt = None,
    out: OutOpt = _OUTPUT,
) -> None:
    """假设容忍度或比较基准改变，各单位的结论前后对照；不写入结果。"""
    from decimal import Decimal, InvalidOperation

    from puhui import eligibility
    from puhui.runner.workspace import Run, RunConfig

    try:
        points = None if tolerance is None else Decimal(tolerance)
    except InvalidOperation:
        raise PuhuiError(
            f"容忍度“{tolerance}”不是数。", remedy="请写百分点数，例如 2.5。"
        ) from None
    supposed = eligibility.Supposed(points, comparator)
    opened = Run(RunConfig.read(out / quarter / "working" / "run.json"))
    changes = [
        change
        for i in institution or opened.config.institutions
        for change in eligibility.whatif(
            opened.bench, opened.facts(i), opened.branches(i), supposed
        )
    ]
    for line in eligibility.whatif_lines(changes, supposed):
        typer.echo(line)


@app.command()
def edits(
    quarter: QuarterArg,
    page: Annotated[str, typer.Argument(help="页面：机构编号，或 county（全县通报）。")],
    data: Annotated[
        Path | None, typer.Option("--data", help="数据目录（默认为该次运行所用的）。")
    ] = None,
    out: OutOpt = _OUTPUT,
    reviewed: Annotated[
        bool, typer.Option("--reviewed", help="已复核：把修改所依据的原句更新为现句。")
    ] = False,
) -> None:
    """把一页由程序生成的语句写入 data/edits/<季度>/<页面>.yaml，供人工修改；改过的保留。"""
    from puhui.runner.editing import write_edits
    from puhui.runner.workspace import Run, RunConfig

    config = RunConfig.read(out / quarter / "working" / "run.json")
    if data is not None:
        config = replace(config, data=str(_there(data, "数据目录", "--data").resolve()))
    path, count = write_edits(Run(config), page, reviewed=reviewed)
    typer.echo(f"{path}：{count} 句。写入 text 后执行 puhui run {quarter}。")


@app.command("eval")
def evaluate(
    indicator: Annotated[str, typer.Argument(help="指标编号。")],
    measures: Annotated[
        Path, typer.Argument(help="CSV：measure,period,value（另可有 facts.* 行）。")
    ],
    quarter: Annotated[str, typer.Option("--quarter", help="适用哪个季度的政策。")] = "2021Q4",
    params: ParamsOpt = _PARAMS,
    branch: Annotated[bool, typer.Option("--branch", help="按网点口径。")] = False,
) -> None:
    """用给定的指标量算一个指标：与正式运行同一套代码，供手工核对。"""
    from puhui.explain import evaluate_file

    text = evaluate_file(params, quarter, indicator, measures, branch=branch)
    typer.echo(text)


@app.command()
def decide(
    cases: Annotated[
        Path, typer.Argument(help="CSV：每行一人一种角色，列同责任认定的两张登记表。")
    ],
    quarter: Annotated[str, typer.Option("--quarter", help="适用哪个季度的规则。")] = "2021Q4",
    params: ParamsOpt = _PARAMS,
    supposed: SetOpt = None,
) -> None:
    """用给定的事实判断是否符合免责条件：与正式运行同一套规则，供手工核对；不写入结果。"""
    from puhui import eligibility
    from puhui import params as parameters

    loaded = parameters.load(_there(params, "参数目录", "--params"))
    for line in eligibility.written(
        eligibility.decide_file(loaded, quarter, cases, tuple(supposed or ()))
    ):
        typer.echo(line)


@app.command()
def case(
    case_id: Annotated[str, typer.Argument(help="案件编号。")],
    quarter: Annotated[str, typer.Option("--quarter", help="季度。")] = "2021Q4",
    institution: Annotated[str, typer.Option("--institution", help="机构编号。")] = "",
    out: OutOpt = _OUTPUT,
    supposed: SetOpt = None,
) -> None:
    """写出一个案件的评议单（A4，可打印）；用 --set 时只并列显示假设前后的结论，不写任何文件。"""
    from puhui.runner import cases

    found = cases.find(out / quarter, case_id, institution)
    for line in cases.lines(found, tuple(supposed or ())):
        typer.echo(line)
    if not supposed:
        typer.echo(f"案件单：{cases.write_sheet(found, out / 'cases')}")


@app.command()
def fit(
    file: Annotated[Path, typer.Argument(help="CSV 或 Parquet。")],
    y: Annotated[str, typer.Option("--y", help="因变量。")],
    x: Annotated[list[str], typer.Option("--x", help="自变量，可重复。")],
    absorb: Annotated[list[str] | None, typer.Option("--absorb", help="吸收的固定效应。")] = None,
    cluster: Annotated[str | None, typer.Option("--cluster", help="聚类变量。")] = None,
    cluster2: Annotated[str | None, typer.Option("--cluster2", help="第二聚类变量。")] = None,
    weights: Annotated[str | None, typer.Option("--weights", help="权重（重要性）。")] = None,
    h0: Annotated[float, typer.Option("--h0", help="原假设值。")] = 0.0,
    intercept: Annotated[bool, typer.Option("--intercept/--no-intercept")] = True,
    count_absorbed: Annotated[
        bool, typer.Option("--count-absorbed", help="自由度计入被吸收的效应。")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="输出一个 JSON 对象。")] = False,
) -> None:
    """对任意表做回归：系数、聚类标准误、受限野自助法的检验和区间，由精确整数矩算出。"""
    from puhui import rates

    fitted = rates.fit(
        file,
        y,
        x,
        cluster=cluster,
        cluster2=cluster2,
        weights=weights,
        absorb=tuple(absorb or ()),
        h0=h0,
        intercept=intercept,
        count_absorbed=count_absorbed,
    )
    typer.echo(rates.to_json(fitted) if json else rates.to_text(fitted))


@app.command()
def example(
    out: Annotated[
        Path, typer.Option("--out", help="写入的文件夹（新的、空的，或以前生成的示例）。")
    ],
    scale: Annotated[int, typer.Option("--scale", min=1, help="县的个数。")] = 1,
    seed: Annotated[
        int, typer.Option("--seed", help="随机种子；种子相同则文件逐字节相同。")
    ] = 2021,
    quarter: Annotated[
        list[str] | None, typer.Option("--quarter", help="只写这些季度，可重复（默认九个季度）。")
    ] = None,
    jobs: Annotated[int, typer.Option("--jobs", min=1, help="同时生成的县数。")] = 1,
) -> None:
    """生成示例县：各机构的报送文件，以及其中埋设的真值（truth/）。"""
    from puhui.example import QUARTERS, make
    from puhui.quarter import Quarter

    quarters = tuple(Quarter.parse(q) for q in quarter) if quarter else QUARTERS
    with _progress() as report:
        made = make(
            out,
            seed=seed,
            scale=scale,
            quarters=quarters,
            jobs=jobs,
            progress=lambda done, total: report("生成示例县", done, total, ""),
        )
    size = sum(file.size for file in made.files) / 1_000_000
    _out.print(
        f"{out}：{scale} 个县，{len(made.files)} 个文件，{size:.1f} MB，"
        f"{max(quarters)}末有余额的借据 {made.loans} 笔。真值在 {out / 'truth'}。",
        highlight=False,
        soft_wrap=True,
    )


@params_app.command("check")
def params_check(params: ParamsOpt = _PARAMS) -> None:
    """检查全部参数文件：一次列出所有问题（文件、行、原文、建议）；无误退出码 0，有误 1。"""
    from puhui.runner.parameters import COUNTED, lint

    report = lint(_there(params, "参数目录", "--params"))
    for problem in report.problems:
        typer.echo(f"错误　{problem}")
    if report.unchecked:
        typer.echo(f"以上问题更正之前无法检查：{'、'.join(report.unchecked)}。")
    if report.problems:
        typer.echo(f"共 {len(report.problems)} 处问题。")
        raise typer.Exit(1)
    for warning in report.warnings:
        typer.echo(f"提示　{warning}")
    counts = "，".join(f"{COUNTED[name]} {n}" for name, n in report.counts.items())
    typer.echo(f"参数无误：{counts}；提示 {len(report.warnings)} 条。")


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def lab(context: typer.Context) -> None:
    """在笔记本目录打开 JupyterLab；其后的参数原样交给 JupyterLab。"""
    import subprocess

    from puhui.runner.project import project_root

    notebooks = str(project_root() / "notebooks")
    command = [sys.executable, "-m", "jupyterlab", notebooks, *context.args]
    raise typer.Exit(subprocess.call(command))


def _browser() -> str:
    """Find what prints; say so where there is nothing, and go on without."""
    from puhui.runner.printing import GIVEN, find_browser

    found = find_browser()
    if found is None:
        said = "注意　找不到 Chromium 或 Chrome，不生成 PDF；网页可在任何浏览器中打印。"
        remedy = f"装好后重新执行，或用环境变量 {GIVEN} 指定。"
        _err.print(said + remedy, style="yellow", highlight=False, markup=False)
    return found or ""


def _request(
    quarter: str,
    data: Path,
    params: Path,
    out: Path,
    institutions: list[str] | None,
    top: int,
    jobs: int,
) -> Request:
    from puhui.quarter import Quarter
    from puhui.runner.quarterly import Request

    return Request(
        Quarter.parse(quarter),
        _there(data, "数据目录", "--data"),
        _there(params, "参数目录", "--params"),
        out,
        tuple(institutions or ()),
        top,
        jobs,
    )


def _side(path: Path, out: Path) -> Path:
    """Take ``2021Q4`` for the quarter's folder under ``--out``."""
    return out / path if not path.exists() and (out / path).is_dir() else path


def _there(folder: Path, what: str, option: str) -> Path:
    if not folder.is_dir():
        raise PuhuiError(f"{what} {folder} 不存在。", remedy=f"请用 {option} 指定。")
    return folder


@contextmanager
def _progress() -> Iterator[Progress]:
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TaskID,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    bars = Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("余"),
        TimeRemainingColumn(),
        TextColumn("[dim]{task.fields[text]}"),
        console=_err,
    )
    tasks: dict[str, TaskID] = {}
    with bars:

        def report(stage: str, done: int, total: int, text: str) -> None:
            if stage not in tasks:
                tasks[stage] = bars.add_task(stage, total=total, text=text)
            bars.update(tasks[stage], completed=done, total=total, text=text)

        yield report


def main() -> None:
    """Entry point: errors of ours become one line and an exit code."""
    try:
        # Outside standalone mode a typer.Exit comes back as its code.
        sys.exit(app(standalone_mode=False) or 0)
    except PuhuiError as error:
        if _Settings.debug:
            raise
        _err.print(f"错误　{error}", style="red", highlight=False, markup=False, soft_wrap=True)
        sys.exit(error.exit_code)
    except (KeyboardInterrupt, typer.Abort):
        _err.print("已中断。")
        sys.exit(130)
    except OSError as error:
        if _Settings.debug:
            raise
        where = f"{error.filename}：" if error.filename else ""
        _err.print(f"错误　读写失败：{where}{error.strerror}。请检查磁盘空间和权限。", style="red")
        sys.exit(2)
    except Exception as error:
        # Typer's own usage errors print themselves; anything else is our fault and says so.
        show = getattr(error, "show", None)
        if show is not None:
            show()
            sys.exit(2)
        if _Settings.debug:
            raise
        _err.print(f"程序内部错误：{error!r}。请加 --debug 重试并把回溯发给维护者。", style="red")
        sys.exit(2)
