// What losses share: their reduction, and the gradient that comes from behind it.
#pragma once

#include "bindings/door.h"
#include "ops/loss.h"

namespace tatami {

// "none", "mean" or "sum".
Reduction reduction_argument(const char* op, py::handle value);

// A Python or NumPy number, or an array of no axes.
double number_argument(const char* op, const char* name, py::handle value);

// grad_y of a loss: an array of the loss's shape for "none", else a number.
struct Upstream {
    // divisor: what a mean divided by.
    Upstream(const char* op, py::handle grad_y, Reduction reduction, double divisor,
             const Shape& loss, const Input& x, const char* x_name);

    std::optional<Input> each;
    double scale;
};

// The value of a loss with reduction "mean" or "sum" as an array of no axes.
py::object scalar(double sum, Reduction reduction, double divisor, DType dtype);

}  // namespace tatami
