#include "bindings/conv2d.h"

#include "bindings/arguments.h"
#include "bindings/module.h"

namespace tatami {

ConvWindow conv_window(const char* op, int rank, const Geometry& g) {
    ConvWindow window;
    window.rank = rank;
    window.stride = pair_argument(op, "stride", g.stride, rank);
    window.dilation = pair_argument(op, "dilation", g.dilation, rank);
    window.groups = g.groups;
    window.exact = g.exact;
    window.padding = padding_argument(op, g.padding, rank);
    return window;
}

int64_t conv_work(const Conv2d& p) {
    return p.n * p.oh * p.ow * p.o * p.group_c * p.kh * p.kw / 16;
}

namespace {

// y = f(conv(x, weight) + bias), and the transposed convolution's input gradient, which is the
// same.
template <class Pointer>
py::object apply(const char* op, const Conv2d& p, const char* x_name, const Input& x,
                 const Input& weight, const std::optional<Input>& bias, py::handle out,
                 const Shape& result, const Pointer& kernel) {
    same_kind(op, x_name, x, "weight", weight);
    same_kind(op, x_name, x, "bias", bias);
    const Output y = output(op, out, result, x);
    if (!out.is_none()) no_overlap(op, y, {&x, &weight, bias ? &*bias : nullptr});
    with_type(x.dtype(), [&]<class T>() {
        run<T>(x.device(), conv_work(p), [&](const Kernels<T>& k) {
            kernel(k.conv2d)(p, x.as<T>(), weight.as<T>(), pointer<T>(bias), y.as<T>());
        });
    });
    return y.owner;
}

constexpr auto kForward = [](const auto& k) { return k.forward; };
constexpr auto kInputGrad = [](const auto& k) { return k.input_grad; };

py::object weight_gradient(const char* op, const Conv2d& p, const Input& dy, const Input& x,
                           py::handle out) {
    const Output dw = output(op, out, p.weight, x);
    if (!out.is_none()) no_overlap(op, dw, {&dy, &x});
    with_type(x.dtype(), [&]<class T>() {
        run<T>(x.device(), conv_work(p), [&](const Kernels<T>& k) {
            k.conv2d.weight_grad(p, dy.as<T>(), x.as<T>(), dw.as<T>());
        });
    });
    return dw.owner;
}

py::object conv(const char* op, int rank, py::handle x, py::handle weight, py::handle bias,
                const Geometry& g, py::handle activation, py::handle out) {
    const Input in = input(op, "x", x), w = input(op, "weight", weight);
    const auto b = optional_input(op, "bias", bias);
    Conv2d p(op, in.shape(), w.shape(), conv_window(op, rank, g));
    if (b) Conv2d::check_bias(op, b->shape(), p.o);
    p.activation = activation_argument(op, activation);
    return apply(op, p, "x", in, w, b, out, p.y, kForward);
}

py::object conv_input_grad(const char* op, int rank, py::handle grad_y, py::handle weight,
                           py::handle input_shape, const Geometry& g, py::handle out) {
    const Input dy = input(op, "grad_y", grad_y), w = input(op, "weight", weight);
    const Conv2d p(op, shape_argument(op, "input_shape", input_shape), w.shape(),
                   conv_window(op, rank, g));
    Conv2d::check_shape(op, "grad_y", dy.shape(), p.y, "the convolution's result");
    return apply(op, p, "grad_y", dy, w, std::nullopt, out, p.x, kInputGrad);
}

py::object conv_weight_grad(const char* op, int rank, py::handle grad_y, py::handle x,
                            py::handle weight_shape, const Geometry& g, py::handle out) {
    const Input dy = input(op, "grad_y", grad_y), in = input(op, "x", x);
    same_kind(op, "grad_y", dy, "x", in);
    const Conv2d p(op, in.shape(), shape_argument(op, "weight_shape", weight_shape),
                   conv_window(op, rank, g));
    Conv2d::check_shape(op, "grad_y", dy.shape(), p.y, "the convolution's result");
    return weight_gradient(op, p, dy, in, out);
}

py::object transposed(const char* op, int rank, py::handle x, py::handle weight, py::handle bias,
                      const Geometry& g, py::handle output_padding, py::handle activation,
                      py::handle out) {
    const Input in = input(op, "x", x), w = input(op, "weight", weight);
    const auto b = optional_input(op, "bias", bias);
    Conv2d p = Conv2d::transposed(op, in.shape(), w.shape(), conv_window(op, rank, g),
                                  pair_argument(op, "output_padding", output_padding, rank));
    if (b) Conv2d::check_bias(op, b->shape(), p.c);
    p.activation = activation_argument(op, activation);
    return apply(op, p, "x", in, w, b, out, p.x, kInputGrad);
}

py::object transposed_input_grad(const char* op, int rank, py::handle grad_y, py::handle weight,
                                 py::handle input_shape, const Geometry& g,
                                 py::handle output_padding, py::handle out) {
    const Input dy = input(op, "grad_y", grad_y), w = input(op, "weight", weight);
    const Conv2d p = Conv2d::transposed(op, shape_argument(op, "input_shape", input_shape),
                                        w.shape(), conv_window(op, rank, g),
                                        pair_argument(op, "output_padding", output_padding, rank));
    Conv2d::check_shape(op, "grad_y", dy.shape(), p.x, "the transposed convolution's result");
    return apply(op, p, "grad_y", dy, w, std::nullopt, out, p.y, kForward);
}

py::object transposed_weight_grad(const char* op, int rank, py::handle grad_y, py::handle x,
                                  py::handle weight_shape, const Geometry& g,
                                  py::handle output_padding, py::handle out) {
    const Input dy = input(op, "grad_y", grad_y), in = input(op, "x", x);
    same_kind(op, "grad_y", dy, "x", in);
    const Conv2d p = Conv2d::transposed(
        op, in.shape(), shape_argument(op, "weight_shape", weight_shape), conv_window(op, rank, g),
        pair_argument(op, "output_padding", output_padding, rank));
    Conv2d::check_shape(op, "grad_y", dy.shape(), p.x, "the transposed convolution's result");
    return weight_gradient(op, p, in, dy, out);
}

py::object bias_grad(py::handle grad_y) {
    const char* op = "conv2d_bias_grad";
    const Input dy = input(op, "grad_y", grad_y);
    const Shape& s = dy.shape();
    check(s.rank == 4 || s.rank == 3, op, ": grad_y must be (N, O, H, W) or (N, O, L), got shape ",
          s);
    const Output db = output({s[1]}, dy);
    with_type(dy.dtype(), [&]<class T>() {
        run<T>(dy.device(), s.elements(), [&](const Kernels<T>& k) {
            k.conv2d.bias_grad(s[0], s[1], s.elements(2), dy.as<T>(), db.as<T>());
        });
    });
    return db.owner;
}

void bind_rank(py::module_& m, int rank, const char* const (&op)[6]) {
    const char *f = op[0], *fi = op[1], *fw = op[2], *t = op[3], *ti = op[4], *tw = op[5];
    using H = py::handle;
    m.def(f, [=](H x, H w, H b, H s, H pad, H d, int64_t g, H act, H out, bool exact) {
        return conv(f, rank, x, w, b, {s, pad, d, g, exact}, act, out);
    });
    m.def(fi, [=](H dy, H w, H shape, H s, H pad, H d, int64_t g, H out, bool exact) {
        return conv_input_grad(fi, rank, dy, w, shape, {s, pad, d, g, exact}, out);
    });
    m.def(fw, [=](H dy, H x, H shape, H s, H pad, H d, int64_t g, H out, bool exact) {
        return conv_weight_grad(fw, rank, dy, x, shape, {s, pad, d, g, exact}, out);
    });
    m.def(t, [=](H x, H w, H b, H s, H pad, H more, int64_t g, H d, H act, H out, bool exact) {
        return transposed(t, rank, x, w, b, {s, pad, d, g, exact}, more, act, out);
    });
    m.def(ti, [=](H dy, H w, H shape, H s, H pad, H more, int64_t g, H d, H out, bool exact) {
        return transposed_input_grad(ti, rank, dy, w, shape, {s, pad, d, g, exact}, more, out);
    });
    m.def(tw, [=](H dy, H x, H shape, H s, H pad, H more, int64_t g, H d, H out, bool exact) {
        return transposed_weight_grad(tw, rank, dy, x, shape, {s, pad, d, g, exact}, more, out);
    });
}

}  // namespace

void bind_conv2d(py::module_& m) {
    bind_rank(m, 2,
              {"conv2d", "conv2d_input_grad", "conv2d_weight_grad", "conv_transpose2d",
               "conv_transpose2d_input_grad", "conv_transpose2d_weight_grad"});
    bind_rank(m, 1,
              {"conv1d", "conv1d_input_grad", "conv1d_weight_grad", "conv_transpose1d",
               "conv_transpose1d_input_grad", "conv_transpose1d_weight_grad"});
    m.def("conv2d_bias_grad", &bias_grad);
    m.def("exchange_exact", &exchange_exact);
}

}  // namespace tatami
