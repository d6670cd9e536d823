#include "bindings/door.h"

#define NPY_NO_DEPRECATED_API NPY_2_0_API_VERSION
#define NPY_TARGET_VERSION NPY_2_0_API_VERSION
#define PY_ARRAY_UNIQUE_SYMBOL tatami_numpy
#include <numpy/arrayobject.h>

#include "core/memory_pool.h"

namespace tatami {

namespace {

PyObject* pool_handler = nullptr;  // the capsule that tells NumPy how to free our arrays

PyDataMem_Handler handler_of_pool() {
    PyDataMem_Handler h{};
    const char label[] = "tatami_pool";
    std::copy(label, label + sizeof label, h.name);
    h.version = 1;
    h.allocator.malloc = [](void*, size_t bytes) { return memory::allocate(bytes); };
    h.allocator.calloc = [](void*, size_t count, size_t bytes) {
        return memory::allocate_zeroed(count * bytes);
    };
    h.allocator.realloc = [](void*, void* block, size_t bytes) {
        return memory::reallocate(block, bytes);
    };
    h.allocator.free = [](void*, void* block, size_t) { memory::deallocate(block); };
    return h;
}

PyArrayObject* as_array(const char* op, const char* name, py::handle value) {
    if (PyArray_Check(value.ptr())) return reinterpret_cast<PyArrayObject*>(value.ptr());
    if (py::hasattr(value, "__cuda_array_interface__"))
        throw TypeError(concat(op, ": ", name,
                               " is a CUDA array, but this build of tatami has no CUDA library"));
    throw TypeError(concat(op, ": ", name, " must be a NumPy array, got ",
                           Py_TYPE(value.ptr())->tp_name, " (numpy.asarray makes one)"));
}

std::string dtype_name(PyArrayObject* a) {
    return py::str(py::handle(reinterpret_cast<PyObject*>(PyArray_DESCR(a)))).cast<std::string>();
}

Shape shape_of(PyArrayObject* a) {
    Shape shape;
    for (int i = 0; i < PyArray_NDIM(a); i++) shape.append(PyArray_DIM(a, i));
    return shape;
}

DType float_dtype(const char* op, const char* name, PyArrayObject* a) {
    const int type = PyArray_TYPE(a);
    if (type == NPY_FLOAT) return DType::float32;
    if (type == NPY_DOUBLE) return DType::float64;
    throw TypeError(concat(op, ": ", name, " has dtype ", dtype_name(a),
                           "; float32 and float64 are supported (use .astype(numpy.float32))"));
}

// `a` itself where it is C-contiguous, aligned and native, else a copy that is; of NumPy type
// `type`.
py::object contiguous(PyArrayObject* a, int type) {
    PyArray_Descr* descr = PyArray_DescrFromType(type);
    PyObject* made = PyArray_FromArray(
        a, descr, NPY_ARRAY_C_CONTIGUOUS | NPY_ARRAY_ALIGNED | NPY_ARRAY_NOTSWAPPED);
    if (!made) throw py::error_already_set();
    return py::reinterpret_steal<py::object>(made);
}

bool ready(PyArrayObject* a) {
    return PyArray_CHKFLAGS(a, NPY_ARRAY_C_CONTIGUOUS | NPY_ARRAY_ALIGNED) &&
           PyArray_ISNOTSWAPPED(a);
}

Input make_input(PyArrayObject* a, DType dtype, int type) {
    py::object owner = ready(a) && PyArray_TYPE(a) == type
                           ? py::reinterpret_borrow<py::object>(reinterpret_cast<PyObject*>(a))
                           : contiguous(a, type);
    auto* array = reinterpret_cast<PyArrayObject*>(owner.ptr());
    return {std::move(owner), {PyArray_DATA(array), shape_of(array), dtype, Device::cpu}};
}

int numpy_type(DType dtype) {
    switch (dtype) {
        case DType::float32:
            return NPY_FLOAT;
        case DType::float64:
            return NPY_DOUBLE;
        case DType::int64:
            return NPY_INT64;
        default:
            return NPY_BOOL;
    }
}

Output writable(const char* op, const char* name, py::handle value) {
    PyArrayObject* a = as_array(op, name, value);
    check(PyArray_ISWRITEABLE(a), op, ": ", name, " is read-only");
    check(ready(a), op, ": ", name, " ", shape_of(a),
          " must be C-contiguous and aligned: it is written in place and never copied");
    return {py::reinterpret_borrow<py::object>(value),
            {PyArray_DATA(a), shape_of(a), float_dtype(op, name, a), Device::cpu}};
}

}  // namespace

void import_numpy() {
    if (_import_array() < 0) throw py::error_already_set();
    static PyDataMem_Handler handler = handler_of_pool();
    pool_handler = PyCapsule_New(&handler, "mem_handler", nullptr);
    if (!pool_handler) throw py::error_already_set();
}

Input input(const char* op, const char* name, py::handle value) {
    PyArrayObject* a = as_array(op, name, value);
    const DType dtype = float_dtype(op, name, a);
    return make_input(a, dtype, numpy_type(dtype));
}

std::optional<Input> optional_input(const char* op, const char* name, py::handle value) {
    if (value.is_none()) return std::nullopt;
    return input(op, name, value);
}

Input index_input(const char* op, const char* name, py::handle value) {
    PyArrayObject* a = as_array(op, name, value);
    check_type(PyArray_ISINTEGER(a), op, ": ", name, " must hold integers, got ", dtype_name(a));
    return make_input(a, DType::int64, NPY_INT64);
}

Input bool_input(const char* op, const char* name, py::handle value) {
    PyArrayObject* a = as_array(op, name, value);
    check_type(PyArray_ISBOOL(a), op, ": ", name, " must be a bool array, got ", dtype_name(a));
    return make_input(a, DType::boolean, NPY_BOOL);
}

Input strided_input(const char* op, const char* name, py::handle value, int64_t* strides,
                    bool (*readable)(const Shape&, const int64_t*)) {
    PyArrayObject* a = as_array(op, name, value);
    const DType dtype = float_dtype(op, name, a);
    const int64_t size = size_of(dtype);
    const Shape shape = shape_of(a);
    bool whole = PyArray_ISALIGNED(a) && PyArray_ISNOTSWAPPED(a);
    for (int i = 0; i < shape.rank; i++) {
        whole &= PyArray_STRIDE(a, i) % size == 0;
        strides[i] = PyArray_STRIDE(a, i) / size;
    }
    if (whole && readable(shape, strides))
        return {py::reinterpret_borrow<py::object>(value),
                {PyArray_DATA(a), shape, dtype, Device::cpu}};
    Input copy = make_input(a, dtype, numpy_type(dtype));
    for (int64_t i = shape.rank - 1, step = 1; i >= 0; step *= shape.size[i--]) strides[i] = step;
    return copy;
}

void same_dtype(const char* op, const char* first_name, const Input& first, const char* other_name,
                const Input& other) {
    check_type(first.dtype() == other.dtype(), op, ": ", first_name, " is ", name(first.dtype()),
               " but ", other_name, " is ", name(other.dtype()),
               "; all arrays of a call share one dtype");
}

void same_dtype(const char* op, const char* first_name, const Input& first, const char* other_name,
                const std::optional<Input>& other) {
    if (other) same_dtype(op, first_name, first, other_name, *other);
}

Output output(const Shape& shape, DType dtype) {
    int64_t bytes = size_of(dtype);
    for (int i = 0; i < shape.rank; i++)
        if (__builtin_mul_overflow(bytes, shape.size[i], &bytes))
            throw ValueError(concat("result of shape ", shape, " is too large"));
    void* data = memory::allocate(bytes > 0 ? size_t(bytes) : 1);
    PyObject* made = PyArray_New(&PyArray_Type, shape.rank, const_cast<int64_t*>(shape.size),
                                 numpy_type(dtype), nullptr, data, 0, NPY_ARRAY_CARRAY, nullptr);
    if (!made) {
        memory::deallocate(data);
        throw py::error_already_set();
    }
    auto* fields = reinterpret_cast<PyArrayObject_fields*>(made);
    fields->flags |= NPY_ARRAY_OWNDATA;
    fields->mem_handler = Py_NewRef(pool_handler);
    return {py::reinterpret_steal<py::object>(made), {data, shape, dtype, Device::cpu}};
}

Output output(const char* op, py::handle out, const Shape& shape, DType dtype) {
    if (out.is_none()) return output(shape, dtype);
    Output given = writable(op, "out", out);
    check_type(given.array.dtype == dtype, op, ": out is ", name(given.array.dtype),
               " but the result is ", name(dtype));
    check(given.array.shape == shape, op, ": out has shape ", given.array.shape,
          " but the result has shape ", shape);
    return given;
}

Output in_out(const char* op, const char* name, py::handle value) {
    return writable(op, name, value);
}

void no_overlap(const char* op, const Output& out, std::initializer_list<const Input*> inputs,
                bool elementwise) {
    auto* mine = reinterpret_cast<PyArrayObject*>(out.owner.ptr());
    const char* begin = PyArray_BYTES(mine);
    const char* end = begin + PyArray_NBYTES(mine);
    for (const Input* in : inputs) {
        if (!in) continue;
        auto* other = reinterpret_cast<PyArrayObject*>(in->owner.ptr());
        if (elementwise && PyArray_BYTES(other) == begin) continue;
        const char *low = PyArray_BYTES(other), *high = low;
        for (int i = 0; i < PyArray_NDIM(other); i++) {
            const int64_t reach = (PyArray_DIM(other, i) - 1) * PyArray_STRIDE(other, i);
            (reach < 0 ? low : high) += reach;
        }
        check(PyArray_SIZE(other) == 0 || high + PyArray_ITEMSIZE(other) <= begin || low >= end, op,
              ": out shares memory with an input; give it memory of its own");
    }
}

Shape shape_argument(const char* op, const char* name, py::handle value) {
    check_type(PySequence_Check(value.ptr()) && !PyUnicode_Check(value.ptr()), op, ": ", name,
               " must be a tuple of ints");
    const auto items = py::reinterpret_borrow<py::sequence>(value);
    Shape shape;
    check(items.size() <= size_t(Shape::kMaxRank), op, ": ", name, " has too many axes");
    for (py::handle item : items) {
        const int64_t size = PyNumber_AsSsize_t(item.ptr(), PyExc_OverflowError);
        if (size == -1 && PyErr_Occurred()) throw py::error_already_set();
        shape.append(size);
    }
    for (int i = 0; i < shape.rank; i++)
        check(shape[i] >= 0, op, ": ", name, " ", shape, " has a negative size");
    return shape;
}

}  // namespace tatami
