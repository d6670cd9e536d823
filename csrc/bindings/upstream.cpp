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

Upstream::Upstream(const char* op, py::handle grad_y, Reduction reduction, Divided by,
                   const Shape& loss, const Input& x, const char* x_name) {
    const bool reduced = reduction != Reduction::none;
    if (reduction == Reduction::mean) over = by.over;
    const double divisor = reduction == Reduction::mean && !by.over ? by.number : 1;
    if (recorder && reduced && x.device() == Device::cpu && py::hasattr(grad_y, "shape")) {
        record(input(op, "grad_y", grad_y), divisor);
        return;
    }
    if (reduced && !(x.device() == Device::cuda && cupy::holds(grad_y))) {
        number = number_argument(op, "grad_y", grad_y) / divisor;
        return;
    }
    number = 1 / divisor;
    std::optional<Input>& given = reduced ? one : each;
    given = input(op, "grad_y", grad_y);
    same_kind(op, "grad_y", *given, x_name, x);
    const Shape wanted = reduced ? Shape{} : loss;
    check(given->shape() == wanted, op, ": grad_y has shape ", given->shape(),
          " but the loss has shape ", wanted);
}

void Upstream::record(const Input& grad_y, double divisor) {
    const Output quotient = output(Shape{}, grad_y);
    with_type(grad_y.dtype(), [&]<class T>() {
        run_on_host([from = grad_y.as<T>(), to = quotient.as<T>(), divisor] {
            *to = T(Real<T>(double(Real<T>(*from)) / divisor));
        });
    });
    one = Input{quotient.owner, quotient.array};
}

}  // namespace tatami
