# Two commands do everything: `make run` and `make test`. Each makes its own environment first.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ROOMS := $(wildcard bus agent collector store alerter prober api viewer)

.PHONY: run test check style types bench clean

# Compiled by whoever owns it: the user of a unit in etc/deploy may not write here, and would compile it at each start.
$(VENV)/made: $(VENV)/installed $(shell find $(ROOMS) -name '*.py')
	@$(BIN)/python -m compileall -q $(ROOMS)
	@touch $@

$(VENV)/installed: setup.cfg pyproject.toml
	@echo "Making $(VENV) and installing what Guardia needs; this takes a minute or two."
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install --disable-pip-version-check --editable .[test] > $(VENV)/install.log 2>&1 \
		|| { cat $(VENV)/install.log; exit 1; }
	@touch $@

run: $(VENV)/made
	@pid=$$($(BIN)/supervisorctl -c etc/guardia.conf pid 2>/dev/null) && \
		echo "Guardia runs here already, as process $$pid: $(BIN)/guardia status says how it is." \
			"After an update: $(BIN)/supervisorctl -c etc/guardia.conf restart all." && exit 1; true
	@here=$$(pwd -P); why=; \
		[ $$(printf %s "$$here/etc/var/supervisor.sock.$$$$" | wc -c) -le 107 ] || why="is too long for a socket"; \
		case $$here in *[%\"]*) why='has a % or a " in it';; esac; \
		[ -z "$$why" ] || { echo "supervisord cannot start in $$here, a path that $$why: move this clone."; exit 1; }
	@for file in etc/var etc/var/supervisord.log; do [ ! -e $$file ] || [ -w $$file ] || { \
		echo "$$file cannot be written to; it is $$(stat -c %U $$file)'s:" \
			"start Guardia as that user, or in a clone of your own."; exit 1; }; done
	@[ -w /dev/fd/1 ] || { echo "No program could write to this terminal or file, which is another user's:" \
		"su --pty - $$(id -un) has a terminal of its own."; exit 1; }
	@echo "Guardia starts; in another terminal: $(BIN)/guardia view. Ctrl-C stops it."
	@exec $(BIN)/supervisord -c etc/guardia.conf

# Most tests wait for programs that start: several run at once, those of one file in their order.
test: $(VENV)/made
	$(BIN)/python -m pytest -n 4 --dist loadfile

style: $(VENV)/made
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(VENV)/made
	$(BIN)/mypy

check: style types test

bench: $(VENV)/made
	$(BIN)/python -m benchmarks.pipeline
	$(BIN)/python -m benchmarks.viewer

clean:
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .hypothesis
