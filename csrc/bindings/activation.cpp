#include "ops/activation.h"

#include "bindings/module.h"

namespace tatami {

static py::object forward(const char* op, Activation kind, py::handle x, double alpha,
                          py::handle out) {
    const Input in = input(op, "x", x);
    const Output y = output(op, out, in.shape(), in);
    if (!out.is_none()) no_overlap(op, y, {&in}, true);
    const int64_t n = in.shape().elements();
    with_type(in.dtype(), [&]<class T>() {
        run<T>(in.device(), n, [&](const Kernels<T>& k) {
            k.activation.forward(kind, n, in.as<T>(), Real<T>(alpha), y.as<T>());
        });
    });
    return y.owner;
}

static py::object backward(const char* op, Activation kind, py::handle grad_y, py::handle x,
                           double alpha) {
    const Input dy = input(op, "grad_y", grad_y), in = input(op, "x", x);
    same_kind(op, "grad_y", dy, "x", in);
    check(dy.shape() == in.shape(), op, ": grad_y has shape ", dy.shape(), " but x has shape ",
          in.shape());
    const Output dx = output(in.shape(), in);
    const int64_t n = in.shape().elements();
    with_type(in.dtype(), [&]<class T>() {
        run<T>(in.device(), n, [&](const Kernels<T>& k) {
            k.activation.backward(kind, n, dy.as<T>(), in.as<T>(), Real<T>(alpha), dx.as<T>());
        });
    });
    return dx.owner;
}

void bind_activation(py::module_& m) {
    const auto plain = [&m](const char* op, const char* grad, Activation kind) {
        m.def(op, [=](py::handle x, py::handle out) { return forward(op, kind, x, 0, out); });
        m.def(grad, [=](py::handle dy, py::handle x) { return backward(grad, kind, dy, x, 0); });
    };
    const auto shaped = [&m](const char* op, const char* grad, Activation kind) {
        m.def(op, [=](py::handle x, double alpha, py::handle out) {
            return forward(op, kind, x, alpha, out);
        });
        m.def(grad, [=](py::handle dy, py::handle x, double alpha) {
            return backward(grad, kind, dy, x, alpha);
        });
    };
    plain("relu", "relu_grad", Activation::relu);
    plain("sigmoid", "sigmoid_grad", Activation::sigmoid);
    plain("tanh", "tanh_grad", Activation::tanh);
    plain("gelu", "gelu_grad", Activation::gelu);
    plain("silu", "silu_grad", Activation::silu);
    plain("softplus", "softplus_grad", Activation::softplus);
    shaped("elu", "elu_grad", Activation::elu);
    shaped("leaky_relu", "leaky_relu_grad", Activation::leaky_relu);
}

}  // namespace tatami
