#include "ops/matmul.h"

#include "bindings/arguments.h"
#include "bindings/module.h"
#include "ops/precision.h"

namespace tatami {

static py::object multiply(const char* op, const Matmul& p, const Input& a, const Input& b,
                           py::handle bias, py::handle out, const Shape& shape) {
    same_kind(op, "a", a, "b", b);
    const auto bias_in = optional_input(op, "bias", bias);
    same_kind(op, "a", a, "bias", bias_in);
    if (bias_in) p.check_bias(op, bias_in->shape());
    const Output y = output(op, out, shape, a);
    if (!out.is_none()) no_overlap(op, y, {&a, &b, bias_in ? &*bias_in : nullptr});
    with_type(a.dtype(), [&]<class T>() {
        run<T>(a.device(), p.batches * p.m * p.n * p.k / 16, [&](const Kernels<T>& k) {
            k.matmul.matmul(p, a.as<T>(), b.as<T>(), pointer<T>(bias_in), y.as<T>());
        });
    });
    return y.owner;
}

static py::object matmul(py::handle a, py::handle b, py::handle bias, py::handle activation,
                         py::handle out) {
    int64_t a_strides[Shape::kMaxRank], b_strides[Shape::kMaxRank];
    const Input left = strided_input("matmul", "a", a, a_strides, readable_in_place);
    const Input right = strided_input("matmul", "b", b, b_strides, readable_in_place);
    Matmul p("matmul", left.shape(), a_strides, right.shape(), b_strides);
    p.activation = activation_argument("matmul", activation);
    return multiply("matmul", p, left, right, bias, out, p.y);
}

// linear is matmul with the weight read through its transposed view.
static py::object linear(py::handle x, py::handle weight, py::handle bias, py::handle activation,
                         py::handle out) {
    int64_t x_strides[Shape::kMaxRank], w_strides[Shape::kMaxRank];
    const Input in = strided_input("linear", "x", x, x_strides, readable_in_place);
    const Input w = strided_input("linear", "weight", weight, w_strides, readable_in_place);
    check(w.shape().rank == 2, "linear: weight must be (out_features, in_features), got shape ",
          w.shape());
    check(in.shape().rank >= 1 && in.shape()[-1] == w.shape()[1], "linear: x has ",
          in.shape().rank ? in.shape()[-1] : 1, " features but weight expects ", w.shape()[1],
          " (x ", in.shape(), ", weight ", w.shape(), ")");
    const Shape transposed{w.shape()[1], w.shape()[0]};
    const int64_t t_strides[2] = {w_strides[1], w_strides[0]};
    Matmul p("linear", in.shape(), x_strides, transposed, t_strides);
    p.activation = activation_argument("linear", activation);
    return multiply("linear", p, in, w, bias, out, p.y);
}

void bind_matmul(py::module_& m) {
    m.def("matmul", &matmul);
    m.def("linear", &linear);
    m.def("exchange_tf32", &exchange_tf32);
}

}  // namespace tatami
