// Nodes: what a recorded call keeps, and the gradients of its arguments.
#include <pybind11/stl.h>

#include <algorithm>

#include "bindings/capture.h"
#include "tape/tape.h"

namespace tatami::tape {

PyTypeObject* node_type;

namespace {

std::atomic<int64_t> calls{0};

Node* self_of(PyObject* self) {
    return reinterpret_cast<Node*>(self);
}

// --- life ---

int traverse(PyObject* self, visitproc visit, void* arg) {
    Node* node = self_of(self);
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(reinterpret_cast<PyObject*>(node->op));
    Py_VISIT(node->value);
    Py_VISIT(node->settings);
    for (Py_ssize_t k = 0; k < Py_SIZE(self); k++) {
        Py_VISIT(node->arguments[k].value);
        Py_VISIT(node->arguments[k].source);
    }
    return 0;
}

int clear(PyObject* self) {
    free_node(self_of(self));
    return 0;
}

void dealloc(PyObject* self) {
    PyTypeObject* type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    Py_TRASHCAN_BEGIN(self, dealloc)  // the chain of nodes behind this one may be long
        clear(self);
    Py_CLEAR(self_of(self)->op);
    type->tp_free(self);
    Py_DECREF(type);
    Py_TRASHCAN_END
}

PyType_Slot slots[] = {{Py_tp_dealloc, reinterpret_cast<void*>(dealloc)},
                       {Py_tp_traverse, reinterpret_cast<void*>(traverse)},
                       {Py_tp_clear, reinterpret_cast<void*>(clear)},
                       {}};
PyType_Spec spec = {"tatami._core.Node", offsetof(Node, arguments), sizeof(Argument),
                    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION,
                    slots};

// --- recording ---

bool reads_output(uint64_t bits) {
    return bits & 1;
}
bool reads_argument(uint64_t bits, Py_ssize_t k) {
    return bits >> std::min<Py_ssize_t>(k + 1, 63) & 1;
}

// What the rules read that may be called: those of the arguments that need gradients.
uint64_t reads_of(Op* op, PyObject* const* args, Py_ssize_t count) {
    uint64_t bits = op->composed ? ~uint64_t(1) : 0;
    if (op->each || op->joint) return bits | op->reads[0];
    const Py_ssize_t rules = std::min(count, PyTuple_GET_SIZE(op->rules));
    for (Py_ssize_t k = 0; k < rules; k++) {
        const Tensor* t = as_tensor(args[k]);
        if (t && t->requires_grad) bits |= op->reads[k];
    }
    return bits;
}

// raw's result without the outputs.
py::object without_outputs(py::handle value, int outputs) {
    if (!PyTuple_CheckExact(value.ptr())) return py::none();
    auto rest = py::reinterpret_borrow<py::tuple>(value);
    py::tuple kept(rest.size());
    for (size_t k = 0; k < rest.size(); k++)
        kept[k] = int(k) < outputs ? py::none() : py::object(rest[k]);
    return kept;
}

void keep_argument(Argument& kept, PyObject* given, PyObject* array, bool read) {
    const Tensor* t = as_tensor(given);
    kept.value =
        read || !(t || is_numpy(array)) ? Py_NewRef(array) : made_like(array).release().ptr();
    if (!t) return;
    if (read) {
        kept.version = share(t->version).release();
        kept.seen = t->version->changes;
    }
    if (!t->requires_grad) return;
    kept.source = Py_NewRef(t->node ? reinterpret_cast<PyObject*>(t->node) : given);
    kept.place = t->place;
}

// --- the way back ---

[[noreturn]] void fail(const char* format, PyObject* a, PyObject* b = nullptr,
                       PyObject* c = nullptr) {
    PyErr_Format(PyExc_RuntimeError, format, a, b, c);
    throw py::error_already_set();
}

void check_unchanged(Node* node) {
    for (Py_ssize_t k = 0; k < Py_SIZE(node); k++) {
        const Argument& a = node->arguments[k];
        if (!a.version || a.version->changes == a.seen) continue;
        const py::int_ number(k);
        fail(
            "backward: argument %S of %U (shape %S) was changed in place after the call that "
            "needs it as it was; change a copy, or call backward first",
            number.ptr(), node->op->name, shape_of(a.value).ptr());
    }
    if (node->version && node->version->changes != node->seen)
        fail(
            "backward: the result of %U was changed in place, but its derivative needs it as it "
            "was; change a copy, or call backward first",
            node->op->name);
}

// An argument as the rules see it; with its history where they are differentiated.
py::object seen_by_rules(const Argument& a, bool create_graph) {
    if (!create_graph || !a.source || !a.version)
        return py::reinterpret_borrow<py::object>(a.value);
    if (as_tensor(a.source)) return py::reinterpret_borrow<py::object>(a.source);
    return made_tensor(as_node(a.source), a.place, a.value, share(a.version));
}

// What the rules are called with. It holds everything itself: a rule may free its node.
struct Call {
    std::vector<py::object> items;  // [k,] grad_y, y, the arguments, the settings
    size_t ahead, count;            // items before the arguments, arguments
    py::object names;               // of the settings, a tuple, or null

    Call(Node* node, py::handle grad_y, bool create_graph)
        : ahead(node->op->each && !node->op->joint ? 3 : 2), count(size_t(Py_SIZE(node))) {
        const Locked lock(node);
        if (!node->value) refuse_freed(node);
        check_unchanged(node);
        names = py::reinterpret_borrow<py::object>(node->names);
        items.reserve(ahead + count + settings());
        items.resize(ahead);
        items[ahead - 2] = py::reinterpret_borrow<py::object>(grad_y);
        items[ahead - 1] = create_graph && node->version
                               ? made_tensors(node->op, node, node->value, share(node->version))
                               : py::reinterpret_borrow<py::object>(node->value);
        for (size_t k = 0; k < count; k++)
            items.push_back(seen_by_rules(node->arguments[k], create_graph));
        for (size_t k = 0; k < settings(); k++)
            items.push_back(py::reinterpret_borrow<py::object>(
                PyTuple_GET_ITEM(node->settings, Py_ssize_t(k))));
    }

    const py::object& argument(size_t k) const { return items[ahead + k]; }
    size_t settings() const { return names ? size_t(PyTuple_GET_SIZE(names.ptr())) : 0; }

    py::object operator()(PyObject* rule) const {
        static_assert(sizeof(py::object) == sizeof(PyObject*));
        auto* stack = reinterpret_cast<PyObject* const*>(items.data());
        auto result = py::reinterpret_steal<py::object>(
            PyObject_Vectorcall(rule, stack, ahead + count, names.ptr()));
        if (!result) throw py::error_already_set();
        return result;
    }

    py::object by_composition(py::handle helper, py::handle composed,
                              const std::vector<bool>& wanted) const {
        py::tuple args(count);
        for (size_t k = 0; k < count; k++) args[k] = argument(k);
        py::dict named;
        for (size_t k = 0; k < settings(); k++)
            named[py::handle(PyTuple_GET_ITEM(names.ptr(), Py_ssize_t(k)))] =
                items[ahead + count + k];
        return helper(composed, args, named, items[ahead - 2], wanted);
    }
};

[[noreturn]] void refuse_underived(Op* op, Py_ssize_t k) {
    const py::int_ number(k);
    fail("%U: argument %S has no derivative; detach() it", op->name, number.ptr());
}

PyObject* rule_of(Op* op, Py_ssize_t k) {
    if (op->each) return op->each;
    if (k >= PyTuple_GET_SIZE(op->rules)) refuse_underived(op, k);
    return PyTuple_GET_ITEM(op->rules, k);
}

// The gradient as an array or tensor of its argument's shape; null for None.
py::object fitted(Op* op, py::object gradient, const Call& call, size_t k) {
    if (gradient.is_none()) return {};
    gradient = as_array(std::move(gradient));
    const py::object& argument = call.argument(k);
    if (same_shape(gradient, argument)) return gradient;
    if (op->unbroadcast) return py::handle(op->unbroadcast)(gradient, shape_of(argument));
    PyErr_Format(PyExc_ValueError, "%U: its rule gives argument %zu, of shape %S, a gradient of %S",
                 op->name, k, shape_of(argument).ptr(), shape_of(gradient).ptr());
    throw py::error_already_set();
}

Gradients all_at_once(Op* op, const Call& call, const py::object& results,
                      const std::vector<bool>& wanted) {
    const py::tuple items(results);
    Gradients found(wanted.size());
    for (size_t k = 0; k < wanted.size(); k++) {
        if (!wanted[k]) continue;
        if (k >= items.size()) refuse_underived(op, Py_ssize_t(k));
        found[k] = fitted(op, items[k], call, k);
    }
    return found;
}

}  // namespace

void free_node(Node* node) {
    const Locked lock(node);
    Py_CLEAR(node->value);
    Py_CLEAR(node->settings);
    Py_CLEAR(node->names);
    drop(std::exchange(node->version, nullptr));
    for (Py_ssize_t k = 0; k < Py_SIZE(node); k++) {
        Argument& a = node->arguments[k];
        Py_CLEAR(a.value);
        Py_CLEAR(a.source);
        drop(std::exchange(a.version, nullptr));
    }
}

py::object record(Op* op, PyObject* const* args, PyObject* const* arrays, Py_ssize_t count,
                  PyObject* names, py::handle value, Version* version) {
    auto made = py::reinterpret_steal<py::object>(node_type->tp_alloc(node_type, count));
    if (!made) throw py::error_already_set();
    Node* node = self_of(made.ptr());
    const uint64_t bits = reads_of(op, args, count);
    node->op = reinterpret_cast<Op*>(Py_NewRef(reinterpret_cast<PyObject*>(op)));
    node->number = calls.fetch_add(1, std::memory_order_relaxed);
    node->outputs = op->outputs >= 0 ? op->outputs : int(PyTuple_GET_SIZE(value.ptr()));
    for (Py_ssize_t k = 0; k < count; k++)
        keep_argument(node->arguments[k], args[k], arrays[k], reads_argument(bits, k));
    if (names) {
        node->names = Py_NewRef(names);
        py::tuple settings(PyTuple_GET_SIZE(names));
        for (size_t k = 0; k < settings.size(); k++)
            settings[k] = py::handle(arrays[size_t(count) + k]);
        node->settings = settings.release().ptr();
    }
    if (reads_output(bits)) {
        node->value = value.inc_ref().ptr();
        node->version = share(version).release();
        node->seen = version->changes;
    } else {
        node->value = without_outputs(value, node->outputs).release().ptr();
    }
    return made;
}

Gradients gradients(Node* node, py::handle grad_y, const std::vector<bool>& wanted,
                    bool create_graph, py::handle by_composition) {
    Op* op = node->op;
    if (recorder) capture::name(PyUnicode_AsUTF8(op->name));
    Call call(node, grad_y, create_graph);
    if (create_graph && op->composed)
        return all_at_once(op, call, call.by_composition(by_composition, op->composed, wanted),
                           wanted);
    if (op->joint) return all_at_once(op, call, call(op->joint), wanted);
    Gradients found(wanted.size());
    for (size_t k = 0; k < wanted.size(); k++) {
        if (!wanted[k]) continue;
        if (op->each) call.items[0] = py::int_(k);
        found[k] = fitted(op, call(rule_of(op, Py_ssize_t(k))), call, k);
    }
    return found;
}

void refuse_freed(Node* node) {
    fail(
        "backward: the graph through %U was freed by an earlier pass; give that one "
        "retain_graph=True",
        node->op->name);
}

void bind_node(py::module_& m) {
    node_type = add_type(m, spec);
}

}  // namespace tatami::tape
