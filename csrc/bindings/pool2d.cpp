#include "ops/pool2d.h"

#include "bindings/arguments.h"
#include "bindings/module.h"
#include "bindings/pool.h"

namespace tatami {

namespace {

// The window as Python gives it; stride None is kernel_size.
struct Window {
    py::handle kernel_size, stride, padding, dilation;
    bool ceil_mode;
};

Pool2d problem(const char* op, const Shape& x, const Window& w) {
    const Pair kernel_size = pair_argument(op, "kernel_size", w.kernel_size);
    return Pool2d(op, x, kernel_size,
                  w.stride.is_none() ? kernel_size : pair_argument(op, "stride", w.stride),
                  padding_argument(op, w.padding), pair_argument(op, "dilation", w.dilation),
                  w.ceil_mode);
}

py::object max_pool2d(py::handle x, py::handle kernel_size, py::handle stride, py::handle padding,
                      py::handle dilation, bool ceil_mode, bool return_indices) {
    const Input in = input("max_pool2d", "x", x);
    const Pool2d p =
        problem("max_pool2d", in.shape(), {kernel_size, stride, padding, dilation, ceil_mode});
    const Output y = output(p.y, in);
    std::optional<Output> indices;
    if (return_indices) indices = output(p.y, DType::int64, in.device());
    with_type(in.dtype(), [&]<class T>() {
        run<T>(in.device(), p.x.elements(), [&](const Kernels<T>& k) {
            k.pool2d.max(p, in.as<T>(), y.as<T>(), indices ? indices->as<int64_t>() : nullptr);
        });
    });
    if (indices) return py::make_tuple(y.owner, indices->owner);
    return y.owner;
}

py::object max_pool2d_grad(py::handle grad_y, py::handle indices, py::handle input_shape,
                           py::handle kernel_size, py::handle stride, py::handle padding,
                           py::handle dilation, bool ceil_mode) {
    const char* op = "max_pool2d_grad";
    const Input dy = input(op, "grad_y", grad_y), where = index_input(op, "indices", indices);
    same_device(op, "grad_y", dy.device(), "indices", where.device());
    const Pool2d p = problem(op, shape_argument(op, "input_shape", input_shape),
                             {kernel_size, stride, padding, dilation, ceil_mode});
    p.check_output(op, "grad_y", dy.shape());
    p.check_output(op, "indices", where.shape());
    const Output dx = output(p.x, dy);
    with_type(dy.dtype(), [&]<class T>() {
        bool inside;
        run<T>(dy.device(), p.x.elements(), [&](const Kernels<T>& k) {
            inside = k.pool2d.max_backward(p, dy.as<T>(), where.as<int64_t>(), dx.as<T>());
        });
        if (!inside) index_outside(op, where, p.x);
    });
    return dx.owner;
}

py::object avg_pool2d(py::handle x, py::handle kernel_size, py::handle stride, py::handle padding,
                      bool ceil_mode, bool count_include_pad, py::handle dilation) {
    const Input in = input("avg_pool2d", "x", x);
    Pool2d p =
        problem("avg_pool2d", in.shape(), {kernel_size, stride, padding, dilation, ceil_mode});
    p.divisor = count_include_pad ? Divisor::padded : Divisor::image;
    const Output y = output(p.y, in);
    with_type(in.dtype(), [&]<class T>() {
        run<T>(in.device(), p.x.elements(),
               [&](const Kernels<T>& k) { k.pool2d.average(p, in.as<T>(), y.as<T>()); });
    });
    return y.owner;
}

py::object avg_pool2d_grad(py::handle grad_y, py::handle input_shape, py::handle kernel_size,
                           py::handle stride, py::handle padding, bool ceil_mode,
                           bool count_include_pad, py::handle dilation) {
    const char* op = "avg_pool2d_grad";
    const Input dy = input(op, "grad_y", grad_y);
    Pool2d p = problem(op, shape_argument(op, "input_shape", input_shape),
                       {kernel_size, stride, padding, dilation, ceil_mode});
    p.divisor = count_include_pad ? Divisor::padded : Divisor::image;
    p.check_output(op, "grad_y", dy.shape());
    const Output dx = output(p.x, dy);
    with_type(dy.dtype(), [&]<class T>() {
        run<T>(dy.device(), p.x.elements(),
               [&](const Kernels<T>& k) { k.pool2d.average_backward(p, dy.as<T>(), dx.as<T>()); });
    });
    return dx.owner;
}

}  // namespace

void index_outside(const char* op, const Input& indices, const Shape& x) {
    const int64_t* index = indices.as<int64_t>();
    const int64_t pixels = x.elements(2);
    for (int64_t i = 0; i < indices.shape().elements(); i++)
        check(index[i] >= 0 && index[i] < pixels, op, ": indices holds ", index[i],
              " but a plane of input_shape ", x, " has pixels 0 to ", pixels - 1);
}

void bind_pool2d(py::module_& m) {
    m.def("max_pool2d", &max_pool2d);
    m.def("max_pool2d_grad", &max_pool2d_grad);
    m.def("avg_pool2d", &avg_pool2d);
    m.def("avg_pool2d_grad", &avg_pool2d_grad);
}

}  // namespace tatami
