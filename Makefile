# Everything runs in .venv, which is made on first use and kept. Needs Python 3.11 or newer and make.
#   make demo           digits from neighbors to a picture; writes into demo/
#   make demo-fashion   the same with the 70,000 Fashion-MNIST images
#   make test           all that continuous integration runs; ARGS="-m 'not slow'" leaves out the longest tests
#   make test-long      the tests that take a minute each, which continuous integration leaves out
#   make test-oldest    what meets scikit-learn, with the oldest versions that pyproject.toml allows
#   make clients        programs with scanpy, muon, BERTopic and others that import umap-learn; installs them first
#   make docs           the documentation site, its examples run: docs/_build/html/index.html
#   make bench          digits side by side with all peers; ARGS="--help" lists the choices of sets and peers
#   make lint, make format, make clean
# PYTHON=python3.12 chooses the interpreter of a new .venv.

VENV := .venv
BIN := $(VENV)/bin
OLDEST := .venv-oldest
CLIENTS := .venv-clients
OLDEST_TESTS := monitor/test_callbacks test_oldest $(addprefix estimator/test_, \
	estimator metrics model_selection models partial_fit routing sklearn)
CANDIDATES := python3 python3.14 python3.13 python3.12 python3.11 python
NEW_ENOUGH := import sys; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(shell for python in $(CANDIDATES); do \
	$$python -c '$(NEW_ENOUGH)' >/dev/null 2>&1 && echo $$python && break; done)

# Python compiles modules when it imports them: doing so for all of them takes a third of an installation. It must keep
# what it compiles, since a hundred tests start processes of their own, which would each compile for four seconds.
PIP_INSTALL := pip install --quiet --no-compile
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help demo demo-fashion test test-long test-oldest environments oldest-environment clients lint format docs bench clean

help:
	@sed -n '/^#   make/s/^#   //p' Makefile

demo: $(VENV)/has-plot
	$(BIN)/python -m examples.demo

demo-fashion: $(VENV)/has-plot $(VENV)/has-pynndescent
	$(BIN)/python -m examples.demo_fashion

test: lint $(VENV)/compiled
	SCIPY_ARRAY_API=1 $(BIN)/python -m pytest -n 2 --dist worksteal -m 'not long' $(ARGS)

test-long: $(VENV)/has-test
	$(BIN)/python -m pytest -n 2 -m long

test-oldest: oldest-environment
	@if [ -e $(OLDEST)/made ]; then SCIPY_ARRAY_API=1 \
		$(OLDEST)/bin/python -m pytest -n 2 --dist worksteal $(patsubst %,tests/%.py,$(OLDEST_TESTS)); \
	else echo "Skipped: the oldest versions need Python 3.11 or 3.12."; fi

# Continuous integration makes both environments side by side, which takes a third less time.
environments: $(VENV)/has-test oldest-environment

# numba's oldest version runs on Python 3.11 and 3.12 only.
oldest-environment:
	@python=$$(for python in python3.11 python3.12 '$(PYTHON)'; do \
		$$python -c 'import sys; sys.exit(sys.version_info[:2] not in ((3, 11), (3, 12)))' 2>/dev/null \
		&& echo $$python && break; done); \
	[ -z "$$python" ] || $(MAKE) --no-print-directory PYTHON=$$python $(OLDEST)/made

$(OLDEST)/made: tests/oldest.txt pyproject.toml
	'$(PYTHON)' -m venv $(OLDEST)
	$(OLDEST)/bin/python -m $(PIP_INSTALL) --constraint tests/oldest.txt --editable . pandas 'pytest>=8.2' pytest-xdist
	@touch $@

clients: $(CLIENTS)/made
	$(CLIENTS)/bin/python -m pytest tests/clients $(ARGS)

$(CLIENTS)/made: pyproject.toml
	'$(PYTHON)' -m venv $(CLIENTS)
	$(CLIENTS)/bin/python -m $(PIP_INSTALL) --editable '.[clients]'
	@touch $@

lint: $(VENV)/has-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/codespell
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/has-test
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(VENV)/has-docs
	$(BIN)/python -m sphinx -W -n --keep-going -j 2 -b html docs docs/_build/html
	@echo docs/_build/html/index.html

bench: $(VENV)/has-bench $(VENV)/has-peers
	$(BIN)/python -m benchmarks.compare $(ARGS)

clean:
	rm -rf $(VENV) $(OLDEST) $(CLIENTS) .import_linter_cache .mypy_cache .pytest_cache .ruff_cache demo docs/_build docs/gallery docs/reference/generated docs/reference/backreferences
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# One stamp for each set of extras in pyproject.toml; the package itself is installed in place.
$(VENV)/has-%: $(VENV)/made pyproject.toml
	$(BIN)/python -m $(PIP_INSTALL) --editable '.[$*]'
	@touch $@

# Kernels are compiled by two processes that share the work, before two that would each need all of them.
$(VENV)/compiled: $(VENV)/has-test $(wildcard umap_sk/kernels/*.py) umap_sk/runtime/compile.py umap_sk/runtime/kernel_cache.py
	$(BIN)/umap-sk compile
	@touch $@

# One by one: a peer that has no wheel for this machine is left out, and the benchmark says so.
$(VENV)/has-peers: $(VENV)/made benchmarks/peers.txt
	@grep -v '^#' benchmarks/peers.txt | while read -r peer; do \
		$(BIN)/python -m $(PIP_INSTALL) --only-binary=:all: "$$peer" || echo "Left out: $$peer"; done
	@touch $@

$(VENV)/made:
	@'$(PYTHON)' -c '$(NEW_ENOUGH)' 2>/dev/null || { \
		echo "No Python 3.11 or newer found (tried: $(or $(PYTHON),$(CANDIDATES))). Install one, or name it: make PYTHON=/path/to/python3"; exit 1; }
	@'$(PYTHON)' -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "$(PYTHON) comes without venv. On Debian and Ubuntu: apt-get install python3-venv"; exit 1; }
	'$(PYTHON)' -m venv $(VENV)
	@touch $@
