// The input gradient of a convolution as convolutions of dy: one for each phase of the stride.
#pragma once

#include "cpu/direct.h"
#include "cpu/gather.h"
#include "cpu/gemm.h"
#include "ops/conv2d.h"

namespace tatami::TATAMI_ISA {

// The weights of one phase of the input gradient: row c, column (o, tap) is weight[o, c, tap].
template <class T>
struct PhaseWeight {
    const T* weight;  // of the group
    int64_t o_stride, c_stride;
    int64_t taps;
    const int64_t* tap_offset;  // (taps) into a window

    TATAMI_INLINE Runs runs(int64_t c, int64_t rows, int64_t k0, int64_t depth) const {
        return runs_of(weight + c * c_stride + k0 / taps * o_stride, ceil_div(depth, taps),
                       rows * c_stride, o_stride);
    }

    TATAMI_INLINE void pack(T* to, int64_t c, int64_t rows, int64_t k0, int64_t depth) const {
        const T* from = weight + c * c_stride + k0 / taps * o_stride;
        int64_t t = k0 % taps;
        for (int64_t d = 0; d < depth; d++, to += rows) {
            const T* window = from + tap_offset[t];
            for (int64_t r = 0; r < rows; r++) to[r] = window[r * c_stride];
            if (++t == taps) t = 0, from += o_stride;
        }
    }
};

// The taps that reach the pixels first, first + stride, ... of one axis, and what they read there:
// pixel i of the phase takes dy[i + shift] for each tap k with k·dilation = first + pad -
// shift·stride.
TATAMI_INLINE int64_t phase_taps(int64_t first, int64_t pad, int64_t stride, int64_t dilation,
                                 int64_t size, int64_t* tap, int64_t* shift) {
    int64_t count = 0;
    for (int64_t k = 0; k < size; k++) {
        const int64_t distance = first + pad - k * dilation;
        if (distance % stride) continue;
        tap[count] = k;
        shift[count++] = distance / stride;
    }
    return count;
}

// The phases of the input gradient: phase (top, left) is the pixels (top + i·stride_h, left +
// j·stride_w) of dx, a dense convolution of dy by the taps that reach them.
struct InputGradPhases {
    int64_t count, *taps, *first_tap;  // (count)
    Tap* tap;                          // (all taps)
    int64_t* offset;                   // (all taps) into a window

    // bytes of the arrays
    TATAMI_INLINE static int64_t bytes(const Conv2d& p) {
        return p.stride_h * p.stride_w * 2 * int64_t(sizeof(int64_t)) +
               p.kh * p.kw * int64_t(sizeof(Tap) + sizeof(int64_t)) +
               2 * (p.kh + p.kw) * int64_t(sizeof(int64_t));
    }
};

// memory: InputGradPhases::bytes.
TATAMI_INLINE InputGradPhases input_grad_phases(const Conv2d& p, void* memory) {
    InputGradPhases s{p.stride_h * p.stride_w, static_cast<int64_t*>(memory), nullptr, nullptr,
                      nullptr};
    s.first_tap = s.taps + s.count;
    s.tap = reinterpret_cast<Tap*>(s.first_tap + s.count);
    s.offset = reinterpret_cast<int64_t*>(s.tap + p.kh * p.kw);
    int64_t *const tap_h = s.offset + p.kh * p.kw, *const shift_h = tap_h + p.kh;
    int64_t *const tap_w = shift_h + p.kh, *const shift_w = tap_w + p.kw;
    int64_t used = 0;
    for (int64_t i = 0; i < s.count; i++) {
        const int64_t top = i / p.stride_w, left = i % p.stride_w;
        const int64_t nh =
            phase_taps(top, p.pad_top, p.stride_h, p.dilation_h, p.kh, tap_h, shift_h);
        const int64_t nw =
            phase_taps(left, p.pad_left, p.stride_w, p.dilation_w, p.kw, tap_w, shift_w);
        s.first_tap[i] = used;
        s.taps[i] = nh * nw;
        for (int64_t h = 0; h < nh; h++)
            for (int64_t w = 0; w < nw; w++, used++) {
                s.tap[used] = {shift_h[h], shift_w[w]};
                s.offset[used] = tap_h[h] * p.kw + tap_w[w];
            }
    }
    return s;
}

// The products of the phases that have pixels, of one group: its weights (group_o, group_c,
// window), its bias and its channels of dx. Returns how many there are, at most s.count.
template <class T>
TATAMI_INLINE int64_t phases_of(const Conv2d& p, const InputGradPhases& s, const T* weight,
                                const SumOf<T>* bias, Stored<T>* dx,
                                Phase<T, PhaseWeight<T>>* phase) {
    const int64_t window = p.kh * p.kw;
    int64_t count = 0;
    for (int64_t i = 0; i < s.count; i++) {
        const int64_t top = i / p.stride_w, left = i % p.stride_w;
        if (top >= p.h || left >= p.w) continue;
        const Image<T> out{dx + top * p.w + left,
                           p.c * p.h * p.w,
                           p.h * p.w,
                           ceil_div(p.h - top, p.stride_h),
                           ceil_div(p.w - left, p.stride_w),
                           p.stride_h * p.w,
                           p.stride_w,
                           bias,
                           p.activation};
        const PhaseWeight<T> weights{weight, p.group_c * window, window, s.taps[i],
                                     s.offset + s.first_tap[i]};
        phase[count++] = {weights, s.first_tap[i], s.taps[i], out};
    }
    return count;
}

// dy as the input gradient reads it, one group's channels; tap: those of all phases.
TATAMI_INLINE GatherShape input_grad_gather(const Conv2d& p, const Tap* tap) {
    const int64_t rows = ceil_div(p.h, p.stride_h), columns = ceil_div(p.w, p.stride_w);
    return {p.group_o, p.oh, p.ow, p.o * p.oh * p.ow, rows, columns, 1, 1, p.kh * p.kw, tap};
}

}  // namespace tatami::TATAMI_ISA
