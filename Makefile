# Every command of the project; `make` alone lists them.

PYTHON  ?=
WORKERS ?= 2
UV      ?= uv
ARGS    ?=

BIN   := .venv/bin
STAMP := .venv/.installed
PYTEST := $(BIN)/pytest -q
BENCH  := PYTHONPATH=tests $(BIN)/python -m benchmarks

# Programs that tests start would compile what they import again each time.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-all soak check format golden docs bench bench-live bench-growth bench-docs bench-page evaluation lock clean

##@ Start

help: ## List the commands
	@awk 'BEGIN { FS = ":.*## " } \
	  /^##@/ { printf "\n%s\n", substr($$0, 5) } \
	  /^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(STAMP) ## Make .venv from the lock (once; the others do it by themselves)

demo: $(STAMP) ## Simulate a small world, backfill it, show what was found
	@$(BIN)/stillwatch demo $(ARGS)

##@ Prove

test: $(STAMP) ## All tests but the long ones, some ten minutes on two cores
	$(PYTEST) -n $(WORKERS) --dist loadscope --no-loadscope-reorder $(ARGS)

test-all: $(STAMP) ## All tests, the longer proofs included
	$(PYTEST) -n $(WORKERS) --dist loadscope --no-loadscope-reorder -o faulthandler_timeout=1800 -m "not soak" $(ARGS)

soak: $(STAMP) ## Hour-long proofs; their figures are recorded in docs/
	$(PYTEST) -o faulthandler_timeout=0 -m soak $(ARGS)

bench: $(STAMP) ## Speed and memory against others, by stage, as logs grow; half an hour
	$(BENCH) $(ARGS)

bench-live: $(STAMP) ## Of a watch over a topic of a real broker: catching up, delay, others' sessions, back after a kill; half an hour
	PYTHONPATH=tests $(BIN)/python -m benchmarks.live $(ARGS)

bench-growth: $(STAMP) ## Growth up to 32 M events, and the page with it; an hour, and 25 GB of disk
	$(BENCH) growth --most 32000000 --write-docs $(ARGS)

bench-docs: $(STAMP) ## Measure everything, then write docs/performance.md and its figures
	$(BENCH) --write-docs $(ARGS)

bench-page: $(STAMP) ## Write docs/performance.md anew from docs/performance.json, measuring nothing
	$(BENCH) --page $(ARGS)

evaluation: $(STAMP) ## How detection degrades, on many small worlds; into docs/evaluation.json, ten minutes a seed (ARGS=campaigns: linkage alone)
	PYTHONPATH=tests $(BIN)/python -m judging $(ARGS)

##@ Work

check: $(STAMP) ## Format, lint, types, tests: what a commit must pass
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(MAKE) --no-print-directory test

format: $(STAMP) ## Format the code and mend what can be mended
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

golden: $(STAMP) ## Write expected outputs, frozen contracts and generated docs anew
	$(PYTEST) --write-golden tests/golden tests/conformance/test_contracts.py tests/project/test_docs.py $(ARGS)

docs: $(STAMP) ## Write docs/contracts.md and docs/cli.md anew
	$(PYTEST) --write-golden tests/project/test_docs.py $(ARGS)

lock: ## Resolve the dependencies anew (needs uv)
	$(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
	  pyproject.toml --extra dask --group dev -o requirements.lock
	$(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
	  tests/benchmarks/peers.in -o tests/benchmarks/peers.lock

clean: ## Remove the environment and all caches
	rm -rf .venv .venv-litellm .venv-peers .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist

# Everything from the lock, each file by its hash, nothing resolved again (pip then fails at random on extras); then the project itself, without asking any registry.
$(STAMP): requirements.lock pyproject.toml
	@set -e; \
	if [ ! -x $(BIN)/python ]; then \
	  for name in $(or $(PYTHON),python3.13 python3.12 python3.11 python3); do \
	    if "$$name" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	      found="$$name"; break; \
	    fi; \
	  done; \
	  if [ -z "$${found:-}" ]; then \
	    echo "error: setup: no Python 3.11 or newer with venv and ensurepip. Fix: install one, or name it with make PYTHON=/path/to/python3." >&2; \
	    exit 1; \
	  fi; \
	  echo "making .venv with $$($$found --version)"; \
	  "$$found" -m venv .venv; \
	fi
	@echo "installing what requirements.lock names"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-input --no-deps --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-input --no-build-isolation --no-deps -e .
	@touch $(STAMP)
