# The release build is linked statically to the Swift runtime, which XCTest cannot be: tests and
# examples have folders of their own, so that neither build undoes the other.
style_paths = Sources Plugins Tests Examples Package.swift
test_flags = -c release --scratch-path .build-tests

# Tests often share the machine with compilers: see Sources/vae-zoo/WaitingPolicy.swift.
export GOMP_SPINCOUNT ?= 2000

.PHONY: build demo test format lint clean help bootstrap
.SILENT:

build: bootstrap
	swift build -c release --product vae-zoo --static-swift-stdlib

demo:
	scripts/demo

test: bootstrap lint
	swift build $(test_flags) --build-tests --explicit-target-dependency-import-check error
	swift test $(test_flags) --skip-build --disable-swift-testing
	scripts/test-examples

format:
	swift format format --in-place --parallel --recursive $(style_paths)

lint:
	swift format lint --strict --parallel --recursive $(style_paths)

clean:
	rm -rf .build .build-tests .build-examples

bootstrap:
	scripts/bootstrap

help:
	echo 'make build    install missing system packages, build .build/release/vae-zoo'
	echo 'make demo     build; train, evaluate and draw a Gaussian VAE in demo-run/'
	echo 'make test     check the style, run all tests and examples'
	echo 'make format   rewrite the sources in the style'
	echo 'make lint     check the style'
	echo 'make clean    remove what was built'
