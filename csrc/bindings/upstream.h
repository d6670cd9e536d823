// What losses share: their reduction, and the gradient that comes from behind it.
#pragma once

#include "bindings/door.h"
#include "ops/loss.h"

namespace tatami {

// "none", "mean" or "sum".
Reduction reduction_argument(const char* op, py::handle value);

// A Python or NumPy number, or an array of no axes.
double number_argument(const char* op, const char* name, py::handle value);

// grad_y of a loss: an array of the loss's shape for "none", else a number, which stays on the GPU
// where it is there.
struct Upstream {
    // by: what a mean divided by.
    Upstream(const char* op, py::handle grad_y, Reduction reduction, Divided by, const Shape& loss,
             const Input& x, const char* x_name);

    template <class T>
    Factor<T> scale() const {
        return {Real<T>(number), pointer<T>(one), over};
    }

    std::optional<Input> each, one;
    double number = 1;
    const double* over = nullptr;

  private:
    // In a captured step the number is one of each replay: `one` gets it.
    void record(const Input& grad_y, double divisor);
};

}  // namespace tatami
