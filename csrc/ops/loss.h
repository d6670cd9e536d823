// Losses between two arrays of one shape: l = f(x, t) elementwise, then none, mean or sum.
#pragma once

#include "core/array.h"
#include "core/half.h"
#include "core/kernel.h"

namespace tatami {

enum class Reduction : uint8_t { none, mean, sum };

enum class Distance : uint8_t {
    squared,   // (x - t)^2
    absolute,  // |x - t|
    huber,     // d = |x - t|: d <= delta ? d^2 / 2 : delta (d - delta / 2)
};

// Binary cross entropy: l = w ((1 - t) x + (1 + (pos - 1) t) log(1 + exp(-x))).
struct BinaryCrossEntropy {
    // pos_weight (last axis of the logits) may be nullptr.
    BinaryCrossEntropy(const char* op, const Shape& logits, const Shape& target,
                       const Shape* weight, const Shape* pos_weight);

    int64_t n;            // elements
    int64_t period;       // pos_weight repeats every so many elements
    double positive = 1;  // its value where it is a number
};

// Shapes of input and target must be equal.
void check_same_shape(const char* op, const char* x_name, const Shape& x, const Shape& target);

// What a gradient is multiplied with: number · times[0] / over[0], without what is nullptr. The two
// are where the arrays are, so that a GPU's results need not come to the host for it.
template <class T>
struct Factor {
    Real<T> number;
    const T* times = nullptr;
    const double* over = nullptr;
};

// What a sum is divided by: number, or over[0] unless that is nullptr.
struct Divided {
    double number;
    const double* over = nullptr;
};

template <class T>
struct LossKernels {
    // y (1) = Σ l of x (n), t (n), divided; summed by a tree that n alone fixes.
    Kernel<void(Distance f, int64_t n, const T* x, const T* t, Real<T> delta, Divided by, T* y)>
        distance_sum;
    // y (n) = l
    Kernel<void(Distance f, int64_t n, const T* x, const T* t, Real<T> delta, T* y)> distance;
    // dx (n) = dy · scale · dl/dx; dy (n) or nullptr for 1.
    Kernel<void(Distance f, int64_t n, const T* x, const T* t, Real<T> delta, const T* dy,
                Factor<T> scale, T* dx)>
        distance_grad;

    // The same three for binary cross entropy: x, t (n); weight (n) or nullptr for 1; pos (period)
    // or nullptr for p.positive.
    Kernel<void(const BinaryCrossEntropy& p, const T* x, const T* t, const T* weight, const T* pos,
                Divided by, T* y)>
        binary_sum;
    Kernel<void(const BinaryCrossEntropy& p, const T* x, const T* t, const T* weight, const T* pos,
                T* y)>
        binary;
    Kernel<void(const BinaryCrossEntropy& p, const T* x, const T* t, const T* weight, const T* pos,
                const T* dy, Factor<T> scale, T* dx)>
        binary_grad;
};

}  // namespace tatami
