# The doors into this repository. `make` lists them; tools/ does the work.
.DEFAULT_GOAL := help
.PHONY: help demo demo-down build test check lint format sanitize fuzz bench fixtures image chart clean
JOBS ?= $(shell nproc)
export JOBS

help: ## This list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):[^#]*## (.*)/  make \1|\2/' | column -t -s '|'

demo: ## Install what is missing, build, and show it on a real control plane (or: KUBECONFIG=… REGISTRY=…)
	@tools/setup build run sign
	@$(MAKE) --no-print-directory image
	@$(if $(filter command,$(origin KUBECONFIG)),REGISTRY_PATH="$(REGISTRY)" tools/demo cluster,tools/demo up)

demo-down: ## End what the demo left running
	@tools/demo down

build: ## The release programs, in build/bin
	@tools/setup build
	@tools/build release
	@mkdir -p build/bin && cp -p build/release/bin/* build/bin/ && ls build/bin

test: ## All tests but the long ones, on a real control plane
	@tools/setup build run
	@tools/run-tests dev

check: lint test ## Before a submission: lint, then what CI runs

lint: ## Format, layers, clang-tidy, shell and Python syntax
	@tools/setup build check
	@tools/lint

format: ## Format the sources in place
	@tools/setup check
	@git ls-files '*.cpp' '*.hpp' '*.inl' | xargs clang-format-14 -i

sanitize: ## The tests under address+undefined, then thread sanitizer
	@tools/setup build run
	@tools/run-tests asan-ubsan
	@tools/run-tests tsan

fuzz: ## Each fuzz target for FUZZ_SECONDS (60)
	@tools/setup build check
	@tools/build fuzz
	@tools/run-fuzz

bench: ## The benchmarks
	@tools/setup build
	@tools/build bench
	@set -e; for program in build/bench/bin/*_bench; do echo "== $$program"; "$$program"; done

fixtures: ## Make the signed test images anew, with real cosign
	@tests/fixtures/make.sh

image: build ## The container image as an OCI layout in build/image, without Docker
	@tools/image build/image

chart: ## Check the chart and package it into build/
	@tools/setup run
	@tools/chart

clean: ## Remove build/
	rm -rf build
