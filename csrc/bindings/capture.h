// Captured steps, for the bindings and the tape: while a recording runs, arrays that it computes
// are of the type that records what NumPy does with them (python/tatami/capture/traced.py) or are
// CuPy's, their memory is the recording's own, and each use of other memory is noted.
#pragma once

#include <pybind11/pybind11.h>

#include "core/array.h"
#include "core/recorder.h"

namespace tatami::capture {

namespace py = pybind11;

// All but the first two may be called only while `recorder` is set.

// Calls f once, unrecorded, and, while something is recorded, at every replay as well.
py::object live(const py::function& f);
// A tensor's array, or where something is recorded one that records.
py::object data_of(py::handle tensor);

// TypeError where `argument`, an array on the GPU or not, is not where the step's arguments are.
void check_device(const char* argument, bool on_gpu);
// An array goes into a kernel.
void use(py::handle array);
// The array where a recorded call made it; a copy of numpy type number `type` that every replay
// makes anew.
py::object copied(py::handle array, int type);
// New memory for a result.
py::object result(const Shape& shape, int type);
// Whether the recorded calls made the memory.
bool made(py::handle array);

// An operation of the tape is called with arrays, numbers and settings.
void called(PyObject* const* arguments, py::ssize_t count);

// A gradient is looked at, or set; a tensor changes in place.
void read_grad(py::handle tensor);
void write_grad(py::handle tensor);
void bumped(py::handle tensor);

// The name of what is called, for errors.
inline void name(const char* op) {
    if (recorder) recorder->op = op;
}

}  // namespace tatami::capture
