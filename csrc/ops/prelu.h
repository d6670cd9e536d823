// Leaky relu with learned slopes: y = x < 0 ? w x : x, w one number or one a channel (axis 1).
#pragma once

#include "core/kernel.h"
#include "ops/axis.h"

namespace tatami {

struct Prelu : Axis {  // of x: length channels, or (1, 1, elements) where one slope serves all
    Prelu(const char* op, const Shape& x, const Shape& weight);
};

template <class T>
struct PreluKernels {
    // x, y (outer, channels, inner), weight (channels); y may be x.
    Kernel<void(const Prelu& p, const T* x, const T* weight, T* y)> forward;
    // dx = dy · (x > 0 ? 1 : w); dw (channels) = Σ dy · min(x, 0), by a tree that the shape fixes.
    Kernel<void(const Prelu& p, const T* dy, const T* x, const T* weight, T* dx, T* dw)> backward;
};

}  // namespace tatami
