// Losses between two arrays of one shape: l = f(x, t) elementwise, then none, mean or sum.
#pragma once

#include "core/array.h"

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

    int64_t n;       // elements
    int64_t period;  // pos_weight repeats every so many elements
};

// Shapes of input and target must be equal.
void check_same_shape(const char* op, const char* x_name, const Shape& x, const Shape& target);

template <class T>
struct LossKernels {
    // Σ l of x (n), t (n), summed by a tree that n alone fixes.
    double (*distance_sum)(Distance f, int64_t n, const T* x, const T* t, T delta);
    // y (n) = l
    void (*distance)(Distance f, int64_t n, const T* x, const T* t, T delta, T* y);
    // dx (n) = dy · scale · dl/dx; dy (n) or nullptr for 1.
    void (*distance_grad)(Distance f, int64_t n, const T* x, const T* t, T delta, const T* dy,
                          T scale, T* dx);

    // The same three for binary cross entropy: x, t (n); weight (n) or nullptr for 1; pos (period).
    double (*binary_sum)(const BinaryCrossEntropy& p, const T* x, const T* t, const T* weight,
                         const T* pos);
    void (*binary)(const BinaryCrossEntropy& p, const T* x, const T* t, const T* weight,
                   const T* pos, T* y);
    void (*binary_grad)(const BinaryCrossEntropy& p, const T* x, const T* t, const T* weight,
                        const T* pos, const T* dy, T scale, T* dx);
};

}  // namespace tatami
