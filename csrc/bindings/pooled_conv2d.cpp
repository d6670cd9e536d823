#include "ops/pooled_conv2d.h"

#include "bindings/conv2d.h"
#include "bindings/module.h"

namespace tatami {

namespace {

// Errors are named after the convolution: whoever asks for both has given them one by one.
constexpr const char* kOp = "conv2d";

PooledConv2d problem(const Shape& x, const Shape& weight, const Geometry& g, bool relu) {
    return {Conv2d(kOp, x, weight, conv_window(kOp, 2, g)), relu};
}

Input choice_input(const PooledConv2d& p, const Input& dy, py::handle choice) {
    Conv2d::check_shape(kOp, "grad_y", dy.shape(), p.y, "the pooled result");
    Input chosen = index_input(kOp, "choice", choice);
    same_device(kOp, "grad_y", dy.device(), "choice", chosen.device());
    check(chosen.shape().elements() * 8 == p.choice_bytes(size_of(dy.dtype())), kOp,
          ": choice has shape ", chosen.shape(), ", which is not of a result of shape ", p.y);
    return chosen;
}

bool pays(py::handle x, py::handle weight, const Geometry& g, bool weight_grad, bool input_grad) {
    const Input in = input(kOp, "x", x), w = input(kOp, "weight", weight);
    const PooledConv2d p = problem(in.shape(), w.shape(), g, false);
    return with_type(in.dtype(), [&]<class T>() {
        const auto& k = kernels<T>(in.device()).pooled_conv2d;
        return k.pays && k.pays(p, weight_grad, input_grad);
    });
}

py::object forward(py::handle x, py::handle weight, py::handle bias, const Geometry& g, bool relu,
                   bool return_choice) {
    const Input in = input(kOp, "x", x), w = input(kOp, "weight", weight);
    const auto b = optional_input(kOp, "bias", bias);
    same_kind(kOp, "x", in, "weight", w);
    same_kind(kOp, "x", in, "bias", b);
    const PooledConv2d p = problem(in.shape(), w.shape(), g, relu);
    if (b) Conv2d::check_bias(kOp, b->shape(), p.conv.o);
    const Output y = output(p.y, in);
    std::optional<Output> choice;
    if (return_choice)
        choice = output({p.choice_bytes(size_of(in.dtype())) / 8}, DType::int64, in.device());
    with_type(in.dtype(), [&]<class T>() {
        run<T>(in.device(), conv_work(p.conv), [&](const Kernels<T>& k) {
            k.pooled_conv2d.forward(p, in.as<T>(), w.as<T>(), pointer<T>(b), y.as<T>(),
                                    choice ? choice->as<uint8_t>() : nullptr);
        });
    });
    if (choice) return py::make_tuple(y.owner, choice->owner);
    return y.owner;
}

py::object input_grad(py::handle grad_y, py::handle choice, py::handle weight,
                      py::handle input_shape, const Geometry& g) {
    const Input dy = input(kOp, "grad_y", grad_y), w = input(kOp, "weight", weight);
    same_kind(kOp, "grad_y", dy, "weight", w);
    const Shape x = shape_argument(kOp, "input_shape", input_shape);
    const PooledConv2d p = problem(x, w.shape(), g, false);
    const Input chosen = choice_input(p, dy, choice);
    const Output dx = output(x, dy);
    with_type(dy.dtype(), [&]<class T>() {
        run<T>(dy.device(), conv_work(p.conv), [&](const Kernels<T>& k) {
            k.pooled_conv2d.input_grad(p, dy.as<T>(), chosen.as<uint8_t>(), w.as<T>(), dx.as<T>());
        });
    });
    return dx.owner;
}

py::object weight_grad(py::handle grad_y, py::handle choice, py::handle x, py::handle weight_shape,
                       const Geometry& g) {
    const Input dy = input(kOp, "grad_y", grad_y), in = input(kOp, "x", x);
    same_kind(kOp, "grad_y", dy, "x", in);
    const Shape weight = shape_argument(kOp, "weight_shape", weight_shape);
    const PooledConv2d p = problem(in.shape(), weight, g, false);
    const Input chosen = choice_input(p, dy, choice);
    const Output dw = output(weight, in), db = output({p.conv.o}, in);
    with_type(in.dtype(), [&]<class T>() {
        run<T>(in.device(), conv_work(p.conv), [&](const Kernels<T>& k) {
            k.pooled_conv2d.weight_grad(p, dy.as<T>(), chosen.as<uint8_t>(), in.as<T>(), dw.as<T>(),
                                        db.as<T>());
        });
    });
    return py::make_tuple(dw.owner, db.owner);
}

}  // namespace

void bind_pooled_conv2d(py::module_& m) {
    using H = py::handle;
    m.def("pooled_conv2d_pays", [](H x, H w, H s, H pad, H d, int64_t g, bool by_w, bool by_x) {
        return pays(x, w, {s, pad, d, g}, by_w, by_x);
    });
    m.def("pooled_conv2d", [](H x, H w, H b, H s, H pad, H d, int64_t g, bool relu, bool choice) {
        return forward(x, w, b, {s, pad, d, g}, relu, choice);
    });
    m.def("pooled_conv2d_input_grad", [](H dy, H choice, H w, H x, H s, H pad, H d, int64_t g) {
        return input_grad(dy, choice, w, x, {s, pad, d, g});
    });
    m.def("pooled_conv2d_weight_grad", [](H dy, H choice, H x, H w, H s, H pad, H d, int64_t g) {
        return weight_grad(dy, choice, x, w, {s, pad, d, g});
    });
}

}  // namespace tatami
