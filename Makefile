# Two commands for a fresh machine that has Python and a C++ compiler:
#   make demo    watch a small network learn handwritten digits
#   make test    run the tests
# Each makes the virtual environment .venv and builds tatami into it, once for each state of the
# sources. Another interpreter: make test PYTHON=python3.12

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
TAG := $(shell $(PYTHON) -c "import sys; print(sys.implementation.cache_tag)")
SOURCES := CMakeLists.txt pyproject.toml README.md \
	$(shell find csrc python/tatami -name "*.cpp" -o -name "*.h" -o -name "*.py" -o -name "*.pyi")

.PHONY: demo test clean

demo: $(VENV)/installed-demo
	$(BIN)/tatami demo

test: $(VENV)/installed-test
	$(BIN)/python -m pytest -q

# Built in the environment itself: a later build compiles only what has changed.
$(VENV)/installed-%: $(VENV)/made-by-$(TAG) $(SOURCES)
	@echo "Building and installing tatami (a few minutes the first time) ..."
	$(BIN)/pip install -q --no-build-isolation ".[$*]"
	@touch $@

$(VENV)/made-by-$(TAG):
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/pip install -q "scikit-build-core>=0.10" "pybind11>=3.0" "numpy>=2" cmake ninja
	@touch $@

clean:
	rm -rf $(VENV) build runs
