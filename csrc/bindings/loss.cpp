#include "ops/loss.h"

#include "bindings/module.h"
#include "bindings/upstream.h"

namespace tatami {

// ---- Distances: mse_loss, l1_loss, huber_loss.

struct Pairing {
    Input x, t;
    int64_t n;
};

static Pairing pairing(const char* op, py::handle x, py::handle target) {
    Input in = input(op, "input", x), t = input(op, "target", target);
    same_kind(op, "input", in, "target", t);
    check_same_shape(op, "input", in.shape(), t.shape());
    const int64_t n = in.shape().elements();
    return {std::move(in), std::move(t), n};
}

static py::object distance(const char* op, Distance kind, py::handle input, py::handle target,
                           py::handle reduction_name, double delta) {
    const Reduction reduction = reduction_argument(op, reduction_name);
    const auto [x, t, n] = pairing(op, input, target);
    return with_type(x.dtype(), [&, &x = x, &t = t, n = n]<class T>() {
        if (reduction == Reduction::none) {
            const Output y = output(x.shape(), x);
            run<T>(x.device(), n, [&](const Kernels<T>& k) {
                k.loss.distance(kind, n, x.as<T>(), t.as<T>(), Real<T>(delta), y.as<T>());
            });
            return y.owner;
        }
        const Output y = output(Shape{}, x);
        const Divided by{reduction == Reduction::mean ? double(n) : 1};
        run<T>(x.device(), n, [&](const Kernels<T>& k) {
            k.loss.distance_sum(kind, n, x.as<T>(), t.as<T>(), Real<T>(delta), by, y.as<T>());
        });
        return y.owner;
    });
}

static py::object distance_grad(const char* op, Distance kind, py::handle grad_y, py::handle input,
                                py::handle target, py::handle reduction_name, double delta) {
    const Reduction reduction = reduction_argument(op, reduction_name);
    const auto [x, t, n] = pairing(op, input, target);
    const Upstream dy(op, grad_y, reduction, {double(n)}, x.shape(), x, "input");
    const Output dx = output(x.shape(), x);
    with_type(x.dtype(), [&, &x = x, &t = t, n = n]<class T>() {
        run<T>(x.device(), n, [&](const Kernels<T>& k) {
            k.loss.distance_grad(kind, n, x.as<T>(), t.as<T>(), Real<T>(delta), pointer<T>(dy.each),
                                 dy.scale<T>(), dx.as<T>());
        });
    });
    return dx.owner;
}

static double checked_delta(const char* op, double delta) {
    check(delta > 0, op, ": delta is ", delta, "; it must be positive");
    return delta;
}

// ---- Binary cross entropy.

struct Binary {
    Binary(const char* op, py::handle logits, py::handle target, py::handle weights,
           py::handle pos_weight)
        : x(input(op, "logits", logits)),
          t(input(op, "target", target)),
          weight(optional_input(op, "weight", weights)),
          pos(positive(op, pos_weight)),
          p(op, x.shape(), t.shape(), weight ? &weight->shape() : nullptr,
            pos ? &pos->shape() : nullptr) {
        same_kind(op, "logits", x, "target", t);
        same_kind(op, "logits", x, "weight", weight);
        same_kind(op, "logits", x, "pos_weight", pos);
        p.positive = number;
    }

    // An array as it is; a number, or 1 for None, is kept apart.
    std::optional<Input> positive(const char* op, py::handle value) {
        if (value.is_none()) return std::nullopt;
        if (py::hasattr(value, "shape") && py::len(value.attr("shape")) > 0)
            return input(op, "pos_weight", value);
        number = number_argument(op, "pos_weight", value);
        return std::nullopt;
    }

    double number = 1;  // before what the constructor sets it with
    Input x, t;
    std::optional<Input> weight, pos;
    BinaryCrossEntropy p;
};

static constexpr const char* kBinary = "binary_cross_entropy_with_logits";
static constexpr const char* kBinaryGrad = "binary_cross_entropy_with_logits_grad";

static py::object binary(py::handle logits, py::handle target, py::handle weight,
                         py::handle reduction_name, py::handle pos_weight) {
    const Reduction reduction = reduction_argument(kBinary, reduction_name);
    const Binary b(kBinary, logits, target, weight, pos_weight);
    return with_type(b.x.dtype(), [&]<class T>() {
        const T *x = b.x.as<T>(), *t = b.t.as<T>(), *w = pointer<T>(b.weight);
        const T* const pos = pointer<T>(b.pos);
        if (reduction == Reduction::none) {
            const Output y = output(b.x.shape(), b.x);
            run<T>(b.x.device(), b.p.n,
                   [&](const Kernels<T>& k) { k.loss.binary(b.p, x, t, w, pos, y.as<T>()); });
            return y.owner;
        }
        const Output y = output(Shape{}, b.x);
        const Divided by{reduction == Reduction::mean ? double(b.p.n) : 1};
        run<T>(b.x.device(), b.p.n,
               [&](const Kernels<T>& k) { k.loss.binary_sum(b.p, x, t, w, pos, by, y.as<T>()); });
        return y.owner;
    });
}

static py::object binary_grad(py::handle grad_y, py::handle logits, py::handle target,
                              py::handle weight, py::handle reduction_name, py::handle pos_weight) {
    const Reduction reduction = reduction_argument(kBinaryGrad, reduction_name);
    const Binary b(kBinaryGrad, logits, target, weight, pos_weight);
    const Upstream dy(kBinaryGrad, grad_y, reduction, {double(b.p.n)}, b.x.shape(), b.x, "logits");
    const Output dx = output(b.x.shape(), b.x);
    with_type(b.x.dtype(), [&]<class T>() {
        run<T>(b.x.device(), b.p.n, [&](const Kernels<T>& k) {
            k.loss.binary_grad(b.p, b.x.as<T>(), b.t.as<T>(), pointer<T>(b.weight),
                               pointer<T>(b.pos), pointer<T>(dy.each), dy.scale<T>(), dx.as<T>());
        });
    });
    return dx.owner;
}

void bind_loss(py::module_& m) {
    using H = py::handle;
    const auto plain = [&m](const char* op, const char* grad, Distance kind) {
        m.def(op, [=](H x, H t, H reduction) { return distance(op, kind, x, t, reduction, 0); });
        m.def(grad, [=](H dy, H x, H t, H reduction) {
            return distance_grad(grad, kind, dy, x, t, reduction, 0);
        });
    };
    plain("mse_loss", "mse_loss_grad", Distance::squared);
    plain("l1_loss", "l1_loss_grad", Distance::absolute);
    m.def("huber_loss", [](H x, H t, H reduction, double delta) {
        return distance("huber_loss", Distance::huber, x, t, reduction,
                        checked_delta("huber_loss", delta));
    });
    m.def("huber_loss_grad", [](H dy, H x, H t, H reduction, double delta) {
        return distance_grad("huber_loss_grad", Distance::huber, dy, x, t, reduction,
                             checked_delta("huber_loss_grad", delta));
    });
    m.def(kBinary, &binary);
    m.def(kBinaryGrad, &binary_grad);
}

}  // namespace tatami
