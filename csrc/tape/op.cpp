// Operations: calling one computes, and records what the pass back will need.

#include "bindings/capture.h"
#include "tape/tape.h"

namespace tatami::tape {

PyTypeObject* op_type;
thread_local bool recording = true;

namespace {

Op* self_of(PyObject* self) {
    return reinterpret_cast<Op*>(self);
}

// Owned references, on the stack where they are few.
class References {
  public:
    explicit References(Py_ssize_t capacity) {
        if (capacity > Py_ssize_t(std::size(few_))) many_.reset(new PyObject*[size_t(capacity)]);
        items_ = many_ ? many_.get() : few_;
    }
    References(const References&) = delete;
    ~References() {
        for (Py_ssize_t k = 0; k < count_; k++) Py_DECREF(items_[k]);
    }
    void add(PyObject* o) { items_[count_++] = Py_NewRef(o); }
    void add(py::object o) { items_[count_++] = o.release().ptr(); }
    PyObject* const* data() const { return items_; }

  private:
    PyObject* few_[16];
    std::unique_ptr<PyObject*[]> many_;
    PyObject** items_;
    Py_ssize_t count_ = 0;
};

// Whether a text alone makes another exception of the type: Python's, and NumPy's AxisError.
bool takes_text(PyObject* type) {
    if (type == PyExc_ValueError || type == PyExc_IndexError || type == PyExc_TypeError)
        return true;
    return PyErr_GivenExceptionMatches(type, PyExc_ValueError) &&
           PyErr_GivenExceptionMatches(type, PyExc_IndexError);
}

// Raises what raw raised, with the operation and the shapes where the message, NumPy's, lacks them.
[[noreturn]] void raise_named(Op* op, PyObject* const* arrays, Py_ssize_t count) {
    const py::error_already_set error;
    const py::str text(error.value());
    const auto name = py::reinterpret_borrow<py::str>(op->name);
    if (!takes_text(error.type().ptr()) || py::bool_(text.attr("startswith")(name))) throw error;
    py::list shapes;
    for (Py_ssize_t k = 0; k < count; k++)
        if (py::hasattr(arrays[k], "shape")) shapes.append(shape_of(arrays[k]));
    const py::str named =
        py::str("{}: {} (shapes {})").format(name, text.attr("rstrip")(" ."), shapes);
    py::object raised = error.type()(named);
    PyErr_Restore(error.type().inc_ref().ptr(), raised.release().ptr(),
                  error.trace().inc_ref().ptr());
    throw py::error_already_set();
}

py::object run(Op* op, PyObject* const* args, Py_ssize_t count, PyObject* names) {
    const Py_ssize_t total = count + (names ? PyTuple_GET_SIZE(names) : 0);
    References arrays(total);
    Tensor* first = nullptr;
    bool differentiable = false;
    if (recorder) capture::name(PyUnicode_AsUTF8(op->name));
    for (Py_ssize_t k = 0; k < count; k++) {
        Tensor* t = as_tensor(args[k]);
        if (!t) {
            arrays.add(plain_number(args[k]));
            continue;
        }
        arrays.add(capture::data_of(args[k]));
        if (!first) first = t;
        differentiable |= t->requires_grad;
    }
    for (Py_ssize_t k = count; k < total; k++) arrays.add(args[k]);
    check_uniform(op, args, arrays.data(), count);
    if (recorder) capture::called(arrays.data(), total);
    auto value = py::reinterpret_steal<py::object>(
        PyObject_Vectorcall(op->raw, arrays.data(), size_t(count), names));
    if (!value) raise_named(op, arrays.data(), count);
    value = as_array(std::move(value));
    if (!first) return value;
    VersionRef version = op->view ? share(first->version) : VersionRef(new Version);
    py::object node;
    if (differentiable && recording)
        node = record(op, args, arrays.data(), count, names, value, version.get());
    return made_tensors(op, reinterpret_cast<Node*>(node.ptr()), value, std::move(version));
}

PyObject* call(PyObject* self, PyObject* const* args, size_t flags, PyObject* names) {
    return guarded(
        [&] { return run(self_of(self), args, PyVectorcall_NARGS(flags), names).release().ptr(); });
}

int traverse(PyObject* self, visitproc visit, void* arg) {
    Op* op = self_of(self);
    Py_VISIT(Py_TYPE(self));
    for (PyObject* o :
         {op->name, op->raw, op->rules, op->each, op->joint, op->composed, op->unbroadcast})
        Py_VISIT(o);
    return 0;
}

int clear(PyObject* self) {
    Op* op = self_of(self);
    for (PyObject** o :
         {&op->name, &op->raw, &op->rules, &op->each, &op->joint, &op->composed, &op->unbroadcast})
        Py_CLEAR(*o);
    return 0;
}

void dealloc(PyObject* self) {
    PyTypeObject* type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    clear(self);
    delete[] self_of(self)->reads;
    type->tp_free(self);
    Py_DECREF(type);
}

// Absent things are null, not None.
PyObject* present(PyObject* o) {
    return o == Py_None ? nullptr : Py_NewRef(o);
}

PyObject* create(PyTypeObject* type, PyObject* args, PyObject* kwargs) {
    static const char* names[] = {"name",        "raw",   "rules",   "each", "joint", "composed",
                                  "unbroadcast", "reads", "outputs", "view", nullptr};
    PyObject *name, *raw, *rules, *each, *joint, *composed, *unbroadcast, *reads;
    int outputs, view;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "UOO!OOOOO!ip", const_cast<char**>(names), &name,
                                     &raw, &PyTuple_Type, &rules, &each, &joint, &composed,
                                     &unbroadcast, &PyTuple_Type, &reads, &outputs, &view))
        return nullptr;
    auto self = py::reinterpret_steal<py::object>(type->tp_alloc(type, 0));
    if (!self) return nullptr;
    Op* op = self_of(self.ptr());
    op->call = call;
    op->name = Py_NewRef(name);
    op->raw = Py_NewRef(raw);
    op->rules = Py_NewRef(rules);
    op->each = present(each);
    op->joint = present(joint);
    op->composed = present(composed);
    op->unbroadcast = present(unbroadcast);
    op->outputs = outputs;
    op->view = view;
    op->reads = new uint64_t[size_t(PyTuple_GET_SIZE(reads)) + 1]{};
    for (Py_ssize_t k = 0; k < PyTuple_GET_SIZE(reads); k++)
        op->reads[k] = PyLong_AsUnsignedLongLongMask(PyTuple_GET_ITEM(reads, k));
    return PyErr_Occurred() ? nullptr : self.release().ptr();
}

PyObject* repr(PyObject* self) {
    return PyUnicode_FromFormat("<Op %U>", self_of(self)->name);
}

PyMemberDef members[] = {
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(Op, call), READONLY, nullptr},
    {"name", T_OBJECT, offsetof(Op, name), READONLY, nullptr},
    {}};
PyType_Slot slots[] = {{Py_tp_new, reinterpret_cast<void*>(create)},
                       {Py_tp_dealloc, reinterpret_cast<void*>(dealloc)},
                       {Py_tp_traverse, reinterpret_cast<void*>(traverse)},
                       {Py_tp_clear, reinterpret_cast<void*>(clear)},
                       {Py_tp_call, reinterpret_cast<void*>(PyVectorcall_Call)},
                       {Py_tp_repr, reinterpret_cast<void*>(repr)},
                       {Py_tp_members, members},
                       {}};
PyType_Spec spec = {"tatami._core.Op", sizeof(Op), 0,
                    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL, slots};

}  // namespace

py::object made_tensors(Op* op, Node* node, py::handle value, VersionRef version) {
    if (!PyTuple_CheckExact(value.ptr())) return made_tensor(node, 0, value, std::move(version));
    const Py_ssize_t count = PyTuple_GET_SIZE(value.ptr());
    const Py_ssize_t outputs = op->outputs < 0 ? count : std::min<Py_ssize_t>(op->outputs, count);
    py::tuple results(count);
    for (Py_ssize_t k = 0; k < count; k++) {
        const py::handle item = PyTuple_GET_ITEM(value.ptr(), k);
        results[size_t(k)] = k < outputs ? made_tensor(node, int(k), item, share(version.get()))
                                         : py::reinterpret_borrow<py::object>(item);
    }
    return results;
}

void bind_op(py::module_& m) {
    op_type = add_type(m, spec);
    m.def("is_recording", [] { return recording; });
    m.def("exchange_recording", [](bool flag) { return std::exchange(recording, flag); });
}

}  // namespace tatami::tape
