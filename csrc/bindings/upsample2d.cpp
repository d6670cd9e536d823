#include "ops/upsample2d.h"

#include "bindings/arguments.h"
#include "bindings/module.h"

namespace tatami {

static bool is_bilinear(const char* op, py::handle mode) {
    if (PyUnicode_Check(mode.ptr())) {
        const auto text = mode.cast<std::string>();
        if (text == "nearest" || text == "bilinear") return text == "bilinear";
    }
    throw ValueError(concat(op, ": mode is ", py::repr(mode).cast<std::string>(),
                            "; it must be 'nearest' or 'bilinear'"));
}

static py::object upsample2d(py::handle x, py::handle scale, py::handle mode) {
    const char* op = "upsample2d";
    const bool bilinear = is_bilinear(op, mode);
    const Input in = input(op, "x", x);
    const Upsample2d p(op, in.shape(), pair_argument(op, "scale", scale));
    const Output y = output(p.y, in);
    with_type(in.dtype(), [&]<class T>() {
        run<T>(in.device(), p.y.elements(), [&](const Kernels<T>& k) {
            if (bilinear)
                k.upsample2d.bilinear(p, in.as<T>(), y.as<T>());
            else
                k.pool2d.average_backward(p.blocks, in.as<T>(), y.as<T>());
        });
    });
    return y.owner;
}

static py::object upsample2d_grad(py::handle grad_y, py::handle input_shape, py::handle scale,
                                  py::handle mode) {
    const char* op = "upsample2d_grad";
    const bool bilinear = is_bilinear(op, mode);
    const Input dy = input(op, "grad_y", grad_y);
    const Upsample2d p(op, shape_argument(op, "input_shape", input_shape),
                       pair_argument(op, "scale", scale));
    p.check_output(op, "grad_y", dy.shape());
    const Output dx = output(p.x, dy);
    with_type(dy.dtype(), [&]<class T>() {
        run<T>(dy.device(), p.y.elements(), [&](const Kernels<T>& k) {
            if (bilinear)
                k.upsample2d.bilinear_backward(p, dy.as<T>(), dx.as<T>());
            else
                k.pool2d.average(p.blocks, dy.as<T>(), dx.as<T>());
        });
    });
    return dx.owner;
}

void bind_upsample2d(py::module_& m) {
    m.def("upsample2d", &upsample2d);
    m.def("upsample2d_grad", &upsample2d_grad);
}

}  // namespace tatami
