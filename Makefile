# Two commands are enough: `make up` runs the portal, `make test` tests it.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: help up demo test check lint types pins clean

help:
	@echo "make up     run the portal (http://127.0.0.1:8000/)"
	@echo "make demo   run it with two vaults, people and certificates to look at"
	@echo "make test   run all tests"
	@echo "make check  linters, types, migrations, then all tests"
	@echo "make pins   make requirements.txt and requirements-dev.txt anew from pyproject.toml"

up: $(VENV)/.runtime
	@$(BIN)/python manage.py up $(ARGS)

demo: $(VENV)/.runtime
	@$(BIN)/python manage.py up --demo $(ARGS)

test: $(VENV)/.development
	$(BIN)/python -m pytest $(ARGS)

check: lint types test

lint: $(VENV)/.development
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/djlint --lint --quiet templates
	CHANCERY_URL=https://check.example.org CHANCERY_DATA=$(VENV)/check $(BIN)/python manage.py check --deploy --fail-level WARNING
	CHANCERY_DATA=$(VENV)/check $(BIN)/python manage.py makemigrations --check --dry-run

types: $(VENV)/.development
	CHANCERY_DATA=$(VENV)/check $(BIN)/mypy portal vault manage.py

pins: $(VENV)/.development
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile --quiet --universal --no-strip-extras --generate-hashes --no-annotate --custom-compile-command "make pins" pyproject.toml -o requirements.txt
	$(BIN)/uv pip compile --quiet --universal --no-strip-extras --generate-hashes --no-annotate --custom-compile-command "make pins" pyproject.toml --group dev -c requirements.txt -o requirements-dev.txt

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Chancery needs Python 3.11 or later; $(PYTHON) is older. Use: make up PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { echo "Making a virtual environment failed. On Debian: apt install python3-venv"; exit 1; }

$(VENV)/.runtime: requirements.txt | $(VENV)/bin/python
	@echo "Installing what the portal needs (once) …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	@touch $@

$(VENV)/.development: requirements-dev.txt | $(VENV)/bin/python
	@echo "Installing what the tests need (once) …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $@ $(VENV)/.runtime
