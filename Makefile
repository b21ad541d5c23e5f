# One release build serves users and tests. Package.swift links the Swift runtime into the command and the library;
# the tests, whose XCTest needs the shared one, are linked from the same objects.
style_paths = Sources Plugins Tests Examples Fuzz Package.swift
# What `make check` leaves to `make test`: the modules whose tests start the command or other processes, compile plug-ins or
# replay corpora, and the classes that take more than five seconds of a processor in a debug build.
long_modules = CommandTests|FuzzTargetTests|PluginTests|VAECTests
long_classes = AutoregressiveHeadTests|AutoregressiveTests|ComparedFramesTests|CompositionTests|ConformanceTests|$\
  DisentanglementTests|ImageFolderTests|InitializerTests|LadderVAETests|MutualInformationReferenceTests|OneDNNBridgeTests|$\
  PageTests|PixelCNNCodePriorTests|ShapesTests|TapeTests|VQVAETests|WorkloadTests
long_tests = ^($(long_modules))\.|\.($(long_classes))$$

.PHONY: build lib demo check test test-examples test-python test-c test-install test-pages test-interop fuzz \
  sanitize abi-check check-report docs install uninstall format lint clean help bootstrap bootstrap-test
.SILENT:

build: bootstrap
	swift build -c release --product vae-zoo

lib: bootstrap
	swift build -c release --product vae
	ln -sf libvae.so .build/release/libvae.so.1

demo:
	scripts/demo

# The debug build, of which a change rebuilds only what it touches.
check: lint
	swift build --build-tests
	scripts/test-swift --debug --skip '$(long_tests)'

test: bootstrap-test lint
	swift build -c release --build-tests --explicit-target-dependency-import-check error
	ln -sf libvae.so .build/release/libvae.so.1
	scripts/test-swift
	$(MAKE) --no-print-directory --output-sync -j2 test-pages test-python test-c test-examples test-install

# What users do with the products. Each compiles or runs one thing after another, so two of them run side by side, those
# that take longest first.
test-examples:
	scripts/test-examples
test-python:
	scripts/test-python
test-c:
	scripts/abi-check
	scripts/test-c
test-install:
	scripts/test-install
test-pages:
	scripts/check-report

# The Python module beside PyTorch, JAX, pandas and tqdm, which it gets from PyPI: two gigabytes, so not part of test.
test-interop: lib
	scripts/test-python --interop

# Random and hostile arguments to every function of the C interface, random recipes, and random plug-ins; then the
# readers of files by libFuzzer, each for some seconds.
CALLS ?= 10000000
SECONDS ?= 60
fuzz:
	swift build -c release --build-tests
	VAE_FUZZ_CALLS=$(CALLS) swift test -c release --skip-build --disable-swift-testing \
	  --filter '(VAECTests|PluginTests)\..*Fuzz'
	scripts/fuzz --seconds $(SECONDS)

# Errors of memory and threads.
sanitize: lib
	scripts/sanitize

# The HTML pages in a headless browser, where there is one.
check-report: build
	scripts/check-report $(if $(PICTURES),--pictures '$(PICTURES)')

abi-check: lib
	scripts/abi-check

# The Swift modules by DocC, in .build/docs.
docs: bootstrap
	scripts/make-docs

install:
	PREFIX='$(PREFIX)' LIBDIR='$(LIBDIR)' DESTDIR='$(DESTDIR)' scripts/install

uninstall:
	PREFIX='$(PREFIX)' LIBDIR='$(LIBDIR)' DESTDIR='$(DESTDIR)' scripts/install --uninstall

format:
	swift format format --in-place --parallel --recursive $(style_paths)

lint:
	swift format lint --strict --parallel --recursive $(style_paths)
	scripts/check-docs
	scripts/check-calls

clean:
	rm -rf .build .build-examples .build-fuzz

bootstrap:
	scripts/bootstrap

bootstrap-test:
	scripts/bootstrap --test

help:
	echo 'make build    install missing system packages, build .build/release/vae-zoo'
	echo 'make lib      build .build/release/libvae.so, the library for C and whatever speaks C'
	echo 'make install  install command, library, header and manual: PREFIX=/usr/local, LIBDIR=, DESTDIR='
	echo 'make uninstall  remove what was installed with the same PREFIX, LIBDIR and DESTDIR'
	echo 'make demo     build; train, evaluate and draw a Gaussian VAE in demo-run/'
	echo 'make check    check the style, build what changed, run the quick tests: about four minutes'
	echo 'make test     check the style, run all tests and examples'
	echo 'make test-interop  test the Python module with PyTorch, JAX, pandas, tqdm, wandb, MLflow, mpi4py, Ray and Dask'
	echo 'make abi-check  hold the library to include/vae.h and to its baseline'
	echo 'make fuzz     call the C interface with random arguments, CALLS=10000000 times, and give random files to'
	echo '              each reader, SECONDS=60 long'
	echo 'make sanitize   look for errors of memory and threads, half an hour'
	echo 'make check-report   look at report and comparison pages in a headless Chromium, if there is one'
	echo 'make format   rewrite the sources in the style'
	echo 'make lint     check the style, and the links and quotations of the documentation'
	echo 'make docs     make the documentation of the Swift modules in .build/docs'
	echo 'make clean    remove what was built'
