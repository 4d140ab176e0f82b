# Two commands do everything: `make run` and `make test`. Each makes its own environment first.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: run test check style types bench clean

$(VENV)/made: setup.cfg pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --upgrade pip
	$(BIN)/pip install --quiet --editable .[test]
	touch $@

run: $(VENV)/made
	$(BIN)/supervisord -c etc/guardia.conf

test: $(VENV)/made
	$(BIN)/python -m pytest

style: $(VENV)/made
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(VENV)/made
	$(BIN)/mypy

check: style types test

bench: $(VENV)/made
	$(BIN)/python -m benchmarks.pipeline

clean:
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .hypothesis
