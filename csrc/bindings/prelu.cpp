#include "ops/prelu.h"

#include "bindings/module.h"

namespace tatami {

static py::object prelu(py::handle x, py::handle weight, py::handle out) {
    const Input in = input("prelu", "x", x), w = input("prelu", "weight", weight);
    same_kind("prelu", "x", in, "weight", w);
    const Prelu p("prelu", in.shape(), w.shape());
    const Output y = output("prelu", out, in.shape(), in);
    if (!out.is_none()) {
        no_overlap("prelu", y, {&in}, true);
        no_overlap("prelu", y, {&w});
    }
    with_type(in.dtype(), [&]<class T>() {
        run<T>(in.device(), p.elements,
               [&](const Kernels<T>& k) { k.prelu.forward(p, in.as<T>(), w.as<T>(), y.as<T>()); });
    });
    return y.owner;
}

static py::object prelu_grad(py::handle grad_y, py::handle x, py::handle weight) {
    const char* op = "prelu_grad";
    const Input dy = input(op, "grad_y", grad_y), in = input(op, "x", x);
    const Input w = input(op, "weight", weight);
    same_kind(op, "grad_y", dy, "x", in);
    same_kind(op, "x", in, "weight", w);
    check(dy.shape() == in.shape(), op, ": grad_y has shape ", dy.shape(), " but x has shape ",
          in.shape());
    const Prelu p(op, in.shape(), w.shape());
    const Output dx = output(in.shape(), in), dw = output(w.shape(), in);
    with_type(in.dtype(), [&]<class T>() {
        run<T>(in.device(), p.elements, [&](const Kernels<T>& k) {
            k.prelu.backward(p, dy.as<T>(), in.as<T>(), w.as<T>(), dx.as<T>(), dw.as<T>());
        });
    });
    return py::make_tuple(dx.owner, dw.owner);
}

void bind_prelu(py::module_& m) {
    m.def("prelu", &prelu);
    m.def("prelu_grad", &prelu_grad);
}

}  // namespace tatami
