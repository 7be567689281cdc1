# make run: install and serve.  make test: install what the tests need and run all of them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV := $(BIN)/uv
ORACLES := .venv-oracles

.DEFAULT_GOAL := help
.PHONY: help setup setup-dev run test lint types format lock bench faults oracles examples pictures services clean

help: ## show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/\1\t\2/' | expand -t 12

$(UV):
	@$(PYTHON) -c 'import sys; v = sys.version_info; ok = (3, 11) <= v[:2] < (3, 14); sys.exit(not ok and "needs Python 3.11 to 3.13, found %d.%d: set PYTHON=python3.12" % v[:2])'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check 'uv>=0.13,<0.20'

$(VENV)/.run: requirements.txt | $(UV)
	@echo 'installing what the service needs, about 2 GB: some minutes the first time'
	VIRTUAL_ENV=$(CURDIR)/$(VENV) $(UV) pip install --quiet -r requirements.txt
	@touch $@

$(VENV)/.dev: requirements.txt requirements-dev.txt scripts/install_test_servers.sh | $(UV)
	VIRTUAL_ENV=$(CURDIR)/$(VENV) $(UV) pip install --quiet -r requirements-dev.txt
	@# Apart from the rest: it pins packages that we need newer.
	VIRTUAL_ENV=$(CURDIR)/$(VENV) $(UV) pip install --quiet --target $(VENV)/ccxt 'ccxt==4.5.90'
	@scripts/install_test_servers.sh
	@touch $@ $(VENV)/.run

setup: $(VENV)/.run ## make .venv with what the service needs, and fetch the libraries of the page
	@# Without them the service runs all the same, and says what its page lacks.
	@scripts/install_page_libraries.sh || true

setup-dev: $(VENV)/.dev ## add what the tests need
	@scripts/install_page_libraries.sh

run: setup ## serve on 127.0.0.1:8000
	@exec $(BIN)/python main.py

# With bytecode, which some machines switch off: workers and the processes that tests start import TensorFlow in a
# third of the time. The workers have the cores: threads of a library within each would wait for one another.
test: setup-dev ## run every test
	PYTHONDONTWRITEBYTECODE= OMP_NUM_THREADS=1 $(BIN)/python -m pytest

lint: setup-dev ## style, types and pinned requirements
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(MAKE) --no-print-directory types
	$(BIN)/python scripts/lock.py --check

types: setup-dev ## types only
	$(BIN)/mypy --num-workers 2 .

format: setup-dev ## format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock: setup-dev ## pin the requirements again
	$(BIN)/python scripts/lock.py

# With bytecode too: a service starts once without it, and not again.
bench: setup-dev ## measure, and write docs/benchmarks.md
	PYTHONDONTWRITEBYTECODE= $(BIN)/python -m benchmarks

faults: setup-dev ## bring about faults, and write the table of docs/reliability.md
	$(BIN)/python -m faults

# Apart from the rest: it is under the AGPL, and the project has a package of its name.
$(ORACLES)/.installed: Makefile | $(UV)
	$(UV) venv --quiet --allow-existing $(ORACLES)
	VIRTUAL_ENV=$(CURDIR)/$(ORACLES) $(UV) pip install --quiet 'backtesting==0.6.6'
	@touch $@

oracles: setup-dev $(ORACLES)/.installed ## compare simulated trades with those of backtesting.py
	$(BIN)/python -m tests.oracles.backtesting_py $(ORACLES)/bin/python

examples: setup-dev ## record the examples of the OpenAPI document again (needs ../shared/data)
	$(BIN)/python scripts/record_examples.py

pictures: setup-dev ## take the pictures of the page again (needs ../shared/data)
	$(BIN)/python scripts/take_pictures.py

services: setup-dev ## run Redis, RabbitMQ and mongod on free ports, for development
	@scripts/services.sh start
	@echo '# in your shell: eval "$$(scripts/services.sh start)"; to end them: scripts/services.sh stop'

clean: ## remove the environment and caches
	rm -rf $(VENV) $(ORACLES) api/web/vendor .mypy_cache .ruff_cache .pytest_cache .hypothesis
