// Images read at any places: y[n, c, i, j] = x[n, c] at the place grid[n, i, j] = (horizontal,
// vertical), in units that put the image's edges (with align_corners its outermost pixels' centres)
// at -1 and 1. Between pixels bilinear or the nearest one; outside the image zeros, or its border.
#pragma once

#include "core/array.h"
#include "core/kernel.h"

namespace tatami {

struct GridSample {
    // x (N, C, H, W), grid (N, I, J, 2) -> y (N, C, I, J)
    GridSample(const char* op, const Shape& x, const Shape& grid, bool nearest, bool border,
               bool align_corners);

    struct Axis {
        int64_t size;         // of x
        double scale, shift;  // pixel = scale · place + shift
    };
    int64_t images, channels, pixels;  // N, C, I · J
    Axis vertical, horizontal;
    bool nearest, border;
    Shape x, grid, y;

    // The argument must have y's shape.
    void check_output(const char* op, const char* name, const Shape& shape) const;
};

template <class T>
struct GridSampleKernels {
    // x (images, channels, h, w), grid (images, pixels, 2) -> y (images, channels, pixels)
    Kernel<void(const GridSample& p, const T* x, const T* grid, T* y)> forward;
    // The adjoint in x.
    Kernel<void(const GridSample& p, const T* dy, const T* grid, T* dx)> input_grad;
    // dgrid (images, pixels, 2)
    Kernel<void(const GridSample& p, const T* dy, const T* x, const T* grid, T* dgrid)> grid_grad;
};

}  // namespace tatami
