// The input gradient of windows that are single pixels, a stride apart (the shortcuts of residual
// networks): that of a dense convolution, laid between the pixels that no window holds.
#pragma once

#include "cpu/epilogue.h"
#include "cpu/parallel.h"
#include "cpu/row_stream.h"
#include "cpu/strided.h"
#include "ops/conv2d.h"

namespace tatami::TATAMI_ISA {

TATAMI_INLINE bool skips_pixels(const Conv2d& p) {
    return p.kh * p.kw == 1 && p.stride_h * p.stride_w > 1 && !p.pad_top && !p.pad_left &&
           (p.oh - 1) * p.stride_h < p.h && (p.ow - 1) * p.stride_w < p.w;
}

// The same with nothing but those pixels.
TATAMI_INLINE Conv2d without_skipped(Conv2d p) {
    p.h = p.oh, p.w = p.ow;
    p.stride_h = p.stride_w = 1;
    return p;
}

// to (w) = from (ow), each `stride`-th pixel, and `between`.
template <class T, int S>
TATAMI_INLINE void spread_row(const T* from, int64_t ow, int64_t stride, T between, int64_t w,
                              T* to) {
    constexpr int64_t n = kLanes<T>;
    const Vec<T> others = broadcast(between);
    if constexpr (S == 2) {
        for (int64_t j = 0; 2 * j < w; j += n)
            store_pairs<T>(to + 2 * j, w - 2 * j,
                           load_lanes(from + j, 0, max<int64_t>(0, min(n, ow - j)), between),
                           others);
    } else {
        for (int64_t j = 0; j < w; j += n) store_some(to + j, others, w - j);
        for (int64_t j = 0; j < ow; j++) to[j * stride] = from[j];
    }
}

// from (n, c, oh, ow), bias (c) or nullptr -> dx (n, c, h, w): f(bias) where no window is
template <class T>
void lay_pixels(const Conv2d& p, const T* from, const T* bias, T* dx) {
    const memory::Scratch scratch(size_t(p.c) * sizeof(T));
    T* const others = scratch.as<T>();
    for (int64_t c = 0; c < p.c; c++) others[c] = bias ? bias[c] : 0;
    activate_rows(p.activation, others, p.c, 1, p.c);
    const int64_t rows = p.n * p.c * p.h;
    const bool streamed = rows * p.w * int64_t(sizeof(T)) >= kStreamBytes;
    with_stride(p.stride_w, [&]<int S>() {
        parallel_ranges(
            rows, 1, rows * ceil_div(p.w, kLanes<T>) * 2, [&](int64_t begin, int64_t end) {
                RowStream<T> results(dx + begin * p.w, p.w, streamed);
                for (int64_t row = begin; row < end; row++) {
                    const int64_t plane = row / p.h, i = row % p.h / p.stride_h;
                    const bool held = row % p.h % p.stride_h == 0 && i < p.oh;
                    spread_row<T, S>(from + (plane * p.oh + i) * p.ow, held ? p.ow : 0, p.stride_w,
                                     others[plane % p.c], p.w, results.next());
                }
            });
    });
}

}  // namespace tatami::TATAMI_ISA
