// Upsampling by whole factors s: nearest repeats every pixel s times along each axis; bilinear
// mixes the two pixels around (o + 1/2) / s - 1/2, at the edges the outermost one alone.
#pragma once

#include "core/array.h"
#include "core/kernel.h"
#include "ops/pool2d.h"

namespace tatami {

struct Upsample2d {
    // x (N, C, H, W) -> y (N, C, H · vertical, W · horizontal)
    Upsample2d(const char* op, const Shape& x, Pair scale);

    int64_t planes, rows, columns;  // N · C, H, W
    Pair scale;
    Shape x, y;
    Pool2d blocks;  // summing blocks of y: its adjoint is nearest upsampling

    // The argument must have y's shape.
    void check_output(const char* op, const char* name, const Shape& shape) const;
};

template <class T>
struct Upsample2dKernels {
    // x (planes, h, w) -> y (planes, h · vertical, w · horizontal)
    Kernel<void(const Upsample2d& p, const T* x, T* y)> bilinear;
    // The adjoint.
    Kernel<void(const Upsample2d& p, const T* dy, T* dx)> bilinear_backward;
};

}  // namespace tatami
