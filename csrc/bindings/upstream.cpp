#include "bindings/upstream.h"

#include <string_view>

namespace tatami {

Reduction reduction_argument(const char* op, py::handle value) {
    if (PyUnicode_Check(value.ptr())) {
        const auto wanted = value.cast<std::string_view>();
        if (wanted == "none") return Reduction::none;
        if (wanted == "mean") return Reduction::mean;
        if (wanted == "sum") return Reduction::sum;
    }
    throw ValueError(concat(op, ": reduction is ", py::repr(value).cast<std::string>(),
                            "; it must be 'none', 'mean' or 'sum'"));
}

double number_argument(const char* op, const char* name, py::handle value) {
    const double number = PyFloat_AsDouble(value.ptr());
    if (number != -1 || !PyErr_Occurred()) return number;
    PyErr_Clear();
    throw TypeError(concat(op, ": ", name, " must be a number or an array of no axes, got ",
                           Py_TYPE(value.ptr())->tp_name));
}

Upstream::Upstream(const char* op, py::handle grad_y, Reduction reduction, double divisor,
                   const Shape& loss, const Input& x, const char* x_name)
    : scale(1) {
    if (reduction != Reduction::none) {
        scale = number_argument(op, "grad_y", grad_y);
        if (reduction == Reduction::mean) scale /= divisor;
        return;
    }
    each = input(op, "grad_y", grad_y);
    same_dtype(op, "grad_y", *each, x_name, x);
    check(each->shape() == loss, op, ": grad_y has shape ", each->shape(),
          " but the loss has shape ", loss);
}

py::object scalar(double sum, Reduction reduction, double divisor, DType dtype) {
    const Output y = output(Shape{}, dtype);
    const double value = reduction == Reduction::mean ? sum / divisor : sum;
    with_type(dtype, [&]<class T>() { *y.as<T>() = T(value); });
    return y.owner;
}

}  // namespace tatami
