# The commands of this repository; each makes what it needs. The steps themselves are small scripts in .ci/.
VENV ?= .venv
BIN := $(VENV)/bin
PYTEST_ARGS ?=
RATES_ARGS ?=
WORKERS ?= $(if $(filter real,$(WSSS_DISPLAY)),1,2)
KILLS ?= 3000
FLIPS ?= 5000
MINUTES ?= 60
export VENV

.PHONY: help env demo docs screenshots pages test test-qt6 lint bench bench-gpu kill-test worker-test fault-test fuzz soak clean

help:  ## list the commands
	@grep -hE '^[a-z0-9-]+: .*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z0-9-]+):[^#]*## /make \1|/' | column -t -s '|'

env:  ## make or update the virtual environment (.venv)
	@.ci/environment

demo: env  ## sample project, a few minutes of training, napari (or screenshots in build/demo/)
	@.ci/demo

docs:  ## the documentation site in build/site; a broken link or reference is an error
	@.ci/docs

screenshots: env  ## pictures of the real window and its pages for README and guide
	@.ci/screenshots

pages: env  ## every page in both themes at two window sizes, to be looked at; one that scrolls sideways is an error
	@.ci/pages

test: env  ## the test suite on two workers; PYTEST_ARGS='-m slow' or '-m real' for the rest
	@env -u PYTHONDONTWRITEBYTECODE .ci/with_display $(BIN)/python -m pytest \
	  -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(PYTEST_ARGS)

test-qt6: env  ## the window's tests on PyQt6, in an environment of its own
	@env -u PYTHONDONTWRITEBYTECODE WORKERS=$(WORKERS) .ci/qt6 $(PYTEST_ARGS)

lint: env  ## ruff, and mypy --strict
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

bench: env  ## the benchmarks of tests/benchmarks
	@.ci/with_display $(BIN)/python -m pytest tests/benchmarks -o addopts= --import-mode=importlib \
	  --benchmark-only -m "not real and not gpu" $(PYTEST_ARGS)

bench-gpu: env  ## images per second on a GPU, beside those of decoding and of the networks alone, under 8 minutes
	@$(BIN)/python -m tests.benchmarks.rates --device cuda $(RATES_ARGS)

kill-test: env  ## kill a sitting KILLS times at random and compare with its diary
	@$(BIN)/python -m tests.reliability.kill --kills $(KILLS)

worker-test: env  ## kill workers that share a project's images 200 times and compare with one that does all
	@$(BIN)/python -m tests.reliability.workers

fault-test: env  ## let every system call of a save fail, one after another
	@$(BIN)/python -m tests.reliability.faults

fuzz: env  ## flip, cut and zero bytes of every project file, FLIPS times
	@$(BIN)/python -m tests.reliability.fuzz --flips $(FLIPS)

soak: env  ## one sitting of MINUTES: memory, open files and latency stay flat
	@$(BIN)/python -m tests.reliability.soak --minutes $(MINUTES)

clean:  ## remove the environment and everything built
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache
