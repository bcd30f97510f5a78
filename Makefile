# `make run` opens the studio with an example, `make test` checks everything; both set up what they need in .venv first.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
SUPPORTED := import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))
PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11; do \
	$$python -c '$(SUPPORTED)' >/dev/null 2>&1 && echo $$python && break; done)
OUTPUT := output
EXAMPLE := resources/examples/people_tracking.json
# The exit code of the studio where there is no display.
NO_DISPLAY := 3
# What Qt's wheels expect of Debian for a window, besides what OpenCV needs.
QT_PACKAGES := libegl1 libfontconfig1 libdbus-1-3 libxkbcommon0 libxkbcommon-x11-0 libxcb-cursor0 libxcb-icccm4 \
	libxcb-image0 libxcb-keysyms1 libxcb-randr0 libxcb-render-util0 libxcb-shape0 libxcb-xinerama0
# Qt's plug-in for windows, which says what it misses only in the moment when it is needed.
XCB_IS_COMPLETE = [ "$$(uname -s)" != Linux ] || \
	! ldd $(VENV)/lib/python3*/site-packages/PySide6/Qt/plugins/platforms/libqxcb.so | grep -q 'not found'

# $(call need,COMMAND,PACKAGES): where COMMAND fails, Debian packages are missing; only root may install them.
define need
{ $(1); } >/dev/null 2>&1 || { \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		echo "installing $(2)"; \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends $(2) >/dev/null; \
	else \
		echo "System packages are missing. Install them with: sudo apt-get install $(2)" >&2; exit 1; \
	fi; }
endef

.PHONY: help run test lint format bench clean

help:
	@echo "make run     open the studio with the people tracking example; without a display, run it with a live table"
	@echo "make test    linters, type checks, import contracts and all tests"
	@echo "make lint    the same without the tests"
	@echo "make format  lay out the code"
	@echo "make bench   measure the engine beside other frameworks; BENCH='w1 w2 --rounds 5' chooses what and how often"
	@echo "make clean   remove the environment, caches and output"

run: $(VENV)/.installed
	@mkdir -p $(OUTPUT); status=0; $(BIN)/python -m pypipeline_studio $(EXAMPLE) --output-dir $(OUTPUT) || status=$$?; \
	if [ $$status = $(NO_DISPLAY) ]; then \
		echo "Running the example without a window:"; \
		$(BIN)/python -m pypipeline_engine run $(EXAMPLE) --output-dir $(OUTPUT); \
	else exit $$status; fi

test: lint
	QT_QPA_PLATFORM=offscreen $(BIN)/python -m pytest -n auto --dist loadfile
	xvfb-run --auto-servernum --server-args='-screen 0 1920x1200x24' $(BIN)/python -m pytest tests/end2end/window

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.installed-dev
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

bench: $(VENV)/.installed-bench
	$(BIN)/python tests/benchmarks $(BENCH)

clean:
	rm -rf $(VENV) $(OUTPUT) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find pypipeline_* tests resources -name __pycache__ -prune -exec rm -rf {} +

$(BIN)/python:
	@if [ -z "$(PYTHON)" ]; then echo "Python 3.11 to 3.13 is needed and not on the PATH" >&2; exit 1; fi
	@$(call need,$(PYTHON) -c 'import ensurepip; import venv',python3-venv)
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml | $(BIN)/python
	$(PIP) install --editable '.[studio,vision]'
	@$(call need,$(BIN)/python -c 'import cv2',libgl1 libglib2.0-0)
	@$(call need,$(XCB_IS_COMPLETE),$(QT_PACKAGES))
	@touch $@

$(VENV)/.installed-dev: pyproject.toml | $(BIN)/python
	$(PIP) install --editable '.[all,dev]'
	@$(call need,$(BIN)/python -c 'import cv2',libgl1 libglib2.0-0)
	@$(call need,$(XCB_IS_COMPLETE),$(QT_PACKAGES))
	@$(call need,command -v xvfb-run,xvfb xauth)
	@touch $@ $(VENV)/.installed

$(VENV)/.installed-bench: pyproject.toml | $(BIN)/python
	$(PIP) install --editable '.[vision,bench]'
	@$(call need,$(BIN)/python -c 'import cv2',libgl1 libglib2.0-0)
	@touch $@
