// A recording of a step: what it did with tensors and gradients, whatever the device. How kernels
// and arrays are recorded is the matter of what derives from it.
#pragma once

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <memory>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include "core/array.h"
#include "core/recorder.h"
#include "tape/tape.h"

namespace tatami::capture {

namespace py = pybind11;

// The gradient of a tensor: its array when the step began (None without one, null if nobody
// looked), and what it was in the end.
struct Gradient {
    py::object tensor, entry, exit, exit_data;

    tape::Tensor* get() const { return tape::as_tensor(tensor.ptr()); }
    bool fits() const { return !entry || entry.is_none() == (get()->grad == Py_None); }
    void leave() const;
};

class Recording : public Recorder {
  public:
    // ---- while it records

    virtual void start() = 0;
    // Of what was recorded whole, a recording of the GPU's does now what it only wrote down.
    virtual void stop(bool whole) = 0;
    virtual py::object live(const py::function& f) = 0;
    // An operation of the tape begins, with arrays, numbers and settings.
    virtual void called(PyObject* const*, py::ssize_t) {}

    // An array of a tensor's as the step sees it; goes into a kernel; for replays.
    virtual py::object seen(PyObject* array) = 0;
    virtual void use(py::handle array) = 0;
    virtual py::object kept(py::handle array) = 0;
    // Whether the recording computes it; it does from now on.
    virtual bool made(py::handle array) = 0;
    virtual void mark(py::handle array) = 0;
    // What the door asks for, as in capture.h.
    virtual void check_device(const char* argument, bool on_gpu) = 0;
    virtual py::object copied(py::handle array, int type) = 0;
    virtual py::object result(const Shape& shape, int type) = 0;

    // Closures hold no references themselves, so that cycles through a recording are found.
    py::handle keep(py::object object) { return held_.emplace_back(std::move(object)); }
    py::object seed(const py::function& draw);
    py::object data_of(tape::Tensor* t);
    void read_grad(tape::Tensor* t);
    void write_grad(tape::Tensor* t) { touch(t); }
    void bumped(tape::Tensor* t) { versions_.push_back(tape::share(t->version)); }
    void mode(py::object module) { modes_.emplace_back(module, module.attr("training")); }

    // ---- when it has recorded

    void finish(std::vector<py::object> inputs, std::vector<py::object> outputs);
    // Where the two differ that ought not to: the operation's name, else None.
    py::object difference(const Recording& other) const;
    // Whether arrays, gradients and modes are those it began with.
    bool fits() const;
    // Copies of the outputs.
    py::list replay(const py::list& inputs);

    // ---- for Python's collector of cycles

    int traverse(visitproc visit, void* arg) const;
    void clear();

  protected:
    void host(std::function<void()> run) { steps.push_back({std::move(run), false}); }
    // An array that the recording does not compute must live as long; whether it is a new one.
    bool hold(py::handle array);
    [[noreturn]] void refuse_earlier() const;

    virtual void run();
    // An array of a tensor's that was there before the step; as it is outside of steps.
    virtual bool outside(PyObject* array) = 0;
    virtual py::object bare(PyObject* array) const = 0;
    virtual void copy(py::handle to, py::handle from) const = 0;
    virtual py::object copy_of(py::handle array) const = 0;

    const int number_ = next_number();

  private:
    static int next_number();
    // Tensors of the step's own, which nobody else holds, do not matter when it is done.
    template <class Items, class Get>
    void drop_own(Items& items, const Get& tensor_of);
    bool touch(tape::Tensor* t);

    std::vector<py::object> held_, inputs_, outputs_;
    std::unordered_set<const void*> held_set_, touched_, read_;
    std::vector<Gradient> gradients_;
    std::vector<tape::VersionRef> versions_;
    // Modules, whether they train; tensors, their arrays.
    std::vector<std::pair<py::object, py::object>> modes_, data_;
};

inline py::object borrowed(PyObject* o) {
    return py::reinterpret_borrow<py::object>(o);
}

// The recording of this thread, which there must be.
inline Recording& current() {
    return static_cast<Recording&>(*recorder);
}

// How Python's collector gets into objects of such a class.
void collect(PyHeapTypeObject* heap);
// The two kinds as classes of Python.
void bind_host_recording(py::module_& m);
void bind_graph_recording(py::module_& m);

}  // namespace tatami::capture
