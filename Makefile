# `make run` and `make test` need Python 3.11 or newer and, once, the package registry. `make help` lists the rest.
#
# PYTHON  another interpreter: `make PYTHON=python3.13 test`. It gets a folder of its own, .venv-3.13, so that
#         switching back and forth costs nothing. Without it, the first of python3.11, 3.12, 3.13 that starts is
#         used, in .venv.

# Settings of other projects must not leak into this one.
unexport PYTHONPATH PYTHONHOME

DEFAULT :=
TESTS := # more for pytest, from the command line only: make test TESTS=tests/topics
WORKERS := -n logical --maxprocesses 4 --dist worksteal # each worker takes up to 1.6 GB
ifeq ($(origin PYTHON),undefined)
PYTHON := $(shell sh tools/find_python.sh)
DEFAULT := yes
endif
VERSION := $(shell "$(PYTHON)" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)
VENV := $(if $(DEFAULT),.venv,.venv-$(VERSION))
RUN := $(VENV)/bin/python

AS_ROOT := $(if $(filter 0,$(shell id -u)),--allow-root)# Jupyter stops without it, in a container for example

UV = $(or $(shell command -v uv),$(VENV)/bin/uv)
LOCK = $(UV) pip compile --quiet --universal --generate-hashes --python-version 3.11 $(if $(UPGRADE),--upgrade) \
    --custom-compile-command "make lock"

define START
@"$(PYTHON)" -c '' 2>/dev/null || { echo "Set-up stopped: no Python starts as '$(PYTHON)'. Install Python 3.11, 3.12 or" \
    "3.13, or name one: make PYTHON=/path/to/python3 $(MAKECMDGOALS)" >&2; exit 1; }
endef

.DEFAULT_GOAL := help
.PHONY: help run pages slides test lab notebooks solutions bench lock clean venv venv-dev

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' Makefile

run: venv ## execute the whole workbook, offline, into build/: notebooks, pages, a summary of seconds and memory
	$(RUN) -m pmt_helpers run

pages: venv ## write the pages of the last `make run` again, in seconds: after a change of page.html or the badge
	$(RUN) -m pmt_helpers pages

slides: venv-dev ## write slides of the notebooks for a lecture, into build/slides; pictures need Chromium or Chrome
	$(RUN) -m pmt_helpers slides

test: venv-dev ## every check and test (the browser's too with PMT_BROWSER=1); TESTS=... is for pytest
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .
	$(if $(filter 3.11,$(VERSION)),$(RUN) -m mypy,@echo "Types are checked on Python 3.11: other Pythons get another NumPy, typed otherwise.")
	$(RUN) -c 'from importlinter.cli import lint_imports_command; lint_imports_command()'
	$(RUN) -m pytest $(WORKERS) $(TESTS)

lab: venv ## open the workbook in JupyterLab
	$(RUN) -m jupyter lab $(AS_ROOT) notebooks/00_start_here.ipynb

notebooks: venv-dev ## make the learner's notebooks from notebooks/source, executed
	$(RUN) -m pmt_helpers notebooks build

solutions: venv-dev ## make the solved notebooks, into build/solutions; yours in notebooks/ stay as they are
	$(RUN) -m pmt_helpers notebooks build --solutions-only

bench: venv-dev ## time the package beside its peers
	@set -e; for file in benchmarks/*.py; do echo "== $$file"; $(RUN) "$$file"; done

lock: ## resolve requirements*.txt into the locks; UPGRADE=1 takes the newest versions within the ranges
	@"$(UV)" --version >/dev/null 2>&1 || $(MAKE) venv-dev
	$(LOCK) requirements.txt --output-file requirements.lock
	$(LOCK) requirements-dev.txt --constraint requirements.lock --output-file requirements-dev.lock

clean: ## remove everything that make made; your answers stay
	rm -rf build dist .venv .venv-* .hypothesis .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
	find . -name __pycache__ -prune -exec rm -rf {} +

venv:
	$(START)
	@"$(PYTHON)" tools/environment.py $(VENV)

venv-dev:
	$(START)
	@"$(PYTHON)" tools/environment.py $(VENV) --dev
