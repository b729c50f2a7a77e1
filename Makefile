# Holdfast. `make` alone lists what there is. ARGS are flags of the program that `make demo` starts.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help deps deps-build build demo test check bench format lint docs mutate simulate plant install clean
MAKEFLAGS += --no-builtin-rules --no-print-directory

PREFIX ?= /usr/local
DESTDIR ?=
PYTHON := .build-venv/bin/python
SOURCES := Package.swift $(wildcard Sources Tests Benchmarks/Package.swift Benchmarks/Sources Benchmarks/Benchmarks)
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
	@swift test --skip-build --parallel --disable-xctest
	@# Seeds that nobody has seen yet; what they show is printed with the seed that shows it again.
	@"$$(swift build --show-bin-path)/holdfast-simulate" --seconds 60

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
	@$(PYTHON) scripts/check-docs.py .build/debug/holdfast

bench: deps-build  ## measure; takes a release build and some minutes
	@Benchmarks/run.sh

format:  ## format the sources
	@scripts/toolchain.sh
	@$(FORMAT) format --in-place --parallel --recursive $(SOURCES)

docs: build  ## write the documents that the program writes itself
	@.build/debug/holdfast metrics --markdown > docs/metrics.md

mutate:  ## break each alert rule on purpose and see that a test notices; some minutes
	@alerts/mutate.py

# SEED=… runs one seed again, HOURS=… runs fresh seeds for so long; without either, a minute of them.
simulate: deps-build  ## years of faults in virtual time: SEED=… or HOURS=…
	@swift build --configuration release --product holdfast-simulate
	@"$$(swift build --configuration release --show-bin-path)/holdfast-simulate" \
		$(if $(SEED),--seed $(SEED)) $(if $(HOURS),--hours $(HOURS)) $(ARGS)

plant:  ## plant bugs in a copy of the tree and see the simulation find each; some minutes
	@scripts/plant.py

install: deps-build  ## build for release and install under PREFIX (/usr/local)
	@# With Swift's libraries inside, so that it also runs where there is no toolchain.
	@swift build --configuration release --static-swift-stdlib --product holdfast
	@install -d "$(DESTDIR)$(PREFIX)/bin" "$(DESTDIR)$(PREFIX)/share/doc/holdfast"
	@install -m 755 -s "$$(swift build --configuration release --show-bin-path)/holdfast" "$(DESTDIR)$(PREFIX)/bin/holdfast"
	@install -m 644 README.md CHANGELOG.md LICENSE examples/holdfast.yml docs/*.md alerts/holdfast.rules.yml \
		"$(DESTDIR)$(PREFIX)/share/doc/holdfast/"
	@echo "installed $(DESTDIR)$(PREFIX)/bin/holdfast"

clean:  ## remove what was built
	@rm -rf .build .build-venv
