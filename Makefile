# The few verbs of this project; CI runs the same ones. `make` alone lists them.
# Assumed on the machine: git, make, python3 (3.11 or newer) with venv. Everything else is fetched, pinned by hash.

PYTHON ?= python3
BIN := .venv/bin
VENDOR := src/anlan/web/static/vendor/manifest.json
T ?= tests src/anlan
UV ?= uv
LOCK = --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url -q $(UPGRADE)

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-all check vendor bench docs lock chromium

help: ## list what can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

setup: .venv/.ready $(VENDOR) .venv/.chromium ## make .venv, fetch the front-end files, look for a Chromium

demo: .venv/.ready $(VENDOR) ## serve a company with demo data (PORT=8080 chooses the port)
	$(BIN)/anlan demo $(if $(PORT),--port $(PORT))

test: check .venv/.chromium ## check, then all tests but the slow ones (T=path picks some)
	$(BIN)/pytest -n 2 --dist loadfile -m "not slow" --doctest-modules $(T)

test-all: check .venv/.chromium ## check, then every test
	$(BIN)/pytest -n 2 --dist loadfile --doctest-modules $(T)

check: .venv/.ready $(VENDOR) ## look at the code without running it
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python tools/vendor.py --check

vendor: .venv/.ready ## fetch the front-end files and fonts anew
	$(BIN)/python tools/vendor.py

bench: .venv/.ready $(VENDOR) ## measure, and write the figures into docs/performance.md
	$(BIN)/python tools/bench.py

docs: .venv/.ready ## write the pages that are made from the program
	$(BIN)/python -m anlan.cli.reference
	$(BIN)/python tools/docs.py

lock: ## resolve the requirements again (UV=path of uv; UPGRADE=-U takes newer versions)
	$(UV) pip compile pyproject.toml -o requirements.lock $(LOCK)
	printf 'hatchling\neditables\n' | $(UV) pip compile pyproject.toml --group dev --group test - \
	  -c requirements.lock -o requirements-dev.lock $(LOCK)

.venv/.ready: requirements-dev.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Python 3.11 or newer is needed - make setup PYTHON=python3.12"; exit 1; }
	@[ -x $(BIN)/python ] || $(PYTHON) -m venv .venv \
	  || { echo "python3 -m venv fails - on Debian: apt install python3-venv"; exit 1; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(VENDOR): .venv/.ready tools/vendor.py tools/npm/package-lock.json tools/npm/icons.txt
	$(BIN)/python tools/vendor.py

.venv/.chromium: .venv/.ready
	@for name in chromium chromium-browser google-chrome google-chrome-stable; do \
	  command -v $$name >/dev/null 2>&1 && touch $@ && exit 0; \
	done; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium fonts-noto-cjk && touch $@ \
	  || echo "Chromium could not be installed: browser tests will not run"; \
	else echo "There is no Chromium: browser tests will not run - install the package chromium"; fi
