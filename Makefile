# Everything is run from its own virtual environment; nothing but Python 3.11+ is assumed.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: install run test lint bench mutation chaos

run: install
	@exec $(BIN)/python -m config.serve

install: $(VENV)/installed

test: $(VENV)/installed-dev
	@$(BIN)/python -m tests.browser
	@$(BIN)/python -m tests.redis
	@$(BIN)/python -m tests.node
	$(BIN)/pytest -n 2

bench: $(VENV)/installed-dev
	$(BIN)/pytest bench --durations 0

# MUTANTS="name name" tries only those again, MUTANTS=resume goes on where a run was cut off.
mutation: $(VENV)/installed-dev
	$(BIN)/python -m bench.mutation $(MUTANTS)

# SEED=… replays the faults and kills of a run, JOBS=… and KILLS=… change its size.
chaos: $(VENV)/installed-dev
	@$(BIN)/python -m tests.chaos $(if $(SEED),--seed $(SEED)) $(if $(JOBS),--jobs $(JOBS)) $(if $(KILLS),--kills $(KILLS))

lint: $(VENV)/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy .
	$(BIN)/lint-imports
	$(BIN)/python manage.py makemigrations --check --dry-run
	$(BIN)/python -m tests.deploy_check

$(VENV)/installed: requirements.txt
	@echo "Setting up $(VENV), the first time only."
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

$(VENV)/installed-dev: $(VENV)/installed requirements-dev.txt
	@$(BIN)/pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@
