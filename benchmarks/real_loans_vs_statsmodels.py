"""Real loans, bank effects, rungs A and B (trend, year effects): ours beside statsmodels.

    python benchmarks/real_loans_vs_statsmodels.py LOANS.csv PRIME.csv [RESULTS]

LOANS has BankName, InterestRate, GrossApproval, TermMonths and ApprovalDate (m/d/yy); PRIME has
Date and MPRIME by month. Each side runs in a process of its own, so that time and peak memory are
its own. Bank effects are dummies in statsmodels and count in K on both sides; loans with a term of
0 (quarantined by intake) and banks with one loan are left out on both sides. RESULTS is the
``results`` folder of a run on the same file (``make real``): what that run stored is then compared
too. Exit code 1 if the largest relative difference exceeds 1e-10.
"""

from __future__ import annotations

import datetime as dt
import json
import resource
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd

LIMIT = 1e-10
WINDOW = (dt.date(2009, 10, 1), dt.date(2018, 3, 31))
MODELS = {"A": ["prime"], "B": ["prime", "days"]}


def sample(loans: str, prime: str) -> pd.DataFrame:
    """Rows both sides use, decimals still as text."""
    raw = pd.read_csv(loans, dtype=str)
    day = pd.to_datetime(raw["ApprovalDate"], format="%m/%d/%y", errors="coerce")
    months = pd.read_csv(prime, dtype=str).set_index("Date")["MPRIME"]
    d = pd.DataFrame(
        {
            "bank": raw["BankName"].str.strip(),
            "rate": raw["InterestRate"].str.strip(),
            "amount": raw["GrossApproval"].str.replace(",", "").str.strip(),
            "prime": day.dt.strftime("%Y-%m-01").map(months),
            "days": (day - pd.Timestamp(WINDOW[0])).dt.days.astype("Int64").astype(str),
            "year": day.dt.year.astype(str),
            "day": day,
        }
    )
    inside = d["day"].between(pd.Timestamp(WINDOW[0]), pd.Timestamp(WINDOW[1]))
    termed = raw["TermMonths"].str.replace(",", "").astype(int) > 0
    d = d[inside & termed & d[["bank", "rate", "prime", "amount"]].notna().all(axis=1)]
    d = d[d.groupby("bank")["bank"].transform("size") > 1]
    return d.drop(columns="day").reset_index(drop=True)


def ours(d: pd.DataFrame, weights: str | None) -> dict[str, list[float | None]]:
    from puhui.rates import fit

    found: dict[str, list[float | None]] = {}
    for model, x in MODELS.items():
        effects = ["bank", "year"] if model == "B" else ["bank"]
        f = fit(d, "rate", x, cluster="bank", absorb=effects, weights=weights,
                count_absorbed=True)  # fmt: skip
        found[model] = [*f.beta, *f.se_crv1]
    return found


def theirs(d: pd.DataFrame, weights: str | None) -> dict[str, list[float]]:
    import statsmodels.api as sm

    banks = pd.get_dummies(d["bank"], dtype=float)
    years = pd.get_dummies(d["year"], dtype=float).iloc[:, 1:]
    importance = d[weights].astype(float) if weights else 1.0
    found = {}
    for model, x in MODELS.items():
        effects = [banks, years] if model == "B" else [banks]
        design = pd.concat([d[x].astype(float), *effects], axis=1)
        result = sm.WLS(d["rate"].astype(float), design, weights=importance).fit(
            cov_type="cluster", cov_kwds={"groups": d["bank"]}
        )
        found[model] = [*result.params[x], *result.bse[x]]
    return found


def measured(side: str, loans: str, prime: str) -> dict[str, object]:
    """Run one side in a fresh process and bring back numbers, seconds and peak memory."""
    command = [sys.executable, __file__, loans, prime, side]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    answer: dict[str, object] = json.loads(done.stdout)
    return answer


def run_side(side: str, loans: str, prime: str) -> None:
    d = sample(loans, prime)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.perf_counter()
    compute = ours if side == "ours" else theirs
    numbers = {key: compute(d, column) for key, column in (("none", None), ("amount", "amount"))}
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    report = {
        "numbers": numbers,
        "rows": len(d),
        "banks": int(d["bank"].nunique()),
        "seconds": time.perf_counter() - start,
        "peak_mb": peak / 1024,
        "before_mb": before / 1024,
    }
    print(json.dumps(report))


def stored(results: str, weights: str, model: str) -> list[float]:
    """What a run stored for one equation, in the order of the other sides."""
    table = pd.read_parquet(Path(results) / "regressions.parquet")
    own = (table["model"] == model) & (table["weights"] == weights) & table["variant"].isna()
    mine = table[own].set_index("term")
    terms = ["benchmark", "trend_days"][: len(MODELS[model])]
    return [float(mine.loc[t, c]) for c in ("estimate", "se_crv1") for t in terms]


def main(loans: str, prime: str, results: str | None = None) -> int:
    a, b = (measured(side, loans, prime) for side in ("ours", "theirs"))
    print(f"{Path(loans).name}: {a['rows']} loans of {a['banks']} banks with two or more")
    worst = 0.0
    for weights in ("none", "amount"):
        for model, x in MODELS.items():
            labels = [f"{kind} {term}" for kind in ("beta", "se_crv1") for term in x]
            pairs = zip(labels, a["numbers"][weights][model], b["numbers"][weights][model],
                        strict=True)  # fmt: skip
            for label, one, two in pairs:
                gap = abs(one - two) / abs(two)
                worst = max(worst, gap)
                print(f"{model} weights={weights:6} {label:14} {one:+.15e} {two:+.15e} {gap:.1e}")
            if results:
                gaps = [
                    abs(one - two) / abs(two)
                    for one, two in zip(
                        stored(results, weights, model), b["numbers"][weights][model], strict=True
                    )
                ]
                worst = max(worst, *gaps)
                print(f"{model} weights={weights:6} stored by the run: {max(gaps):.1e} at most")
    for name, side in (("puhui", a), ("statsmodels", b)):
        print(
            f"{name:11} {side['seconds']:.2f} s (imports included), peak {side['peak_mb']:.0f} MB"
            f" ({side['before_mb']:.0f} MB before the first fit)"
        )
    print(f"largest relative difference {worst:.1e}, allowed {LIMIT:.0e}")
    return int(worst > LIMIT)


if __name__ == "__main__":
    if len(sys.argv) == 4 and sys.argv[3] in ("ours", "theirs"):
        run_side(sys.argv[3], sys.argv[1], sys.argv[2])
    elif len(sys.argv) in (3, 4):
        raise SystemExit(main(*sys.argv[1:]))
    else:
        raise SystemExit(__doc__)
