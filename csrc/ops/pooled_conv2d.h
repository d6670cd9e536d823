// A convolution, max pooling by windows of 2x2 side by side (without padding, an odd last row or
// column left out), and perhaps a ReLU, as one: many small images never leave the cache in between.
//
// A gradient needs of the convolution's result only which pixel of its window was the first
// maximum: the choice, a byte a window, 0 to 3 row by row or 4 where the ReLU lets nothing through.
// It is laid out as (images / Pack, channels, windows, Pack), a Pack being 64 bytes of elements.
#pragma once

#include "core/kernel.h"
#include "ops/conv2d.h"

namespace tatami {

struct PooledConv2d {
    Conv2d conv;  // of one group
    bool relu;
    int64_t rows, columns;  // of windows
    Shape y;                // (n, o, rows, columns)

    PooledConv2d(const Conv2d& conv, bool relu);
    // Bytes of the choice for elements of `size` bytes.
    int64_t choice_bytes(int64_t size) const;
};

// A backend without them leaves all four nullptr.
template <class T>
struct PooledConv2dKernels {
    // Whether the following may be called, and is faster than the operations one by one: by shape
    // alone. Which gradients will be asked for is part of it. All bits are those of the operations
    // one by one.
    bool (*pays)(const PooledConv2d& p, bool weight_grad, bool input_grad);
    // x (n, c, h, w), weight (o, c, kh, kw), bias (o) or nullptr -> y (n, o, rows, columns) and,
    // unless nullptr, the choice
    Kernel<void(const PooledConv2d& p, const T* x, const T* weight, const T* bias, T* y,
                uint8_t* choice)>
        forward;
    // dy as y, choice, weight -> dx (n, c, h, w)
    Kernel<void(const PooledConv2d& p, const T* dy, const uint8_t* choice, const T* weight, T* dx)>
        input_grad;
    // dy as y, choice, x -> dweight (o, c, kh, kw), dbias (o)
    Kernel<void(const PooledConv2d& p, const T* dy, const uint8_t* choice, const T* x, T* dweight,
                T* dbias)>
        weight_grad;
};

}  // namespace tatami
