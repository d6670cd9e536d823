// What the tape asks of arrays. NumPy's are read through its C API.
#include "bindings/door.h"
#include "bindings/numpy_api.h"
#include "tape/tape.h"

namespace tatami::tape {

PyTypeObject* like_type;

namespace {

PyArrayObject* numpy_array(py::handle a) {
    return PyArray_Check(a.ptr()) ? reinterpret_cast<PyArrayObject*>(a.ptr()) : nullptr;
}

void like_dealloc(PyObject* self) {
    auto* like = reinterpret_cast<Like*>(self);
    PyTypeObject* type = Py_TYPE(self);
    Py_XDECREF(like->shape);
    Py_XDECREF(like->dtype);
    type->tp_free(self);
    Py_DECREF(type);
}

PyObject* like_shape(PyObject* self, void*) {
    return Py_NewRef(reinterpret_cast<Like*>(self)->shape);
}

PyObject* like_dtype(PyObject* self, void*) {
    return Py_NewRef(reinterpret_cast<Like*>(self)->dtype);
}

PyObject* like_ndim(PyObject* self, void*) {
    return PyLong_FromSsize_t(PyTuple_GET_SIZE(reinterpret_cast<Like*>(self)->shape));
}

PyObject* like_size(PyObject* self, void*) {
    return guarded([&] {
        py::int_ size(1);
        for (py::handle n : py::handle(reinterpret_cast<Like*>(self)->shape))
            size = py::reinterpret_steal<py::int_>(PyNumber_Multiply(size.ptr(), n.ptr()));
        return size.release().ptr();
    });
}

PyGetSetDef like_fields[] = {{"shape", like_shape, nullptr, nullptr, nullptr},
                             {"dtype", like_dtype, nullptr, nullptr, nullptr},
                             {"ndim", like_ndim, nullptr, nullptr, nullptr},
                             {"size", like_size, nullptr, nullptr, nullptr},
                             {}};
PyType_Slot like_slots[] = {
    {Py_tp_dealloc, reinterpret_cast<void*>(like_dealloc)}, {Py_tp_getset, like_fields}, {}};
PyType_Spec like_spec = {"tatami._core.Like", sizeof(Like), 0,
                         Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, like_slots};

// The dtype of an array of floats, else null.
py::object float_dtype(py::handle a) {
    if (PyArrayObject* array = numpy_array(a)) {
        if (!PyArray_ISFLOAT(array)) return {};
        return py::reinterpret_borrow<py::object>(
            reinterpret_cast<PyObject*>(PyArray_DESCR(array)));
    }
    py::object dtype = a.attr("dtype");
    return py::str(dtype.attr("kind")).equal(py::str("f")) ? dtype : py::object();
}

[[noreturn]] void refuse(Op* op, const char* what, py::handle kind_a, py::handle kind_b,
                         py::handle a, py::handle b, const char* fix) {
    PyErr_Format(PyExc_TypeError, "%U: %s %S and %S (shapes %S and %S) do not mix; %s", op->name,
                 what, kind_a.ptr(), kind_b.ptr(), shape_of(a).ptr(), shape_of(b).ptr(), fix);
    throw py::error_already_set();
}

bool is_arraylike(py::handle a) {
    if (numpy_array(a)) return true;
    return !PyArray_IsScalar(a.ptr(), Generic) && py::hasattr(a, "dtype") &&
           py::hasattr(a, "shape");
}

// The slow half of check_uniform: dtypes differ, or some array is not NumPy's.
void compare_all(Op* op, PyObject* const* arrays, Py_ssize_t count) {
    py::handle first, first_float;
    for (Py_ssize_t k = 0; k < count; k++) {
        const py::handle a = arrays[k];
        if (!is_arraylike(a)) continue;
        if (!first) first = a;
        if (Py_TYPE(a.ptr()) != Py_TYPE(first.ptr()) && !(is_numpy(a) && is_numpy(first)))
            refuse(op, "arrays", py::type::of(first), py::type::of(a), first, a,
                   "move one to the other's device");
        const py::object dtype = float_dtype(a);
        if (!dtype) continue;
        if (!first_float) first_float = a;
        if (!dtype.equal(float_dtype(first_float)))
            refuse(op, "dtypes", float_dtype(first_float), dtype, first_float, a, "use astype");
    }
}

}  // namespace

bool is_numpy(py::handle a) {
    return PyArray_Check(a.ptr());
}

bool same_memory(py::handle a, py::handle b) {
    PyArrayObject *one = numpy_array(a), *other = numpy_array(b);
    return one && other && PyArray_DATA(one) == PyArray_DATA(other) &&
           PyArray_TYPE(one) == PyArray_TYPE(other) && PyArray_SAMESHAPE(one, other) &&
           PyArray_CompareLists(PyArray_STRIDES(one), PyArray_STRIDES(other), PyArray_NDIM(one));
}

py::object shape_of(py::handle a) {
    if (Py_TYPE(a.ptr()) == like_type)
        return py::reinterpret_borrow<py::object>(reinterpret_cast<Like*>(a.ptr())->shape);
    PyArrayObject* array = numpy_array(a);
    if (!array) return a.attr("shape");
    return py::reinterpret_steal<py::object>(
        PyArray_IntTupleFromIntp(PyArray_NDIM(array), PyArray_DIMS(array)));
}

bool same_shape(py::handle a, py::handle b) {
    if (Tensor* t = as_tensor(a.ptr())) a = t->data;
    if (Tensor* t = as_tensor(b.ptr())) b = t->data;
    PyArrayObject *one = numpy_array(a), *other = numpy_array(b);
    if (one && other) return PyArray_SAMESHAPE(one, other);
    if (!one || Py_TYPE(b.ptr()) != like_type) return shape_of(a).equal(shape_of(b));
    PyObject* shape = reinterpret_cast<Like*>(b.ptr())->shape;
    if (PyTuple_GET_SIZE(shape) != PyArray_NDIM(one)) return false;
    for (int k = 0; k < PyArray_NDIM(one); k++)
        if (PyLong_AsSsize_t(PyTuple_GET_ITEM(shape, k)) != PyArray_DIM(one, k)) return false;
    return true;
}

py::object as_array(py::object value) {
    if (!PyArray_IsScalar(value.ptr(), Generic)) return value;
    return py::reinterpret_steal<py::object>(PyArray_FromScalar(value.ptr(), nullptr));
}

py::object made_like(py::handle a) {
    PyArrayObject* array = numpy_array(a);
    py::object shape = shape_of(a);
    py::object dtype =
        array
            ? py::reinterpret_borrow<py::object>(reinterpret_cast<PyObject*>(PyArray_DESCR(array)))
            : py::object(a.attr("dtype"));
    auto made = py::reinterpret_steal<py::object>(like_type->tp_alloc(like_type, 0));
    if (!made) throw py::error_already_set();
    auto* like = reinterpret_cast<Like*>(made.ptr());
    like->shape = shape.release().ptr();
    like->dtype = dtype.release().ptr();
    return made;
}

py::object plain_number(py::handle a) {
    if (!PyArray_IsScalar(a.ptr(), Generic)) return py::reinterpret_borrow<py::object>(a);
    return a.attr("item")();
}

void check_uniform(Op* op, PyObject* const* args, PyObject* const* arrays, Py_ssize_t count) {
    PyArrayObject* first = nullptr;
    for (Py_ssize_t k = 0; k < count; k++) {
        PyArrayObject* a = numpy_array(arrays[k]);
        const bool foreign = !a && arrays[k] != args[k];  // a tensor around another library's array
        if (!foreign && !(a && PyArray_ISFLOAT(a))) continue;
        if (foreign || (first && PyArray_TYPE(a) != PyArray_TYPE(first)))
            return compare_all(op, arrays, count);
        first = a;
    }
}

void bind_like(py::module_& m) {
    like_type = add_type(m, like_spec);
}

}  // namespace tatami::tape
