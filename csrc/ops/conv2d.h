// Two-dimensional convolution (cross-correlation, as all frameworks define it), its two gradients,
// and through them the transposed convolution. One-dimensional ones have h = kh = oh = 1.
//
//   y[n, o, i, j] = f(bias[o] + sum over c, r, s of
//                     weight[o, c, r, s] · x[n, c, i·stride_h + r·dilation_h - pad_top,
//                                                  j·stride_w + s·dilation_w - pad_left])
// with c over the channels of o's group and x zero outside its borders.
#pragma once

#include "core/array.h"
#include "core/kernel.h"
#include "ops/activation.h"

namespace tatami {

// The arguments that all convolutions share. Of a one-dimensional one only the horizontal half
// counts.
struct ConvWindow {
    int rank = 2;  // spatial axes: 2 or 1
    Pair stride{1, 1}, dilation{1, 1};
    Padding padding;
    int64_t groups = 1;
    bool exact = false;  // or as exchange_exact says
};

// Whether all convolutions of the calling thread are exact; returns what it was.
bool exchange_exact(bool exact);

struct Conv2d {
    // x (n, c, h, w) or (n, c, w), weight (o, c/groups, kh, kw) or (o, c/groups, kw).
    Conv2d(const char* op, const Shape& x, const Shape& weight, const ConvWindow& window);

    // The problem whose input gradient is the transposed convolution of x (n, o, oh, ow) with
    // weight (o, c/groups, kh, kw): its "x" is the result and its "y" the argument.
    static Conv2d transposed(const char* op, const Shape& x, const Shape& weight,
                             const ConvWindow& window, Pair output_padding);

    int64_t n, c, o, h, w, oh, ow, kh, kw, groups;
    int64_t stride_h, stride_w, dilation_h, dilation_w, pad_top, pad_left;
    int64_t group_c, group_o;  // channels of one group
    Shape x, weight, y;        // as the user sees them
    bool exact = false;        // no minimal filtering
    bool tf32 = false;         // float32 factors may be rounded to it (precision.h)
    Activation activation = Activation::none;

    // ValueError unless `shape`, called `name`, is `wanted`.
    static void check_shape(const char* op, const char* name, const Shape& shape,
                            const Shape& wanted, const char* of);
    static void check_bias(const char* op, const Shape& bias, int64_t channels);

  private:
    Conv2d() = default;
    void read(const char* op, const ConvWindow& window, const Shape& input, int64_t channels,
              const Shape& weight);
    void forget_idle_strides();
};

template <class T>
struct Conv2dKernels {
    // x (n, c, h, w), weight (o, group_c, kh, kw), bias (o) or nullptr -> y (n, o, oh, ow)
    Kernel<void(const Conv2d& p, const T* x, const T* weight, const T* bias, T* y)> forward;
    // dy (n, o, oh, ow), weight as above, bias (c) or nullptr -> dx (n, c, h, w) = f(bias +
    // gradient); bias and p.activation serve the transposed convolution
    Kernel<void(const Conv2d& p, const T* dy, const T* weight, const T* bias, T* dx)> input_grad;
    // dy (n, o, oh, ow), x (n, c, h, w) -> dweight (o, group_c, kh, kw)
    Kernel<void(const Conv2d& p, const T* dy, const T* x, T* dweight)> weight_grad;
    // dy (n, channels, pixels) -> dbias (channels)
    Kernel<void(int64_t n, int64_t channels, int64_t pixels, const T* dy, T* dbias)> bias_grad;
};

}  // namespace tatami
