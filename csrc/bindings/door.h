// The door: arrays in, arrays of the same kind out. Any layout is let in (copied once where it is
// not contiguous). NumPy's outputs live in the memory pool and own their data; for arrays on a GPU
// (CuPy's, or what CuPy can look at) memory is CuPy's.
#pragma once

#include <pybind11/pybind11.h>

#include <initializer_list>
#include <optional>
#include <utility>

#include "bindings/capture.h"
#include "bindings/cupy.h"
#include "core/array.h"
#include "core/check.h"
#include "core/kernels.h"
#include "core/thread_pool.h"

namespace tatami {

namespace py = pybind11;

// An argument that a kernel reads: C-contiguous, aligned, native, kept alive by `owner`.
struct Input {
    py::object owner;
    Array array;

    const Shape& shape() const { return array.shape; }
    DType dtype() const { return array.dtype; }
    Device device() const { return array.device; }
    template <class T>
    const T* as() const {
        return array.as<T>();
    }
};

// A floating-point argument. TypeError, naming op and argument, for what is not such an array.
Input input(const char* op, const char* name, py::handle value);
// The same, or nothing for None.
std::optional<Input> optional_input(const char* op, const char* name, py::handle value);
// An integer argument of any width, as int64.
Input index_input(const char* op, const char* name, py::handle value);
// A mask.
Input bool_input(const char* op, const char* name, py::handle value);
// Without the copy: `strides` (in elements) receives the layout when readable(shape, strides)
// holds.
Input strided_input(const char* op, const char* name, py::handle value, int64_t* strides,
                    bool (*readable)(const Shape&, const int64_t*));

// Pointer of an optional argument, nullptr where it is absent.
template <class T>
const T* pointer(const std::optional<Input>& maybe) {
    return maybe ? maybe->as<T>() : nullptr;
}

// TypeError that names both arrays where their devices differ.
void same_device(const char* op, const char* first_name, Device first, const char* other_name,
                 Device other);
// The same, and for their dtypes.
void same_kind(const char* op, const char* first_name, const Input& first, const char* other_name,
               const Input& other);
void same_kind(const char* op, const char* first_name, const Input& first, const char* other_name,
               const std::optional<Input>& other);

// A result array: new from the pool, or the caller's `out` where it fits exactly.
struct Output {
    py::object owner;
    Array array;

    template <class T>
    T* as() const {
        return array.as<T>();
    }
};

Output output(const Shape& shape, DType dtype, Device device);
// Of the dtype and on the device of `like`.
Output output(const Shape& shape, const Input& like);
// out= : None allocates. An array must have just this shape, and dtype and device of `like`, be
// C-contiguous and writable.
Output output(const char* op, py::handle out, const Shape& shape, const Input& like);
// ValueError where out= shares memory with an input; `elementwise` allows the very same array.
void no_overlap(const char* op, const Output& out, std::initializer_list<const Input*> inputs,
                bool elementwise = false);
// An argument that a kernel updates in place (optimizer state, running statistics).
Output in_out(const char* op, const char* name, py::handle value);

// A copy of a NumPy array, in the pool's memory.
py::object pool_copy(py::handle array);

// A tuple or list of ints as a shape.
Shape shape_argument(const char* op, const char* name, py::handle value);

// use.operator()<T>() for the type of a floating-point dtype.
template <class Use>
auto with_type(DType dtype, const Use& use) {
    switch (dtype) {
        case DType::float32:
            return use.template operator()<float>();
        case DType::float16:
            return use.template operator()<Half>();
        case DType::bfloat16:
            return use.template operator()<Bfloat16>();
        default:
            return use.template operator()<double>();
    }
}

// kernel(table of the device); on the CPU without the GIL where it takes longer than giving the GIL
// away (work: vector operations or array elements, roughly).
template <class T, class Work>
void run(Device device, int64_t work, const Work& kernel) {
    const Kernels<T>& table = kernels<T>(device);
    if (device == Device::cuda) {
        const cupy::Call call;
        return kernel(table);
    }
    const SteadyThreads steady;
    if (work < 16384) return kernel(table);
    py::gil_scoped_release released;
    kernel(table);
}

// check(), of what is in an array: by the host, again whenever a captured step is replayed.
template <class Check>
void run_on_host(const Check& check) {
    check();
    if (recorder) recorder->steps.push_back({check, true});
}

void import_numpy();  // once, at module initialisation

}  // namespace tatami
