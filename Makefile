# make demo   the playground: mail comes in, goes through rules, and out
# make test   all checks and every test, with the mail servers they need
# make lint   the checks alone
# make soak   SOAK_MINUTES of mail over a network that fails (SOAK_SEED: as before)
# make scale  what SCALE_MESSAGES messages take: as they come, as old mail, as backlog
# make model  MODEL_EXAMPLES of what may befall a daemon (MODEL_SEED: as before)
# make kills  the end by SIGKILL at every call of a POP3 session, and once more behind it
# make crash  kills at every named point, at CRASH calls to the kernel of each kind, and
#             at random; failing disks
# make crash-long   CRASH_KILLS kills at calls to the kernel, as many at random, and the
#             table of both; goes on with what stands in CRASH_DIR
# make fuzz   FUZZ_SECONDS of hostile octets for each fuzz target
# make deb    the Debian package, in dist/
# make requirements   choose the newest versions again (needs uv)

PYTHON ?= python3
# Tests wait for servers more than they work: each worker has servers of its own.
TEST_WORKERS ?= 3
# The package stands on Debian's own Python, and on what is here of its version.
DEBIAN_PYTHON ?= /usr/bin/python3
SOAK_MINUTES ?= 20
SCALE_MESSAGES ?= 100000
CRASH_KILLS ?= 1000
CRASH_DIR ?= $(CURDIR)/build/crash
FUZZ_SECONDS ?= 60
MODEL_EXAMPLES ?= 1000
CRASH ?= 6
VENV := .venv
RUN := $(VENV)/bin
PIP := $(RUN)/python -m pip --quiet --disable-pip-version-check install
LOCK := UV_CUSTOM_COMPILE_COMMAND="make requirements" uv pip compile --quiet \
	--generate-hashes --universal --python-version 3.11 --upgrade pyproject.toml

.DELETE_ON_ERROR:
.PHONY: demo test lint deb soak crash crash-long model scale kills fuzz fuzzing servers requirements clean

demo: $(VENV)/demo.stamp
	$(RUN)/postroom demo

test: servers lint
	$(RUN)/python -m pytest -rs -n $(TEST_WORKERS) --dist loadfile

deb:
	sh systemd/debian/build.sh $(DEBIAN_PYTHON) requirements/run.txt . build/deb dist

lint: $(VENV)/test.stamp
	$(RUN)/ruff check .
	$(RUN)/ruff format --check .
	$(RUN)/mypy

soak: servers $(VENV)/test.stamp
	SOAK_MINUTES=$(SOAK_MINUTES) $(RUN)/python -m pytest -s tests/soak -k long

scale: servers $(VENV)/test.stamp
	SCALE_MESSAGES=$(SCALE_MESSAGES) $(RUN)/python -m pytest -s tests/scale -k "very_many or flat"

crash: servers $(VENV)/test.stamp
	CRASH=$(CRASH) $(RUN)/python -m pytest -n 2 tests/crash

crash-long: servers $(VENV)/test.stamp
	CRASH_KILLS=$(CRASH_KILLS) CRASH_DIR=$(CRASH_DIR) $(RUN)/python -m pytest -n 2 \
		tests/crash/test_syscalls.py tests/crash/test_random_kills.py -k campaign; \
	tested=$$?; \
	$(RUN)/python -m tests.crash.table $(CRASH_DIR) $(CRASH_KILLS) && exit $$tested

model: $(VENV)/test.stamp
	MODEL_EXAMPLES=$(MODEL_EXAMPLES) $(RUN)/python -m pytest -s --timeout 0 tests/model

kills: servers $(VENV)/test.stamp
	KILLS=all $(RUN)/python -m pytest -s tests/endtoend/test_pop3_kills.py

# What fuzzing needs is instrumented: it has a virtual environment of its own.
fuzz:
	$(MAKE) VENV=$(VENV)/fuzz fuzzing

fuzzing: $(VENV)/fuzz.stamp
	$(RUN)/python -m tests.fuzz imap_responses $(FUZZ_SECONDS)
	$(RUN)/python -m tests.fuzz imap_commands $(FUZZ_SECONDS)
	$(RUN)/python -m tests.fuzz pop3_answers $(FUZZ_SECONDS)

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
	$(LOCK) --group fuzz --output-file requirements/fuzz.txt

clean:
	rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
