# Threefold: `make verify` judges every claim, `make test` runs the tests. Each sets up what it needs first.
#
#   make verify ARGS="'ddpm.*'"     other arguments for the command behind a target
#   make test VENV=/elsewhere       another virtual environment
#   make verify PYTHON=python3.12   another interpreter (3.11 or newer)
#   make verify PIP_ARGS="..."      more for pip: where to look for wheels, say

SHELL := /bin/bash
VENV ?= .venv
ARGS ?=
PIP_ARGS ?=
SITE ?= site
LEDGER ?= build/ledger.json
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; break; }; done)
BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt $(PIP_ARGS)

.PHONY: help verify test test-long test-site site-tests coverage lint docs book zensical docs-serve bench experiments clean
.DEFAULT_GOAL := help

help: ## What there is to make
	@sed -n 's/^\([a-z][a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | while IFS=$$'\t' read -r name what; do \
		printf '  make %-12s %s\n' "$$name" "$$what"; done

verify: $(VENV)/.has-core ## Judge every claim by its three witnesses
	$(BIN)/threefold verify $(ARGS)

test: $(VENV)/.has-dev ## The tests, without those marked long and those of the site
	$(BIN)/python -m pytest -n 2 -m "not long and not site" $(ARGS)

test-long: $(VENV)/.has-dev ## More of the tests: every network compiled, more power, more kills
	$(BIN)/python -m pytest -m long $(ARGS)

# Half of them need a browser: on Debian or Ubuntu `apt-get install chromium`, elsewhere any Chromium or Chrome on PATH.
test-site: docs ## The tests that read the built site (those in a browser need Chromium)
	@$(MAKE) --no-print-directory site-tests

site-tests: $(VENV)/.has-dev # the same for a site that is built already
	THREEFOLD_SITE=$(abspath $(SITE)) THREEFOLD_LEDGER=$(abspath $(LEDGER)) $(BIN)/python -m pytest -n 2 --dist loadfile -m "site and not long" tests/site $(ARGS)

coverage: $(VENV)/.has-dev ## The kernel's tests, which must take every branch of the kernel
	$(BIN)/python -m pytest -n 2 tests/kernel --cov=derivations/kernel --cov-branch --cov-fail-under=100 \
		--cov-report=term-missing:skip-covered $(ARGS)

lint: $(VENV)/.has-dev ## Lint, format, types, and who may import whom
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: $(VENV)/.has-docs $(LEDGER) ## Build the site into site/
	$(BIN)/threefold pages --ledger $(LEDGER)
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --quiet --site-dir $(abspath $(SITE))
	$(BIN)/python -m threefold.site.filling build/formulas.json $(SITE)

# What the site prints is judged first, and anew whenever a proof, a number or the code that it is matched against changed.
$(LEDGER): $(shell find derivations reference torch_impl threefold/witnesses -name '*.py' -o -name '*.csv') | $(VENV)/.has-docs
	@mkdir -p $(@D)
	$(BIN)/threefold verify --fresh --json $@.new
	@mv $@.new $@

# MkDocs 2 breaks the theme, and Zensical follows it: how far the move is, without anything that depends on it.
zensical: docs ## Build the site with Zensical as well, and say what differs
	$(INSTALL) zensical
	sed 's|^site_dir: .*|site_dir: build/zensical|' mkdocs.yml > .zensical.yml
	$(BIN)/zensical build --clean --config-file .zensical.yml; status=$$?; rm -f .zensical.yml; exit $$status
	$(BIN)/python -m threefold.site.filling build/formulas.json build/zensical
	$(BIN)/python tests/site/compare.py $(SITE) build/zensical

book: docs ## Print the chapters of the site into book.pdf; needs Chromium
	$(BIN)/threefold book --site $(SITE) $(ARGS)

docs-serve: docs ## Build the site and serve it on port 8000 of this machine
	$(BIN)/python -m http.server --bind 127.0.0.1 --directory $(SITE) 8000

bench: $(VENV)/.has-core ## Time what is timed on this processor, under ten minutes, with one table at the end
	$(BIN)/python benchmarks/run.py $(ARGS)

experiments: $(VENV)/.has-core ## Train the experiments of the site anew, or go on with them: hours on a processor
	$(BIN)/python -m torch_impl.experiments --work build/experiments $(ARGS)

clean: ## Remove what the commands wrote, the environment included
	rm -rf .venv site build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache .coverage

# The environment. A stamp for each set of packages: made anew when what is asked for changes.

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "Threefold needs Python 3.11 or newer with its venv and pip modules, and none of \
	python3, python3.13, python3.12, python3.11 is one. Install it (on Debian: apt-get install python3 python3-venv) \
	or name one: make PYTHON=/path/to/python" >&2; exit 2; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.has-core: pyproject.toml constraints.txt | $(BIN)/python
	$(INSTALL) --editable .
	@touch $@

$(VENV)/.has-dev: pyproject.toml constraints.txt | $(BIN)/python
	$(INSTALL) --editable '.[dev]'
	@touch $@ $(VENV)/.has-core

$(VENV)/.has-docs: pyproject.toml constraints.txt | $(BIN)/python
	$(INSTALL) --editable '.[docs]'
	@touch $@ $(VENV)/.has-core
