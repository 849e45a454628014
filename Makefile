# Only python3 (3.11 or newer) is needed; everything else goes into .venv here.
# All paths are relative and tools are run as modules, so a folder with spaces in its name,
# or one that was moved, is no trouble.

VENV := .venv
PY := $(VENV)/bin/python
PIP := $(PY) -m pip --disable-pip-version-check
# Arguments for app.py or pytest, e.g. `make app ARGS="--port 7861"`, `make test ARGS="-k gate"`;
# `ARGS="-n 0 --pdb"` runs all tests in one process, where they can be looked at.
ARGS ?=

# A browser is installed while types are checked.
MAKEFLAGS += --jobs=2
.DEFAULT_GOAL := help
.PHONY: help app test lint format clean browser

help: ## show this list
	@echo "PAG Explorer. Usage: make TARGET"
	@sed -n 's/^\([a-z]*\):[^#]*## \(.*\)/\1\t\2/p' Makefile | \
		while read -r name text; do printf '  %-8s %s\n' "$$name" "$$text"; done

app: $(VENV)/runtime.stamp ## install what is missing and open the app on this machine
	@exec $(PY) app.py $(ARGS)

test: lint browser ## everything that has to pass: style, types and all tests
	$(PY) -m pytest --numprocesses auto $(ARGS)

lint: $(VENV)/dev.stamp ## check style, formatting and types
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m pyright --pythonpath $(PY)

format: $(VENV)/dev.stamp ## format the code and mend what can be mended
	$(PY) -m ruff check --fix .
	$(PY) -m ruff format .

clean: ## remove the virtual environment and all caches
	rm -rf $(VENV) .pytest_cache .ruff_cache build ./*.egg-info
	find app pag tests -name __pycache__ -type d -prune -exec rm -rf {} +

# A stamp is written only after an installation that went well, and the next one is due
# when a requirements file is newer than it. Only the modules that the app imports are compiled: to
# compile them all takes nearly as long as to install them.
$(VENV)/runtime.stamp: requirements.txt | $(PY)
	@echo "Installing requirements (the first time takes some minutes) ..."
	$(PIP) install --no-compile -r requirements.txt
	PYTHONDONTWRITEBYTECODE= $(PY) -c "import app.ui"
	@touch $@

$(VENV)/dev.stamp: requirements-dev.txt $(VENV)/runtime.stamp
	$(PIP) install -r requirements-dev.txt
	@touch $@

$(PY):
	@for python in "$${PYTHON:-python3}" python3.13 python3.12 python3.11; do \
		"$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue; \
		echo "Creating $(VENV) with $$("$$python" --version) ..."; \
		"$$python" -m venv $(VENV) && exit 0; \
		rm -rf $(VENV); \
		echo "Could not create $(VENV); on Debian and Ubuntu: apt install python3-venv" >&2; \
		exit 1; \
	done; \
	echo "Python 3.11 or newer was not found; set PYTHON=/path/to/python3" >&2; exit 1

# The tests drive a real browser: the one on PATH, else Debian's, else Playwright's own.
browser: $(VENV)/dev.stamp
	@for name in chromium chromium-browser google-chrome; do \
		command -v "$$name" >/dev/null && exit 0; \
	done; \
	if command -v apt-get >/dev/null && [ "$$(id -u)" = 0 ]; then \
		apt-get update && DEBIAN_FRONTEND=noninteractive \
			apt-get install -y --no-install-recommends chromium fonts-dejavu-core && exit 0; \
	fi; \
	$(PY) -m playwright install chromium
