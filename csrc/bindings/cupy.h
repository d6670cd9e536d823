// CuPy, as the door needs it: arrays in a GPU's memory, memory from its pool, its current stream.
#pragma once

#include <pybind11/pybind11.h>

#include "core/array.h"
#include "cuda/context.h"

namespace tatami::cupy {

namespace py = pybind11;

// Whether the value is an array in a GPU's memory, CuPy's or another library's.
bool holds(py::handle value);

// The value as an array of CuPy, which shares its memory; `name` of `op` for errors.
// std::runtime_error where the library of kernels or CuPy cannot be used, or where the array is on
// another GPU than the current one.
py::object array(const char* op, const char* name, py::handle value);

// Attributes of an array of CuPy.
void* data(py::handle array);
void* block(py::handle array);  // where the memory begins that it was allocated in
Shape shape(py::handle array);
Shape strides(py::handle array);  // in bytes
py::object dtype(py::handle array);
bool c_contiguous(py::handle array);

// A C-contiguous copy (the array itself where it is that already) of dtype.
py::object contiguous(py::handle array, py::handle dtype);
// A new array from the current pool.
py::object empty(const Shape& shape, py::handle dtype);

void* current_stream();

// While it lives, this thread's kernels run on CuPy's current stream with workspace from its pool.
// The GIL is held all the while: a call launches kernels and waits for none.
class Call {
  public:
    Call();
    ~Call();
    Call(const Call&) = delete;

  private:
    cuda::Context& context_;
    const cuda::Context before_;
};

}  // namespace tatami::cupy
