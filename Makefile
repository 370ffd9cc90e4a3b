# `make help` lists the targets. The logic lies in the scripts that they call.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

export SPRINGTIDE_CACHE ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/springtide
# A folder with a torch wheel to prefer over the registry's; none is needed.
export WHEELS ?= $(wildcard ../shared/wheels)
# Only the recipes see the local cluster: your own kubeconfig is neither read nor written.
export KUBECONFIG := $(SPRINGTIDE_CACHE)/kubeconfig
export PATH := $(CURDIR)/.venv/bin:$(SPRINGTIDE_CACHE)/bin:$(PATH)
PYTEST := .venv/bin/pytest

.PHONY: help
help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1\t\2/p' Makefile | awk -F'\t' '{ printf "make %-16s %s\n", $$1, $$2 }'

.PHONY: venv lock lint format verify
venv: .venv/.complete ## the Python environment in .venv (about 40 s, once)

.venv/.complete: requirements/dev.txt pyproject.toml requirements/venv.sh
	@requirements/venv.sh
	@touch $@

lock: venv ## pin every dependency anew in requirements/
	requirements/lock.sh --upgrade

lint: venv ## ruff, mypy and the layer law
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/mypy
	cd examples/demo && ../../.venv/bin/mypy --strict .
	.venv/bin/lint-imports

format: venv ## let ruff mend what it can
	.venv/bin/ruff check --fix
	.venv/bin/ruff format

verify: venv ## fail if something generated differs from its source
	.venv/bin/python -m springtide.crdgen.main --check

.PHONY: cluster images dev demo cluster-delete
cluster: ## a local Kubernetes cluster (1 min; the first time up to 15)
	@tests/cluster/up.sh

images: cluster ## build and push the two images (seconds; the first time 4 min)
	@tests/cluster/images.sh

dev: cluster ## bring the working tree into the cluster (seconds)
	@tests/cluster/dev.sh

demo: venv dev ## the whole loop on real data, while things are broken (8 min; QUICK=1: 6; CHAOS=1: pods are taken away meanwhile)
	@.venv/bin/python examples/demo/run.py

cluster-delete: ## remove the cluster and all that it changed on this machine
	@tests/cluster/down.sh

.PHONY: test test-unit test-workloads test-api test-cluster bench
test: lint verify test-unit test-workloads test-api test-cluster ## all tiers, from the quickest (50 min)

test-unit: venv ## the pure core, the shell and the API models (3 min)
	$(PYTEST) --numprocesses 2 tests/core tests/shell tests/cli tests/crdgen tests/docs

test-workloads: venv ## training, artifacts and metrics on this machine (8 min)
	$(PYTEST) tests/workloads

test-api: venv ## a real API server, its nodes played by kwok (10 min)
	@tests/cluster/programs/build.sh kube etcd kwok helm
	$(PYTEST) tests/apiserver tests/chart

test-cluster: venv dev ## real containers in the local cluster (28 min)
	@tests/cluster/s3/s3.sh start
	@tests/cluster/programs/build.sh kserve
	$(PYTEST) tests/kind

bench: venv $(if $(ONLY),,dev) ## measure, write docs/performance.md; ONLY=operator, loop, overhead, training, drift, serving or release
	@.venv/bin/python tests/bench/run.py $(ONLY)
