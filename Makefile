# Everything a newcomer needs: `make demo` and `make test` do their own set-up.

SHELL := /bin/bash
.DEFAULT_GOAL := help

# Debian packages to build and run Lenscap, to test it, and to test it on a whole machine.
BUILD_PACKAGES := libasound2-dev libavcodec-dev libavformat-dev libavutil-dev libswresample-dev libssl-dev \
	libturbojpeg0-dev libv4l-dev libyuv-dev pkg-config
TEST_PACKAGES := age ffmpeg openssl python3 python3-pip strace
APPLIANCE_PACKAGES := age ffmpeg openssl python3

# What make test installs from PyPI: the reference client of the local protocol.
PYTHON_PACKAGES := $(CURDIR)/.build/python
export PYTHONPATH := $(PYTHON_PACKAGES)$(if $(PYTHONPATH),:$(PYTHONPATH))

SWIFT_FILES := Package.swift Sources Tests

.PHONY: help
help: ## What can be made
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' $(MAKEFILE_LIST) | column -t -s '|'

.PHONY: build
build: toolchain ## Build the programs
	@$(call install,$(BUILD_PACKAGES))
	swift build

.PHONY: release
release: toolchain ## Build the programs as they are installed on a box
	@$(call install,$(BUILD_PACKAGES))
	swift build -c release --static-swift-stdlib

.PHONY: demo
demo: build ## Record, deliver and open a lesson on this machine
	.build/debug/lenscap demo $(DEMO)

.PHONY: test
test: toolchain $(PYTHON_PACKAGES)/varlink ## Run every test that needs no other machine
	@$(call install,$(BUILD_PACKAGES) $(TEST_PACKAGES))
ifdef FILTER
	@$(call tested,swift test --filter '$(FILTER)')
else
	@$(call tested,swift test --skip EndToEndTests)
	@$(call tested,swift test --skip-build --filter EndToEndTests)
	@echo "All tests passed: the modules', and end to end with the real programs."
endif

.PHONY: soak
soak: toolchain ## Simulate 8 hours, 60 minutes of sync, and 500 starts and stops
	@$(call install,$(BUILD_PACKAGES) $(TEST_PACKAGES))
	LENSCAP_TEST_MINUTES=60 LENSCAP_TEST_SOAK_MINUTES=480 LENSCAP_TEST_SOAK_CYCLES=500 \
		swift test --filter 'RecordingTests.(SimulatedLessonTests|SoakTests)'

.PHONY: test-appliance
test-appliance: release ## Boot Debian in QEMU and record from real kernel devices
	@$(call install,$(APPLIANCE_PACKAGES))
	python3 -m unittest discover -q -s Tests/Appliance -t Tests/Appliance
	Tests/Appliance/run $(SCENARIO)

TRIALS ?= 200

.PHONY: stop-trials
stop-trials: release ## Stop sessions in every way TRIALS=n times and measure how soon devices close
	@$(call install,$(TEST_PACKAGES))
	python3 -B -m unittest discover -q -s Tests/StopTrials -t Tests/StopTrials
	Tests/StopTrials/run --programs .build/release --trials $(TRIALS) $(STOP)

.PHONY: fault-sweep
fault-sweep: build ## Fail every system call that touches a recording, or SAMPLE=n of them
	@$(call install,$(TEST_PACKAGES))
	python3 -B -m unittest discover -q -s Tests/FaultSweep -t Tests/FaultSweep
	Tests/FaultSweep/run $(if $(SAMPLE),--sample $(SAMPLE)) $(FAULTS)

LESSONS ?= 100000
SEED ?= 1

# Deterministic hashing, so that a world comes again from its seed in another process.
.PHONY: simulate
simulate: toolchain ## Simulate LESSONS=n lessons on a failing disk, from SEED=n on
	@$(call install,$(BUILD_PACKAGES))
	swift build -c release --static-swift-stdlib --product simulate
	SWIFT_DETERMINISTIC_HASHING=1 .build/release/simulate $(LESSONS) $(SEED)

MINUTES ?= 10
RUNS ?= 5

.PHONY: bench
bench: toolchain ## Measure speed against ffmpeg and age (CASE=…, RUNS=n pairs, MINUTES=n of two cameras)
	@$(call install,$(BUILD_PACKAGES) $(TEST_PACKAGES))
	python3 -B Tests/Benchmark/run --runs $(RUNS) --minutes $(MINUTES) $(CASE)

.PHONY: fuzz
fuzz: toolchain ## Fuzz every reader of foreign bytes for MINUTES=n in all
	@$(call install,$(BUILD_PACKAGES))
	Tests/Fuzz/run $(MINUTES) $(TARGETS)

.PHONY: fuzz-coverage
fuzz-coverage: toolchain ## Measure what the fuzz corpora reach of MODULES
	@$(call install,$(BUILD_PACKAGES))
	Tests/Fuzz/run coverage $(MODULES)

.PHONY: lint
lint: toolchain ## Check the one format of the code
	swift format lint --strict --configuration .swift-format --recursive $(SWIFT_FILES)

.PHONY: format
format: toolchain ## Give the code its one format
	swift format --in-place --configuration .swift-format --recursive $(SWIFT_FILES)

.PHONY: clean
clean: ## Remove what was built
	rm -rf .build

.PHONY: toolchain
toolchain:
	@command -v swift >/dev/null || { \
		echo "Lenscap is built with Swift 6.3: install the toolchain from swift.org first." >&2; \
		exit 1; }

$(PYTHON_PACKAGES)/varlink:
	@$(call install,$(TEST_PACKAGES))
	python3 -m pip install --quiet --target $(PYTHON_PACKAGES) varlink

# Installs those of the named Debian packages that are missing.
define install
missing=$$(for package in $(1); do \
	dpkg-query -W -f '$${db:Status-Abbrev}' $$package 2>/dev/null | grep -q '^ii' || echo $$package; \
	done); \
if [ -n "$$missing" ]; then \
	echo "Installing what is missing of Debian's packages:" $$missing; \
	sudo=; [ "$$(id -u)" = 0 ] || sudo=sudo; \
	$$sudo apt-get update -qq && \
	DEBIAN_FRONTEND=noninteractive $$sudo apt-get install -qq -y --no-install-recommends \
		$$missing >/dev/null || { \
		echo "Could not install:" $$missing >&2; exit 1; }; \
fi
endef

# Runs the tests and ends with what failed, which would otherwise stand far above.
define tested
set -o pipefail; $(1) 2>&1 | tee .build/tests.log || { \
	echo; echo "Failed, of all the above:"; grep -aE '✘|error:' .build/tests.log; exit 1; }
endef
