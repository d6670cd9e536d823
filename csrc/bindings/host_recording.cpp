// Steps on the CPU: kernel calls and what NumPy does between them are kept one by one, in memory of
// an arena.
#include <optional>

#include "bindings/arena.h"
#include "bindings/door.h"
#include "bindings/recording.h"

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

class HostRecording final : public Recording {
  public:
    explicit HostRecording(py::object arena) : arena_(std::move(arena)) {}

    // ---- while it records

    void start() override {
        memory_.emplace(arena_);
        recorder = this;
    }
    void stop(bool) override {
        recorder = nullptr;
        memory_.reset();
    }

    py::object live(const py::function& f) override {
        py::object value = paused(f);
        host([f = keep(f)] { f(); });
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

    py::object seen(PyObject* array) override {
        if (!outside(array)) return borrowed(array);
        return owned(PyArray_View(numpy(array), nullptr, traced_type));
    }

    // A kernel or NumPy gets it: the same part of its memory every time.
    void use(py::handle given) override {
        PyArrayObject *const array = numpy(given), *const owner = owner_of(array);
        const int maker = arena().maker(PyArray_DATA(owner));
        if (maker && maker != number_) refuse_earlier();
        if (!maker) hold_memory(owner);
        const int64_t offset = PyArray_BYTES(array) - PyArray_BYTES(owner);
        note(&offset, sizeof offset);
        note(PyArray_DIMS(array), sizeof(npy_intp) * size_t(PyArray_NDIM(array)));
    }

    // The array for replays: it keeps memory that was computed in this recording from nobody.
    py::object kept(py::handle given) override {
        use(given);
        PyArrayObject* const array = numpy(given);
        PyArray_Descr* const type = PyArray_DESCR(array);
        if (!made(array)) return owned(PyArray_View(array, nullptr, &PyArray_Type));
        Py_INCREF(type);
        return owned(PyArray_NewFromDescr(&PyArray_Type, type, PyArray_NDIM(array),
                                          PyArray_DIMS(array), PyArray_STRIDES(array),
                                          PyArray_DATA(array), PyArray_FLAGS(array), nullptr));
    }

    bool made(py::handle array) override {
        return PyArray_Check(array.ptr()) && made(numpy(array));
    }

    // What Python allocated is written by a recorded call.
    void mark(py::handle array) override {
        if (PyArray_Check(array.ptr())) mark(numpy(array));
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
    py::object constant(py::handle array) {
        PyArrayObject* const owner = owner_of(numpy(array));
        if (PyArray_HANDLER(owner) != arena_.ptr() || arena().maker(PyArray_DATA(owner)))
            return py::none();
        return owned(PyArray_NewCopy(numpy(array), NPY_KEEPORDER));
    }

    // ---- for the door

    void check_device(const char* argument, bool on_gpu) override {
        check_type(!on_gpu, "jit: ", op, " gets ", argument,
                   " on a GPU, but the step's arguments are not there: give the arrays that it "
                   "begins with as arguments");
    }

    py::object copied(py::handle array, int type) override {
        py::object copy =
            adopt(owned(PyArray_FromArray(numpy(array), PyArray_DescrFromType(type),
                                          NPY_ARRAY_C_CONTIGUOUS | NPY_ARRAY_ALIGNED |
                                              NPY_ARRAY_NOTSWAPPED | NPY_ARRAY_ENSURECOPY)));
        const py::handle from = keep(kept(array)), to = keep(kept(copy));
        host([from, to] {
            if (PyArray_CopyInto(numpy(to), numpy(from)) < 0) throw py::error_already_set();
        });
        return copy;
    }

    py::object result(const Shape& shape, int type) override {
        py::object array =
            owned(PyArray_New(traced_type, shape.rank, const_cast<int64_t*>(shape.size), type,
                              nullptr, nullptr, 0, 0, nullptr));
        mark(numpy(array));
        return array;
    }

  private:
    Arena& arena() const { return Arena::of(arena_); }
    bool made(PyArrayObject* a) { return arena().maker(PyArray_DATA(owner_of(a))) == number_; }
    void mark(PyArrayObject* a) { arena().set_maker(PyArray_DATA(owner_of(a)), number_); }

    bool outside(PyObject* array) override { return PyArray_CheckExact(array); }
    py::object bare(PyObject* array) const override {
        if (Py_TYPE(array) != traced_type) return borrowed(array);
        return owned(PyArray_View(numpy(array), nullptr, &PyArray_Type));
    }
    void copy(py::handle to, py::handle from) const override { store(to, borrowed(from.ptr())); }
    py::object copy_of(py::handle array) const override { return pool_copy(array); }

    py::object paused(const py::function& f) {
        const Memory usual(memory_->before());
        recorder = nullptr;
        const struct Resume {
            Recorder* self;
            ~Resume() { recorder = self; }
        } resume{this};
        return f();
    }

    void begin_call(std::function<void()> again, bool) override {
        steps.push_back({std::move(again), true});
    }

    static void store(py::handle target, const py::object& value) {
        if (!target.is_none() && PyArray_CopyObject(numpy(target), value.ptr()) < 0)
            throw py::error_already_set();
    }

    // Memory that is not computed in the recording is as it is at every replay, but for what the
    // step itself makes in Python: that must be the same every time.
    void hold_memory(PyArrayObject* owner) {
        if (!hold(reinterpret_cast<PyObject*>(owner)) || PyArray_HANDLER(owner) != arena_.ptr())
            return;
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

    py::object arena_;
    std::optional<Memory> memory_;
};

}  // namespace

void bind_host_recording(py::module_& m) {
    m.def("arena", &Arena::create);
    m.def("set_traced_type", [](py::type type) {
        traced_type = reinterpret_cast<PyTypeObject*>(type.release().ptr());
    });
    py::class_<HostRecording, Recording>(m, "HostRecording", py::custom_type_setup(collect))
        .def(py::init<py::object>())
        .def("adopt", &HostRecording::adopt)
        .def("call", &HostRecording::call)
        .def("constant", &HostRecording::constant);
}

}  // namespace tatami::capture
