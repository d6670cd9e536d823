#include "bindings/capture.h"

#include <pybind11/stl.h>

#include <atomic>
#include <optional>

#include "bindings/arena.h"
#include "bindings/module.h"
#include "tape/tape.h"

namespace tatami::capture {

namespace {

PyTypeObject* traced_type;

PyArrayObject* numpy(py::handle array) {
    return reinterpret_cast<PyArrayObject*>(array.ptr());
}

PyArrayObject_fields* fields(PyArrayObject* array) {
    return reinterpret_cast<PyArrayObject_fields*>(array);
}

py::object owned(PyObject* made) {
    if (!made) throw py::error_already_set();
    return py::reinterpret_steal<py::object>(made);
}

// The array that has the memory which this one looks at.
PyArrayObject* owner_of(PyArrayObject* array) {
    while (PyArray_BASE(array) && PyArray_Check(PyArray_BASE(array)))
        array = reinterpret_cast<PyArrayObject*>(PyArray_BASE(array));
    return array;
}

// NumPy's allocations of this thread while it lives.
class Memory {
  public:
    explicit Memory(py::handle handler) : before_(owned(PyDataMem_SetHandler(handler.ptr()))) {}
    Memory(const Memory&) = delete;
    ~Memory() { Py_XDECREF(PyDataMem_SetHandler(before_.ptr())); }
    py::handle before() const { return before_; }

  private:
    py::object before_;
};

py::object borrowed(PyObject* o) {
    return py::reinterpret_borrow<py::object>(o);
}

void replace(PyObject*& place, const py::object& by) {
    if (place != by.ptr()) Py_XSETREF(place, by.inc_ref().ptr());
}

// The gradient of a tensor: its array when the step began (None without one, null if nobody
// looked), and what it was in the end.
struct Gradient {
    py::object tensor, entry, exit, exit_data;

    tape::Tensor* get() const { return tape::as_tensor(tensor.ptr()); }
    bool fits() const { return !entry || entry.is_none() == (get()->grad == Py_None); }

    // What has been added up comes to where the recorded step adds to it.
    void enter() const {
        if (!entry || entry.is_none()) return;
        PyObject* const now = tape::as_tensor(get()->grad)->data;
        if (now != entry.ptr() && PyArray_CopyInto(numpy(entry), numpy(now)) < 0)
            throw py::error_already_set();
    }
    void leave() const {
        replace(get()->grad, exit);
        if (exit_data) replace(tape::as_tensor(exit.ptr())->data, exit_data);
    }
};

}  // namespace

class Recording : public Recorder {
  public:
    explicit Recording(py::object arena) : arena_(std::move(arena)) {}

    // ---- while it records

    void start() {
        memory_.emplace(arena_);
        recorder = this;
    }
    void stop() {
        recorder = nullptr;
        memory_.reset();
    }
    py::object paused(const py::function& f) {
        const Memory usual(memory_->before());
        recorder = nullptr;
        const struct Resume {
            Recorder* self;
            ~Resume() { recorder = self; }
        } resume{this};
        return f();
    }

    // Closures hold no references themselves, so that cycles through a recording are found.
    py::handle keep(py::object object) { return held_.emplace_back(std::move(object)); }
    void host(std::function<void()> run) { steps.push_back({std::move(run), false}); }

    py::object seed(const py::function& draw) {
        py::object value = draw();
        uint64_t* const cell = add_seed(value.cast<uint64_t>());
        host([cell, draw = keep(draw)] { *cell = draw().cast<uint64_t>(); });
        return value;
    }

    // func(*args, **kwargs) at every replay, what it returns copied into the array `target`, the
    // arrays `target` or nowhere.
    void call(py::object func, py::tuple args, py::dict kwargs, py::object target) {
        note(nullptr, 0);
        note_numbers(args);
        note_numbers(kwargs.attr("values")());
        host([func = keep(func), args = keep(args), kwargs = keep(kwargs), target = keep(target)] {
            const py::object found = owned(PyObject_Call(func.ptr(), args.ptr(), kwargs.ptr()));
            if (!py::isinstance<py::tuple>(target)) return store(target, found);
            for (size_t k = 0; k < py::len(target); k++)
                store(py::object(target[py::int_(k)]), py::object(found[py::int_(k)]));
        });
    }

    void use(PyArrayObject* array) {
        PyArrayObject* const owner = owner_of(array);
        if (const int maker = arena().maker(PyArray_DATA(owner))) {
            if (maker == number_) return;
            throw std::runtime_error(
                concat("jit: ", op,
                       " gets an array that an earlier call of the step computed; what goes "
                       "from call to call must be an argument that the call before returned"));
        }
        hold(owner);
    }

    // A kernel or NumPy gets it: the same part of its memory every time.
    void use_part(PyArrayObject* array) {
        use(array);
        const char* const begin = PyArray_BYTES(owner_of(array));
        const int64_t offset = PyArray_BYTES(array) - begin;
        note(&offset, sizeof offset);
        note(PyArray_DIMS(array), sizeof(npy_intp) * size_t(PyArray_NDIM(array)));
    }

    // The array for replays: it keeps memory that was computed in this recording from nobody.
    py::object kept(PyArrayObject* array) {
        use_part(array);
        PyArray_Descr* const type = PyArray_DESCR(array);
        if (!made(array)) return owned(PyArray_View(array, nullptr, &PyArray_Type));
        Py_INCREF(type);
        return owned(PyArray_NewFromDescr(&PyArray_Type, type, PyArray_NDIM(array),
                                          PyArray_DIMS(array), PyArray_STRIDES(array),
                                          PyArray_DATA(array), PyArray_FLAGS(array), nullptr));
    }

    bool made(PyArrayObject* array) {
        return arena().maker(PyArray_DATA(owner_of(array))) == number_;
    }

    // A result of NumPy's that is nobody else's, as an array that records.
    py::object adopt(py::object fresh) {
        PyArrayObject* a = numpy(fresh);
        if (!PyArray_CHKFLAGS(a, NPY_ARRAY_OWNDATA) || PyArray_HANDLER(a) != arena_.ptr())
            fresh = owned(PyArray_NewCopy(a, NPY_KEEPORDER)), a = numpy(fresh);
        PyArray_Descr* const type = PyArray_DESCR(a);
        Py_INCREF(type);
        py::object taken = owned(PyArray_NewFromDescr(traced_type, type, PyArray_NDIM(a),
                                                      PyArray_DIMS(a), PyArray_STRIDES(a),
                                                      PyArray_DATA(a), PyArray_FLAGS(a), nullptr));
        fields(numpy(taken))->flags |= NPY_ARRAY_OWNDATA;
        fields(numpy(taken))->mem_handler = std::exchange(fields(a)->mem_handler, nullptr);
        PyArray_CLEARFLAGS(a, NPY_ARRAY_OWNDATA);
        mark(numpy(taken));
        return taken;
    }

    // A copy of an array that Python made in the step, before something changes it; else None.
    py::object constant(PyArrayObject* array) {
        PyArrayObject* const owner = owner_of(array);
        if (PyArray_HANDLER(owner) != arena_.ptr() || arena().maker(PyArray_DATA(owner)))
            return py::none();
        return owned(PyArray_NewCopy(array, NPY_KEEPORDER));
    }

    // What Python allocated is written by a recorded call.
    void mark(PyArrayObject* array) { arena().set_maker(PyArray_DATA(owner_of(array)), number_); }

    void read_grad(tape::Tensor* t) {
        if (!touch(t)) return;
        const tape::Tensor* const grad = tape::as_tensor(t->grad);
        py::object& entry = gradients_.back().entry = borrowed(grad ? grad->data : Py_None);
        if (PyArray_Check(entry.ptr())) mark(numpy(entry));
    }
    // A tensor's array is looked at: it must have the same one at replays.
    void read_data(tape::Tensor* t) {
        if (!read_.insert(t).second) return;
        data_.emplace_back(borrowed(reinterpret_cast<PyObject*>(t)), borrowed(t->data));
    }
    void write_grad(tape::Tensor* t) { touch(t); }
    void bumped(tape::Tensor* t) { versions_.push_back(tape::share(t->version)); }

    void mode(py::object module) { modes_.emplace_back(module, module.attr("training")); }

    // ---- when it has recorded

    void finish(std::vector<py::object> inputs, std::vector<py::object> outputs) {
        inputs_ = std::move(inputs);
        outputs_ = std::move(outputs);
        drop_own(data_, [](const auto& d) -> const py::object& { return d.first; });
        drop_own(gradients_, [](const Gradient& g) -> const py::object& { return g.tensor; });
        for (Gradient& g : gradients_) {
            g.exit = borrowed(g.get()->grad);
            tape::Tensor* const grad = tape::as_tensor(g.exit.ptr());
            if (!grad) continue;
            if (Py_TYPE(grad->data) == traced_type)
                replace(grad->data, owned(PyArray_View(numpy(grad->data), nullptr, &PyArray_Type)));
            g.exit_data = borrowed(grad->data);
        }
        touched_.clear();
        read_.clear();
    }

    // Where the two differ that ought not to: the operation's name, else None.
    py::object difference(const Recording& other) const {
        const auto [mine, its] =
            std::mismatch(facts.begin(), facts.end(), other.facts.begin(), other.facts.end());
        if (mine != facts.end()) return py::str(mine->op);
        if (its != other.facts.end()) return py::str(its->op);
        if (steps.size() != other.steps.size()) return py::str("the number of operations");
        return py::none();
    }

    // Whether arrays, gradients and modes are those it began with.
    bool fits() const {
        for (const auto& [tensor, data] : data_)
            if (tape::as_tensor(tensor.ptr())->data != data.ptr()) return false;
        for (const Gradient& g : gradients_)
            if (!g.fits()) return false;
        for (const auto& [module, training] : modes_)
            if (!py::object(module.attr("training")).is(training)) return false;
        return true;
    }

    // Copies of the outputs.
    py::list replay(const py::list& inputs) {
        for (size_t k = 0; k < inputs_.size(); k++) store(inputs_[k], inputs[k]);
        for (const Gradient& g : gradients_) g.enter();
        run();
        for (const Gradient& g : gradients_) g.leave();
        for (const tape::VersionRef& v : versions_) v->changes++;
        py::list results;
        for (const py::object& y : outputs_) results.append(pool_copy(y));
        return results;
    }

    // ---- for Python's collector of cycles

    int traverse(visitproc visit, void* arg) const {
        for (const auto* objects : {&held_, &inputs_, &outputs_})
            for (const py::object& o : *objects) Py_VISIT(o.ptr());
        for (const Gradient& g : gradients_)
            for (const py::object* o : {&g.tensor, &g.entry, &g.exit, &g.exit_data})
                Py_VISIT(o->ptr());
        for (const auto* pairs : {&modes_, &data_})
            for (const auto& [one, other] : *pairs) {
                Py_VISIT(one.ptr());
                Py_VISIT(other.ptr());
            }
        return 0;
    }
    void clear() {
        steps.clear();
        for (auto* objects : {&held_, &inputs_, &outputs_}) std::exchange(*objects, {}).clear();
        std::exchange(gradients_, {}).clear();
        for (auto* pairs : {&modes_, &data_}) std::exchange(*pairs, {}).clear();
    }

  private:
    Arena& arena() const { return Arena::of(arena_); }

    // Tensors of the step's own, which nobody else holds, do not matter when it is done.
    template <class Items, class Get>
    void drop_own(Items& items, const Get& tensor_of) {
        std::erase_if(items, [&](const auto& item) {
            const py::object& tensor = tensor_of(item);
            return size_t(tensor.ref_count()) <=
                   touched_.count(tensor.ptr()) + read_.count(tensor.ptr());
        });
    }

    static void store(py::handle target, const py::object& value) {
        if (!target.is_none() && PyArray_CopyObject(numpy(target), value.ptr()) < 0)
            throw py::error_already_set();
    }

    // Memory that is not computed in the recording is as it is at every replay, but for what the
    // step itself makes in Python: that must be the same every time.
    void hold(PyArrayObject* owner) {
        if (!held_set_.insert(owner).second) return;
        held_.push_back(py::reinterpret_borrow<py::object>(reinterpret_cast<PyObject*>(owner)));
        if (PyArray_HANDLER(owner) != arena_.ptr()) return;
        const py::bytes bytes = owned(PyArray_ToString(owner, NPY_ANYORDER));
        note(PyBytes_AS_STRING(bytes.ptr()), size_t(PyBytes_GET_SIZE(bytes.ptr())));
    }

    void note_numbers(const py::handle& values) {
        for (py::handle value : values) {
            if (!PyArray_IsAnyScalar(value.ptr())) continue;
            const std::string text = py::str(value);
            note(text.data(), text.size());
        }
    }

    bool touch(tape::Tensor* t) {
        if (!touched_.insert(t).second) return false;
        gradients_.push_back({borrowed(reinterpret_cast<PyObject*>(t)), {}, {}, {}});
        return true;
    }

    void run() {
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

    static int next_number() {
        static std::atomic<int> last = 0;
        return ++last;
    }

    const int number_ = next_number();
    py::object arena_;
    std::optional<Memory> memory_;
    std::vector<py::object> held_, inputs_, outputs_;
    std::unordered_set<const void*> held_set_, touched_, read_;
    std::vector<Gradient> gradients_;
    std::vector<tape::VersionRef> versions_;
    // Modules, whether they train; tensors, their arrays.
    std::vector<std::pair<py::object, py::object>> modes_, data_;
};

static Recording& current() {
    return static_cast<Recording&>(*recorder);
}

py::object live(const py::function& f) {
    if (!recorder) return f();
    Recording& recording = current();
    py::object value = recording.paused(f);
    recording.host([f = recording.keep(f)] { f(); });
    return value;
}

py::object data_of(py::handle tensor) {
    tape::Tensor* const t = tape::as_tensor(tensor.ptr());
    if (!recorder || !PyArray_CheckExact(t->data)) return borrowed(t->data);
    current().read_data(t);
    return owned(PyArray_View(numpy(t->data), nullptr, traced_type));
}

void use(py::handle array) {
    current().use_part(numpy(array));
}

py::object copied(py::handle array, int type) {
    Recording& recording = current();
    py::object made = recording.adopt(owned(PyArray_FromArray(
        numpy(array), PyArray_DescrFromType(type),
        NPY_ARRAY_C_CONTIGUOUS | NPY_ARRAY_ALIGNED | NPY_ARRAY_NOTSWAPPED | NPY_ARRAY_ENSURECOPY)));
    const py::handle from = recording.keep(recording.kept(numpy(array)));
    const py::handle to = recording.keep(recording.kept(numpy(made)));
    recording.host([from, to] {
        if (PyArray_CopyInto(numpy(to), numpy(from)) < 0) throw py::error_already_set();
    });
    return made;
}

py::object result(const Shape& shape, int type) {
    py::object made = owned(PyArray_New(traced_type, shape.rank, const_cast<int64_t*>(shape.size),
                                        type, nullptr, nullptr, 0, 0, nullptr));
    current().mark(numpy(made));
    return made;
}

bool made(py::handle array) {
    return PyArray_Check(array.ptr()) && current().made(numpy(array));
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
static void collect(PyHeapTypeObject* heap) {
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
    m.def("arena", &capture::Arena::create);
    m.def("live", &capture::live);
    m.def("recording",
          [] { return recorder ? py::cast(static_cast<Recording*>(recorder)) : py::none(); });
    m.def("set_traced_type", [](py::type type) {
        capture::traced_type = reinterpret_cast<PyTypeObject*>(type.release().ptr());
    });
    const auto numpy = [](py::handle array) { return capture::numpy(array); };
    py::class_<Recording>(m, "Recording", py::custom_type_setup(capture::collect))
        .def(py::init<py::object>())
        .def("start", &Recording::start)
        .def("stop", &Recording::stop)
        .def("seed", &Recording::seed)
        .def("mode", &Recording::mode)
        .def("call", &Recording::call)
        .def("adopt", &Recording::adopt)
        .def("kept", [=](Recording& r, py::handle array) { return r.kept(numpy(array)); })
        .def("made", [=](Recording& r, py::handle array) { return r.made(numpy(array)); })
        .def("constant", [=](Recording& r, py::handle array) { return r.constant(numpy(array)); })
        .def("mark", [=](Recording& r, py::handle array) { r.mark(numpy(array)); })
        .def("finish", &Recording::finish)
        .def("difference", &Recording::difference)
        .def("fits", &Recording::fits)
        .def("replay", &Recording::replay)
        .def_property(
            "op", [](Recording& r) { return r.op; },
            [](Recording& r, std::string op) { r.op = std::move(op); })
        .def_property_readonly("length", [](Recording& r) { return r.steps.size(); });
}

}  // namespace tatami
