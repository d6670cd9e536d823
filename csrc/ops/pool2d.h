// Pooling: y[p, q] = max or mean of x over a window of taps,
// x[p · stride + i · dilation - before, q · stride + j · dilation - before].
#pragma once

#include "core/array.h"
#include "core/kernel.h"

namespace tatami {

// The windows along one axis. Tap i of window o stands at pixel o · stride + i · dilation - before.
struct WindowAxis {
    int64_t size;  // pixels of the image
    int64_t out;   // windows
    int64_t kernel, stride, dilation;
    int64_t before, after;  // padding
    int64_t span;           // pixels from a window's first tap to its last
    bool padded;            // whether a window has taps outside the image
};

// What the sum over a window is divided by.
enum class Divisor : uint8_t {
    image,   // its taps inside the image
    padded,  // its taps inside the padded image
    one,     // nothing: the sum itself
};

struct Pool2d {
    // x (N, C, H, W). Every window has a tap inside the image.
    Pool2d(const char* op, const Shape& x, Pair kernel_size, Pair stride, const Padding& padding,
           Pair dilation, bool ceil_mode);

    int64_t planes;  // N · C
    WindowAxis rows, columns;
    Shape x, y;
    Divisor divisor = Divisor::padded;

    // The argument must have y's shape.
    void check_output(const char* op, const char* name, const Shape& shape) const;
};

template <class T>
struct Pool2dKernels {
    // x (planes, h, w) -> y (planes, out_h, out_w) and, unless nullptr, indices of y's shape: where
    // in its plane (h · w) the first maximum stands. NaN counts as the largest number.
    Kernel<void(const Pool2d& p, const T* x, T* y, int64_t* indices)> max;
    // dx[indices[p, q]] += dy[p, q], in the order of the windows; every other pixel is 0. False,
    // with dx unspecified, where an index lies outside its plane. A GPU always says true, as the
    // host would have to wait for more: such gradients go nowhere.
    Kernel<bool(const Pool2d& p, const T* dy, const int64_t* indices, T* dx)> max_backward;
    // x (planes, h, w) -> y (planes, out_h, out_w).
    Kernel<void(const Pool2d& p, const T* x, T* y)> average;
    // The adjoint: dx = sum over the windows that hold a pixel of dy / divisor.
    Kernel<void(const Pool2d& p, const T* dy, T* dx)> average_backward;
};

}  // namespace tatami
