# Holdfast. `make` alone lists what there is. ARGS are flags of the program that `make demo` starts.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help deps deps-build build demo test check bench format lint docs docc mutate fuzz sanitize simulate plant release install deb try-deb try-trail clean
MAKEFLAGS += --no-builtin-rules --no-print-directory

PREFIX ?= /usr/local
DESTDIR ?=
PYTHON := .build-venv/bin/python
SOURCES := Package.swift $(wildcard Sources Tests Benchmarks/Package.swift Benchmarks/Sources Benchmarks/Benchmarks \
	Fuzzing/Package.swift Fuzzing/Shared Fuzzing/Bare/All.swift Fuzzing/Whole/All.swift)
FORMAT := swift format

help:  ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1|\2/p' Makefile | awk -F '|' '{ printf "make %-12s %s\n", $$1, $$2 }'

deps:  ## install what building and testing need (Debian, Ubuntu)
	@scripts/deps.sh test

deps-build:  ## install what building alone needs
	@scripts/deps.sh build

build: deps-build  ## build the program for trying it: .build/debug/holdfast
	@swift build --product holdfast

demo: build  ## see it work: a misbehaving gateway and the exporter in one process
	@exec .build/debug/holdfast demo $(ARGS)

test: deps  ## everything that a change must pass
	@$(MAKE) lint
	@swift build --build-tests
	@$(MAKE) check
	@# Seeds that no commit before has seen, and the same ones wherever this commit is tested. What they show is printed
	@# with the seed that shows it again.
	@"$$(swift build --show-bin-path)/holdfast-simulate" --events 2000 --seeds 60 --seconds 300 --jobs 2 \
		--first $$((16#$$(git rev-parse --short=12 HEAD 2>/dev/null || echo 1)))
	@# Of a crash, the stack that led to it and no more: logs are often cut to their last lines.
	@SWIFT_BACKTRACE=threads=crashed,registers=none,images=none,color=no \
		swift test --skip-build --parallel --disable-xctest

lint:
	@scripts/toolchain.sh
	@$(FORMAT) lint --strict --parallel --recursive $(SOURCES)

# What is judged by other programs than the tests in Swift: dashboards, rules, documents.
check:
	@.build/debug/holdfast metrics --names > .build/metrics.txt
	@$(PYTHON) dashboards/check.py .build/metrics.txt
	@$(PYTHON) -m unittest discover --quiet dashboards
	@promtool check rules --lint=all --lint-fatal alerts/holdfast.rules.yml > .build/promtool.txt || { cat .build/promtool.txt; exit 1; }
	@promtool test rules alerts/tests/*.yml > .build/promtool.txt 2>&1 || { cat .build/promtool.txt; exit 1; }
	@$(PYTHON) -m unittest discover --quiet --start-directory scripts
	@$(PYTHON) -m unittest discover --quiet --start-directory deploy
	@$(PYTHON) -m unittest discover --quiet --start-directory deploy/helm
	@$(PYTHON) -m unittest discover --quiet --start-directory packaging
	@$(PYTHON) -m unittest discover --quiet --start-directory examples/trail
	@$(PYTHON) scripts/check-docs.py .build/debug/holdfast
	@scripts/check-unsafe.py
	@scripts/docc.sh > .build/docc.txt || { cat .build/docc.txt; exit 1; }

bench: deps-build  ## measure; takes a release build and some minutes
	@Benchmarks/run.sh

format:  ## format the sources
	@scripts/toolchain.sh
	@$(FORMAT) format --in-place --parallel --recursive $(SOURCES)

docs: build  ## write the documents that the program writes itself
	@.build/debug/holdfast metrics --markdown > docs/metrics.md

docc:  ## build the documentation of the library: .build/Holdfast.doccarchive
	@swift build --product ExampleService
	@scripts/docc.sh

mutate:  ## break each alert rule on purpose and see that a test notices; some minutes
	@alerts/mutate.py

fuzz: deps-build  ## attack readers of input: TARGET=NAME or all, SECONDS=N or HOURS=N; without TARGET, lists them
	@Fuzzing/run.sh $(if $(TARGET),$(TARGET) $(if $(HOURS),$$(($(HOURS) * 3600)),$(or $(SECONDS),60)) $(ARGS),--list)

sanitize: deps  ## the tests under the thread and the address sanitizer; two builds of their own, half an hour
	@scripts/sanitize.sh $(ARGS)

# SEED=… runs one seed again, HOURS=… runs fresh seeds for so long; without either, a minute of them.
simulate: deps-build  ## years of faults in virtual time: SEED=… or HOURS=…
	@swift build --configuration release --product holdfast-simulate
	@"$$(swift build --configuration release --show-bin-path)/holdfast-simulate" \
		$(if $(SEED),--seed $(SEED)) $(if $(HOURS),--hours $(HOURS)) $(ARGS)

plant: deps-build  ## plant bugs in a copy of the tree and see the simulation find each; half an hour
	@scripts/plant.py $(ARGS)

# With Swift's libraries inside, so that it also runs where there is no toolchain.
RELEASE := swift build --configuration release --static-swift-stdlib --product holdfast
# BINARY=PROGRAM takes a program that is built already.
BINARY ?=

release: deps-build  ## build the program for release
	@$(if $(BINARY),,$(RELEASE))

install: release  ## build for release and install under PREFIX (/usr/local)
	@packaging/install.sh "$(or $(BINARY),$$($(RELEASE) --show-bin-path)/holdfast)" "$(DESTDIR)" "$(PREFIX)"

deb: release  ## make a Debian package in .build
	@packaging/deb/build.sh "$(or $(BINARY),$$($(RELEASE) --show-bin-path)/holdfast)" .build

try-deb: release  ## install, start, upgrade and remove the package in a clean Debian (root, some minutes)
	@scripts/deps.sh try
	@packaging/deb/try.sh "$(or $(BINARY),$$($(RELEASE) --show-bin-path)/holdfast)"

try-trail: build  ## ship the audit trail on with rsyslog and logrotate, and count every line
	@scripts/deps.sh try
	@scripts/try-trail.py .build/debug/holdfast

.PHONY: attack kill disks sbom
KILLS ?= 300

attack: build  ## attack the HTTP endpoint and measure scrapes meanwhile; minutes (ARGS="--tls --realtime")
	@scripts/attack-endpoint.py --program .build/debug/holdfast $(ARGS)

kill: build  ## kill the exporter KILLS times at random and check what it left; minutes (ARGS="--seed 7 --fsync always")
	@scripts/kill-campaign.py --program .build/debug/holdfast --kills $(KILLS) $(ARGS)

disks: build  ## fill, lock, rotate, delete and hang the disk of the trail; minutes, better as root
	@scripts/disk-faults.py --program .build/debug/holdfast $(ARGS)

sbom: build  ## write what the program is made of to .build/sbom.json
	@scripts/sbom.py .build/debug/holdfast > .build/sbom.json
	@echo ".build/sbom.json: $$(grep -c '"bom-ref"' .build/sbom.json) components"

clean:  ## remove what was built
	@rm -rf .build .build-* Fuzzing/.build*
