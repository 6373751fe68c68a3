# Every target sets up what it needs; `make demo` and `make test` are all a newcomer has to know.
PYTHON ?= python3
BIN := .venv/bin
BUILD := build/native

# Vendors' libraries have tests that run in the environment of each; clients and schedulers are called
# by tests that run in ours.
LIBRARIES := ibm braket dwave
VENDORS := $(LIBRARIES) ionq
SCHEDULERS := airflow prefect
VENDOR_TEST := -q -p no:cacheprovider

# Built-in rules would compile ising.cpp into the folder of its headers.
MAKEFLAGS += --no-builtin-rules

# Hundreds of tests start a Python of their own; without bytecode each compiles all it imports.
unexport PYTHONDONTWRITEBYTECODE
INSTALL := install --quiet --disable-pip-version-check --no-compile

.PHONY: demo test quick check style types layers environments libraries vendors docs perf chaos native clean help

help:  ## What can be made.
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/'

.venv/bin/python:
	$(PYTHON) -m venv .venv

.venv/ready: pyproject.toml constraints.txt CMakeLists.txt $(wildcard src/qupel/kernels/native/* src/qupel/kernels/native/*/*) | .venv/bin/python
	$(BIN)/python -m pip $(INSTALL) -c constraints.txt scikit-build-core nanobind cmake ninja
	$(BIN)/python -m pip $(INSTALL) --no-build-isolation -c constraints.txt -e ".[all,dev,docs]"
	$(BIN)/python -m compileall -q -j 0 -x /tests/ .venv/lib src
	touch $@

demo: .venv/ready  ## Run the shipped pilots on real input; memos land in out/.
	$(BIN)/python examples/demo.py

test: .venv/ready  ## Run every test.
	$(BIN)/python -m pytest -n 2 -q

quick: .venv/ready  ## Run the tests that take no time.
	$(BIN)/python -m pytest -n 2 -q -m "not slow"

check:  ## Everything a change must pass.
	$(MAKE) --jobs=3 --output-sync=target .venv/ready environments style layers types
	$(MAKE) test
	$(MAKE) --jobs=2 --output-sync=target libraries

style: .venv/ready  ## Format and lint; see [tool.ruff].
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/typos

types: .venv/ready  ## Type-check source and tests; see [tool.mypy].
	$(BIN)/mypy

layers: .venv/ready  ## Import arrows; see [tool.importlinter].
	$(BIN)/lint-imports

environments: $(VENDORS:%=build/vendors/%/ready) $(SCHEDULERS:%=build/vendors/%/ready)

vendors: .venv/ready environments libraries  ## Test beside the vendors' own libraries and schedulers.
	$(BIN)/python -m pytest $(VENDOR_TEST) -n 2 tests/backends/emulator/test_ionq_clients.py tests/integrations/test_airflow.py tests/integrations/test_prefect.py

libraries: $(LIBRARIES:%=test-%)

test-%: build/vendors/%/ready .venv/ready
	QUPEL_VENDORS=1 build/vendors/$*/bin/python -m pytest $(VENDOR_TEST) tests/backends/adapters/test_$*_*.py

# A scheduler calls Qupel's command line, so its environment holds nothing else.
$(SCHEDULERS:%=build/vendors/%/ready): build/vendors/%/ready: tests/vendors/%.txt | .venv/bin/python
	rm -rf build/vendors/$*
	$(BIN)/python -m venv --without-pip build/vendors/$*
	$(BIN)/python -m pip --python build/vendors/$*/bin/python $(INSTALL) --no-deps -r $<
	touch $@

# Their pins contradict each other and ours, so each has an environment that holds what it needs
# otherwise and finds the rest, Qupel included, in .venv. That comes last: .venv may still be filled.
build/vendors/%/ready: tests/vendors/%.txt | .venv/bin/python
	rm -rf build/vendors/$*
	$(BIN)/python -m venv --without-pip build/vendors/$*
	$(BIN)/python -m pip --python build/vendors/$*/bin/python $(INSTALL) --no-deps -r $<
	$(BIN)/python -c "import glob, sysconfig; open(glob.glob('build/vendors/$*/lib/python3*/site-packages')[0] + '/qupel.pth', 'w').write('import site; site.addsitedir(%r)' % sysconfig.get_path('purelib'))"
	touch $@

docs: .venv/ready  ## Build the documentation, warnings as errors.
	$(BIN)/sphinx-build -W --keep-going -q -b html docs docs/_build/html

perf: .venv/ready  ## Measure side by side with other libraries, in environments of their own.
	$(BIN)/python -m perf

chaos: .venv/ready  ## Try every promise against the provider emulator: about thirteen minutes.
	$(BIN)/python -m chaos

native:  ## Rebuild the kernels in place; KERNEL=_ising builds one alone.
	$(BIN)/cmake -S . -B $(BUILD) -G Ninja -DCMAKE_BUILD_TYPE=Release -DPython_EXECUTABLE=$(CURDIR)/$(BIN)/python -DCMAKE_MAKE_PROGRAM=$(CURDIR)/$(BIN)/ninja >/dev/null
	$(BIN)/cmake --build $(BUILD) $(if $(KERNEL),--target $(KERNEL))
	install -m 755 $(BUILD)/$(or $(KERNEL),_*)*.so $(shell $(BIN)/python -c "import sysconfig; print(sysconfig.get_path('platlib'))")/qupel/kernels/

clean:  ## Remove what was built.
	rm -rf .venv build docs/_build .mypy_cache .ruff_cache .pytest_cache .hypothesis
