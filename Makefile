# Each target sets up by itself what it needs; a bare machine has Python 3.11, pip and make.
PYTHON ?= python3
BIN := .venv/bin
MANAGE := $(BIN)/python manage.py
CHROMIUM ?= $(shell command -v chromium || command -v chromium-browser || command -v google-chrome)

WORKERS ?= $(shell expr $$(nproc 2>/dev/null || echo 2) + 2)  # more than cores: many tests wait for processes

.DEFAULT_GOAL := help
.PHONY: help demo demo-import serve test browser check chaos drill bench lock

help: ## This list
	@grep -E '^[a-z-]+:.*## ' Makefile | sed -E 's/:.*## /\t/' | expand -t 14

demo: .venv/installed ## Load the real catalogue, simulate fans, explain the ten hottest (ARGS=--reset starts anew)
	@$(MANAGE) demo $(ARGS)

demo-import: .venv/installed ## Import an artist from a stand-in for the three sources, no keys needed (ARGS="--name Coldplay")
	@$(BIN)/python -m tests.standin.demo_import $(ARGS)

serve: .venv/installed ## Website and admin on port 8000, with a demo login (PORT=8001 for another); Ctrl-C stops it
	@$(BIN)/python -m mysetlist.serve

test: export PYTHONDONTWRITEBYTECODE =  # hundreds of processes start: each would compile all of it anew
test: check ## Check the code, then run the whole suite on a real PostgreSQL (ARGS= goes to pytest)
	@$(BIN)/python -m pytest -q -n $(WORKERS) --dist worksteal $(ARGS)

browser: .venv/installed ## See the admin in a real Chromium (CHROMIUM=/path/to/one; ARGS= goes to pytest)
	@test -n "$(CHROMIUM)" || { echo "No Chromium found. On Debian: apt-get install -y --no-install-recommends chromium. Or: make browser CHROMIUM=/path/to/chromium"; exit 1; }
	@CHROMIUM="$(CHROMIUM)" $(BIN)/python -m pytest -q tests/browser $(ARGS)

chaos: .venv/installed ## Kill workers, relays, brokers, the database; count what is lost (ARGS="--size 0.1 R1 R6")
	@$(BIN)/python -m tests.chaos $(ARGS)

drill: .venv/installed ## Break a running house in six ways; when do desk, health and alerts tell? (ARGS="2 4")
	@$(BIN)/python -m tests.drill $(ARGS)

bench: .venv/installed ## Measure everything; tables in bench/results/ (half an hour; ARGS="api scrape" for some of it)
	@$(BIN)/python -m bench $(ARGS)

check: .venv/installed ## Lint, format, import rules, types, missing migrations
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/mypy
	@$(MANAGE) makemigrations --check --dry-run --settings tests.settings

# Some systems ship Python without ensurepip; pip can then be pointed at the environment from outside.
.venv/installed: requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "MySetlist needs Python 3.11 or newer; set PYTHON=/path/to/python3.11"; exit 1; }
	@echo "Setting up .venv from requirements.lock (a minute or two the first time) ..."
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv 2>/dev/null || $(PYTHON) -m venv --clear --without-pip .venv
	@if $(BIN)/python -m pip --version >/dev/null 2>&1; then pip="$(BIN)/python -m pip"; \
	  else pip="$(PYTHON) -m pip --python $(BIN)/python"; fi; \
	  $$pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@touch $@

lock: ## Resolve pyproject.toml anew into requirements.lock (names, versions, hashes; needs uv)
	@uv pip compile pyproject.toml --extra test --python-version 3.11 --universal --generate-hashes --upgrade \
	  --no-emit-index-url --no-emit-find-links --no-header --no-annotate --quiet --output-file requirements.lock
