// The gradient of average pooling: every pixel sums dy / divisor over the windows that hold it.
// Separable as the way forward: the rows of windows over a row of the image are summed first, then
// that sum is spread along the columns.
#pragma once

#include "cpu/copy.h"
#include "cpu/parallel.h"
#include "cpu/strided.h"
#include "cpu/windows.h"

namespace tatami::TATAMI_ISA {

// Spreads a row of windows over a row of pixels: pixel c is the sum over the taps j of window
// (c + before - j · dilation) / stride. Pixels that leave the same remainder by the stride, a
// phase, have the same taps and read windows one after another: a vector of them at a time.
template <class T, int S>
class Spreader {
  public:
    TATAMI_INLINE explicit Spreader(const WindowAxis& a)
        : a_(a),
          sizes_(a),
          scratch_(size_t(sizes_.elements) * sizeof(T) + size_t(a.kernel + a.stride) * 8) {
        T* memory = scratch_.template as<T>();
        for (int64_t i = 0; i < sizes_.elements; i++) memory[i] = 0;
        windows_ = memory + sizes_.front;
        pixels_ = windows_ + sizes_.windows;
        shift_ = reinterpret_cast<int64_t*>(pixels_ + sizes_.steps * a.stride);
        phase_end_ = shift_ + a.kernel;
        int64_t* next = shift_;
        for (int64_t phase = 0; phase < a.stride; phase++) {
            for (int64_t j = 0; j < a.kernel; j++) {
                const int64_t ahead = phase + a.before - j * a.dilation;
                if (ahead % a.stride == 0) *next++ = ahead / a.stride;
            }
            phase_end_[phase] = next - shift_;
        }
    }

    T* windows() { return windows_; }            // (out), whole vectors may be stored
    const T* pixels() const { return pixels_; }  // (size), after spread()

    TATAMI_INLINE void spread() {
        for (int64_t m = 0; m < sizes_.steps; m += kLanes<T>) {
            T* to = pixels_ + m * a_.stride;
            if constexpr (S == 1) store(to, sum(m, 0));
            if constexpr (S == 2) store_interleaved<T>(to, sum(m, 0), sum(m, 1));
            if constexpr (S == 0)
                for (int64_t phase = 0; phase < a_.stride; phase++)
                    store_strided(to + phase, a_.stride, sum(m, phase));
        }
    }

  private:
    // Elements: zeros in front of the windows, the windows and zeros behind them, the pixels.
    struct Sizes {
        TATAMI_INLINE explicit Sizes(const WindowAxis& a) {
            steps = round_up(ceil_div(a.size, a.stride), kPack<T>);  // pixels of a phase
            front = round_up(ceil_div(a.span, a.stride), kPack<T>);
            windows = round_up(max(steps + ceil_div(a.before, a.stride), a.out), kPack<T>);
            elements = front + windows + steps * a.stride;
        }
        int64_t steps, front, windows, elements;
    };

    TATAMI_INLINE Vec<T> sum(int64_t m, int64_t phase) const {
        Vec<T> total{};
        for (int64_t t = phase ? phase_end_[phase - 1] : 0; t < phase_end_[phase]; t++)
            total += load(windows_ + m + shift_[t]);
        return total;
    }

    const WindowAxis& a_;
    const Sizes sizes_;
    const memory::Scratch scratch_;
    T *windows_, *pixels_;
    int64_t* shift_;      // windows from pixel to tap, phase after phase
    int64_t* phase_end_;  // behind each phase's taps
};

// Sums rows of windows, each dy times 1 / divisor.
template <class T>
class WindowSum {
  public:
    TATAMI_INLINE WindowSum(const Pool2d& p, const Divisors<T>& divisors)
        : p_(p),
          divisors_(divisors),
          scratch_(size_t(round_up(p.columns.out, kLanes<T>)) * sizeof(T)) {}

    // to (out) = the sum over the windows over `row` of the image; dy (out rows, out) of its plane.
    TATAMI_INLINE void operator()(const T* dy, Range windows, int64_t row, T* to) {
        const int64_t out = p_.columns.out;
        for (int64_t q = 0; q < out; q += kLanes<T>) store(to + q, Vec<T>{});
        for (int64_t o = windows.begin; o < windows.end; o++) {
            const int64_t behind = row + p_.rows.before - o * p_.rows.stride;
            if (p_.rows.dilation > 1 && behind % p_.rows.dilation) continue;
            const T* scale = scales(o);
            for (int64_t q = 0; q < out; q += kLanes<T>) {
                const Vec<T> v = load_first(dy + o * out + q, min<int64_t>(kLanes<T>, out - q));
                store(to + q, load(to + q) + v * load(scale + q));
            }
        }
    }

  private:
    // 1 / divisor of a row of windows, which few rows do not share.
    TATAMI_INLINE const T* scales(int64_t o) {
        T* scale = scratch_.template as<T>();
        if (divisors_.rows[o] != held_) {
            held_ = divisors_.rows[o];
            for (int64_t q = 0; q < p_.columns.out; q += kLanes<T>)
                store(scale + q, T(1) / (load(divisors_.columns + q) * held_));
        }
        return scale;
    }

    const Pool2d& p_;
    const Divisors<T>& divisors_;
    const memory::Scratch scratch_;
    T held_ = 0;  // the row divisor that the scales belong to
};

// Rows [begin, end) of all planes' rows.
template <class T, int S>
TATAMI_INLINE void spread_rows(const Pool2d& p, const Divisors<T>& divisors, const T* dy, T* dx,
                               int64_t begin, int64_t end, bool streamed) {
    Spreader<T, S> spreader(p.columns);
    WindowSum<T> sum(p, divisors);
    int64_t plane = begin / p.rows.size, row = begin % p.rows.size;
    Range held{-1, -1};  // the windows that spreader.pixels() belongs to
    for (int64_t i = begin; i < end; i++, row++) {
        if (row == p.rows.size) row = 0, plane++, held = {-1, -1};
        const Range windows = windows_over(p.rows, row, row + 1);
        if (windows.begin != held.begin || windows.end != held.end || p.rows.dilation > 1) {
            sum(dy + plane * p.rows.out * p.columns.out, windows, row, spreader.windows());
            spreader.spread();
            held = windows;
        }
        copy_row(dx + i * p.columns.size, spreader.pixels(), p.columns.size, streamed);
    }
    if (streamed) stream_fence();
}

template <class T>
static void average_backward(const Pool2d& p, const T* dy, T* dx) {
    const Divisors<T> divisors(p);
    const int64_t rows = p.planes * p.rows.size, pixels = rows * p.columns.size;
    const bool streamed = pixels * int64_t(sizeof(T)) >= kStreamBytes;
    with_stride(p.columns.stride, [&]<int S>() {
        parallel_ranges(rows, 1, pixels / kLanes<T> * (2 + p.columns.kernel),
                        [&](int64_t begin, int64_t end) {
                            spread_rows<T, S>(p, divisors, dy, dx, begin, end, streamed);
                        });
    });
}

}  // namespace tatami::TATAMI_ISA
