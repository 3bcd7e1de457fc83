# The words of this project; `make help` lists them, and CI runs nothing else.
# Needs only Python 3.11+ and make: everything else comes from the hash-locked requirements.

PYTHON ?= python3
VENV ?= .venv
# How many processes run the tests.
WORKERS ?= 2

BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check -qq install

# Wheels only: a source archive would fetch what builds it, without a hash.
LOCKED := $(PIP) --no-deps --require-hashes --only-binary :all:
# Puts the `fostr` command into the environment, with the locked build backend.
LINKED := $(PIP) --no-deps --no-build-isolation --editable .
# What an environment was made from. It differs once a lock changes or the folder moves, whatever the files' dates say.
RUNTIME := { echo "$(CURDIR)"; cat requirements.lock; }
DEV := { echo "$(CURDIR)"; cat requirements-dev.lock; }

.PHONY: help up demo test test-postgres fast check openapi migrate revision new-resource bench lock clean runtime dev

help: ## List these words
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/\1\t\2/p' Makefile | while IFS="$$(printf '\t')" read -r word text; \
		do printf '  %-14s %s\n' "$$word" "$$text"; done

up: runtime ## Run Fostr here: database, migrations, API, worker, console (FOSTR_PORT, FOSTR_DATA, DATABASE_URL)
	@exec $(BIN)/fostr up

demo: dev ## Fill a workspace with real data
	@$(BIN)/fostr demo

test: dev ## Run every test on the embedded PostgreSQL
	@$(BIN)/python -m pytest -n $(WORKERS)

test-postgres: dev ## Run every test on another server: DATABASE_URL=postgresql://…
	@test -n "$$DATABASE_URL" || { echo 'Name the server: make test-postgres DATABASE_URL=postgresql://…' >&2; exit 2; }
	@export FOSTR_TEST_DATABASE_URL="$$DATABASE_URL"; unset DATABASE_URL; $(BIN)/python -m pytest -n $(WORKERS)

fast: dev ## Run the tests that take no seconds of their own, the last failures first
	@$(BIN)/python -m pytest -n $(WORKERS) -m 'not slow' --failed-first

check: dev ## Format, lint, types, boundaries, own rules and budgets, migrations, OpenAPI
	$(BIN)/python -m ruff format --check .
	$(BIN)/python -m ruff check .
	PYRIGHT_PYTHON_IGNORE_WARNINGS=1 $(BIN)/python -m pyright --pythonpath $(BIN)/python
	$(BIN)/lint-imports
	$(BIN)/python -m tools.lint
	$(BIN)/fostr check-migrations
	$(BIN)/fostr openapi --check

openapi: runtime ## Write openapi.json anew
	@$(BIN)/fostr openapi

migrate: runtime ## Bring the database up to the newest migration
	@$(BIN)/fostr migrate

revision: runtime ## Write a migration from the tables.py files: MESSAGE='what changes'
	@test -n "$$MESSAGE" || { echo "Say what changes: make revision MESSAGE='add a column'" >&2; exit 2; }
	@$(BIN)/fostr revision -m "$$MESSAGE"

new-resource: dev ## Lay out a resource like the reference one: DOMAIN=records NAME=comments
	@test -n "$$DOMAIN" && test -n "$$NAME" || { echo 'Name both: make new-resource DOMAIN=records NAME=comments' >&2; exit 2; }
	@$(BIN)/python tools/new_resource.py "$$DOMAIN" "$$NAME"

bench: dev ## Measure against the budgets and write bench/latest.json
	@$(BIN)/python -m bench

# uv writes no address of any index into a lock unless it is told to.
COMPILE := $(BIN)/uv pip compile pyproject.toml --quiet --universal --python-version 3.11 --fork-strategy fewest \
	--generate-hashes --annotation-style line --custom-compile-command 'make lock'

lock: dev ## Renew the locks from pyproject.toml, keeping pins that still fit (UPGRADE=1: the newest of everything)
	@$(COMPILE) $(if $(UPGRADE),--upgrade) --group build -o requirements.lock
	@$(COMPILE) $(if $(UPGRADE),--upgrade) --group build --group dev -c requirements.lock -o requirements-dev.lock

clean: ## Remove the environment and every cache; data folders stay
	rm -rf $(VENV) .pytest_cache .ruff_cache .hypothesis .import_linter_cache dist
	find src tests bench tools -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo 'Fostr needs Python 3.11 or newer; name one: make PYTHON=python3.12 …' >&2; exit 1; }
	@$(PYTHON) -m venv --clear $(VENV)

# Installs what is needed to run, unless it is there already.
runtime: $(BIN)/python
	@$(RUNTIME) | cmp -s - $(VENV)/runtime.stamp || { \
		echo 'Installing what Fostr runs on …'; \
		$(LOCKED) -r requirements.lock && $(LINKED) && $(RUNTIME) >$(VENV)/runtime.stamp; }

# The same with what is needed to test and check; it holds all of the former.
dev: $(BIN)/python
	@$(DEV) | cmp -s - $(VENV)/dev.stamp || { \
		echo 'Installing what Fostr is developed with …'; \
		$(LOCKED) -r requirements-dev.lock && $(LINKED) && $(RUNTIME) >$(VENV)/runtime.stamp && \
		$(DEV) >$(VENV)/dev.stamp; }
