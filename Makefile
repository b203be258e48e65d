# Undertow's front door. `make` alone lists the targets.
#
# Everything is installed into $(VENV) from the package registry that pip is set up for, at the
# versions of constraints.txt. On Linux the registry's own torch wheel brings CUDA libraries along;
# point PIP_FIND_LINKS or PIP_EXTRA_INDEX_URL at a CPU build of the same version to spare them.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt
PACKAGES := corpus nlp models service

.DEFAULT_GOAL := help
.PHONY: help demo test lint bench describe size constraints clean

help: ## List the targets
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 22

demo: $(VENV)/installed ## Install, then run the whole chain on the bundled sample
	@$(BIN)/undertow demo

test: lint ## Install what tests need, then run lint, types and every test with coverage
	$(BIN)/pytest -n auto --maxprocesses 4 --dist loadfile --max-worker-restart 0 -rs $(addprefix --cov=,$(PACKAGES)) --cov-report=term:skip-covered

lint: $(VENV)/installed-for-tests ## Run the linter, the formatter's check and the type checker
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

bench: $(VENV)/installed-for-tests ## Measure speed and memory of each step, into bench-results/
	$(BIN)/python -m tests.bench_tagging
	$(BIN)/python -m tests.bench

describe: $(VENV)/installed-for-tests ## Try the server against its description with thousands of cases (minutes)
	UNDERTOW_TEST_EXAMPLES=150 $(BIN)/pytest -q tests/http/test_http_description.py

size: $(VENV)/installed-for-tests ## Measure false alarms and power of the study over 1,000 worlds (minutes)
	$(BIN)/python -m tests.size

constraints: ## Take the newest versions that pyproject.toml allows into constraints.txt
	rm -rf build/constraints
	$(PYTHON) -m venv build/constraints
	build/constraints/bin/python -m pip install --quiet '.[train,postgres,ray,openvino,dev]'
	sed -n '/^#/p' constraints.txt > build/constraints.txt
	build/constraints/bin/python -m pip freeze --all --exclude pip --exclude undertow \
		| sed 's/+cpu$$//' >> build/constraints.txt
	mv build/constraints.txt constraints.txt

clean: ## Remove everything that these targets made, the virtual environment too
	rm -rf $(VENV) build dist demo bench-results htmlcov .coverage
	rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis *.egg-info
	find $(PACKAGES) tests -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "Undertow needs Python 3.11 or newer; name one, as in: make PYTHON=python3.12 demo" >&2; \
		exit 1; }
	@$(PYTHON) -m venv $(VENV) || { \
		echo "no virtual environment can be made; on Debian: apt-get install python3-venv" >&2; \
		rm -rf $(VENV); exit 1; }

$(VENV)/installed: pyproject.toml constraints.txt | $(BIN)/python
	@echo "Installing Undertow into $(VENV), which takes a minute or two ..."
	@$(INSTALL) --editable .
	@touch $@

$(VENV)/installed-for-tests: pyproject.toml constraints.txt | $(BIN)/python
	@echo "Installing Undertow and what its tests need into $(VENV), which takes some minutes ..."
	@$(INSTALL) --editable '.[dev,train,postgres,ray,openvino]'
	@touch $@ $(VENV)/installed
