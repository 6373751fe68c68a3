# Every target sets up what it needs; `make demo` and `make test` are all a newcomer has to know.
PYTHON ?= python3
BIN := .venv/bin
BUILD := build/native

VENDORS := ibm braket dwave ionq
SCHEDULERS := airflow prefect
VENDOR_TEST := -q -n 2 -p no:cacheprovider

# Built-in rules would compile ising.cpp into the folder of its headers.
MAKEFLAGS += --no-builtin-rules

.PHONY: demo test quick check style types layers vendors docs perf chaos native clean help

help:  ## What can be made.
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/'

.venv/ready: pyproject.toml constraints.txt CMakeLists.txt $(wildcard src/qupel/kernels/native/* src/qupel/kernels/native/*/*)
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt scikit-build-core nanobind cmake ninja
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation -c constraints.txt -e ".[all,dev,docs]"
	touch $@

demo: .venv/ready  ## Run the shipped pilots on real input; memos land in out/.
	$(BIN)/python examples/demo.py

test: .venv/ready  ## Run every test.
	$(BIN)/python -m pytest -n 2 -q

quick: .venv/ready  ## Run the tests that take no time.
	$(BIN)/python -m pytest -n 2 -q -m "not slow"

check: style types layers test vendors  ## Everything a change must pass.

style: .venv/ready  ## Format and lint; see [tool.ruff].
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/typos

types: .venv/ready  ## Type-check source and tests; see [tool.mypy].
	$(BIN)/mypy

layers: .venv/ready  ## Import arrows; see [tool.importlinter].
	$(BIN)/lint-imports

vendors: $(VENDORS:%=build/vendors/%/ready) $(SCHEDULERS:%=build/vendors/%/ready)  ## Test beside the vendors' own libraries and schedulers.
	QUPEL_VENDORS=1 build/vendors/braket/bin/python -m pytest $(VENDOR_TEST) tests/backends/adapters/test_braket_*.py
	QUPEL_VENDORS=1 build/vendors/dwave/bin/python -m pytest $(VENDOR_TEST) tests/backends/adapters/test_dwave_mock.py
	QUPEL_VENDORS=1 build/vendors/ibm/bin/python -m pytest $(VENDOR_TEST) tests/backends/adapters/test_ibm_local.py
	$(BIN)/python -m pytest $(VENDOR_TEST) tests/backends/emulator/test_ionq_clients.py
	$(BIN)/python -m pytest $(VENDOR_TEST) tests/integrations/test_airflow.py tests/integrations/test_prefect.py

# A scheduler calls Qupel's command line, so its environment holds nothing else.
$(SCHEDULERS:%=build/vendors/%/ready): build/vendors/%/ready: tests/vendors/%.txt | .venv/ready
	rm -rf build/vendors/$*
	$(BIN)/python -m venv --without-pip build/vendors/$*
	$(BIN)/python -m pip --python build/vendors/$*/bin/python install --quiet --disable-pip-version-check --no-deps -r $<
	touch $@

# Their pins contradict each other and ours, so each has an environment that holds what it needs
# otherwise and finds the rest, Qupel included, in .venv.
build/vendors/%/ready: tests/vendors/%.txt | .venv/ready
	rm -rf build/vendors/$*
	$(BIN)/python -m venv --without-pip build/vendors/$*
	$(BIN)/python -c "import glob, sysconfig; open(glob.glob('build/vendors/$*/lib/python3*/site-packages')[0] + '/qupel.pth', 'w').write('import site; site.addsitedir(%r)' % sysconfig.get_path('purelib'))"
	build/vendors/$*/bin/python -m pip install --quiet --disable-pip-version-check --no-deps -r $<
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
