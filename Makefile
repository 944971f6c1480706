# Everything is run from its own virtual environment; nothing but Python 3.11+ is assumed.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: install run test lint security bench mutation chaos scale schemathesis screenshots lighthouse

run: install
	@exec $(BIN)/python -m config.serve

install: $(VENV)/installed

test: $(VENV)/installed-dev
	@$(BIN)/python -m tests.browser
	@$(BIN)/python -m tests.redis
	@$(BIN)/python -m tests.node
	$(BIN)/pytest -n 3

bench: $(VENV)/installed-dev
	$(BIN)/pytest bench --durations 0

# MUTANTS="name name" tries only those again, MUTANTS=resume goes on where a run was cut off.
mutation: $(VENV)/installed-dev
	$(BIN)/python -m bench.mutation $(MUTANTS)

# SEED=… replays the faults and kills of a run, JOBS=… and KILLS=… change its size.
chaos: $(VENV)/installed-dev
	@$(BIN)/python -m tests.chaos $(if $(SEED),--seed $(SEED)) $(if $(JOBS),--jobs $(JOBS)) $(if $(KILLS),--kills $(KILLS))

# SEED=… has the same parts die at the same film, JOBS=… changes how many films are made.
scale: $(VENV)/installed-dev
	@$(BIN)/python -m tests.redis
	@$(BIN)/python -m tests.scale $(if $(SEED),--seed $(SEED)) $(if $(JOBS),--jobs $(JOBS))

# SEED=… replays the requests of a run, EXAMPLES=… changes how many each call gets.
schemathesis: $(VENV)/installed-dev
	@$(BIN)/python -m tests.contract $(if $(SEED),--seed $(SEED)) $(if $(EXAMPLES),--examples $(EXAMPLES))

# INTO=… names another folder than var/screenshots.
screenshots: $(VENV)/installed-dev
	@$(BIN)/python -m tests.browser
	@$(BIN)/python -m tests.screenshots $(if $(INTO),--into $(INTO))

lighthouse: $(VENV)/installed-dev
	@$(BIN)/python -m tests.browser
	@$(BIN)/python -m tests.lighthouse

lint: $(VENV)/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy .
	$(BIN)/lint-imports
	$(BIN)/python manage.py makemigrations --check --dry-run
	$(BIN)/python -m tests.deploy_check
	$(BIN)/python -m tests.migration_check
	$(BIN)/python -m tests.messages --check

# What of lint takes long or asks the internet: pip-audit fails where it finds no advisories. Both
# tools have an environment of their own. semgrep's rules are tried on examples before the code.
SEMGREP = SEMGREP_SEND_METRICS=off $(VENV)/audit/bin/semgrep
RULES = tests/security/semgrep
SITE = accounts billing config generations sandbox

security: $(VENV)/installed-dev
	$(BIN)/bandit --quiet --recursive -ll --configfile pyproject.toml $(SITE)
	@$(PYTHON) -m venv $(VENV)/audit
	@$(VENV)/audit/bin/pip install --quiet --disable-pip-version-check pip-audit==2.10.1 semgrep==1.180.0
	$(SEMGREP) scan --test --quiet $(RULES)
	$(SEMGREP) scan --config $(RULES)/house.yaml --error --quiet --disable-version-check $(SITE)
	$(VENV)/audit/bin/pip-audit --requirement requirements.txt --no-deps --disable-pip --strict

$(VENV)/installed: requirements.txt
	@echo "Setting up $(VENV), the first time only."
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

$(VENV)/installed-dev: $(VENV)/installed requirements-dev.txt
	@$(BIN)/pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@
