// The gradient of average pooling: every pixel sums dy / divisor over the windows that hold it.
// Separable as the way forward: each row of windows is spread along the columns once, then every
// row of pixels sums the rows of windows over it.
#pragma once

#include "cpu/copy.h"
#include "cpu/narrow_pairs.h"
#include "cpu/parallel.h"
#include "cpu/row_stream.h"
#include "cpu/strided.h"
#include "cpu/windows.h"

namespace tatami::TATAMI_ISA {

// The taps of an axis, seen from the pixels: pixel S · m + phase is tap j of window m + shift. All
// pixels of a phase have the same taps, so vectors hold kLanes of them.
class PhaseTaps {
  public:
    TATAMI_INLINE explicit PhaseTaps(const WindowAxis& a)
        : scratch_(size_t(a.kernel + a.stride + 1) * 8),
          shift_(scratch_.as<int64_t>()),
          begin_(shift_ + a.kernel) {
        int64_t taps = 0;
        for (int64_t phase = 0; phase < a.stride; phase++) {
            begin_[phase] = taps;
            for (int64_t j = 0; j < a.kernel; j++) {
                const int64_t ahead = phase + a.before - j * a.dilation;
                if (ahead % a.stride != 0) continue;
                shift_[taps++] = ahead / a.stride;
                lowest = min(lowest, ahead / a.stride);
                highest = max(highest, ahead / a.stride);
            }
        }
        begin_[a.stride] = taps;
    }

    TATAMI_INLINE int64_t begin(int64_t phase) const { return begin_[phase]; }
    TATAMI_INLINE int64_t end(int64_t phase) const { return begin_[phase + 1]; }
    TATAMI_INLINE int64_t shift(int64_t tap) const { return shift_[tap]; }

    int64_t lowest = 0, highest = 0;  // shifts

  private:
    const memory::Scratch scratch_;
    int64_t *shift_, *begin_;
};

// Rows of windows spread along the columns, the latest ones kept: row o of all planes' rows in
// slot o modulo a power of two.
template <class T, int S>
class SpreadRows {
  public:
    TATAMI_INLINE SpreadRows(const Pool2d& p, const Divisors<T>& divisors, const PhaseTaps& taps,
                             const T* dy)
        : a_(p.columns),
          front_(a_.span / a_.stride + 1),
          steps_(round_up(ceil_div(a_.size, a_.stride), kPack<T>)),
          slots_(slots(p.rows)),
          row_(steps_ * a_.stride + kPack<T>),
          scratch_(size_t(slots_) * (size_t(row_) * sizeof(T) + 8) +
                   size_t(front_ + steps_ + a_.out + front_) * sizeof(T)),
          divisors_(divisors),
          taps_(taps),
          dy_(dy),
          rows_(scratch_.template as<T>()),
          held_(reinterpret_cast<int64_t*>(rows_ + slots_ * row_)),
          scales_(reinterpret_cast<T*>(held_ + slots_) + front_) {
        for (int64_t i = 0; i < slots_; i++) held_[i] = -1;
        for (int64_t i = -front_; i < steps_ + a_.out + front_; i++) scales_[i] = 0;
    }

    // Row `index` of all planes' rows of windows, which is row o in its plane: (size) pixels, whole
    // vectors readable.
    TATAMI_INLINE const T* row(int64_t index, int64_t o) {
        const int64_t slot = index & (slots_ - 1);
        T* pixels = rows_ + slot * row_;
        if (held_[slot] != index) {
            held_[slot] = index;
            scale(divisors_.rows[o]);
            spread(dy_ + index * a_.out, pixels);
        }
        return pixels;
    }

  private:
    static TATAMI_INLINE int64_t slots(const WindowAxis& rows) {
        int64_t n = 1;
        while (n < min(rows.span / rows.stride + 1, rows.out)) n *= 2;
        return n;
    }

    // Scales to 1 / divisor of windows whose rows divide by `rows`; few rows differ in that.
    TATAMI_INLINE void scale(T rows) {
        if (rows == scaled_) return;
        scaled_ = rows;
        for (int64_t q = 0; q < a_.out; q++) scales_[q] = T(1) / (divisors_.columns[q] * rows);
    }

    TATAMI_INLINE void spread(const T* dy, T* pixels) const {
        const WindowAxis a = a_;  // stores cannot change a local
        for (int64_t m = 0; m < steps_; m += kLanes<T>) {
            T* to = pixels + m * a.stride;
            if (m + taps_.lowest >= 0 && m + taps_.highest + kLanes<T> <= a.out)
                spread_vector(a, m, to, [&](int64_t q) { return load(dy + q); });
            else
                spread_vector(a, m, to, [&](int64_t q) { return load_inside(dy, a.out, q, T(0)); });
        }
    }

    template <class Load>
    TATAMI_INLINE void spread_vector(const WindowAxis& a, int64_t m, T* to,
                                     const Load& windows) const {
        const auto sum = [&](int64_t phase) {
            Vec<T> total{};
            for (int64_t t = taps_.begin(phase); t < taps_.end(phase); t++) {
                const int64_t q = m + taps_.shift(t);
                total = fma(windows(q), load(scales_ + q), total);
            }
            return total;
        };
        if constexpr (S == 1) store(to, sum(0));
        if constexpr (S == 2) store_interleaved<T>(to, sum(0), sum(1));
        if constexpr (S == 0)
            for (int64_t phase = 0; phase < a.stride; phase++)
                store_strided(to + phase, a.stride, sum(phase));
    }

    const WindowAxis a_;
    const int64_t front_, steps_;  // zeros in front of the scales; pixels of a phase
    const int64_t slots_, row_;    // rows kept, elements of one
    const memory::Scratch scratch_;
    const Divisors<T>& divisors_;
    const PhaseTaps& taps_;
    const T* dy_;
    T* rows_;
    int64_t* held_;  // the row in each slot
    T* scales_;
    T scaled_ = 0;  // the row divisor that the scales belong to
};

// Rows [begin, end) of all planes' rows of pixels.
template <class T, int S>
TATAMI_INLINE void spread_rows(const Pool2d& p, const Divisors<T>& divisors, const T* dy, T* dx,
                               int64_t begin, int64_t end, bool streamed) {
    const PhaseTaps taps(p.columns);
    SpreadRows<T, S> spread(p, divisors, taps, dy);
    const WindowAxis rows = p.rows;
    const memory::Scratch scratch(size_t(rows.span / rows.stride + 1) * sizeof(T*));
    const T** over = scratch.as<const T*>();
    // Rows of whole lines need not be gathered.
    const bool direct = streamed && p.columns.size * int64_t(sizeof(T)) % 64 == 0;
    RowStream<T> results(dx + begin * p.columns.size, p.columns.size, streamed && !direct);
    int64_t plane = begin / rows.size, row = begin % rows.size;
    for (int64_t i = begin; i < end; i++, row++) {
        if (row == rows.size) row = 0, plane++;
        const Range windows = windows_over(rows, row, row + 1);
        int64_t count = 0;
        for (int64_t o = windows.begin; o < windows.end; o++)
            if (has_tap(rows, o, row)) over[count++] = spread.row(plane * rows.out + o, o);
        store_row(results.next(), p.columns.size, direct, [&](int64_t c) {
            if (count == 0) return Vec<T>{};
            Vec<T> total = load(over[0] + c);
            for (int64_t k = 1; k < count; k++) total += load(over[k] + c);
            return total;
        });
    }
    if (direct) stream_fence();
}

template <class T>
void spread_all(const Pool2d& p, const T* dy, T* dx) {
    const Divisors<T> divisors(p);
    if (in_narrow_pairs<T>(p))
        return share_narrow_planes(p, dy, divisors.rows[0] * divisors.columns[0], dx);
    if (in_pairs(p)) return share_planes(p, dy, divisors.rows[0] * divisors.columns[0], dx);
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
