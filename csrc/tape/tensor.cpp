// Tensors: fields and lifetime. Operators and methods are Python's.

#include "bindings/capture.h"
#include "tape/tape.h"

namespace tatami::tape {

PyTypeObject* tensor_type;
PyTypeObject* result_type;

namespace {

Tensor* self_of(PyObject* self) {
    return reinterpret_cast<Tensor*>(self);
}

PyObject* create(PyTypeObject* type, PyObject*, PyObject*) {
    PyObject* self = type->tp_alloc(type, 0);
    if (!self) return nullptr;
    Tensor* t = self_of(self);
    t->data = Py_NewRef(Py_None);
    t->grad = Py_NewRef(Py_None);
    t->version = new Version;
    return self;
}

int traverse(PyObject* self, visitproc visit, void* arg) {
    Tensor* t = self_of(self);
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(t->data);
    Py_VISIT(t->grad);
    Py_VISIT(reinterpret_cast<PyObject*>(t->node));
    return 0;
}

int clear(PyObject* self) {
    Tensor* t = self_of(self);
    Py_CLEAR(t->data);
    Py_CLEAR(t->grad);
    Py_CLEAR(t->node);
    return 0;
}

void dealloc(PyObject* self) {
    PyTypeObject* type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    if (self_of(self)->weak_references) PyObject_ClearWeakRefs(self);
    clear(self);
    drop(self_of(self)->version);
    type->tp_free(self);
    Py_DECREF(type);
}

PyObject* get_data(PyObject* self, void*) {
    if (!recorder) return Py_XNewRef(self_of(self)->data);
    return guarded([&] { return capture::data_of(self).release().ptr(); });
}

int refuse_new_data(Tensor* t) {
    PyErr_Format(PyExc_RuntimeError,
                 "jit: the step gives a tensor of shape %S another array; change the one it has "
                 "(copy_, x[...] = y)",
                 shape_of(t->data).ptr());
    return -1;
}

int set_data(PyObject* self, PyObject* value, void*) {
    if (!value) {
        PyErr_SetString(PyExc_AttributeError, "data cannot be deleted");
        return -1;
    }
    Tensor* t = self_of(self);
    t->version->changes++;
    if (recorder) {
        capture::bumped(self);
        if (t->data != Py_None) {
            if (t->data == value || same_memory(t->data, value)) return 0;
            if (!capture::made(t->data)) return refuse_new_data(t);
        }
    }
    Py_XSETREF(t->data, Py_NewRef(value));
    return 0;
}

PyObject* get_grad(PyObject* self, void*) {
    if (recorder) capture::read_grad(self);
    return Py_XNewRef(self_of(self)->grad);
}

// The gradient itself. TypeError where it is no tensor, ValueError where it is of another shape.
PyObject* checked_grad(Tensor* t, PyObject* value) {
    Tensor* grad = as_tensor(value);
    if (!grad) {
        PyErr_Format(PyExc_TypeError,
                     "grad: must be a tensor or None, got %s (Tensor(x) is a tensor of an array)",
                     Py_TYPE(value)->tp_name);
        throw py::error_already_set();
    }
    if (t->data == Py_None || same_shape(t->data, grad->data)) return value;
    PyErr_Format(PyExc_ValueError, "grad: its shape %S is not %S, the tensor's",
                 shape_of(grad->data).ptr(), shape_of(t->data).ptr());
    throw py::error_already_set();
}

int set_grad(PyObject* self, PyObject* value, void*) {
    const bool given = value && value != Py_None;
    if (given && !guarded([&] { return checked_grad(self_of(self), value); })) return -1;
    if (recorder) capture::write_grad(self);
    Py_XSETREF(self_of(self)->grad, Py_NewRef(value ? value : Py_None));
    return 0;
}

PyObject* get_requires_grad(PyObject* self, void*) {
    return PyBool_FromLong(self_of(self)->requires_grad);
}

// The array itself. TypeError where it is not one of floats.
PyObject* checked_float(py::handle array) {
    const py::object dtype = array.attr("dtype");
    if (py::str(dtype.attr("kind")).equal(py::str("f"))) return array.ptr();
    PyErr_Format(PyExc_TypeError, "requires_grad: only floats have gradients, not %S", dtype.ptr());
    throw py::error_already_set();
}

int set_requires_grad(PyObject* self, PyObject* value, void*) {
    Tensor* t = self_of(self);
    const int wanted = value ? PyObject_IsTrue(value) : 0;
    if (wanted < 0) return -1;
    if (t->node) {
        PyErr_SetString(PyExc_RuntimeError,
                        "requires_grad: only a leaf can be changed; detach() it first");
        return -1;
    }
    if (wanted && !guarded([&] { return checked_float(t->data); })) return -1;
    t->requires_grad = wanted;
    return 0;
}

PyObject* get_version(PyObject* self, void*) {
    return PyLong_FromUnsignedLong(self_of(self)->version->changes);
}

PyObject* get_is_leaf(PyObject* self, void*) {
    return PyBool_FromLong(!self_of(self)->node);
}

// Attributes of the array.
PyObject* get_of_data(PyObject* self, void* name) {
    return PyObject_GetAttrString(self_of(self)->data, static_cast<const char*>(name));
}

PyObject* bump(PyObject* self, PyObject*) {
    if (recorder) capture::bumped(self);
    self_of(self)->version->changes++;
    Py_RETURN_NONE;
}

PyObject* detach(PyObject* self, PyObject*) {
    Tensor* t = self_of(self);
    return guarded(
        [&] { return made_tensor(nullptr, 0, t->data, share(t->version)).release().ptr(); });
}

char shape[] = "shape", ndim[] = "ndim", size[] = "size", dtype[] = "dtype";

PyGetSetDef fields[] = {
    {"data", get_data, set_data, "The array itself.", nullptr},
    {"grad", get_grad, set_grad, "What backward() added up, a tensor, or None.", nullptr},
    {"requires_grad", get_requires_grad, set_requires_grad, "Whether gradients flow to it.",
     nullptr},
    {"is_leaf", get_is_leaf, nullptr, "Whether no recorded operation made it.", nullptr},
    {"version", get_version, nullptr, "How often its array was changed in place.", nullptr},
    {"shape", get_of_data, nullptr, "The array's shape.", shape},
    {"ndim", get_of_data, nullptr, "The number of axes.", ndim},
    {"size", get_of_data, nullptr, "The number of elements.", size},
    {"dtype", get_of_data, nullptr, "The array's dtype.", dtype},
    {}};

PyMethodDef methods[] = {{"bump", bump, METH_NOARGS,
                          "Tell the tape that the array was changed in place: a pass back that "
                          "needs what it was fails."},
                         {"detach", detach, METH_NOARGS, "The same array without its history."},
                         {}};

PyMemberDef members[] = {
    {"__weaklistoffset__", T_PYSSIZET, offsetof(Tensor, weak_references), READONLY, nullptr}, {}};

PyType_Slot slots[] = {{Py_tp_new, reinterpret_cast<void*>(create)},
                       {Py_tp_dealloc, reinterpret_cast<void*>(dealloc)},
                       {Py_tp_traverse, reinterpret_cast<void*>(traverse)},
                       {Py_tp_clear, reinterpret_cast<void*>(clear)},
                       {Py_tp_getset, fields},
                       {Py_tp_methods, methods},
                       {Py_tp_members, members},
                       {}};
PyType_Spec spec = {"tatami._core.Tensor", sizeof(Tensor), 0,
                    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC, slots};

}  // namespace

py::object made_tensor(Node* node, int place, py::handle data, VersionRef version) {
    auto made = py::reinterpret_steal<py::object>(result_type->tp_alloc(result_type, 0));
    if (!made) throw py::error_already_set();
    Tensor* t = self_of(made.ptr());
    t->data = data.inc_ref().ptr();
    t->grad = Py_NewRef(Py_None);
    t->node = reinterpret_cast<Node*>(Py_XNewRef(reinterpret_cast<PyObject*>(node)));
    t->version = version.release();
    t->place = place;
    t->requires_grad = node;
    return made;
}

PyTypeObject* add_type(py::module_& m, PyType_Spec& spec) {
    auto type = py::reinterpret_steal<py::object>(PyType_FromSpec(&spec));
    if (!type) throw py::error_already_set();
    m.add_object(std::strrchr(spec.name, '.') + 1, type);
    return reinterpret_cast<PyTypeObject*>(type.release().ptr());
}

void bind_tensor(py::module_& m) {
    tensor_type = result_type = add_type(m, spec);
    m.def("set_result_type", [](py::type type) {
        result_type = reinterpret_cast<PyTypeObject*>(type.release().ptr());
    });
}

}  // namespace tatami::tape
