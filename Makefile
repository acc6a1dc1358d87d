# `make demo` labels the embedded story model; `make test` runs every test. Nothing goes before.

SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
DEMO ?= runs/demo
TESTS ?= -n 2 --dist loadfile --no-loadscope-reorder
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check

# pip's listing, folded into one line that rewrites itself; in a log, one line in twenty files.
PROGRESS = awk -v terminal="$$(test -t 2 && echo 1 || echo 0)" '\
	/^ *(Downloading|Using cached) / { \
		n += 1; \
		if (terminal) printf "\r\033[K  %3d files  %.60s", n, $$0; \
		else if (n % 20 == 0) printf "  %3d files\n", n; \
		fflush() } \
	END { if (n) printf "%s  %3d files\n", terminal ? "\r\033[K" : "", n }'

.PHONY: help
help:  ## list what there is to make
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: demo
demo: .venv/.installed-test  ## label the embedded story model; table in the terminal, report on disk
	@$(BIN)/labeler run --out $(DEMO) --overwrite

.PHONY: report
report: .venv/.installed-test  ## write the demo's report again, from its run folder
	@$(BIN)/labeler report $(DEMO)

.PHONY: test
test: .venv/.installed-test  ## run the whole test suite (TESTS="-k corpus" for a part)
	@$(BIN)/python -m pytest $(TESTS)

.PHONY: torture
torture: .venv/.installed-test  ## kills, deaths of nodes, hostile input: hours (ONLY="fuzz kills")
	@$(BIN)/python -m tests.torture $(ONLY)

.PHONY: lint
lint: .venv/.installed-dev  ## check style, format and types
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --check --quiet --diff .
	@$(BIN)/mypy

.PHONY: format
format: .venv/.installed-dev  ## mend what can be mended by itself
	@$(BIN)/ruff check --fix --quiet .
	@$(BIN)/ruff format --quiet .

.PHONY: docs
docs: .venv/.installed-test  ## write docs/heuristics.md and docs/models.md again, from the code
	@LABELER_PLUGINS= $(BIN)/labeler heuristics list --markdown > docs/heuristics.md
	@$(BIN)/labeler models --markdown > docs/models.md

.PHONY: bench
bench: .venv/.installed-test  ## what labelling costs beside the model: ratios, in one process
	@$(BIN)/python -m benchmarks.bench $(BENCH)

.PHONY: calibrate
calibrate: .venv/.installed-test  ## whether intervals hold and random weights stay unlabelled: an hour or two (CALIBRATE="random --seeds 3")
	@$(BIN)/python -m benchmarks.calibration $(or $(CALIBRATE),random)
	@$(if $(CALIBRATE),,$(BIN)/python -m benchmarks.calibration coverage)

.PHONY: wheel
wheel: .venv/.installed-test  ## build the wheel, assets included, into dist/
	@$(PIP) wheel --quiet --no-deps --wheel-dir dist .

.PHONY: clean
clean:  ## remove the environment and everything built; run folders stay
	@rm -rf .venv build dist ./*.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) \
		and "head-labeler needs Python 3.11 or newer, this is " + sys.version.split()[0] \
		+ "; name another with make PYTHON=python3.12")'
	@echo "Making the environment in .venv"
	@$(PYTHON) -m venv .venv

# A stamp is as new as the last install: the second call costs nothing until dependencies change.
.venv/.installed-%: pyproject.toml constraints.txt | $(BIN)/python
	@echo "Installing head-labeler[$*] and what it needs (some minutes the first time)"
	@$(PIP) install --progress-bar off -c constraints.txt -e '.[$*]' 2>.venv/install.log \
		| $(PROGRESS) || { cat .venv/install.log >&2; exit 1; }
	@touch $@
