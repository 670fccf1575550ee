# `make` lists the targets. Settings: make demo PYTHON=python3.12 VENV=/tmp/venv DEMO_FRAMES=300

PYTHON ?= python3
VENV ?= .venv
TEST_VENV ?= .venv-test
DEMO_FRAMES ?= 150
ARM64_ROOT ?= .venv-arm64
BARE_ROOTS ?= .venv-bare
BARE_SUITES ?= bookworm trixie
BARE_COMMANDS ?= demo test
TEST_EXTRAS = app,dev,train
# Many tests wait for a camera, a broker or a browser: two processes more than there are cores.
TEST_PROCESSES ?= $(shell echo $$(($$(nproc 2>/dev/null || echo 1) + 2)))

.DEFAULT_GOAL := help
.PHONY: help demo app phone test test-arm64 test-bare lint bench clean

help:  ## list the targets
	@sed -n 's/^\([a-z0-9-]*\):.*  ## /make \1\t/p' $(MAKEFILE_LIST) | expand -t 18

demo: $(VENV)/edge.done  ## run the edge pipeline on its built-in source, with only the edge requirements
	@$(VENV)/bin/python -m edge.run --headless --source demo --max-frames $(DEMO_FRAMES)

app: $(VENV)/app.done  ## start the Streamlit app
	@$(VENV)/bin/python -m streamlit run app/main.py

phone: $(VENV)/app.done  ## start the app for phones in the same network: over https, with a certificate made here
	@mkdir -p .streamlit/phone && [ -f .streamlit/phone/key.pem ] || openssl req -x509 -newkey rsa:2048 -nodes -days 365 \
	  -subj "/CN=emotion-edge" -keyout .streamlit/phone/key.pem -out .streamlit/phone/cert.pem 2>/dev/null
	@$(VENV)/bin/python -m streamlit run app/main.py --server.address 0.0.0.0 \
	  --server.sslCertFile .streamlit/phone/cert.pem --server.sslKeyFile .streamlit/phone/key.pem

test: $(TEST_VENV)/test.done  ## run all tests, in an environment of their own
	@$(TEST_VENV)/bin/python -m pytest -n $(TEST_PROCESSES) --maxprocesses 4 --dist loadgroup --no-loadscope-reorder

test-arm64: $(TEST_VENV)/test.done  ## run the edge tests on emulated aarch64 with its own wheels (root, qemu-user-static, mmdebstrap)
	@[ -f $(ARM64_ROOT)/ready ] || PATH="$(CURDIR)/$(TEST_VENV)/bin:$$PATH" tests/rigs/arm64.sh setup $(ARM64_ROOT)
	@PATH="$(CURDIR)/$(TEST_VENV)/bin:$$PATH" tests/rigs/arm64.sh test $(ARM64_ROOT)

test-bare:  ## make demo and make test in a bare Debian 12 and a bare Debian 13 (root, mmdebstrap; 6 GB, half an hour)
	@for suite in $(BARE_SUITES); do \
	  root=$(BARE_ROOTS)/$$suite; \
	  tests/rigs/bare.sh setup $$suite $$root && tests/rigs/bare.sh clone $$root || exit 1; \
	  for target in $(BARE_COMMANDS); do \
	    echo "make $$target in a bare Debian, $$suite" && tests/rigs/bare.sh run $$root make --no-print-directory $$target || exit 1; \
	  done; \
	done

lint: $(TEST_VENV)/test.done  ## check style, types and who imports whom
	$(TEST_VENV)/bin/ruff check .
	$(TEST_VENV)/bin/ruff format --check .
	$(TEST_VENV)/bin/mypy
	$(TEST_VENV)/bin/lint-imports

bench: $(TEST_VENV)/test.done  ## measure latency and accuracy drift
	@$(TEST_VENV)/bin/python -m pytest benchmarks

clean:  ## remove the virtual environments, caches and build results
	rm -rf $(VENV) $(TEST_VENV) .pytest_cache .mypy_cache .ruff_cache .import_linter_cache build dist *.egg-info

$(VENV)/edge.done: setup.cfg pyproject.toml deploy/venv.sh
	@deploy/venv.sh $(PYTHON) $(VENV)
	@touch $@

$(VENV)/app.done: setup.cfg pyproject.toml deploy/venv.sh
	@deploy/venv.sh $(PYTHON) $(VENV) app
	@touch $@

$(TEST_VENV)/test.done: setup.cfg pyproject.toml deploy/venv.sh
	@deploy/venv.sh $(PYTHON) $(TEST_VENV) $(TEST_EXTRAS)
	@touch $@
