// Sums of gradients: large ones on all threads, and in place where nobody else has the array.
#include <algorithm>

#include "bindings/door.h"
#include "bindings/numpy_api.h"
#include "core/thread_pool.h"
#include "tape/tape.h"

namespace tatami::tape {

namespace {

constexpr int64_t kLarge = 1 << 14;  // elements from which on threads pay
constexpr int64_t kPart = 1 << 14;   // elements of a task

template <class T>
struct Addition {
    int64_t n;
    const T *a, *b;
    T* to;

    static void part(void* context, int64_t task, int) {
        const Addition& all = *static_cast<const Addition*>(context);
        const int64_t end = std::min(all.n, (task + 1) * kPart);
        for (int64_t i = task * kPart; i < end; i++) all.to[i] = all.a[i] + all.b[i];
    }
    void run() { run_tasks((n + kPart - 1) / kPart, part, this); }
};

// Whether an array is what part() reads, and long enough.
bool is_plain(py::handle value) {
    if (!PyArray_CheckExact(value.ptr())) return false;
    auto* a = reinterpret_cast<PyArrayObject*>(value.ptr());
    const int type = PyArray_TYPE(a);
    return (type == NPY_FLOAT || type == NPY_DOUBLE) && PyArray_ISCARRAY_RO(a) &&
           PyArray_SIZE(a) >= kLarge;
}

bool is_alike(py::handle a, py::handle b) {
    auto *one = reinterpret_cast<PyArrayObject*>(a.ptr()),
         *other = reinterpret_cast<PyArrayObject*>(b.ptr());
    return PyArray_TYPE(one) == PyArray_TYPE(other) && PyArray_SAMESHAPE(one, other);
}

// Whether only the caller can see the array's memory.
bool is_alone(py::handle value) {
#ifdef Py_GIL_DISABLED
    return false;
#else
    auto* a = reinterpret_cast<PyArrayObject*>(value.ptr());
    return Py_REFCNT(value.ptr()) == 1 && PyArray_CHKFLAGS(a, NPY_ARRAY_OWNDATA) &&
           PyArray_ISWRITEABLE(a);
#endif
}

template <class T>
void add(const Array& a, const Array& b, const Array& to) {
    Addition<T> all{a.shape.elements(), a.as<T>(), b.as<T>(), to.as<T>()};
    const SteadyThreads steady;
    const py::gil_scoped_release released;
    all.run();
}

}  // namespace

py::object sum_of(py::object a, const py::object& b, bool ours) {
    if (recorder || !is_plain(a) || !is_plain(b) || !is_alike(a, b)) {
        if (!ours) return as_array(a + b);
        a += b;
        return a;
    }
    const bool in_place = ours || is_alone(a);
    const Input first = input("backward", "gradient", a), more = input("backward", "gradient", b);
    const Output to = in_place ? in_out("backward", "gradient", a) : output(first.shape(), first);
    (first.dtype() == DType::float32 ? add<float> : add<double>)(first.array, more.array, to.array);
    return to.owner;
}

}  // namespace tatami::tape
