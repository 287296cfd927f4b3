# Every target works alone on a fresh clone: it first has scripts/setup install what it needs, and no more.
# `make help` lists them.

PREFIX ?= /usr/local
FUZZ_SECONDS ?= 60
ARGS ?=

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help setup demo build test test-aarch64 lint bench bench-peers bench-c report scaling timing fuzz header abi vectors install \
	dist check-package clean

help: ## say what the targets do
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "make %-13s %s\n", $$1, $$2 }' Makefile

setup: setup-build setup-test setup-lint setup-aarch64 ## install everything that building, testing and linting need

setup-%:
	@scripts/setup $*

demo: setup-build ## encrypt, evaluate and decrypt a few digits; ARGS="--mnist DIR --records N" for real ones
	cargo build --locked --release -p tacita-cli
	target/release/tacita demo $(ARGS)

build: setup-build ## leave the commands at target/release/tacita and target/release/tacita-train
	cargo build --locked --release -p tacita-cli -p tacita-trainer

test: setup-build setup-test ## run all tests
	scripts/test

test-aarch64: setup-build setup-aarch64 ## run the library's unit tests for 64-bit ARM under QEMU
	scripts/check-aarch64 test

lint: setup-build setup-lint setup-aarch64 ## check format, licences, code, documentation, and that 64-bit ARM compiles
	scripts/lint

bench: setup-build ## run the benchmarks; ARGS="FILTER" for some of them
	cargo bench -p tacita -- $(ARGS)

bench-peers: setup-build setup-peers ## compare with other libraries; ARGS=--quick, NATIVE_GMP=1 for GMP at its best
	scripts/bench-peers $(ARGS)

report: setup-build setup-peers ## renew docs/performance.md; ARGS="--scaling" or "--from BENCH PEERS [SCALING]"
	scripts/report $(ARGS)

scaling: setup-build setup-scaling ## measure how time and memory grow; ARGS="--quick" or "--bits 3072"
	scripts/scaling $(ARGS)

timing: setup-build ## look for times that depend on secrets, half an hour; ARGS="--measurements N --bits N --backend NAME --only JOB --json"
	cargo run --release --features hazmat --example timing -- $(ARGS)

fuzz: setup-build setup-fuzz ## fuzz each parser for FUZZ_SECONDS (60)
	FUZZ_SECONDS=$(FUZZ_SECONDS) scripts/fuzz

header: setup-build ## renew include/tacita.h, and the lists of docs/c-guide.md, from the Rust sources
	TACITA_WRITE_HEADER=1 cargo test -p tacita --test header

abi: setup-build ## record the C interface of a new version in include/tacita.abi
	TACITA_WRITE_ABI=1 cargo test -p tacita --test abi

vectors: setup-build ## renew the known-answer vectors in tests/vectors
	cargo run --features hazmat --example make_vectors

install: setup-build ## install command, headers, libraries and documents under PREFIX (/usr/local); GMP=FOLDER for another GMP
	scripts/install $(PREFIX)

dist: setup-build ## pack the same as build/dist/tacita-VERSION-HOST.tar.gz, which works wherever it is unpacked
	scripts/dist

check-package: setup-build setup-test ## build and run the examples from the packed package, with every compiler and linkage
	scripts/check-package

bench-c: setup-build ## compare calls from C with the same in Rust; ARGS=--write renews the guide's table
	scripts/bench-c $(ARGS)

clean: ## remove what the targets above made
	cargo clean
	rm -rf build fuzz/target peers/target
