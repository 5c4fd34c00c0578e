# Needs Python >= 3.11 and make; everything else is installed into $(VENV) through plain pip,
# so that a mirror configured for pip is honoured.

# The first Python of 3.11 or newer; override with `make PYTHON=/path/to/python quarter`.
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11 python; do \
	"$$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo "$$p"; break; }; done)
VENV   ?= .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
SPARK  := $(VENV)/.spark-installed
COMPARE := $(VENV)/.compare-installed
UV     ?= uv

QUARTER ?= 2021Q4
DATA    ?= data/example
PARAMS  ?= params
OUT     ?= output
JOBS    ?=
RUN_FLAGS = --params $(PARAMS) $(if $(JOBS),--jobs $(JOBS))

# Real loans: a file outside the repository, and the benchmark it is priced on beside it.
LOANS        ?=
PRIME        ?= $(dir $(LOANS))us_prime_rate.csv
REAL_QUARTER ?= 2018Q1
REAL_DATA    ?= build/real
TOP          ?= 20

GROUPS   := test check build
PYTEST   := $(BIN)/python -m pytest -q
NOTEBOOK_TESTS := $(PYTEST) --nbval-lax --nbval-current-env notebooks

.PHONY: help setup spark compare quarter example test test-all check lab notebooks real lock canary clean
.DELETE_ON_ERROR:

help:
	@echo "make quarter    set up and run the quarter: $(OUT)/$(QUARTER)/index.html"
	@echo "                (QUARTER, DATA, PARAMS, OUT, JOBS can be given)"
	@echo "make test       set up and run every test but the slow ones, Spark's and comparisons', notebooks included"
	@echo "make test-all   those too (needs Java 17 and Chromium)"
	@echo "make check      lint, format, types, imports, project and notebook hygiene"
	@echo "make spark      install the distributed engine (PySpark, 500 MB; it needs Java 17)"
	@echo "make compare    install pyfixest and wildboottest, and compare with them"
	@echo "make lab        JupyterLab on the notebooks"
	@echo "make notebooks  rebuild the outputs committed in notebooks/"
	@echo "make real LOANS=file.csv   run on real loans"
	@echo "make lock       renew requirements*.txt and environment.yml (LOCK=--upgrade for new releases)"
	@echo "make canary     run the tests on the newest releases"
	@echo "make clean      remove outputs and caches"

setup: $(STAMP)

$(STAMP): requirements.txt pyproject.toml
	@test -n "$(PYTHON)" && "$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "需要 Python 3.11 或更高版本（Python 3.11 or newer is needed）: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)" >&2; exit 2; }
	@"$(PYTHON)" -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "此 Python 缺少 venv/ensurepip。Debian/Ubuntu 请先安装 python3-venv（apt-get install python3-venv），再重新运行。" >&2; \
	  echo "This Python lacks venv/ensurepip; on Debian and Ubuntu install python3-venv, then run again." >&2; exit 2; }
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || "$(PYTHON)" -m venv --clear $(VENV)
	@echo "正在安装锁定版本的依赖，约需数分钟（installing the locked packages, a few minutes）…"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	$(BIN)/python -m puhui.runner.warm
	@touch $@

spark: $(SPARK)

$(SPARK): requirements-spark.txt $(STAMP)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --require-hashes -r requirements-spark.txt
	@touch $@

$(COMPARE): requirements-compare.txt $(STAMP)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --require-hashes -r requirements-compare.txt
	@touch $@

compare: $(COMPARE)
	$(PYTEST) -m compare

quarter: setup
	$(BIN)/puhui run $(QUARTER) --data $(DATA) --out $(OUT) $(RUN_FLAGS)

# What the notebooks' default parameters point to, whatever QUARTER, DATA and OUT say.
example: setup
	$(BIN)/puhui run 2021Q4 --data data/example --params params --out output $(if $(JOBS),--jobs $(JOBS))

test: example
	$(PYTEST) -m "not slow and not spark and not compare"
	$(NOTEBOOK_TESTS)

test-all: example spark $(COMPARE)
	$(PYTEST)
	$(NOTEBOOK_TESTS)

check: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(PYTEST) tests/project

lab: setup
	$(BIN)/puhui lab

notebooks: example
	$(BIN)/python -m puhui.runner.rebuild

real: setup
	@test -f "$(LOANS)" && test -f "$(PRIME)" || { \
	  echo "请指定贷款文件及其旁的 us_prime_rate.csv：make real LOANS=<路径>/sba_7a_illinois.csv" >&2; exit 2; }
	mkdir -p $(REAL_DATA)/submissions/$(REAL_QUARTER)/_shared $(REAL_DATA)/supervisor/benchmarks
	cp -p "$(LOANS)" $(REAL_DATA)/submissions/$(REAL_QUARTER)/_shared/
	cp -p "$(PRIME)" $(REAL_DATA)/supervisor/benchmarks/us_prime_rate.csv
	$(BIN)/puhui run $(REAL_QUARTER) --data $(REAL_DATA) --params params/sba7a --out $(OUT)/real --top $(TOP) $(if $(JOBS),--jobs $(JOBS))

# The lock is for every system and Python >= 3.11 and names no address. environment.yml carries the
# same pins without hashes, because pip refuses an editable install together with them.
EXTRA = "$(PYTHON)" -c 'import sys, tomllib; \
  print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"][sys.argv[1]], sep="\n")'

lock:
	@command -v $(UV) >/dev/null || { echo "需要 uv：pip install uv，或 make lock UV=/path/to/uv" >&2; exit 2; }
	$(UV) pip compile pyproject.toml $(addprefix --group ,$(GROUPS)) --universal --python-version 3.11 \
	  --generate-hashes --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" \
	  --quiet $(LOCK) --output-file requirements.txt
	for extra in spark compare; do \
	  $(EXTRA) $$extra | $(UV) pip compile - --constraint requirements.txt --universal --python-version 3.11 \
	    --generate-hashes --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" \
	    --no-annotate --quiet $(LOCK) --output-file requirements-$$extra.txt || exit 1; done
	{ echo "# Made by make lock from requirements.txt; do not edit."; \
	  echo "name: puhui"; echo "channels:"; echo "  - conda-forge"; echo "  - nodefaults"; \
	  echo "dependencies:"; echo "  - python=3.11"; echo "  - pip"; echo "  - pip:"; \
	  sed -nE 's/^([A-Za-z0-9][^\\]*[^\\ ]) *\\?$$/      - \1/p' requirements.txt; \
	  echo "      - -e ."; } > environment.yml

# Newest releases instead of the locked ones: what will break next is known before it does.
canary:
	$(MAKE) VENV=.venv-canary canary-venv
	$(MAKE) VENV=.venv-canary OUT=build/canary quarter
	.venv-canary/bin/python -m pytest -q -m "not slow and not spark and not compare" --ignore=tests/project

.PHONY: canary-venv
canary-venv:
	"$(PYTHON)" -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --upgrade $(addprefix --group ,$(GROUPS)) -e .
	touch $(STAMP)

clean:
	rm -rf output build dist .venv-canary .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -path ./$(VENV) -prune -o \( -name __pycache__ -o -name .ipynb_checkpoints -o -name '*.egg-info' \) -type d -print | \
	  xargs rm -rf
