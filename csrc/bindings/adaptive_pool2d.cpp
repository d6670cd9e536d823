#include "ops/adaptive_pool2d.h"

#include "bindings/arguments.h"
#include "bindings/module.h"
#include "bindings/pool.h"

namespace tatami {

static py::object adaptive_max_pool2d(py::handle x, py::handle output_size, bool return_indices) {
    const char* op = "adaptive_max_pool2d";
    const Input in = input(op, "x", x);
    const AdaptivePool2d p(op, in.shape(), pair_argument(op, "output_size", output_size));
    const Output y = output(p.y, in);
    std::optional<Output> indices;
    if (return_indices) indices = output(p.y, DType::int64, in.device());
    with_type(in.dtype(), [&]<class T>() {
        run<T>(in.device(), p.x.elements(), [&](const Kernels<T>& k) {
            k.adaptive_pool2d.max(p, in.as<T>(), y.as<T>(),
                                  indices ? indices->as<int64_t>() : nullptr);
        });
    });
    if (indices) return py::make_tuple(y.owner, indices->owner);
    return y.owner;
}

// The output size is grad_y's last two axes.
static AdaptivePool2d gradient_problem(const char* op, const Input& dy, py::handle input_shape) {
    const Shape x = shape_argument(op, "input_shape", input_shape);
    check(dy.shape().rank == 4, op, ": grad_y must be (N, C, P, Q), got shape ", dy.shape());
    const AdaptivePool2d p(op, x, {dy.shape()[2], dy.shape()[3]});
    p.check_output(op, "grad_y", dy.shape());
    return p;
}

static py::object adaptive_max_pool2d_grad(py::handle grad_y, py::handle indices,
                                           py::handle input_shape) {
    const char* op = "adaptive_max_pool2d_grad";
    const Input dy = input(op, "grad_y", grad_y), where = index_input(op, "indices", indices);
    same_device(op, "grad_y", dy.device(), "indices", where.device());
    const AdaptivePool2d p = gradient_problem(op, dy, input_shape);
    p.check_output(op, "indices", where.shape());
    const Output dx = output(p.x, dy);
    with_type(dy.dtype(), [&]<class T>() {
        bool inside;
        run<T>(dy.device(), p.x.elements(), [&](const Kernels<T>& k) {
            inside = k.adaptive_pool2d.max_backward(p, dy.as<T>(), where.as<int64_t>(), dx.as<T>());
        });
        if (!inside) index_outside(op, where, p.x);
    });
    return dx.owner;
}

static py::object adaptive_avg_pool2d(py::handle x, py::handle output_size) {
    const char* op = "adaptive_avg_pool2d";
    const Input in = input(op, "x", x);
    const AdaptivePool2d p(op, in.shape(), pair_argument(op, "output_size", output_size));
    const Output y = output(p.y, in);
    with_type(in.dtype(), [&]<class T>() {
        run<T>(in.device(), p.x.elements(),
               [&](const Kernels<T>& k) { k.adaptive_pool2d.average(p, in.as<T>(), y.as<T>()); });
    });
    return y.owner;
}

static py::object adaptive_avg_pool2d_grad(py::handle grad_y, py::handle input_shape) {
    const char* op = "adaptive_avg_pool2d_grad";
    const Input dy = input(op, "grad_y", grad_y);
    const AdaptivePool2d p = gradient_problem(op, dy, input_shape);
    const Output dx = output(p.x, dy);
    with_type(dy.dtype(), [&]<class T>() {
        run<T>(dy.device(), p.x.elements(), [&](const Kernels<T>& k) {
            k.adaptive_pool2d.average_backward(p, dy.as<T>(), dx.as<T>());
        });
    });
    return dx.owner;
}

void bind_adaptive_pool2d(py::module_& m) {
    m.def("adaptive_max_pool2d", &adaptive_max_pool2d);
    m.def("adaptive_max_pool2d_grad", &adaptive_max_pool2d_grad);
    m.def("adaptive_avg_pool2d", &adaptive_avg_pool2d);
    m.def("adaptive_avg_pool2d_grad", &adaptive_avg_pool2d_grad);
}

}  // namespace tatami
