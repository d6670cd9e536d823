// Pooling to a given size: window p of P over an axis of H pixels is [p · H / P, (p + 1) · H / P),
// the begin rounded down and the end up.
#pragma once

#include "core/array.h"
#include "core/kernel.h"

namespace tatami {

struct AdaptivePool2d {
    // x (N, C, H, W) -> y (N, C, P, Q)
    AdaptivePool2d(const char* op, const Shape& x, Pair output_size);

    int64_t planes;  // N · C
    int64_t rows, columns, out_rows, out_columns;
    Shape x, y;

    // The argument must have y's shape.
    void check_output(const char* op, const char* name, const Shape& shape) const;
};

template <class T>
struct AdaptivePool2dKernels {
    // x (planes, rows, columns) -> y (planes, out_rows, out_columns) and, unless nullptr, indices
    // of y's shape: where in its plane the first maximum stands. NaN counts as the largest number.
    Kernel<void(const AdaptivePool2d& p, const T* x, T* y, int64_t* indices)> max;
    // dx[indices[p, q]] += dy[p, q], every other pixel 0. False where an index is outside its
    // plane, but not on a GPU.
    Kernel<bool(const AdaptivePool2d& p, const T* dy, const int64_t* indices, T* dx)> max_backward;
    Kernel<void(const AdaptivePool2d& p, const T* x, T* y)> average;
    // The adjoint of average.
    Kernel<void(const AdaptivePool2d& p, const T* dy, T* dx)> average_backward;
};

}  // namespace tatami
