# Every target works on a fresh machine with Python 3.11 and make.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV   ?= .venv
BIN     = $(VENV)/bin
STAMP   = $(VENV)/.installed
DEV     = $(VENV)/.installed-dev
WARM    = $(VENV)/.warm

.PHONY: help demo lab check test bench facts format clean
help:
	@echo "make demo    build, inspect, render and run a real service on this machine"
	@echo "make lab     real Kubernetes control planes and a vCenter simulator on this machine, and a fleet file"
	@echo "make check   format, types, imports, unit tests: under a minute"
	@echo "make test    everything, against real peers"
	@echo "make bench   the benchmarks, each against a peer in the same run"
	@echo "make facts   what distributions and Go are, measured again; shows what differs from our files"

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit("Trimaran needs Python 3.11 or newer; set PYTHON=…") if sys.version_info < (3, 11) else None'
	@$(PYTHON) -m venv $(VENV)

$(STAMP): pyproject.toml constraints.txt $(BIN)/python
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[go]'
	@touch $@

$(DEV): pyproject.toml constraints.txt $(STAMP)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt 'pip>=25.1'
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt --group dev
	@touch $@

demo: $(STAMP)
	@$(BIN)/trimaran ship examples/podinfo/service.yaml

# The first run compiles them from the Go module proxy; later ones take seconds.
lab: $(STAMP)
	@$(BIN)/trimaran lab up

check: $(DEV)
	@$(BIN)/ruff format --check --quiet . && $(BIN)/ruff check --quiet .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache
	@$(BIN)/python -m pytest -q -n 3 -m 'not peer' tests/unit

# The first run on a machine downloads and compiles what later ones find: it has three times the budget.
test: $(DEV)
	@cold=$$(test -e $(WARM) || echo --cold) && \
	$(BIN)/python -m tests.provision && $(BIN)/python -m pytest -n 2 --dist loadfile $$cold && touch $(WARM)

bench: $(DEV)
	@$(BIN)/python -m bench

# Debian's packages, a wheel and Go modules are fetched and kept in the user's cache: minutes at first.
facts: $(DEV)
	@$(BIN)/python -m tools.facts

format: $(DEV)
	@$(BIN)/ruff check --fix --quiet . ; $(BIN)/ruff format --quiet .

clean:
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
