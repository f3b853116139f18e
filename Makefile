# Two commands set everything up on a fresh Debian machine and say what they do:
#   make demo    containers with labels become HTTPS sites before your eyes
#   make test    everything is tested, against a real Docker engine and a real CA
# `make check` is the quick look before a commit; `make help` lists the rest.

SHELL := /bin/bash
PYTHON := .venv/bin/python
CODE := setup.py proxy discovery acme_client tidegate tests scripts compose compose/image/inside/bill-of-materials
# What meets an engine, an authority and other programs meets the proxy as it ships, which is compiled.
REAL := tests/integration tests/peers tests/soak
COMPILED_TESTS := tests/proxy tests/conformance tests/fuzz $(REAL)
# Most tests of what is real wait for it, so there are more processes than cores: two have an engine each, the
# others go on meanwhile.  ARGS='-n 0' tests in this one alone.
SIDE_BY_SIDE := -n 4 --dist loadgroup

# Meets an image that it builds itself, for minutes: `make test-image` alone does.
IMAGE_TESTS := tests/integration/image
# Meets apps that nobody here wrote, behind that image: `make test-apps` alone does.
APP_TESTS := tests/integration/image/apps

.PHONY: help demo test test-image test-apps image image-arm64 check docs compile wheel dist dist-arm64 dist-amd64 audit bench peers-corpus fuzz soak format lock env engine pebble caddy nameservers testssl peers fuzzer

help:
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

demo: env engine pebble ## three small apps become HTTPS sites; Ctrl-C cleans up
	@$(PYTHON) -m compose.demo

test: check pebble caddy nameservers testssl ## everything: once in plain Python, then compiled, against a real Docker engine and a real CA
	@scripts/engine --compose
	@scripts/compile --remove
	@$(PYTHON) -m pytest $(SIDE_BY_SIDE) $(ARGS) $(addprefix --ignore=,$(REAL))
	@scripts/compile
	@$(PYTHON) -m pytest $(SIDE_BY_SIDE) $(ARGS) $(COMPILED_TESTS) --ignore=$(IMAGE_TESTS)

test-image: env pebble ## the container image is built and does its work among containers (four minutes, the first time ten)
	@scripts/engine --base
	@$(PYTHON) -m pytest $(ARGS) $(IMAGE_TESTS) --ignore=$(APP_TESTS)

test-apps: env pebble ## JupyterLab, Node-RED, WebDAV, events and git behind the image, with a real browser (five minutes, the first time fifteen)
	@scripts/engine --base
	@scripts/apps
	@$(PYTHON) -m pytest $(ARGS) $(APP_TESTS)

image: env ## the container image `tidegate`, on BASE=python:3.13-slim, or on BASE=debian, which needs no registry
	@scripts/engine $(if $(filter debian,$(BASE)),--base)
	@$(PYTHON) -m compose.image $(BASE)

image-arm64: env pebble ## the same for arm64, compiled here: it is built, saved to dist/ and does its main job, emulated (half an hour)
	@scripts/engine --foreign
	@$(PYTHON) -m compose.image debian arm64
	@TIDEGATE_TEST_ARCHITECTURE=arm64 $(PYTHON) -m pytest $(ARGS) $(IMAGE_TESTS) --ignore=$(APP_TESTS) -k 'https or certificates or sigterm'

compile: env ## with mypyc, in place, what every request passes: nearly twice as fast; scripts/compile --remove undoes it
	@scripts/compile

wheel: compile ## the compiled wheel for this machine's Python, in dist/
	@TIDEGATE_COMPILE=1 $(PYTHON) -m pip wheel --quiet --disable-pip-version-check --no-deps --no-build-isolation --wheel-dir dist .

dist: env ## the sdist and both wheels in dist/, each tried in an environment of its own; the version is that of the git tag
	@scripts/dist

dist-arm64: env ## add the wheel compiled for Debian's Python on arm64, tried there; elsewhere emulated (half an hour); dist-amd64 is its twin
dist-arm64 dist-amd64: dist-%: env
	@scripts/engine --foreign
	@scripts/dist $*

audit: env ## which pinned packages have known faults; ALL=1 also those that only develop; needs a network
	@ALL=$(ALL) scripts/audit

check: env docs ## style, types, directions of import, and that the docs hold together, in seconds
	@$(PYTHON) -m ruff check --quiet $(CODE)
	@$(PYTHON) -m ruff format --quiet --check $(CODE)
	@$(PYTHON) -m mypy
	@.venv/bin/lint-imports | tail -n 3

# Not --quiet, which hides warnings from --strict, too.
docs: env ## the site of docs/, in site/; a link that leads nowhere is an error
	@said=$$(NO_MKDOCS_2_WARNING=1 $(PYTHON) -m mkdocs build --strict 2>&1) || { echo "$$said" | grep -v ^INFO; exit 1; }

bench: env engine peers compile ## beside nginx, HAProxy, Caddy, Envoy: docs/benchmarks.md; a look: ROWS=few,tls ROUNDS=2 SECONDS=2
	@$(PYTHON) -m tests.bench --date "$$(date -u +%F)" \
		$(if $(ROWS),--rows '$(ROWS)') $(if $(ROUNDS),--rounds $(ROUNDS)) $(if $(SECONDS),--seconds $(SECONDS))

peers-corpus: env peers ## raw requests and misbehaving apps at Tidegate and its peers: docs/robustness.md; PEERS=, ONLY=
	@$(PYTHON) -m tests.peers $(if $(PEERS),--peers '$(PEERS)') $(if $(ONLY),--only '$(ONLY)') $(ARGS)

fuzz: env fuzzer ## hunt for inputs that two HTTP readers understand differently; MINUTES=5
	@nice -n 10 $(PYTHON) -m tests.fuzz $(if $(MINUTES),--minutes $(MINUTES))

soak: env ## chaos, slow clients, a site that changes: nothing mixed up, nothing leaked; MINUTES=10 PARTS=chaos,slow,shift
	@nice -n 10 $(PYTHON) -m tests.soak $(if $(MINUTES),--minutes $(MINUTES)) $(if $(PARTS),--parts $(PARTS)) \
		$(if $(LANES),--lanes $(LANES))

format: env ## let ruff lay the code out
	@$(PYTHON) -m ruff check --quiet --fix $(CODE) || true
	@$(PYTHON) -m ruff format --quiet $(CODE)

lock: env ## renew the requirements*.lock files after a change of pyproject.toml
	@scripts/lock

env:
	@scripts/environment

engine:
	@scripts/engine

pebble:
	@scripts/pebble

caddy:
	@scripts/caddy

nameservers:
	@scripts/nameservers

testssl:
	@scripts/testssl

peers:
	@scripts/peers

fuzzer:
	@scripts/fuzzer
