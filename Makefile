# The verbs of this project. Each sets up what it lacks and can be repeated.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help setup demo run check format test test-postgres test-pythons pictures bench docs rules vendor lock \
        check-format check-lint check-types check-imports check-templates check-django check-docs

PORT ?= 8000
BIN := .venv/bin
PYTHON_RUN := $(BIN)/python
TEMPLATES = $(shell find templates durableweb workflows -name '*.html' -path '*templates/*' 2> /dev/null)

help: ## Say what there is
	@grep -hE '^[a-z-]+:.*## ' Makefile | sed -E 's/:.*## /|/' | awk -F'|' '{printf "make %-14s %s\n", $$1, $$2}'

setup: .venv/.dev-installed ## Make .venv with everything that development needs

demo: .venv/.base-installed ## Sample people and runs, then the server on 127.0.0.1:PORT
	@$(PYTHON_RUN) manage.py demo --serve --host 127.0.0.1 --port $(PORT)

run: .venv/.base-installed ## Migrate and serve, without the demo's people
	$(PYTHON_RUN) manage.py migrate --verbosity 0
	$(PYTHON_RUN) manage.py serve --port $(PORT)

check: ## Everything that needs no test run; keeps going, fails at the end
	@$(MAKE) --no-print-directory --keep-going check-format check-lint check-types \
		check-imports check-templates check-django check-docs

check-format: .venv/.dev-installed
	$(BIN)/ruff format --check .

check-lint: .venv/.dev-installed
	$(BIN)/ruff check .
	@$(BIN)/ruff check --select C901 --exit-zero --quiet --output-format concise .

check-types: .venv/.dev-installed
	$(BIN)/mypy

check-imports: .venv/.dev-installed
	$(BIN)/lint-imports --no-logo

check-templates: .venv/.dev-installed
	@$(if $(TEMPLATES),$(BIN)/djlint --quiet --lint $(TEMPLATES),echo "no templates yet")

check-django: .venv/.dev-installed
	$(PYTHON_RUN) manage.py makemigrations --check --dry-run
	$(PYTHON_RUN) manage.py check --fail-level WARNING

docs: .venv/.dev-installed ## Write the API page from the docstrings, then check all pages
	@$(PYTHON_RUN) .ci/api_docs.py
	@$(PYTHON_RUN) .ci/http_api_docs.py
	@$(MAKE) --no-print-directory check-docs

rules: .venv/.base-installed ## Which rule of the engine has which test; ALL=1 prints all
	@$(PYTHON_RUN) .ci/rules.py $(if $(ALL),--all)

check-docs: .venv/.dev-installed
	$(PYTHON_RUN) .ci/docs.py
	$(PYTHON_RUN) .ci/api_docs.py --check
	$(PYTHON_RUN) .ci/http_api_docs.py --check

format: .venv/.dev-installed ## Let ruff mend what it can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

test: .venv/.dev-installed ## Checks, then the tests on SQLite and on PostgreSQL (what CI runs)
	@$(PYTHON_RUN) .ci/test.py check sqlite postgresql

test-postgres: .venv/.dev-installed ## The tests to which the database matters, on PostgreSQL
	@$(PYTHON_RUN) .ci/test.py postgresql

test-pythons: .venv/.dev-installed ## The engine and its storage on the other Pythons that are here
	@.ci/pythons

pictures: .venv/.dev-installed ## Every screen and the stories' moments as PNG files, in build/pictures
	@rm -rf build/pictures && mkdir -p build/pictures
	PICTURES=build/pictures $(BIN)/pytest -q tests/screens tests/acceptance
	@echo "$$(ls build/pictures | wc -l) pictures are in build/pictures"

bench: .venv/.bench-installed ## Our figures beside LangGraph's, in one run
	@for file in $(filter-out benchmarks/_%,$(wildcard benchmarks/*.py)); do \
		echo "== $$file"; $(PYTHON_RUN) -m $$(echo $${file%.py} | tr / .) || exit 1; done

vendor: .venv/.base-installed ## Renew the vendored files from npm; VERSIONS="name=version" moves a pin
	$(PYTHON_RUN) .ci/vendor.py $(VERSIONS)

lock: .venv/.dev-installed ## Write the lock files anew; UPGRADE=1 for newer versions
	.ci/lock

.venv/.base-installed: .ci/requirements.txt .ci/setup
	@.ci/setup base

.venv/.dev-installed: .ci/requirements-dev.txt .ci/setup
	@.ci/setup dev

.venv/.bench-installed: .ci/requirements-bench.txt .ci/setup
	@.ci/setup bench

.venv/.pg-installed: .ci/requirements-pg.txt .ci/setup
	@.ci/setup pg
