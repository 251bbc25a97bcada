# Parley: one command for each habit. Needs python3 (3.11, with venv) and make; nothing else.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
SHELL := /bin/sh

# python3 where that is 3.11, else python3.11.
PYTHON3 := $(shell for p in python3 python3.11; do $$p -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' >/dev/null 2>&1 && { echo $$p; break; }; done)
VENV := .venv
PYTHON := $(VENV)/bin/python
# The lock files are complete. Resolved again, `coverage[toml]` takes whatever is newest and fails.
PIP := $(PYTHON) -m pip --disable-pip-version-check install -qq --require-hashes --no-deps
PORT ?= 8000

# What production would set, for the checks alone: `check --deploy` looks at settings, not servers.
AS_PRODUCTION := SECRET_KEY=only-for-checks-0123456789-abcdefghijklmnopqrstuvwxyz-ABCDEFG \
	FIELD_KEY=only-for-checks-field-key-0123456789-abcdef \
	JOURNAL_KEY=only-for-checks-journal-key-0123456789-ab \
	JOURNAL_SIGNING_KEY=0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef \
	JOURNAL_ANCHOR_FILE=/var/lib/parley/anchors.jsonl \
	DEBUG=false ALLOWED_HOSTS=parley.example.org ALLOWED_ORIGINS=https://parley.example.org \
	DATABASE_URL=postgresql://parley:parley@127.0.0.1:5432/parley REDIS_URL=redis://127.0.0.1:6379/0 \
	SECOND_FACTOR_FOR=compliance,admin GENESYS_CLIENT_ID=check GENESYS_CLIENT_SECRET=check TRANSLATION_API_KEY=check \
	DJANGO_SETTINGS_MODULE=config.settings
# `makemigrations --check` asks the database which migrations it has: an empty one will do.
ON_NO_DATABASE := DATABASE_URL=sqlite:///:memory:

# Output only when it fails.
quiet = out=$$($(1) 2>&1) || { echo "$$out"; exit 1; }

.PHONY: help setup run test test-sqlite check check-format check-lint check-types check-imports \
	check-migrations check-deployment format bench soak vendor lock clean

help:
	@echo "make run      the demo: http://127.0.0.1:$(PORT) (PORT=… for another port)"
	@echo "make test     all tests: PostgreSQL, Redis and Chromium, then SQLite"
	@echo "make check    format, lint, types, import contracts, migrations, deployment"
	@echo "make format   formats the code"
	@echo "make bench    the benchmarks"
	@echo "make soak     the long fault and load runs (SOAK=… for options, --help lists them)"
	@echo "make setup    .venv with the pinned requirements"
	@echo "make vendor   the pages' vendored files, as VENDORED.json names them (needs npm)"
	@echo "make lock     compiles the requirements files (needs uv)"

# --- environment: a stamp for each requirements file, so that a second run starts at once ------
$(VENV)/bin/python:
	@test -n "$(PYTHON3)" || { echo "Parley needs Python 3.11: install python3.11 with its venv module."; exit 1; }
	@$(PYTHON3) -m venv $(VENV) || { rm -rf $(VENV); echo "Python's venv module is missing: install python3-venv."; exit 1; }

$(VENV)/.requirements: requirements.txt | $(VENV)/bin/python
	@echo "Installing the pinned requirements into $(VENV) …"
	@$(PIP) -r requirements.txt
	@touch $@

$(VENV)/.requirements-dev: requirements-dev.txt $(VENV)/.requirements
	@echo "Installing what the tests need into $(VENV) …"
	@$(PIP) -r requirements-dev.txt
	@touch $@

setup: $(VENV)/.requirements

# --- what people do ----------------------------------------------------------------------------
run: setup
	@exec $(PYTHON) manage.py run_embedded --port $(PORT)

# What takes minutes has the machine for itself: it measures how long messages wait. The others run
# in two processes (pytest-xdist), each with a database and a Redis of its own: many of them wait.
test: $(VENV)/.requirements-dev
	$(PYTHON) -m pytest -m longest tests/faults
	$(PYTHON) -m pytest -n 2 -m "not longest"
	PARLEY_TEST_DATABASE=sqlite $(PYTHON) -m pytest -n 2 -m both_databases

test-sqlite: $(VENV)/.requirements-dev
	PARLEY_TEST_DATABASE=sqlite $(PYTHON) -m pytest -n 2 -m both_databases

# One line each; `make -k check` goes on after a failure.
check: check-format check-lint check-types check-imports check-migrations check-deployment
	@echo "all checks passed"

check-format: $(VENV)/.requirements-dev
	@echo "format" && $(PYTHON) -m ruff format --check -q .

check-lint: $(VENV)/.requirements-dev
	@echo "lint" && $(PYTHON) -m ruff check -q .

check-types: $(VENV)/.requirements-dev
	@echo "types" && $(AS_PRODUCTION) $(PYTHON) -m mypy --no-error-summary assist config conversations translation bench

check-imports: $(VENV)/.requirements-dev
	@echo "imports" && $(call quiet,$(VENV)/bin/lint-imports --no-logo)

check-migrations: $(VENV)/.requirements-dev
	@echo "migrations" && $(AS_PRODUCTION) $(ON_NO_DATABASE) $(PYTHON) manage.py makemigrations --check --dry-run

check-deployment: $(VENV)/.requirements-dev
	@echo "deployment" && $(call quiet,$(AS_PRODUCTION) $(PYTHON) manage.py check --deploy --fail-level WARNING)

format: $(VENV)/.requirements-dev
	$(PYTHON) -m ruff check -q --fix-only .
	$(PYTHON) -m ruff format -q .

bench: $(VENV)/.requirements-dev
	$(PYTHON) -m bench

soak: $(VENV)/.requirements-dev
	$(PYTHON) -m tests.faults.soak $(SOAK)

# --- upkeep ------------------------------------------------------------------------------------
UV_COMPILE = uv pip compile pyproject.toml --quiet --universal --python-version 3.11 \
	--generate-hashes --no-emit-index-url --no-header

vendor:
	@command -v npm >/dev/null || { echo "make vendor needs npm."; exit 1; }
	@$(PYTHON3) .ci/vendor

lock:
	@command -v uv >/dev/null || { echo "make lock needs uv: https://docs.astral.sh/uv"; exit 1; }
	$(UV_COMPILE) --output-file requirements.txt
	$(UV_COMPILE) --extra dev --constraints requirements.txt --output-file requirements-dev.txt

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis htmlcov .coverage staticfiles
