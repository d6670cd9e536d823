#include "bindings/door.h"

#include <algorithm>
#include <string_view>

#define TATAMI_FILLS_NUMPY_API
#include "bindings/numpy_api.h"
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

// An argument as it was given: on a GPU as an array of CuPy's.
struct Given {
    py::object owner;
    Array array;          // but for its dtype
    PyArray_Descr* type;  // of the owner
    bool ready;           // C-contiguous, aligned and native
    bool writable;

    PyArrayObject* numpy() const { return reinterpret_cast<PyArrayObject*>(owner.ptr()); }
};

Shape shape_of(PyArrayObject* a) {
    Shape shape;
    for (int i = 0; i < PyArray_NDIM(a); i++) shape.append(PyArray_DIM(a, i));
    return shape;
}

bool ready(PyArrayObject* a) {
    return PyArray_CHKFLAGS(a, NPY_ARRAY_C_CONTIGUOUS | NPY_ARRAY_ALIGNED) &&
           PyArray_ISNOTSWAPPED(a);
}

Given on_gpu(py::object owner) {
    const py::object type = cupy::dtype(owner);  // which the array keeps alive
    return {owner,
            {cupy::data(owner), cupy::shape(owner), {}, Device::cuda},
            reinterpret_cast<PyArray_Descr*>(type.ptr()),
            cupy::c_contiguous(owner),
            true};
}

Given given(const char* op, const char* name, py::handle value) {
    if (PyArray_Check(value.ptr())) {
        if (recorder) capture::check_device(name, false);
        auto* a = reinterpret_cast<PyArrayObject*>(value.ptr());
        return {py::reinterpret_borrow<py::object>(value),
                {PyArray_DATA(a), shape_of(a), {}, Device::cpu},
                PyArray_DESCR(a),
                ready(a),
                bool(PyArray_ISWRITEABLE(a))};
    }
    if (cupy::holds(value)) {
        if (recorder) capture::check_device(name, true);
        Given a = on_gpu(cupy::array(op, name, value));
        check(reinterpret_cast<uintptr_t>(a.array.data) % size_t(PyDataType_ALIGNMENT(a.type)) == 0,
              op, ": ", name, " does not begin at a multiple of its items' size; copy it");
        return a;
    }
    throw TypeError(concat(op, ": ", name, " must be a NumPy or CuPy array, got ",
                           Py_TYPE(value.ptr())->tp_name, " (numpy.asarray makes one)"));
}

std::string type_name(PyArray_Descr* type) {
    return py::str(py::handle(reinterpret_cast<PyObject*>(type))).cast<std::string>();
}

// NumPy's number of bfloat16, which is not NumPy's own: known once such an array has come.
int bfloat16_type = NPY_NOTYPE;

bool is_bfloat16(PyArray_Descr* type) {
    if (type->type_num == bfloat16_type) return true;
    if (type->type_num < NPY_USERDEF || type_name(type) != "bfloat16") return false;
    bfloat16_type = type->type_num;
    return true;
}

// What takes bfloat16 on the CPU: the products.
bool is_product(std::string_view op) {
    static constexpr std::string_view products[] = {
        "matmul",
        "linear",
        "conv1d",
        "conv1d_input_grad",
        "conv1d_weight_grad",
        "conv_transpose1d",
        "conv_transpose1d_input_grad",
        "conv_transpose1d_weight_grad",
        "conv2d",
        "conv2d_input_grad",
        "conv2d_weight_grad",
        "conv2d_bias_grad",
        "conv_transpose2d",
        "conv_transpose2d_input_grad",
        "conv_transpose2d_weight_grad",
        "lstm",
        "lstm_cell",
        "lstm_grad",
    };
    return std::ranges::find(products, op) != std::end(products);
}

DType float_dtype(const char* op, const char* name, const Given& a) {
    if (a.type->type_num == NPY_FLOAT) return DType::float32;
    if (a.type->type_num == NPY_DOUBLE) return DType::float64;
    const bool has_half = tables(a.array.device).has_half;
    const bool has_bfloat16 = has_half || is_product(op);
    if (has_half && a.type->type_num == NPY_HALF) return DType::float16;
    if (has_bfloat16 && is_bfloat16(a.type)) return DType::bfloat16;
    throw TypeError(concat(op, ": ", name, " has dtype ", type_name(a.type),
                           has_half       ? "; float16, bfloat16, float32 and float64 are supported"
                           : has_bfloat16 ? "; bfloat16, float32 and float64 are supported"
                                          : "; float32 and float64 are supported",
                           " (use .astype(numpy.float32))"));
}

int numpy_type(DType dtype) {
    switch (dtype) {
        case DType::float32:
            return NPY_FLOAT;
        case DType::float64:
            return NPY_DOUBLE;
        case DType::float16:
            return NPY_HALF;
        case DType::bfloat16:
            return bfloat16_type;
        case DType::int64:
            return NPY_INT64;
        default:
            return NPY_BOOL;
    }
}

py::object numpy_dtype(DType dtype) {
    return py::reinterpret_steal<py::object>(
        reinterpret_cast<PyObject*>(PyArray_DescrFromType(numpy_type(dtype))));
}

// A copy that is C-contiguous, aligned, native and of dtype.
Given copied(const Given& a, DType dtype) {
    if (a.array.device == Device::cuda)
        return on_gpu(cupy::contiguous(a.owner, numpy_dtype(dtype)));
    if (recorder) return given("", "", capture::copied(a.owner, numpy_type(dtype)));
    PyObject* made =
        PyArray_FromArray(a.numpy(), PyArray_DescrFromType(numpy_type(dtype)),
                          NPY_ARRAY_C_CONTIGUOUS | NPY_ARRAY_ALIGNED | NPY_ARRAY_NOTSWAPPED);
    if (!made) throw py::error_already_set();
    return given("", "", py::reinterpret_steal<py::object>(made));
}

Input make_input(Given a, DType dtype) {
    if (recorder) capture::use(a.owner);
    if (!a.ready || a.type->type_num != numpy_type(dtype)) a = copied(a, dtype);
    a.array.dtype = dtype;
    return {std::move(a.owner), a.array};
}

Output writable(const char* op, const char* name, py::handle value) {
    const Given a = given(op, name, value);
    check(a.writable, op, ": ", name, " is read-only");
    check(a.ready, op, ": ", name, " ", a.array.shape,
          " must be C-contiguous and aligned: it is written in place and never copied");
    Array array = a.array;
    array.dtype = float_dtype(op, name, a);
    if (recorder) capture::use(a.owner);
    return {py::reinterpret_borrow<py::object>(value), array};
}

const char* kind_name(Device device) {
    return device == Device::cuda ? "an array on the GPU" : "a NumPy array";
}

// In bytes.
Shape strides_of(py::handle array, Device device) {
    if (device == Device::cuda) return cupy::strides(array);
    auto* a = reinterpret_cast<PyArrayObject*>(array.ptr());
    Shape strides;
    for (int i = 0; i < PyArray_NDIM(a); i++) strides.append(PyArray_STRIDE(a, i));
    return strides;
}

// A new array; takes the reference to `type`.
py::object in_pool(PyArray_Descr* type, int rank, const npy_intp* shape, size_t bytes) {
    void* const data = memory::allocate(std::max<size_t>(bytes, 1));
    PyObject* made = PyArray_NewFromDescr(&PyArray_Type, type, rank, shape, nullptr, data,
                                          NPY_ARRAY_CARRAY, nullptr);
    if (!made) {
        memory::deallocate(data);
        throw py::error_already_set();
    }
    auto* fields = reinterpret_cast<PyArrayObject_fields*>(made);
    fields->flags |= NPY_ARRAY_OWNDATA;
    fields->mem_handler = Py_NewRef(pool_handler);
    return py::reinterpret_steal<py::object>(made);
}

}  // namespace

void import_numpy() {
    if (_import_array() < 0) throw py::error_already_set();
    static PyDataMem_Handler handler = handler_of_pool();
    pool_handler = PyCapsule_New(&handler, "mem_handler", nullptr);
    if (!pool_handler) throw py::error_already_set();
}

Input input(const char* op, const char* name, py::handle value) {
    Given a = given(op, name, value);
    const DType dtype = float_dtype(op, name, a);
    return make_input(std::move(a), dtype);
}

std::optional<Input> optional_input(const char* op, const char* name, py::handle value) {
    if (value.is_none()) return std::nullopt;
    return input(op, name, value);
}

Input index_input(const char* op, const char* name, py::handle value) {
    Given a = given(op, name, value);
    check_type(PyTypeNum_ISINTEGER(a.type->type_num), op, ": ", name, " must hold integers, got ",
               type_name(a.type));
    return make_input(std::move(a), DType::int64);
}

Input bool_input(const char* op, const char* name, py::handle value) {
    Given a = given(op, name, value);
    check_type(PyTypeNum_ISBOOL(a.type->type_num), op, ": ", name, " must be a bool array, got ",
               type_name(a.type));
    return make_input(std::move(a), DType::boolean);
}

Input strided_input(const char* op, const char* name, py::handle value, int64_t* strides,
                    bool (*readable)(const Shape&, const int64_t*)) {
    Given a = given(op, name, value);
    Array& array = a.array;
    array.dtype = float_dtype(op, name, a);
    const int64_t size = size_of(array.dtype);
    const Shape bytes = strides_of(a.owner, array.device);
    bool whole = array.device == Device::cuda ||
                 (PyArray_ISALIGNED(a.numpy()) && PyArray_ISNOTSWAPPED(a.numpy()));
    for (int i = 0; i < bytes.rank; i++) {
        whole &= bytes[i] % size == 0;
        strides[i] = bytes[i] / size;
    }
    if (whole && readable(array.shape, strides)) {
        if (recorder) capture::use(a.owner);
        return {a.owner, array};
    }
    Input made = make_input(std::move(a), array.dtype);
    for (int64_t i = made.shape().rank - 1, step = 1; i >= 0; step *= made.shape().size[i--])
        strides[i] = step;
    return made;
}

void same_device(const char* op, const char* first_name, Device first, const char* other_name,
                 Device other) {
    check_type(
        first == other, op, ": ", first_name, " is ", kind_name(first), " but ", other_name, " is ",
        kind_name(other),
        "; all arrays of a call live on one device (cupy.asarray and cupy.asnumpy move one)");
}

void same_kind(const char* op, const char* first_name, const Input& first, const char* other_name,
               const Input& other) {
    same_device(op, first_name, first.device(), other_name, other.device());
    check_type(first.dtype() == other.dtype(), op, ": ", first_name, " is ", name(first.dtype()),
               " but ", other_name, " is ", name(other.dtype()),
               "; all arrays of a call share one dtype");
}

void same_kind(const char* op, const char* first_name, const Input& first, const char* other_name,
               const std::optional<Input>& other) {
    if (other) same_kind(op, first_name, first, other_name, *other);
}

Output output(const Shape& shape, DType dtype, Device device) {
    int64_t bytes = size_of(dtype);
    for (int i = 0; i < shape.rank; i++)
        if (__builtin_mul_overflow(bytes, shape.size[i], &bytes))
            throw ValueError(concat("result of shape ", shape, " is too large"));
    if (device == Device::cuda) {
        py::object made = cupy::empty(shape, numpy_dtype(dtype));
        void* const data = cupy::data(made);
        return {std::move(made), {data, shape, dtype, device}};
    }
    py::object made = recorder ? capture::result(shape, numpy_type(dtype))
                               : in_pool(PyArray_DescrFromType(numpy_type(dtype)), shape.rank,
                                         shape.size, size_t(bytes));
    void* const data = PyArray_DATA(reinterpret_cast<PyArrayObject*>(made.ptr()));
    return {std::move(made), {data, shape, dtype, Device::cpu}};
}

Output output(const Shape& shape, const Input& like) {
    return output(shape, like.dtype(), like.device());
}

Output output(const char* op, py::handle out, const Shape& shape, const Input& like) {
    if (out.is_none()) return output(shape, like);
    Output made = writable(op, "out", out);
    same_device(op, "out", made.array.device, "the result", like.device());
    check_type(made.array.dtype == like.dtype(), op, ": out is ", name(made.array.dtype),
               " but the result is ", name(like.dtype()));
    check(made.array.shape == shape, op, ": out has shape ", made.array.shape,
          " but the result has shape ", shape);
    return made;
}

Output in_out(const char* op, const char* name, py::handle value) {
    return writable(op, name, value);
}

void no_overlap(const char* op, const Output& out, std::initializer_list<const Input*> inputs,
                bool elementwise) {
    const char* const begin = out.as<char>();
    const char* const end = begin + out.array.shape.elements() * size_of(out.array.dtype);
    for (const Input* in : inputs) {
        if (!in || in->shape().elements() == 0) continue;
        if (elementwise && in->as<char>() == begin) continue;
        const Shape strides = strides_of(in->owner, in->device());
        const char *low = in->as<char>(), *high = low + size_of(in->dtype());
        for (int i = 0; i < strides.rank; i++)
            (strides[i] < 0 ? low : high) += (in->shape()[i] - 1) * strides[i];
        check(high <= begin || low >= end, op,
              ": out shares memory with an input; give it memory of its own");
    }
}

py::object pool_copy(py::handle array) {
    auto* a = reinterpret_cast<PyArrayObject*>(array.ptr());
    PyArray_Descr* const type = PyArray_DESCR(a);
    Py_INCREF(type);
    py::object made = in_pool(type, PyArray_NDIM(a), PyArray_DIMS(a), size_t(PyArray_NBYTES(a)));
    if (PyArray_CopyInto(reinterpret_cast<PyArrayObject*>(made.ptr()), a) < 0)
        throw py::error_already_set();
    return made;
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
