# make demo   the playground: mail comes in, goes through rules, and out
# make test   all checks and every test, with the mail servers they need
# make lint   the checks alone
# make requirements   choose the newest versions again (needs uv)

PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin
PIP := $(RUN)/python -m pip --quiet --disable-pip-version-check install
LOCK := UV_CUSTOM_COMPILE_COMMAND="make requirements" uv pip compile --quiet \
	--generate-hashes --universal --python-version 3.11 --upgrade pyproject.toml

.DELETE_ON_ERROR:
.PHONY: demo test lint servers requirements clean

demo: $(VENV)/demo.stamp
	$(RUN)/postroom demo

test: servers lint
	$(RUN)/python -m pytest -rs

lint: $(VENV)/test.stamp
	$(RUN)/ruff check .
	$(RUN)/ruff format --check .
	$(RUN)/mypy

servers:
	sh tests/install-servers.sh

# The build backend is among the hashed requirements: nothing comes in without a hash.
$(VENV)/%.stamp: requirements/%.txt pyproject.toml $(VENV)/python.stamp
	$(PIP) --require-hashes --requirement $<
	$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/python.stamp:
	sh tests/make-venv.sh $(PYTHON) $(VENV)
	@touch $@

requirements:
	$(LOCK) --group build --output-file requirements/run.txt
	$(LOCK) --group build --extra demo --output-file requirements/demo.txt
	$(LOCK) --group test --extra demo --output-file requirements/test.txt

clean:
	rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
