// The gradient of average pooling: every pixel sums dy / divisor over the windows that hold it.
// Separable as the way forward: the rows of windows over a row of the image are summed first, then
// that sum is spread along the columns.
#pragma once

#include "cpu/copy.h"
#include "cpu/parallel.h"
#include "cpu/strided.h"
#include "cpu/windows.h"

namespace tatami::TATAMI_ISA {

// Spreads a row of windows over a row of pixels. Pixel c of the padded image is the sum over the
// taps j of window (c - j · dilation) / stride; pixels whose c leaves the same remainder, a phase,
// read their windows one after another, so a vector holds kLanes pixels of a phase.
template <class T, int S>
class Spreader {
  public:
    TATAMI_INLINE Spreader(const WindowAxis& a, T* memory) : a_(a) {
        const Sizes s(a);
        windows_ = memory + s.front;
        pixels_ = memory + s.front + s.windows;
        for (int64_t i = 0; i < s.front + s.windows; i++) memory[i] = 0;
        shift_ = reinterpret_cast<int64_t*>(pixels_ + s.pixels);
        phase_ = shift_ + a.kernel;
        for (int64_t j = 0; j < a.kernel; j++) {
            shift_[j] = j * a.dilation / a.stride;
            phase_[j] = j * a.dilation % a.stride;
        }
    }

    static int64_t bytes(const WindowAxis& a) {
        const Sizes s(a);
        return (s.front + s.windows + s.pixels) * int64_t(sizeof(T)) + 2 * a.kernel * 8;
    }

    T* windows() { return windows_; }                        // (out), whole vectors may be stored
    const T* pixels() const { return pixels_ + a_.before; }  // (size), after spread()

    TATAMI_INLINE void spread() {
        const int64_t steps = ceil_div(a_.before + a_.size, a_.stride);
        for (int64_t m = 0; m < steps; m += kLanes<T>) {
            T* to = pixels_ + m * a_.stride;
            if constexpr (S == 1) store(to, sum(m, 0));
            if constexpr (S == 2) store_interleaved<T>(to, sum(m, 0), sum(m, 1));
            if constexpr (S == 0)
                for (int64_t phase = 0; phase < a_.stride; phase++)
                    store_strided(to + phase, a_.stride, sum(m, phase));
        }
    }

  private:
    // Elements of the buffers: windows, zeros before and behind them, pixels of the padded image.
    struct Sizes {
        TATAMI_INLINE explicit Sizes(const WindowAxis& a) {
            const int64_t steps = round_up(ceil_div(a.before + a.size, a.stride), kPack<T>);
            front = round_up((a.span - 1) / a.stride, kPack<T>);
            windows = max(steps, round_up(a.out, kPack<T>));
            pixels = steps * a.stride;
        }
        int64_t front, windows, pixels;
    };

    TATAMI_INLINE Vec<T> sum(int64_t m, int64_t phase) const {
        Vec<T> total{};
        for (int64_t j = 0; j < a_.kernel; j++)
            if (S == 1 || phase_[j] == phase) total += load(windows_ + m - shift_[j]);
        return total;
    }

    const WindowAxis& a_;
    T *windows_, *pixels_;
    int64_t *shift_, *phase_;  // of each tap
};

// to (out) = the sum over rows of windows over `row` of the image of dy / divisor.
template <class T>
TATAMI_INLINE void sum_windows(const Pool2d& p, const Divisors<T>& divisors, const T* dy,
                               Range windows, int64_t row, T* to) {
    for (int64_t q = 0; q < p.columns.out; q += kLanes<T>) {
        const int64_t n = min<int64_t>(kLanes<T>, p.columns.out - q);
        const Vec<T> columns = load(divisors.columns + q);
        Vec<T> total{};
        for (int64_t o = windows.begin; o < windows.end; o++) {
            if ((row + p.rows.before - o * p.rows.stride) % p.rows.dilation) continue;
            total += load_first(dy + o * p.columns.out + q, n) / (columns * divisors.rows[o]);
        }
        store(to + q, total);
    }
}

// Rows [begin, end) of all planes' rows.
template <class T, int S>
TATAMI_INLINE void spread_rows(const Pool2d& p, const Divisors<T>& divisors, const T* dy, T* dx,
                               int64_t begin, int64_t end, bool streamed) {
    const memory::Scratch scratch(size_t(Spreader<T, S>::bytes(p.columns)));
    Spreader<T, S> spreader(p.columns, scratch.as<T>());
    Range held{-1, -1};  // the windows that spreader.pixels() belongs to
    for (int64_t i = begin; i < end; i++) {
        const int64_t plane = i / p.rows.size, row = i % p.rows.size;
        if (row == 0) held = {-1, -1};
        const Range windows = windows_over(p.rows, row, row + 1);
        if (windows.begin != held.begin || windows.end != held.end || p.rows.dilation > 1) {
            sum_windows(p, divisors, dy + plane * p.rows.out * p.columns.out, windows, row,
                        spreader.windows());
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
