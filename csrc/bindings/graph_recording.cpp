// Steps on a GPU, as one graph: what the step launches, by kernels of this library or by CuPy, is
// captured from a stream. What stays live (settings of optimizers, seeds) are parts of the graph
// that every replay captures anew.
#include <optional>
#include <unordered_map>

#include "bindings/cupy.h"
#include "bindings/door.h"
#include "bindings/recording.h"
#include "core/cuda_library.h"
#include "cuda/graph.h"

namespace tatami::capture {

namespace {

// Which recording computes what is in the blocks of memory that the recordings of a step have.
struct Makers {
    std::unordered_map<const void*, int> of;
};

class GraphRecording final : public Recording {
  public:
    // place: where graphs are made, of python/tatami/capture/place.py.
    explicit GraphRecording(py::object place)
        : place_(std::move(place)), makers_(place_.attr("makers").cast<Makers&>().of) {}

    // ---- while it records

    void start() override {
        graph_.reset(cuda_library().graph());
        inside_.emplace(*this, false);
        recorder = this;
        begin();
    }

    void stop(bool whole) override {
        recorder = nullptr;
        try {
            if (whole) end_part();
        } catch (...) {
            inside_.reset();
            throw;
        }
        if (!whole && graph_) graph_->abandon();
        inside_.reset();
        if (whole) graph_->launch(cupy::current_stream());
    }

    py::object live(const py::function& f) override {
        end_part();
        const Inside inside(*this, true);
        recorder = nullptr;
        const struct Resume {
            Recorder* self;
            ~Resume() { recorder = self; }
        } resume{this};
        begin();
        py::object value = f();
        again_at_replays([f = keep(f)] { f(); });
        begin();
        return value;
    }

    py::object seen(PyObject* array) override {
        if (!tape::is_numpy(array)) use(array);
        return borrowed(array);
    }

    // What CuPy computes is not seen, but for the numbers it gets by way of the tape.
    void called(PyObject* const* arguments, py::ssize_t count) override {
        note(nullptr, 0);
        for (py::ssize_t k = 0; k < count; k++) note_numbers(arguments[k]);
    }

    // The same part of its memory every time.
    void use(py::handle array) override {
        const char *const data = static_cast<const char*>(cupy::data(array)),
                          *const block = static_cast<const char*>(cupy::block(array));
        const auto found = makers_.find(block);
        if (found == makers_.end())
            hold(array);
        else if (found->second != number_)
            refuse_earlier();
        const int64_t offset = data - block;
        const Shape shape = cupy::shape(array);
        note(&offset, sizeof offset);
        note(shape.size, sizeof(int64_t) * size_t(shape.rank));
    }

    py::object kept(py::handle array) override {
        use(array);
        return borrowed(array.ptr());
    }

    bool made(py::handle array) override {
        if (tape::is_numpy(array)) return false;
        const auto found = makers_.find(cupy::block(array));
        return found != makers_.end() && found->second == number_;
    }

    void mark(py::handle array) override {
        const auto found = makers_.find(cupy::block(array));
        if (found != makers_.end()) found->second = number_;
    }

    // A block of memory that the step was given.
    void add_block(uintptr_t block) {
        if (block) makers_[reinterpret_cast<const void*>(block)] = number_;
    }

    // ---- for the door

    void check_device(const char* argument, bool on_gpu) override {
        check_type(on_gpu, "jit: ", op, " gets ", argument,
                   " of NumPy, but the step's arguments are on a GPU: give it as an argument, too "
                   "(cupy.asarray moves it)");
    }
    py::object copied(py::handle, int) override { refuse(); }
    py::object result(const Shape&, int) override { refuse(); }

    [[noreturn]] void refuse() const {
        throw std::runtime_error(concat("jit: ", op,
                                        " computes on the host, which no graph of a GPU can do; "
                                        "give what it makes as an argument"));
    }

  private:
    // CuPy works with the place's stream and memory while it lives.
    class Inside {
      public:
        Inside(GraphRecording& self, bool live) : leave_(self.place_.attr("leave")) {
            self.place_.attr("enter")(py::cast(&self), live);
        }
        ~Inside() { leave_(); }
        Inside(const Inside&) = delete;

      private:
        const py::object leave_;
    };

    bool is_seed(py::handle number) const {
        const uint64_t value = PyLong_AsUnsignedLongLongMask(number.ptr());
        return seed_of(value);
    }

    void note_numbers(py::handle value) {
        if (PyTuple_Check(value.ptr())) {
            for (py::handle part : value) note_numbers(part);
        } else if (PyFloat_Check(value.ptr()) || (PyLong_Check(value.ptr()) && !is_seed(value))) {
            const std::string text = py::str(value);
            note(text.data(), text.size());
        }
    }

    void begin() { graph_->begin(cupy::current_stream()); }

    // Its number.
    int end_part() {
        try {
            return graph_->add();
        } catch (const std::runtime_error& e) {
            throw std::runtime_error(concat("jit: up to ", op, ": ", e.what()));
        }
    }

    // Of a part that every replay captures anew, by f.
    void again_at_replays(std::function<void()> f) {
        const int part = end_part();
        host([this, part, f = std::move(f)] {
            begin();
            f();
            graph_->replace(part);
        });
    }

    void begin_call(std::function<void()> again, bool seeded) override {
        if (!seeded) return;
        end_part();
        begin();
        seeded_ = std::move(again);
    }

    void end_call() override {
        if (!seeded_) return;
        again_at_replays([again = std::exchange(seeded_, {})] {
            const cupy::Call call;
            again();
        });
        begin();
    }

    void run() override {
        if (!steps.empty()) {
            const Inside inside(*this, true);
            try {
                Recording::run();
            } catch (...) {
                graph_->abandon();
                throw;
            }
        }
        graph_->launch(cupy::current_stream());
    }

    bool outside(PyObject* array) override { return !made(array); }
    py::object bare(PyObject* array) const override { return borrowed(array); }
    void copy(py::handle to, py::handle from) const override { to[py::ellipsis()] = from; }
    py::object copy_of(py::handle array) const override { return array.attr("copy")("C"); }

    py::object place_;
    std::unordered_map<const void*, int>& makers_;
    std::unique_ptr<cuda::Graph> graph_;
    std::optional<Inside> inside_;  // while it records
    std::function<void()> seeded_;
};

}  // namespace

void bind_graph_recording(py::module_& m) {
    py::class_<Makers>(m, "Makers").def(py::init<>());
    py::class_<GraphRecording, Recording>(m, "GraphRecording", py::custom_type_setup(collect))
        .def(py::init<py::object>())
        .def("add_block", &GraphRecording::add_block)
        .def("refuse", &GraphRecording::refuse);
}

}  // namespace tatami::capture
