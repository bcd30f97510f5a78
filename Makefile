# `make run` shows an example at work, `make test` checks everything; both set up what they need in .venv first.

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

.PHONY: help run test lint format clean

help:
	@echo "make run     run the people tracking example with a live table; files go to $(OUTPUT)/"
	@echo "make test    linters, type checks, import contracts and all tests"
	@echo "make lint    the same without the tests"
	@echo "make format  lay out the code"
	@echo "make clean   remove the environment, caches and output"

run: $(VENV)/.installed
	@$(BIN)/python -m pypipeline_engine run resources/examples/people_tracking.json --output-dir $(OUTPUT)

test: lint
	$(BIN)/python -m pytest -n auto --dist loadfile

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.installed-dev
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

clean:
	rm -rf $(VENV) $(OUTPUT) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find pypipeline_* tests resources -name __pycache__ -prune -exec rm -rf {} +

$(BIN)/python:
	@if [ -z "$(PYTHON)" ]; then echo "Python 3.11 to 3.13 is needed and not on the PATH" >&2; exit 1; fi
	@$(call need,$(PYTHON) -c 'import ensurepip; import venv',python3-venv)
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml | $(BIN)/python
	$(PIP) install --editable '.[vision]'
	@$(call need,$(BIN)/python -c 'import cv2',libgl1 libglib2.0-0)
	@touch $@

$(VENV)/.installed-dev: pyproject.toml | $(BIN)/python
	$(PIP) install --editable '.[all,dev]'
	@$(call need,$(BIN)/python -c 'import cv2',libgl1 libglib2.0-0)
	@touch $@ $(VENV)/.installed
