#include "ops/cross_entropy.h"

#include "bindings/module.h"
#include "bindings/upstream.h"

namespace tatami {

namespace {

// Floats of the logits' rank. All else is read as indices, which says what is wrong with it.
bool holds_probabilities(const Input& logits, py::handle target) {
    if (!py::hasattr(target, "dtype") || !py::hasattr(target, "ndim")) return false;
    const auto kind = target.attr("dtype").attr("kind").cast<std::string>();
    return (kind == "f" || kind == "V") &&  // V: bfloat16, which NumPy does not know
           target.attr("ndim").cast<int>() == logits.shape().rank;
}

struct Arguments {
    Arguments(const char* op, py::handle logits, py::handle target, py::handle weights,
              int64_t ignore_index, double smoothing)
        : x(input(op, "logits", logits)),
          probabilities(holds_probabilities(x, target)),
          t(probabilities ? input(op, "target", target) : index_input(op, "target", target)),
          weight(optional_input(op, "weight", weights)),
          p(op, x.shape(), t.shape(), probabilities, weight ? &weight->shape() : nullptr, smoothing,
            ignore_index) {
        if (probabilities) same_kind(op, "logits", x, "target", t);
        same_device(op, "logits", x.device(), "target", t.device());
        same_kind(op, "logits", x, "weight", weight);
    }

    template <class T>
    Target<T> pointers() const {
        if (probabilities) return {nullptr, t.as<T>()};
        return {t.as<int64_t>(), nullptr};
    }

    // What a mean divides by. ValueError for a class index out of range, on the CPU.
    Divided divided(const char* op, Reduction reduction) {
        const bool mean = reduction == Reduction::mean;
        if (probabilities) return {mean ? double(p.positions) : 1};
        if (!mean && x.device() == Device::cuda) return {1};
        total = output(Shape{}, DType::float64, x.device());
        TargetCheck found;
        with_type(x.dtype(), [&]<class T>() {
            run<T>(x.device(), p.positions, [&](const Kernels<T>& k) {
                found = k.cross_entropy.check(p, t.as<int64_t>(), pointer<T>(weight),
                                              total.as<double>());
            });
        });
        if (!found.ok) p.refuse(op, found.bad);
        return {1, mean ? total.as<double>() : nullptr};
    }

    Input x;
    bool probabilities;
    Input t;
    std::optional<Input> weight;
    CrossEntropy p;
    Output total;  // of the targets' weights
};

}  // namespace

static py::object cross_entropy(py::handle logits, py::handle target, py::handle weight,
                                int64_t ignore_index, py::handle reduction_name, double smoothing) {
    const char* op = "cross_entropy";
    const Reduction reduction = reduction_argument(op, reduction_name);
    Arguments a(op, logits, target, weight, ignore_index, smoothing);
    const Divided by = a.divided(op, reduction);
    return with_type(a.x.dtype(), [&]<class T>() {
        const Output losses = output(a.p.loss, a.x);
        const bool reduced = reduction != Reduction::none;
        const Output y = reduced ? output(Shape{}, a.x) : losses;
        run<T>(a.x.device(), a.p.elements, [&](const Kernels<T>& k) {
            k.cross_entropy.forward(a.p, a.x.as<T>(), a.pointers<T>(), pointer<T>(a.weight),
                                    losses.as<T>());
            if (reduced) k.cross_entropy.sum(a.p.positions, losses.as<T>(), by, y.as<T>());
        });
        return y.owner;
    });
}

static py::object cross_entropy_grad(py::handle grad_y, py::handle logits, py::handle target,
                                     py::handle weight, int64_t ignore_index,
                                     py::handle reduction_name, double smoothing) {
    const char* op = "cross_entropy_grad";
    const Reduction reduction = reduction_argument(op, reduction_name);
    Arguments a(op, logits, target, weight, ignore_index, smoothing);
    const Upstream dy(op, grad_y, reduction, a.divided(op, reduction), a.p.loss, a.x, "logits");
    return with_type(a.x.dtype(), [&]<class T>() {
        const Output dx = output(a.x.shape(), a.x);
        run<T>(a.x.device(), a.p.elements, [&](const Kernels<T>& k) {
            k.cross_entropy.backward(a.p, a.x.as<T>(), a.pointers<T>(), pointer<T>(a.weight),
                                     pointer<T>(dy.each), dy.scale<T>(), dx.as<T>());
        });
        return dx.owner;
    });
}

void bind_cross_entropy(py::module_& m) {
    m.def("cross_entropy", &cross_entropy);
    m.def("cross_entropy_grad", &cross_entropy_grad);
}

}  // namespace tatami
