#include "ops/optim.h"

#include <charconv>

#include "bindings/module.h"

namespace tatami {

namespace {

struct StateList {
    const char* name;
    py::handle list;
    bool optional = false;  // None is an absent list
};

// "grads[3]", without the cost of a std::string for each array of a model.
struct ItemName {
    char text[48];
    ItemName(const char* list, int64_t index) {
        char* end = std::copy_n(list, std::char_traits<char>::length(list), text);
        *end++ = '[';
        end = std::to_chars(end, text + sizeof text - 2, index).ptr;
        *end++ = ']';
        *end = '\0';
    }
};

// The lists of one step: all checked by the constructor, before anything is written.
class StepCall {
  public:
    StepCall(const char* op, py::handle params, py::handle grads,
             std::initializer_list<StateList> states)
        : op_(op) {
        read(params, "params", [&](const char* name, py::handle item) { add_param(name, item); });
        pointers_.reserve(owners_.size() * 5);
        read(grads, "grads", [&](const char* name, py::handle item) {
            const Input in = input(op_, name, item);
            add(name, in.owner, in.array);
        });
        for (const StateList& state : states) {
            if (state.optional && state.list.is_none()) continue;
            read(state.list, state.name, [&](const char* name, py::handle item) {
                const Output out = in_out(op_, name, item);
                add(name, out.owner, out.array);
            });
        }
    }

    // use.operator()<T>(steps), without the GIL where it is long.
    template <class Use>
    void run_with(const Use& use) const {
        const int64_t n = int64_t(shapes_.size());
        Steps steps{n,
                    sizes_.elements,
                    sizes_.chunks,
                    sizes_.size.data(),
                    sizes_.first_chunk.data(),
                    pointers_.data(),
                    pointers_.data() + n,
                    {},
                    lists_ - 2};
        for (int k = 0; k < steps.states_given; k++)
            steps.states[k] = pointers_.data() + (2 + k) * n;
        if (n == 0) return;
        with_type(dtype_, [&]<class T>() {
            run(sizes_.elements, [&] { use.template operator()<T>(steps); });
        });
    }

  private:
    template <class Each>
    void read(py::handle list, const char* name, const Each& each) {
        check_type(PyList_Check(list.ptr()) || PyTuple_Check(list.ptr()), op_, ": ", name,
                   " must be a list of arrays, got ", Py_TYPE(list.ptr())->tp_name);
        const auto items = py::reinterpret_borrow<py::sequence>(list);
        const int64_t length = int64_t(items.size());
        check(lists_++ == 0 || length == int64_t(shapes_.size()), op_, ": ", name, " has ", length,
              " arrays but params has ", shapes_.size());
        for (index_ = 0; index_ < length; index_++)
            each(ItemName(name, index_).text, items[size_t(index_)]);
    }

    void add_param(const char* name, py::handle item) {
        const Output p = in_out(op_, name, item);
        if (shapes_.empty()) dtype_ = p.array.dtype;
        shapes_.push_back(p.array.shape);
        sizes_.append(p.array.shape);
        add(name, p.owner, p.array);
    }

    void add(const char* name, const py::object& owner, const Array& array) {
        check_type(array.dtype == dtype_, op_, ": ", name, " is ", tatami::name(array.dtype),
                   " but params[0] is ", tatami::name(dtype_),
                   "; all arrays of a call share one dtype");
        check_step_shape(op_, name, array.shape, shapes_[size_t(index_)]);
        owners_.push_back(owner);
        pointers_.push_back(array.data);
    }

    const char* op_;
    DType dtype_ = DType::float32;
    int lists_ = 0;  // read so far
    int64_t index_ = 0;
    StepSizes sizes_;
    std::vector<Shape> shapes_;
    std::vector<py::object> owners_;
    std::vector<void*> pointers_;  // of params, then grads, then each list of states
};

void sgd_step(py::handle params, py::handle grads, py::handle buffers, double lr, double momentum,
              double dampening, double weight_decay, bool nesterov) {
    const Sgd rule(lr, momentum, dampening, weight_decay, nesterov, !buffers.is_none());
    const StepCall call("sgd_step", params, grads, {{"momentum_buffers", buffers, true}});
    call.run_with([&]<class T>(const Steps& steps) { kernels<T>().optim.sgd(rule, steps); });
}

void adagrad_step(py::handle params, py::handle grads, py::handle sums, double lr, double eps,
                  double weight_decay) {
    const Adagrad rule(lr, eps, weight_decay);
    const StepCall call("adagrad_step", params, grads, {{"state_sums", sums}});
    call.run_with([&]<class T>(const Steps& steps) { kernels<T>().optim.adagrad(rule, steps); });
}

void adadelta_step(py::handle params, py::handle grads, py::handle squares, py::handle deltas,
                   double lr, double rho, double eps, double weight_decay) {
    const Adadelta rule(lr, rho, eps, weight_decay);
    const StepCall call("adadelta_step", params, grads,
                        {{"square_avgs", squares}, {"acc_deltas", deltas}});
    call.run_with([&]<class T>(const Steps& steps) { kernels<T>().optim.adadelta(rule, steps); });
}

void rmsprop_step(py::handle params, py::handle grads, py::handle squares, py::handle buffers,
                  py::handle averages, double lr, double alpha, double eps, double momentum,
                  double weight_decay) {
    const Rmsprop rule(lr, alpha, eps, momentum, weight_decay, !buffers.is_none());
    const StepCall call("rmsprop_step", params, grads,
                        {{"square_avgs", squares},
                         {"momentum_buffers", buffers, true},
                         {"grad_avgs", averages, true}});
    call.run_with([&]<class T>(const Steps& steps) { kernels<T>().optim.rmsprop(rule, steps); });
}

void adam_like(const char* op, bool decoupled, py::handle params, py::handle grads,
               py::handle averages, py::handle squares, py::handle greatest, int64_t step,
               double lr, std::pair<double, double> betas, double eps, double weight_decay) {
    const Adam rule(op, step, lr, betas.first, betas.second, eps, weight_decay, decoupled);
    const StepCall call(
        op, params, grads,
        {{"exp_avgs", averages}, {"exp_avg_sqs", squares}, {"max_exp_avg_sqs", greatest, true}});
    call.run_with([&]<class T>(const Steps& steps) { kernels<T>().optim.adam(rule, steps); });
}

}  // namespace

void bind_optim(py::module_& m) {
    m.def("sgd_step", &sgd_step);
    m.def("adagrad_step", &adagrad_step);
    m.def("adadelta_step", &adadelta_step);
    m.def("rmsprop_step", &rmsprop_step);
    const auto adam = [&m](const char* op, bool decoupled) {
        m.def(op, [=](py::handle params, py::handle grads, py::handle averages, py::handle squares,
                      py::handle greatest, int64_t step, double lr, std::pair<double, double> betas,
                      double eps, double weight_decay) {
            adam_like(op, decoupled, params, grads, averages, squares, greatest, step, lr, betas,
                      eps, weight_decay);
        });
    };
    adam("adam_step", false);
    adam("adamw_step", true);
}

}  // namespace tatami
