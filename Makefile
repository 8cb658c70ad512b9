# What one can do here, from a fresh clone on a Debian machine:
#
#   make demo     a guest boots from a seed ISO and comes up with its volumes mounted
#   make test     all tests (guests included; 25 minutes on two cores without hardware virtualisation)
#   make check    linters and types
#
# Each installs what it needs: Debian's packages with apt (as root, or through sudo), Python's into .venv.

PYTHON ?= python3
PIP_EXTRAS := server,test
# Half as many again as there are cores: tests wait for each other's daemons, deadlines and guests.
JOBS ?= $(shell echo $$(( $$(nproc) * 3 / 2 )))
SUDO := $(if $(filter 0,$(shell id -u)),,sudo)
VENV := .venv
IN := $(VENV)/bin
# The slow ones first: what is short fills the gaps at the end.
FAST := tests/packaging tests/browser tests/target tests/store tests/testbed tests/contract tests/files tests/architecture tests/unit

# The tests start a PostgreSQL of their own; Debian's package is not to start one for the machine (unless it has one already).
CREATECLUSTER := /etc/postgresql-common/createcluster.d
NO_CLUSTER := [ -e /etc/postgresql ] || { $(SUDO) mkdir -p $(CREATECLUSTER) && \
	echo 'create_main_cluster = false' | $(SUDO) tee $(CREATECLUSTER)/blockstore-tests.conf >/dev/null; }

.DEFAULT_GOAL := help

.PHONY: help
help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

.PHONY: packages
packages: ## Debian's packages that the tests and the demo need
	@missing=$$($(PYTHON) -m testbed.prerequisites --missing | tr '\n' ' '); \
	if [ -n "$$missing" ]; then \
		echo "installing with apt: $$missing"; \
		$(SUDO) apt-get update -q; \
		$(NO_CLUSTER); \
		DEBIAN_FRONTEND=noninteractive $(SUDO) apt-get install -q -y --no-install-recommends $$missing; \
	fi

$(VENV)/installed: setup.py pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or later is needed"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(IN)/pip install --quiet --disable-pip-version-check --editable '.[$(PIP_EXTRAS)]'
	@touch $@

.PHONY: setup
setup: packages $(VENV)/installed ## everything that the other targets need

.PHONY: debs
debs: packages ## both Debian packages, in build/debs
	sh debian/build

.PHONY: demo
demo: setup debs ## a guest boots and its volumes come up
	$(SUDO) $(IN)/python -m testbed demo

.PHONY: campaign
campaign: setup debs ## 200 power cuts through first boots (CUTS=…, SEED=… to go on; some hours without hardware virtualisation)
	$(SUDO) $(IN)/python -m testbed campaign --cuts $(or $(CUTS),200) --jobs $(JOBS) $(if $(SEED),--seed $(SEED))

.PHONY: test
test: setup debs check test-fast ## all tests
	$(MAKE) --jobs=2 --output-sync=target test-cinder test-disks
	$(MAKE) test-vm

.PHONY: test-fast
test-fast: setup ## everything but guests and loop devices
	$(SUDO) $(IN)/pytest -q -n $(JOBS) --dist worksteal $(FAST)

.PHONY: fuzz
fuzz: setup ## schemathesis over both OpenAPI documents, with a new seed each time (EXAMPLES=200 an operation)
	BLOCKSTORE_EXAMPLES=$(or $(EXAMPLES),200) $(IN)/pytest -q tests/target/test_fuzzed.py

.PHONY: test-postgresql
test-postgresql: setup ## the server's tests with PostgreSQL in the place of SQLite
	$(SUDO) $(IN)/pytest -q -n $(JOBS) --dist worksteal tests/store tests/target --database postgresql

.PHONY: test-cinder
test-cinder: setup ## the server with a real Cinder and Keystone, which are installed into build/ at the first time
	$(SUDO) $(IN)/pytest -q tests/cinder

.PHONY: test-loop
test-loop: setup ## disks in, run, disks out on loop devices (root)
	$(SUDO) $(IN)/pytest -q tests/loop

.PHONY: test-crash
test-crash: setup ## a sample of the crash states (root)
	$(SUDO) $(IN)/pytest -q tests/crash

.PHONY: test-disks
test-disks: test-loop test-crash

.PHONY: crash
crash: setup ## every crash state of every scenario, given to the next run (root); CRASH="--scenario 'gpt1-*'" for some
	$(SUDO) $(IN)/python -m tests.crash $(CRASH)

.PHONY: test-vm
test-vm: setup debs ## guests under QEMU; VM=--every-suite for all files on all releases
	$(SUDO) $(IN)/pytest -q -n $(JOBS) --no-loadscope-reorder tests/vm $(VM)

.PHONY: bench-boot
bench-boot: setup debs ## what a boot costs: ours, others, and the floor (an hour without hardware virtualisation; BENCH=--quick)
	@$(IN)/pip install --quiet --disable-pip-version-check --editable '.[bench]'
	$(SUDO) $(IN)/python -m benchmarks.boot $(BENCH)

.PHONY: bench-server
bench-server: setup ## requests a second, beside the real Nova metadata service and Cinder (half an hour; BENCH=--quick)
	@$(IN)/pip install --quiet --disable-pip-version-check --editable '.[bench]'
	$(SUDO) $(IN)/python -m benchmarks.server $(BENCH)

.PHONY: check
check: $(VENV)/installed ## ruff and mypy
	$(IN)/ruff format --check .
	$(IN)/ruff check .
	$(IN)/mypy blockstore cc_blockstore metadata_server datasource testbed benchmarks

.PHONY: format
format: $(VENV)/installed ## let ruff format the tree
	$(IN)/ruff format .
	$(IN)/ruff check --fix .

.PHONY: clean
clean: ## remove what was built (images and package layers too)
	rm -rf build .venv
