#include "ops/dropout.h"

#include "bindings/arguments.h"
#include "bindings/module.h"

namespace tatami {

static py::object dropout(py::handle x, double p, py::handle seed) {
    const Dropout d("dropout", p);
    const uint64_t key = seed_argument("dropout", seed);
    const Input in = input("dropout", "x", x);
    const Output y = output(in.shape(), in), mask = output(in.shape(), DType::boolean, in.device());
    const int64_t n = in.shape().elements();
    with_type(in.dtype(), [&]<class T>() {
        run<T>(in.device(), n, [&](const Kernels<T>& k) {
            k.dropout.forward(d, key, n, in.as<T>(), y.as<T>(), mask.as<bool>());
        });
    });
    return py::make_tuple(y.owner, mask.owner);
}

static py::object dropout_grad(py::handle grad_y, py::handle mask, double p) {
    const char* const op = "dropout_grad";
    const Dropout d(op, p);
    const Input dy = input(op, "grad_y", grad_y), keep = bool_input(op, "mask", mask);
    same_device(op, "grad_y", dy.device(), "mask", keep.device());
    check(dy.shape() == keep.shape(), op, ": grad_y has shape ", dy.shape(), " but mask has shape ",
          keep.shape());
    const Output dx = output(dy.shape(), dy);
    const int64_t n = dy.shape().elements();
    with_type(dy.dtype(), [&]<class T>() {
        run<T>(dy.device(), n, [&](const Kernels<T>& k) {
            k.dropout.backward(d, n, dy.as<T>(), keep.as<bool>(), dx.as<T>());
        });
    });
    return dx.owner;
}

void bind_dropout(py::module_& m) {
    m.def("dropout", &dropout);
    m.def("dropout_grad", &dropout_grad);
}

}  // namespace tatami
