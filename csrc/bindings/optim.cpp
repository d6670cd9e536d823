#include "ops/optim.h"

#include <charconv>

#include "bindings/module.h"
#include "bindings/upstream.h"

namespace tatami {

namespace {

struct ListArgument {
    const char* name;
    py::handle list;
    enum Use { kInPlace, kReadOnly, kOptional } use = kInPlace;  // optional: in place, or None
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

// The lists of one step: all checked by the constructor, before anything is written. The first is
// what the step changes, the second its gradients, where there are any.
class StepCall {
  public:
    StepCall(const char* op, std::initializer_list<ListArgument> lists) : op_(op) {
        for (const ListArgument& list : lists)
            if (list.use != ListArgument::kOptional || !list.list.is_none()) read(list);
    }

    // use(kernels, steps), without the GIL where it is long.
    template <class Use>
    void run_with(bool maximize, const Use& use) const {
        const int64_t n = int64_t(shapes_.size());
        if (n == 0) return;
        Steps steps{n,
                    sizes_.elements,
                    sizes_.chunks,
                    sizes_.size.data(),
                    sizes_.first_chunk.data(),
                    pointers_.data(),
                    pointers_.data() + (lists_ > 1 ? n : 0),
                    {},
                    lists_ > 2 ? lists_ - 2 : 0,
                    maximize};
        for (int k = 0; k < steps.states_given; k++)
            steps.states[k] = pointers_.data() + (2 + k) * n;
        with_type(dtype_, [&]<class T>() {
            run<T>(device_, sizes_.elements, [&](const auto& k) { use(k.optim, steps); });
        });
    }

    Device device() const { return device_; }

  private:
    void read(const ListArgument& argument) {
        const py::handle list = argument.list;
        check_type(PyList_Check(list.ptr()) || PyTuple_Check(list.ptr()), op_, ": ", argument.name,
                   " must be a list of arrays, got ", Py_TYPE(list.ptr())->tp_name);
        const auto items = py::reinterpret_borrow<py::sequence>(list);
        const int64_t length = int64_t(items.size());
        if (lists_ == 0) first_name_ = argument.name;
        if (lists_ == 1) pointers_.reserve(size_t(length) * 5);
        check(lists_++ == 0 || length == int64_t(shapes_.size()), op_, ": ", argument.name, " has ",
              length, " arrays but ", first_name_, " has ", shapes_.size());
        for (index_ = 0; index_ < length; index_++) {
            const ItemName name(argument.name, index_);
            const py::object item = items[size_t(index_)];
            if (argument.use == ListArgument::kReadOnly) {
                const Input in = input(op_, name.text, item);
                add(name.text, in.owner, in.array);
            } else {
                const Output out = in_out(op_, name.text, item);
                add(name.text, out.owner, out.array);
            }
        }
    }

    void add(const char* name, const py::object& owner, const Array& array) {
        if (lists_ == 1) {
            if (shapes_.empty()) {
                dtype_ = array.dtype;
                device_ = array.device;
            }
            shapes_.push_back(array.shape);
            sizes_.append(array.shape);
        }
        same_device(op_, first_name_, device_, name, array.device);
        check_type(array.dtype == dtype_, op_, ": ", name, " is ", tatami::name(array.dtype),
                   " but ", first_name_, "[0] is ", tatami::name(dtype_),
                   "; all arrays of a call share one dtype");
        check_step_shape(op_, name, array.shape, shapes_[size_t(index_)]);
        owners_.push_back(owner);
        pointers_.push_back(array.data);
    }

    const char* op_;
    const char* first_name_ = "";
    DType dtype_ = DType::float32;
    Device device_ = Device::cpu;
    int lists_ = 0;  // read so far
    int64_t index_ = 0;
    StepSizes sizes_;
    std::vector<Shape> shapes_;
    std::vector<py::object> owners_;
    std::vector<void*> pointers_;  // of params, then grads, then each list of states
};

ListArgument trained(py::handle params) {
    return {"params", params};
}
ListArgument followed(py::handle grads) {
    return {"grads", grads, ListArgument::kReadOnly};
}
ListArgument optional(const char* name, py::handle list) {
    return {name, list, ListArgument::kOptional};
}

void sgd_step(py::handle params, py::handle grads, py::handle buffers, double lr, double momentum,
              double dampening, double weight_decay, bool nesterov, bool maximize) {
    const Sgd rule(lr, momentum, dampening, weight_decay, nesterov, !buffers.is_none());
    const StepCall call("sgd_step",
                        {trained(params), followed(grads), optional("momentum_buffers", buffers)});
    call.run_with(maximize, [&](const OptimKernels& k, const Steps& steps) { k.sgd(rule, steps); });
}

void adagrad_step(py::handle params, py::handle grads, py::handle sums, double lr, double eps,
                  double weight_decay, bool maximize) {
    const Adagrad rule(lr, eps, weight_decay);
    const StepCall call("adagrad_step", {trained(params), followed(grads), {"state_sums", sums}});
    call.run_with(maximize,
                  [&](const OptimKernels& k, const Steps& steps) { k.adagrad(rule, steps); });
}

void adadelta_step(py::handle params, py::handle grads, py::handle squares, py::handle deltas,
                   double lr, double rho, double eps, double weight_decay, bool maximize) {
    const Adadelta rule(lr, rho, eps, weight_decay);
    const StepCall call(
        "adadelta_step",
        {trained(params), followed(grads), {"square_avgs", squares}, {"acc_deltas", deltas}});
    call.run_with(maximize,
                  [&](const OptimKernels& k, const Steps& steps) { k.adadelta(rule, steps); });
}

void rmsprop_step(py::handle params, py::handle grads, py::handle squares, py::handle buffers,
                  py::handle averages, double lr, double alpha, double eps, double momentum,
                  double weight_decay, bool maximize) {
    const Rmsprop rule(lr, alpha, eps, momentum, weight_decay, !buffers.is_none());
    const StepCall call("rmsprop_step", {trained(params),
                                         followed(grads),
                                         {"square_avgs", squares},
                                         optional("momentum_buffers", buffers),
                                         optional("grad_avgs", averages)});
    call.run_with(maximize,
                  [&](const OptimKernels& k, const Steps& steps) { k.rmsprop(rule, steps); });
}

using Betas = std::pair<double, double>;

void adam_like(const char* op, bool decoupled, py::handle params, py::handle grads,
               py::handle averages, py::handle squares, py::handle greatest, int64_t step,
               double lr, Betas betas, double eps, double weight_decay, bool maximize) {
    const Adam rule(op, step, lr, betas.first, betas.second, eps, weight_decay, decoupled);
    const StepCall call(op, {trained(params),
                             followed(grads),
                             {"exp_avgs", averages},
                             {"exp_avg_sqs", squares},
                             optional("max_exp_avg_sqs", greatest)});
    call.run_with(maximize,
                  [&](const OptimKernels& k, const Steps& steps) { k.adam(rule, steps); });
}

void adamax_step(py::handle params, py::handle grads, py::handle averages, py::handle infs,
                 int64_t step, double lr, Betas betas, double eps, double weight_decay,
                 bool maximize) {
    const Adamax rule(step, lr, betas.first, betas.second, eps, weight_decay);
    const StepCall call(
        "adamax_step",
        {trained(params), followed(grads), {"exp_avgs", averages}, {"exp_infs", infs}});
    call.run_with(maximize,
                  [&](const OptimKernels& k, const Steps& steps) { k.adamax(rule, steps); });
}

double nadam_step(py::handle params, py::handle grads, py::handle averages, py::handle squares,
                  int64_t step, double mu_product, double lr, Betas betas, double eps,
                  double weight_decay, double momentum_decay, bool decoupled, bool maximize) {
    const Nadam rule(step, mu_product, lr, betas.first, betas.second, eps, weight_decay,
                     momentum_decay, decoupled);
    const StepCall call(
        "nadam_step",
        {trained(params), followed(grads), {"exp_avgs", averages}, {"exp_avg_sqs", squares}});
    call.run_with(maximize,
                  [&](const OptimKernels& k, const Steps& steps) { k.nadam(rule, steps); });
    return rule.mu_product;
}

void ema_step(py::handle averages, py::handle params, double decay) {
    const Ema rule(decay);
    const StepCall call("ema_step",
                        {{"averages", averages}, {"params", params, ListArgument::kReadOnly}});
    call.run_with(false, [&](const OptimKernels& k, const Steps& steps) { k.ema(rule, steps); });
}

// sqrt(Σ p²), a float; of arrays on a GPU an array of no axes there.
py::object global_norm(py::handle arrays) {
    const StepCall call("global_norm", {{"arrays", arrays, ListArgument::kReadOnly}});
    const bool cuda = call.device() == Device::cuda;
    double norm = 0;
    Output there;
    if (cuda) there = output(Shape{}, DType::float64, Device::cuda);
    call.run_with(false, [&](const OptimKernels& k, const Steps& steps) {
        k.global_norm(steps, cuda ? there.as<double>() : &norm);
    });
    return cuda ? there.owner : py::float_(norm);
}

// factor: a number, or for arrays on a GPU an array of no axes there, float64.
void scale_all(py::handle arrays, py::handle factor) {
    const char* const op = "scale_all";
    const StepCall call(op, {{"arrays", arrays}});
    std::optional<Input> there;
    if (call.device() == Device::cuda && cupy::holds(factor)) {
        there = input(op, "factor", factor);
        check_type(there->dtype() == DType::float64 && there->shape() == Shape{}, op,
                   ": factor must be a number or a float64 array of no axes, got ",
                   name(there->dtype()), " of shape ", there->shape());
    }
    const Factor<double> by{there ? 1 : number_argument(op, "factor", factor),
                            pointer<double>(there)};
    call.run_with(false, [&](const OptimKernels& k, const Steps& steps) { k.scale(by, steps); });
}

void clip_all(py::handle arrays, double limit) {
    check(limit >= 0, "clip_all: limit is ", limit, "; it must not be negative");
    const StepCall call("clip_all", {{"arrays", arrays}});
    call.run_with(false, [&](const OptimKernels& k, const Steps& steps) { k.clip(limit, steps); });
}

}  // namespace

void bind_optim(py::module_& m) {
    m.def("sgd_step", &sgd_step);
    m.def("adagrad_step", &adagrad_step);
    m.def("adadelta_step", &adadelta_step);
    m.def("rmsprop_step", &rmsprop_step);
    const auto adam = [&m](const char* op, bool decoupled) {
        m.def(op, [=](py::handle params, py::handle grads, py::handle averages, py::handle squares,
                      py::handle greatest, int64_t step, double lr, Betas betas, double eps,
                      double weight_decay, bool maximize) {
            adam_like(op, decoupled, params, grads, averages, squares, greatest, step, lr, betas,
                      eps, weight_decay, maximize);
        });
    };
    adam("adam_step", false);
    adam("adamw_step", true);
    m.def("adamax_step", &adamax_step);
    m.def("nadam_step", &nadam_step);
    m.def("ema_step", &ema_step);
    m.def("global_norm", &global_norm);
    m.def("scale_all", &scale_all);
    m.def("clip_all", &clip_all);
}

}  // namespace tatami
