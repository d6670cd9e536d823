// Softmax along one axis: y = exp(x - m) / Σ exp(x - m), m the maximum; log_softmax is its log.
#pragma once

#include "core/kernel.h"
#include "ops/axis.h"

namespace tatami {

struct Softmax : Axis {
    // Along `axis` of x, which may count from the end.
    Softmax(const char* op, const Shape& x, int64_t axis);
};

template <class T>
struct SoftmaxKernels {
    // y = softmax(x), both (outer, length, inner); y may be x.
    Kernel<void(const Softmax& p, const T* x, T* y)> softmax;
    Kernel<void(const Softmax& p, const T* x, T* y)> log_softmax;
    // dx = y · (dy - Σ dy · y), all (outer, length, inner).
    Kernel<void(const Softmax& p, const T* dy, const T* y, T* dx)> softmax_grad;
    // dx = dy - exp(y) · Σ dy
    Kernel<void(const Softmax& p, const T* dy, const T* y, T* dx)> log_softmax_grad;
};

}  // namespace tatami
