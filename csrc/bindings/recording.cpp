#include "bindings/recording.h"

#include <algorithm>
#include <atomic>

#include "bindings/capture.h"
#include "bindings/module.h"
#include "core/check.h"
#include "core/thread_pool.h"

namespace tatami::capture {

namespace {

void replace(PyObject*& place, const py::object& by) {
    if (place != by.ptr()) Py_XSETREF(place, by.inc_ref().ptr());
}

}  // namespace

void Gradient::leave() const {
    replace(get()->grad, exit);
    if (exit_data) replace(tape::as_tensor(exit.ptr())->data, exit_data);
}

// ---- While it records.

py::object Recording::seed(const py::function& draw) {
    py::object value = draw();
    uint64_t* const cell = add_seed(value.cast<uint64_t>());
    host([cell, draw = keep(draw)] { *cell = draw().cast<uint64_t>(); });
    return value;
}

py::object Recording::data_of(tape::Tensor* t) {
    py::object array = seen(t->data);
    // Replays must find the same one there.
    if (outside(t->data) && read_.insert(t).second)
        data_.emplace_back(borrowed(reinterpret_cast<PyObject*>(t)), borrowed(t->data));
    return array;
}

void Recording::read_grad(tape::Tensor* t) {
    if (!touch(t)) return;
    const tape::Tensor* const grad = tape::as_tensor(t->grad);
    py::object& entry = gradients_.back().entry = borrowed(grad ? grad->data : Py_None);
    if (!entry.is_none()) mark(entry);
}

bool Recording::hold(py::handle array) {
    if (!held_set_.insert(array.ptr()).second) return false;
    held_.push_back(borrowed(array.ptr()));
    return true;
}

void Recording::refuse_earlier() const {
    throw std::runtime_error(
        concat("jit: ", op,
               " gets an array that an earlier call of the step computed; what goes from call to "
               "call must be an argument that the call before returned"));
}

bool Recording::touch(tape::Tensor* t) {
    if (!touched_.insert(t).second) return false;
    gradients_.push_back({borrowed(reinterpret_cast<PyObject*>(t)), {}, {}, {}});
    return true;
}

int Recording::next_number() {
    static std::atomic<int> last = 0;
    return ++last;
}

// ---- When it has recorded.

template <class Items, class Get>
void Recording::drop_own(Items& items, const Get& tensor_of) {
    std::erase_if(items, [&](const auto& item) {
        const py::object& tensor = tensor_of(item);
        return size_t(tensor.ref_count()) <=
               touched_.count(tensor.ptr()) + read_.count(tensor.ptr());
    });
}

void Recording::finish(std::vector<py::object> inputs, std::vector<py::object> outputs) {
    inputs_ = std::move(inputs);
    outputs_ = std::move(outputs);
    drop_own(data_, [](const auto& d) -> const py::object& { return d.first; });
    drop_own(gradients_, [](const Gradient& g) -> const py::object& { return g.tensor; });
    for (Gradient& g : gradients_) {
        g.exit = borrowed(g.get()->grad);
        tape::Tensor* const grad = tape::as_tensor(g.exit.ptr());
        if (!grad) continue;
        replace(grad->data, bare(grad->data));
        g.exit_data = borrowed(grad->data);
    }
    touched_.clear();
    read_.clear();
}

py::object Recording::difference(const Recording& other) const {
    const auto [mine, its] =
        std::mismatch(facts.begin(), facts.end(), other.facts.begin(), other.facts.end());
    if (mine != facts.end()) return py::str(mine->op);
    if (its != other.facts.end()) return py::str(its->op);
    if (steps.size() != other.steps.size()) return py::str("the number of operations");
    return py::none();
}

bool Recording::fits() const {
    for (const auto& [tensor, data] : data_)
        if (tape::as_tensor(tensor.ptr())->data != data.ptr()) return false;
    for (const Gradient& g : gradients_)
        if (!g.fits()) return false;
    for (const auto& [module, training] : modes_)
        if (!py::object(module.attr("training")).is(training)) return false;
    return true;
}

py::list Recording::replay(const py::list& inputs) {
    for (size_t k = 0; k < inputs_.size(); k++) copy(inputs_[k], inputs[k]);
    for (const Gradient& g : gradients_) {  // what has been added up comes to where a step adds
        if (!g.entry || g.entry.is_none()) continue;
        PyObject* const now = tape::as_tensor(g.get()->grad)->data;
        if (now != g.entry.ptr()) copy(g.entry, now);
    }
    run();
    for (const Gradient& g : gradients_) g.leave();
    for (const tape::VersionRef& v : versions_) v->changes++;
    py::list results;
    for (const py::object& y : outputs_) results.append(copy_of(y));
    return results;
}

void Recording::run() {
    const SteadyThreads steady;
    for (size_t k = 0; k < steps.size();) {
        if (!steps[k].kernel) {
            steps[k++].run();
            continue;
        }
        const py::gil_scoped_release released;
        while (k < steps.size() && steps[k].kernel) steps[k++].run();
    }
}

// ---- For Python's collector of cycles.

int Recording::traverse(visitproc visit, void* arg) const {
    for (const auto* objects : {&held_, &inputs_, &outputs_})
        for (const py::object& o : *objects) Py_VISIT(o.ptr());
    for (const Gradient& g : gradients_)
        for (const py::object* o : {&g.tensor, &g.entry, &g.exit, &g.exit_data}) Py_VISIT(o->ptr());
    for (const auto* pairs : {&modes_, &data_})
        for (const auto& [one, other] : *pairs) {
            Py_VISIT(one.ptr());
            Py_VISIT(other.ptr());
        }
    return 0;
}

void Recording::clear() {
    steps.clear();
    for (auto* objects : {&held_, &inputs_, &outputs_}) std::exchange(*objects, {}).clear();
    std::exchange(gradients_, {}).clear();
    for (auto* pairs : {&modes_, &data_}) std::exchange(*pairs, {}).clear();
}

// ---- For the bindings and the tape.

py::object live(const py::function& f) {
    return recorder ? current().live(f) : f();
}

py::object data_of(py::handle tensor) {
    tape::Tensor* const t = tape::as_tensor(tensor.ptr());
    return recorder ? current().data_of(t) : borrowed(t->data);
}

void check_device(const char* argument, bool on_gpu) {
    current().check_device(argument, on_gpu);
}

void called(PyObject* const* arguments, py::ssize_t count) {
    current().called(arguments, count);
}

void use(py::handle array) {
    current().use(array);
}

py::object copied(py::handle array, int type) {
    return current().copied(array, type);
}

py::object result(const Shape& shape, int type) {
    return current().result(shape, type);
}

bool made(py::handle array) {
    return current().made(array);
}

void read_grad(py::handle tensor) {
    current().read_grad(tape::as_tensor(tensor.ptr()));
}

void write_grad(py::handle tensor) {
    current().write_grad(tape::as_tensor(tensor.ptr()));
}

void bumped(py::handle tensor) {
    current().bumped(tape::as_tensor(tensor.ptr()));
}

// Cycles go through recordings: a model may have its captured step as an attribute.
void collect(PyHeapTypeObject* heap) {
    PyTypeObject* const type = &heap->ht_type;
    type->tp_flags |= Py_TPFLAGS_HAVE_GC;
    type->tp_traverse = [](PyObject* self, visitproc visit, void* arg) {
        Py_VISIT(Py_TYPE(self));
        if (!py::detail::is_holder_constructed(self)) return 0;
        return py::cast<Recording&>(py::handle(self)).traverse(visit, arg);
    };
    type->tp_clear = [](PyObject* self) {
        if (py::detail::is_holder_constructed(self)) py::cast<Recording&>(py::handle(self)).clear();
        return 0;
    };
}

}  // namespace tatami::capture

namespace tatami {

void bind_capture(py::module_& m) {
    using capture::Recording;
    m.def("live", &capture::live);
    m.def("recording",
          [] { return recorder ? py::cast(static_cast<Recording*>(recorder)) : py::none(); });
    py::class_<Recording>(m, "Recording", py::custom_type_setup(capture::collect))
        .def("start", &Recording::start)
        .def("stop", &Recording::stop)
        .def("seed", &Recording::seed)
        .def("mode", &Recording::mode)
        .def("kept", &Recording::kept)
        .def("made", &Recording::made)
        .def("mark", &Recording::mark)
        .def("finish", &Recording::finish)
        .def("difference", &Recording::difference)
        .def("fits", &Recording::fits)
        .def("replay", &Recording::replay)
        .def_property(
            "op", [](Recording& r) { return r.op; },
            [](Recording& r, std::string op) { r.op = std::move(op); })
        .def_property_readonly("length", [](Recording& r) { return r.steps.size(); });
    capture::bind_host_recording(m);
    capture::bind_graph_recording(m);
}

}  // namespace tatami
