#include "ops/cross_entropy.h"

#include "bindings/module.h"
#include "bindings/upstream.h"
#include "core/memory_pool.h"

namespace tatami {

namespace {

// Floats of the logits' rank. All else is read as indices, which says what is wrong with it.
bool holds_probabilities(const Input& logits, py::handle target) {
    return py::hasattr(target, "dtype") && py::hasattr(target, "ndim") &&
           target.attr("dtype").attr("kind").cast<std::string>() == "f" &&
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
        if (probabilities) same_dtype(op, "logits", x, "target", t);
        same_dtype(op, "logits", x, "weight", weight);
    }

    template <class T>
    Target<T> pointers() const {
        if (probabilities) return {nullptr, t.as<T>()};
        return {t.as<int64_t>(), nullptr};
    }

    // What a mean divides by; ValueError for a class index out of range.
    template <class T>
    double divisor(const char* op) const {
        if (probabilities) return double(p.positions);
        TargetCheck found;
        run(p.positions, [&] {
            found = kernels<T>().cross_entropy.check(p, t.as<int64_t>(), pointer<T>(weight));
        });
        if (!found.ok) p.refuse(op, found.bad);
        return found.weight;
    }

    Input x;
    bool probabilities;
    Input t;
    std::optional<Input> weight;
    CrossEntropy p;
};

}  // namespace

static py::object cross_entropy(py::handle logits, py::handle target, py::handle weight,
                                int64_t ignore_index, py::handle reduction_name, double smoothing) {
    const char* op = "cross_entropy";
    const Reduction reduction = reduction_argument(op, reduction_name);
    const Arguments a(op, logits, target, weight, ignore_index, smoothing);
    return with_type(a.x.dtype(), [&]<class T>() {
        const double divisor = a.divisor<T>(op);
        const auto forward = [&](T* y) {
            kernels<T>().cross_entropy.forward(a.p, a.x.as<T>(), a.pointers<T>(),
                                               pointer<T>(a.weight), y);
        };
        if (reduction == Reduction::none) {
            const Output y = output(a.p.loss, a.x.dtype());
            run(a.p.elements, [&] { forward(y.as<T>()); });
            return y.owner;
        }
        double sum = 0;
        run(a.p.elements, [&] {
            const memory::Scratch losses(size_t(a.p.positions) * sizeof(T));
            forward(losses.as<T>());
            sum = kernels<T>().cross_entropy.sum(a.p.positions, losses.as<T>());
        });
        return scalar(sum, reduction, divisor, a.x.dtype());
    });
}

static py::object cross_entropy_grad(py::handle grad_y, py::handle logits, py::handle target,
                                     py::handle weight, int64_t ignore_index,
                                     py::handle reduction_name, double smoothing) {
    const char* op = "cross_entropy_grad";
    const Reduction reduction = reduction_argument(op, reduction_name);
    const Arguments a(op, logits, target, weight, ignore_index, smoothing);
    return with_type(a.x.dtype(), [&]<class T>() {
        const Upstream dy(op, grad_y, reduction, a.divisor<T>(op), a.p.loss, a.x, "logits");
        const Output dx = output(a.x.shape(), a.x.dtype());
        run(a.p.elements, [&] {
            kernels<T>().cross_entropy.backward(a.p, a.x.as<T>(), a.pointers<T>(),
                                                pointer<T>(a.weight), pointer<T>(dy.each),
                                                T(dy.scale), dx.as<T>());
        });
        return dx.owner;
    });
}

void bind_cross_entropy(py::module_& m) {
    m.def("cross_entropy", &cross_entropy);
    m.def("cross_entropy_grad", &cross_entropy_grad);
}

}  // namespace tatami
