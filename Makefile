# make demo       opens the app on http://127.0.0.1:7860
# make test       runs all tests, in a browser too
# make lint       ruff, mypy, a scan for secrets
# make audit      asks the package index for known holes in what is installed
# make fuzz       feeds damaged photos and texts to the readers of both   SECONDS=60
# make train      trains the bundled model anew          DATA=folder OUT=folder
# make evaluate   scores the bundled model               DATA=folder OUT=folder SETS="cars faces"
#                 and writes a page of it                RESULTS=docs/results.md
#
# Everything is installed into .venv, once; touching a requirements file installs again.

PYTHON ?= python3
VENV ?= .venv
DATA ?= data
OUT ?= runs/lite
SETS ?= cars faces cells buildings clothes rooms things
PROTOCOLS ?= oracle text click label
MODEL ?= lite
RESULTS ?= docs/results.md
SECONDS ?= 60

python := $(VENV)/bin/python
pip := $(python) -m pip --disable-pip-version-check
# Weights, photos and packed lists are no text.
scanned := . ':!checkpoints' ':!examples' ':!docs/images' ':!*.gz' ':!.secrets.baseline'
browsers := chromium chromium-browser google-chrome google-chrome-stable

# A half-made environment or stamp must not pass for a whole one.
.DELETE_ON_ERROR:
.PHONY: demo test lint audit fuzz train evaluate browser

demo: $(VENV)/.installed
	$(python) app.py

test: $(VENV)/.installed-dev browser
	$(python) -m pytest
	@if command -v node >/dev/null; then \
	  set -x; node --test tests/canvas/*.test.mjs; \
	elif [ -n "$$CI" ]; then \
	  echo "node is missing: the tests of the canvas cannot run." >&2; exit 1; \
	else \
	  echo "Skipped: the tests of the canvas need node, which is not installed."; \
	fi

lint: $(VENV)/.installed-dev
	$(python) -m ruff check .
	$(python) -m ruff format --check .
	$(python) -m mypy partclipseg app.py
	git ls-files -z -- $(scanned) | xargs -0 $(VENV)/bin/detect-secrets-hook --baseline .secrets.baseline

audit: $(VENV)/.installed-dev
	$(python) scripts/audit.py

fuzz: $(VENV)/.installed-dev
	$(python) -m tests.fuzz --seconds $(SECONDS)

train: $(VENV)/.installed-train
	@test -d "$(DATA)" || { echo "There is no folder $(DATA): name the folder that holds the sets, make train DATA=folder." >&2; exit 2; }
	$(python) -m partclipseg train --config configs/lite.json --data "$(DATA)" --out "$(OUT)"

evaluate: $(VENV)/.installed
	@test -d "$(DATA)" || { echo "There is no folder $(DATA): name the folder that holds the sets, make evaluate DATA=folder." >&2; exit 2; }
	@for set in $(SETS); do for protocol in $(PROTOCOLS); do \
	  $(python) -m partclipseg evaluate --data "$(DATA)/$$set" --split val --protocol $$protocol \
	    --model "$(MODEL)" --json "$(OUT)/evaluation/$$set-$$protocol.json" || exit; \
	done; done
	$(python) -m partclipseg report --from "$(OUT)/evaluation" --out "$(RESULTS)"

# The browser tests take an installed Chromium, else Playwright's own. Without one they are
# skipped, and say so; never where CI is set.
browser: $(VENV)/.installed-dev
	@for name in $(browsers); do command -v $$name >/dev/null && exit 0; done; \
	$(python) -m playwright install chromium && exit 0; \
	if [ -n "$$CI" ]; then \
	  echo "No Chromium: the browser tests cannot run." >&2; exit 1; \
	fi; \
	echo "Skipped: the browser tests need Chromium, which is not installed and could not be fetched."

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "PartCLIPSeg needs Python 3.11 or later; name one: make PYTHON=python3.12." >&2; exit 2; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: requirements.txt | $(VENV)/bin/python
	$(pip) install -r requirements.txt
	@touch $@

$(VENV)/.installed-dev: requirements-dev.txt requirements-export.txt $(VENV)/.installed
	$(pip) install -r requirements.txt -r requirements-dev.txt
	@touch $@

$(VENV)/.installed-train: requirements-train.txt $(VENV)/.installed
	$(pip) install -r requirements.txt -r requirements-train.txt
	@touch $@
