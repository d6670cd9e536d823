// The tape: tensors, operations that record themselves, and the pass back over what they recorded.
//
// The objects are small because thousands of them are made in a training step. What users see of
// them is completed in python/tatami/autograd; rules of derivatives are Python functions.
#pragma once

#include <pybind11/pybind11.h>
#include <structmember.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

namespace tatami::tape {

namespace py = pybind11;

// Counts the changes in place of one array. Shared by all tensors that look at it, and by the
// nodes that need it unchanged.
struct Version {
    std::atomic<int> owners{1};
    std::atomic<unsigned> changes{0};
};

inline void drop(Version* v) {
    if (v && v->owners.fetch_sub(1, std::memory_order_acq_rel) == 1) delete v;
}

struct Drop {
    void operator()(Version* v) const { drop(v); }
};
using VersionRef = std::unique_ptr<Version, Drop>;  // one owner's share

inline VersionRef share(Version* v) {
    v->owners.fetch_add(1, std::memory_order_relaxed);
    return VersionRef(v);
}

// Holds off other threads where there is no GIL that does.
class Locked {
  public:
#ifdef Py_GIL_DISABLED
    explicit Locked(void* object) {
        PyCriticalSection_Begin(&section_, static_cast<PyObject*>(object));
    }
    ~Locked() { PyCriticalSection_End(&section_); }
    Locked(const Locked&) = delete;

  private:
    PyCriticalSection section_;
#else
    explicit Locked(void*) {}
#endif
};

struct Node;

// An array with a gradient.
struct Tensor {
    PyObject_HEAD PyObject* data;
    PyObject* grad;
    Node* node;  // what made it; null for a leaf
    Version* version;
    PyObject* weak_references;
    int place;  // which of the node's outputs it is
    bool requires_grad;
};

// A raw function of arrays and its derivative rules. docs: python/tatami/autograd/op.py
struct Op {
    PyObject_HEAD vectorcallfunc call;
    PyObject *name, *raw, *rules, *each, *joint, *composed, *unbroadcast;
    // What the rules read, a number a rule (one for `each` or `joint`). Bit 0: the output, bit
    // k + 1: argument k; the last bit stands for all further arguments.
    uint64_t* reads;
    int outputs;  // how many of raw's results are tensors; -1: all
    bool view;    // the outputs share memory with argument 0
};

// Shape and dtype of an array that no rule reads and that therefore was not kept.
struct Like {
    PyObject_HEAD PyObject *shape, *dtype;
};

// An argument of a recorded call.
struct Argument {
    PyObject* value;   // what the rules see of it: array, Like, or whatever was no tensor
    PyObject* source;  // where its gradient goes: a Node, a leaf Tensor, or null
    Version* version;  // of an array that the rules read, else null
    unsigned seen;     // changes at the time of the call
    int place;         // which output of a Node it was
};

// One recorded call. A later call has a larger number.
struct Node {
    PyObject_VAR_HEAD Op* op;
    PyObject* value;     // what raw returned; null once freed
    PyObject* names;     // of the settings, a tuple, or null
    PyObject* settings;  // their values, a tuple, or null
    Version* version;    // of the outputs, where the rules read them, else null
    unsigned seen;
    int outputs;
    int64_t number;
    Argument arguments[1];
};

extern PyTypeObject *tensor_type, *op_type, *like_type, *node_type;
extern PyTypeObject* result_type;  // the class of results: the subclass that Python completes

extern thread_local bool recording;

inline Tensor* as_tensor(PyObject* o) {
    return PyObject_TypeCheck(o, tensor_type) ? reinterpret_cast<Tensor*>(o) : nullptr;
}
inline Node* as_node(PyObject* o) {
    return Py_TYPE(o) == node_type ? reinterpret_cast<Node*>(o) : nullptr;
}

// The rest throws py::error_already_set where Python raised, or std exceptions that pybind11
// translates.

// A tensor around a result.
py::object made_tensor(Node* node, int place, py::handle data, VersionRef version);
// The outputs of a call as tensors, beside whatever else raw returned.
py::object made_tensors(Op* op, Node* node, py::handle value, VersionRef version);

// Arrays of NumPy are read directly, others (CuPy's) by their attributes.
bool is_numpy(py::handle a);
bool same_memory(py::handle a, py::handle b);  // of NumPy's arrays: the very same elements
py::object shape_of(py::handle array);
bool same_shape(py::handle a, py::handle b);  // of arrays, tensors or Likes
py::object as_array(py::object value);        // NumPy's scalars as arrays without axes
py::object made_like(py::handle array);
// a + b, of arrays; in a's memory where it is `ours` or nobody else can see it.
py::object sum_of(py::object a, const py::object& b, bool ours);
// A NumPy scalar as a Python number, which takes the dtype of its partner; else the argument.
py::object plain_number(py::handle a);
// TypeError where the float arrays differ in dtype, or arrays in kind (device).
void check_uniform(Op* op, PyObject* const* args, PyObject* const* arrays, Py_ssize_t count);

// A new node: of the arguments, their settings and the value it keeps what the rules read.
py::object record(Op* op, PyObject* const* args, PyObject* const* arrays, Py_ssize_t count,
                  PyObject* names, py::handle value, Version* version);

// Gradients of the node's arguments by the rules, null where `wanted` says so or there is none.
using Gradients = std::vector<py::object>;
Gradients gradients(Node* node, py::handle grad_y, const std::vector<bool>& wanted,
                    bool create_graph, py::handle by_composition);
[[noreturn]] void refuse_freed(Node* node);
void free_node(Node* node);  // forgets what it keeps: a second pass back is refused

// The pass back. docs: python/tatami/autograd/backward.py
py::list propagate(py::sequence outputs, py::sequence starts, py::object inputs, bool retain_graph,
                   bool create_graph, bool stop, py::object by_composition);
// The leaves behind the outputs, each once.
py::list leaves(py::sequence outputs);

void bind_like(py::module_& m);
void bind_node(py::module_& m);
void bind_op(py::module_& m);
void bind_tensor(py::module_& m);

// A type made from its slots, added to the module under the last part of its name.
PyTypeObject* add_type(py::module_& m, PyType_Spec& spec);

// Runs `body` at the border to Python: exceptions become Python's, the result null.
template <class Body>
PyObject* guarded(const Body& body) {
    try {
        return body();
    } catch (py::error_already_set& e) {
        e.restore();
    } catch (const py::builtin_exception& e) {
        e.set_error();
    } catch (const std::exception& e) {
        PyErr_SetString(PyExc_RuntimeError, e.what());
    }
    return nullptr;
}

}  // namespace tatami::tape
