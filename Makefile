# Each target sets up what it needs: .venv with the locked packages, and for the tests Mosquitto.
# The first run downloads (it says how much), later ones do not.
#   TORCH_BACKEND=cpu   a small torch without CUDA        PYTHON=…   build .venv on this interpreter
#   ARGS="…"            more arguments for the program    JOBS=4     how many tests at a time
.DEFAULT_GOAL := help
.PHONY: help setup servers servers-found demo test test-all lint study bench prove-ledger faults fuzz screenshots

# Programs are started by the hundred: each would compile everything it imports, torch and timm, anew.
unexport PYTHONDONTWRITEBYTECODE

PYTHON ?= python3
TORCH_BACKEND ?=
JOBS ?= auto
ARGS ?=
BIN := .venv/bin
PYTEST := $(BIN)/python -m pytest -n $(JOBS)

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' Makefile
	@awk '/^#   / { print substr($$0, 2) }' Makefile

setup: ## .venv with everything in it, if it is not there yet
	@PYTHON='$(PYTHON)' TORCH_BACKEND='$(TORCH_BACKEND)' scripts/setup.sh

servers: setup ## the servers that tests start: InfluxDB 2 and others are built, once (needs go and cargo; 8 minutes)
	@scripts/test-servers.sh build

servers-found: setup
	@scripts/test-servers.sh

demo: setup ## measure four models on this machine and replay two recorded devices (3 minutes)
	@$(BIN)/e3p demo $(ARGS)

test: servers-found ## the tests
	@$(PYTEST) $(ARGS)

test-all: servers-found ## the tests, with those that take minutes
	@$(PYTEST) -m '' $(ARGS)

lint: setup ## ruff, the type checker, the floors
	@failed=0; for check in "ruff check ." "ruff format --check ." "mypy" "lint-imports --no-logo"; do \
		echo "== $$check"; $(BIN)/$$check || failed=1; \
	done; exit $$failed

study: setup ## what the stated uncertainties are worth: simulated sensors against known truths (10 minutes)
	@$(BIN)/python -m studies.energy $(ARGS)

bench: setup ## the benchmarks: a table and a JSON file
	@$(BIN)/python -m benchmarks $(ARGS)

screenshots: servers-found ## the demo's report and the live page as pictures for the README, into docs/images
	@$(BIN)/python -m tests.screenshots $(ARGS)

prove-ledger: servers-found ## take away one frame, 100 times: the ledger names exactly that one
	@$(BIN)/python -m tests.prove_ledger $(ARGS)

faults: servers-found ## break everything that can break, 20 times each (an hour; ARGS="--row NAME --tries N")
	@$(BIN)/python -m tests.faults --json faults.json $(ARGS)

fuzz: setup ## a million damaged messages into every decoder
	@$(BIN)/python -m tests.fuzz $(ARGS)
