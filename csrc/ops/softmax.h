// Softmax along one axis: y = exp(x - m) / Σ exp(x - m), m the maximum; log_softmax is its log.
#pragma once

#include "ops/axis.h"

namespace tatami {

struct Softmax : Axis {
    // Along `axis` of x, which may count from the end.
    Softmax(const char* op, const Shape& x, int64_t axis);
};

template <class T>
struct SoftmaxKernels {
    // y = softmax(x), both (outer, length, inner); y may be x.
    void (*softmax)(const Softmax& p, const T* x, T* y);
    void (*log_softmax)(const Softmax& p, const T* x, T* y);
    // dx = y · (dy - Σ dy · y), all (outer, length, inner).
    void (*softmax_grad)(const Softmax& p, const T* dy, const T* y, T* dx);
    // dx = dy - exp(y) · Σ dy
    void (*log_softmax_grad)(const Softmax& p, const T* dy, const T* y, T* dx);
};

}  // namespace tatami
