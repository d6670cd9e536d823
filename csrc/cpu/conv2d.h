// What the files of the convolution share.
#pragma once

#include "cpu/gather.h"
#include "cpu/winograd_way.h"
#include "ops/conv2d.h"

namespace tatami::TATAMI_ISA {

template <class T>
void conv2d_weight_grad(const Conv2d& p, const T* dy, const T* x, T* dweight);
template <class T>
void conv2d_bias_grad(int64_t n, int64_t channels, int64_t pixels, const T* dy, T* dbias);

// By minimal filtering, where winograd_way.h names a scheme.
template <class T>
void winograd_forward(WinogradScheme scheme, const Conv2d& p, const T* x, const T* weight,
                      const T* bias, T* y);
template <class T>
void winograd_input_grad(WinogradScheme scheme, const Conv2d& p, const T* dy, const T* weight,
                         const T* bias, T* dx);
template <class T>
void winograd_weight_grad(WinogradScheme scheme, const Conv2d& p, const T* dy, const T* x,
                          T* dweight);

// tap (kh·kw): where each weight of a window reads x, relative to the window's first pixel.
TATAMI_INLINE void forward_taps(const Conv2d& p, Tap* tap) {
    for (int64_t r = 0; r < p.kh; r++)
        for (int64_t s = 0; s < p.kw; s++)
            tap[r * p.kw + s] = {r * p.dilation_h - p.pad_top, s * p.dilation_w - p.pad_left};
}

// x as the forward pass reads it, one group's channels.
TATAMI_INLINE GatherShape forward_gather(const Conv2d& p, const Tap* tap) {
    return {p.group_c, p.h,        p.w,        p.c * p.h * p.w, p.oh,
            p.ow,      p.stride_h, p.stride_w, p.kh * p.kw,     tap};
}

}  // namespace tatami::TATAMI_ISA
