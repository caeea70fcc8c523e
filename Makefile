# Two commands do all the set-up: `make demo` and `make test`. Everything lands in .venv; system parts come by apt when
# this is root, otherwise tools/system_parts.sh says what to install.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PYTEST ?= $(BIN)/python -m pytest -n 2
RUN_LOCK := requirements/run.lock
DEV_LOCK := requirements/dev.lock
TRAIN_LOCK := requirements/train.lock

.PHONY: demo test check bench models lock clean help

help: ## what can be made
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/'

demo: $(VENV)/run.done ## open the companion app with its scripted model (no key, no network)
	$(BIN)/shouban demo

test: $(VENV)/dev.done ## pass every test: databases, browser and all
	tools/system_parts.sh
	$(PYTEST) tests

check: $(VENV)/dev.done ## format, lint, types, contracts, packs
	$(BIN)/ruff format --check src tests bench training
	$(BIN)/ruff check src tests bench training
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/shouban pack check cn

bench: $(VENV)/dev.done ## speed, side by side with what others use
	$(BIN)/python -m bench --markdown docs/performance.md

models: $(VENV)/train.done ## train the shipped models anew from corpora/ and ../shared/data
	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/python -m training.train

lock: $(VENV)/run.done ## resolve the versions anew (needs a package index)
	$(BIN)/pip install --quiet uv
	$(BIN)/uv pip compile --quiet --generate-hashes --no-emit-index-url --no-emit-find-links --no-annotate --no-header --python-version 3.11 requirements/run.in -o $(RUN_LOCK)
	$(BIN)/uv pip compile --quiet --generate-hashes --no-emit-index-url --no-emit-find-links --no-annotate --no-header --python-version 3.11 requirements/dev.in -o $(DEV_LOCK)
	$(BIN)/uv pip compile --quiet --generate-hashes --no-emit-index-url --no-emit-find-links --no-annotate --no-header --python-version 3.11 requirements/train.in -o $(TRAIN_LOCK)

$(VENV)/run.done: $(RUN_LOCK) pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Shouban needs Python 3.11 or newer; set PYTHON=")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --require-hashes -r $(RUN_LOCK)
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	touch $@

$(VENV)/dev.done: $(DEV_LOCK) pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Shouban needs Python 3.11 or newer; set PYTHON=")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --require-hashes -r $(DEV_LOCK)
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	touch $@ $(VENV)/run.done

$(VENV)/train.done: $(TRAIN_LOCK) pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --require-hashes -r $(TRAIN_LOCK)
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	touch $@ $(VENV)/run.done

clean: ## remove what was made
	rm -rf $(VENV) .pytest_cache .hypothesis .mypy_cache .ruff_cache .import_linter_cache demo-data build dist
