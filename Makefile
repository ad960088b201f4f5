SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
UV := UV_NATIVE_TLS=1 .tools/bin/uv
export SAM_CLI_TELEMETRY = 0

.PHONY: help run test check build bench chaos deploy e2e lock

help: ## list the targets
	@grep -E '^[a-z0-9]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/'

.tools/bin/uv: requirements/uv.txt
	@echo "==> installing uv"
	@$(PYTHON) -m venv .tools && .tools/bin/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/uv.txt && touch $@

.venv/.synced: .tools/bin/uv requirements.lock pyproject.toml
	@echo "==> installing the locked packages"
	@test -d .venv || $(UV) venv --quiet --python $(PYTHON) .venv
	@$(UV) pip sync --quiet --python $(BIN)/python --require-hashes requirements.lock
	@$(UV) pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable . && touch $@

run: .venv/.synced ## start the gateway on this machine, deployed from template.yaml
	@exec $(BIN)/python -m local

test: .venv/.synced ## pass the tests
	@$(BIN)/python -m pytest -m "not e2e" -n 2 --cov --cov-report=term-missing
	@$(BIN)/python -m tests.architecture.coverage_gate

check: .venv/.synced ## lint, types, import contracts, template
	$(BIN)/ruff check . && $(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/cfn-lint template.yaml
	$(BIN)/sam validate --lint --region us-east-1

lock: .tools/bin/uv ## resolve pyproject.toml anew into requirements.lock and the layers
	bash requirements/lock.sh
