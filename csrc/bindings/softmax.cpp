#include "ops/softmax.h"

#include "bindings/module.h"

namespace tatami {

// kernel(table) gives one of its members, here and below.
template <class Kernel>
static py::object forward(const char* op, const Kernel& kernel, py::handle x, int64_t axis,
                          py::handle out) {
    const Input in = input(op, "x", x);
    const Softmax p(op, in.shape(), axis);
    const Output y = output(op, out, in.shape(), in);
    if (!out.is_none()) no_overlap(op, y, {&in}, true);
    with_type(in.dtype(), [&]<class T>() {
        run<T>(in.device(), p.elements,
               [&](const Kernels<T>& k) { kernel(k.softmax)(p, in.as<T>(), y.as<T>()); });
    });
    return y.owner;
}

template <class Kernel>
static py::object backward(const char* op, const Kernel& kernel, py::handle grad_y, py::handle y,
                           int64_t axis) {
    const Input dy = input(op, "grad_y", grad_y), out = input(op, "y", y);
    same_kind(op, "grad_y", dy, "y", out);
    check(dy.shape() == out.shape(), op, ": grad_y has shape ", dy.shape(), " but y has shape ",
          out.shape());
    const Softmax p(op, out.shape(), axis);
    const Output dx = output(out.shape(), out);
    with_type(out.dtype(), [&]<class T>() {
        run<T>(out.device(), p.elements, [&](const Kernels<T>& k) {
            kernel(k.softmax)(p, dy.as<T>(), out.as<T>(), dx.as<T>());
        });
    });
    return dx.owner;
}

void bind_softmax(py::module_& m) {
    m.def("softmax", [](py::handle x, int64_t axis, py::handle out) {
        return forward("softmax", [](const auto& table) { return table.softmax; }, x, axis, out);
    });
    m.def("log_softmax", [](py::handle x, int64_t axis, py::handle out) {
        return forward(
            "log_softmax", [](const auto& table) { return table.log_softmax; }, x, axis, out);
    });
    m.def("softmax_grad", [](py::handle dy, py::handle y, int64_t axis) {
        return backward(
            "softmax_grad", [](const auto& table) { return table.softmax_grad; }, dy, y, axis);
    });
    m.def("log_softmax_grad", [](py::handle dy, py::handle y, int64_t axis) {
        return backward(
            "log_softmax_grad", [](const auto& table) { return table.log_softmax_grad; }, dy, y,
            axis);
    });
}

}  // namespace tatami
