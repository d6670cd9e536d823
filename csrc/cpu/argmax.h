// The first maximum of every window and where in its plane it stands. Separable: each row of the
// image is folded along its columns once, then every window takes its folded rows. The order of
// rows, then columns, is the one in which the first of equals wins.
#pragma once

#include "cpu/parallel.h"
#include "cpu/row_stream.h"
#include "cpu/window_row.h"
#include "cpu/windows.h"

namespace tatami::TATAMI_ISA {

// The integer as wide as T.
template <class T>
using Int = std::conditional_t<sizeof(T) == 4, int32_t, int64_t>;

template <class T>
TATAMI_INLINE Mask<T> load_places(const Int<T>* p) {
    Mask<T> v;
    std::memcpy(&v, p, sizeof v);
    return v;
}

// kLanes maxima.
template <class T>
struct Best {
    Vec<T> value;
    Mask<T> place;

    // NaN is larger than every number.
    TATAMI_INLINE void take(Vec<T> other, Mask<T> its_place) {
        const Mask<T> better = ~(other <= value) & (value == value);
        value = select<T>(better, other, value);
        place = better ? its_place : place;
    }
};

// Of each window along a row: its first pixel's column, and how far behind it the first tap inside
// the image stands. Whole vectors may be read.
template <class T>
struct WindowStarts {
    explicit WindowStarts(const WindowAxis& a)
        : count(round_up(a.out, kLanes<T>)),
          scratch(size_t(2 * count) * sizeof(T)),
          column(scratch.template as<Int<T>>()),
          skipped(column + count) {
        for (int64_t q = 0; q < count; q++) {
            column[q] = Int<T>(q * a.stride - a.before);
            skipped[q] = q < a.out ? Int<T>(taps_inside(a, q).first * a.dilation) : 0;
        }
    }
    const int64_t count;
    const memory::Scratch scratch;
    Int<T>*const column, *const skipped;
};

// Rows of the image folded along the columns, the latest ones kept: row r of all planes in slot r
// modulo a power of two.
template <class T, int S, int K>
class ArgMaxRows {
  public:
    struct Row {
        const T* values;
        const Int<T>* columns;
    };

    TATAMI_INLINE ArgMaxRows(const Pool2d& p, const WindowStarts<T>& starts, const T* x)
        : a_(p.columns),
          starts_(starts),
          x_(x),
          slots_(slots(p.rows)),
          scratch_(size_t(WindowRow<T, S, K>::room(a_) + 2 * slots_ * starts.count) * sizeof(T) +
                   size_t(slots_) * 8),
          pixels_(a_, -T(__builtin_inf()), scratch_.template as<T>()),
          rows_(scratch_.template as<T>() + WindowRow<T, S, K>::room(a_)),
          held_(reinterpret_cast<int64_t*>(rows_ + 2 * slots_ * starts.count)) {
        for (int64_t i = 0; i < slots_; i++) held_[i] = -1;
    }

    // Row `row` of all planes' rows.
    TATAMI_INLINE Row operator[](int64_t row) {
        const int64_t slot = row & (slots_ - 1);
        T* values = rows_ + slot * 2 * starts_.count;
        Int<T>* columns = reinterpret_cast<Int<T>*>(values + starts_.count);
        if (held_[slot] != row) {
            held_[slot] = row;
            fold(x_ + row * a_.size, values, columns);
        }
        return {values, columns};
    }

  private:
    static TATAMI_INLINE int64_t slots(const WindowAxis& rows) {
        int64_t n = 1;
        while (n < min(rows.span, rows.size)) n *= 2;
        return n;
    }

    TATAMI_INLINE void fold(const T* row, T* values, Int<T>* columns) const {
        const int64_t kernel = a_.kernel, dilation = a_.dilation;
        const Int<T>*const skipped = starts_.skipped, *const starts = starts_.column;
        // All captured by value, or each store might change what they refer to.
        const auto pixel = [=](int64_t c, int64_t n) { return load_some(row + c, n); };
        pixels_.each(pixel, [=](int64_t q, int64_t, const auto& tap) {
            Best<T> best{tap(0), load_places<T>(skipped + q)};
            each_further<K>(kernel, [&](int64_t j) {
                best.take(tap(j), Mask<T>{} + Int<T>(K > 0 ? j : j * dilation));
            });
            best.place += load_places<T>(starts + q);
            store(values + q, best.value);
            std::memcpy(columns + q, &best.place, sizeof best.place);
        });
    }

    const WindowAxis a_;
    const WindowStarts<T>& starts_;
    const T* const x_;
    const int64_t slots_;
    const memory::Scratch scratch_;
    const WindowRow<T, S, K> pixels_;
    T* const rows_;        // slots of values, then columns
    int64_t* const held_;  // the row in each slot
};

// to (n) = first + place. Indices travel as doubles, which are as wide.
template <class T>
TATAMI_INLINE void store_indices(double* to, int64_t first, Mask<T> place, int64_t n) {
    constexpr int64_t part = kLanes<double>;
    Int<T> lane[kLanes<T>];
    std::memcpy(lane, &place, sizeof lane);
#pragma GCC unroll 2
    for (int64_t i = 0; i < kLanes<T>; i += part) {
        const auto index = (Vec<double>)(load_wide(lane + i) + first);
        if (n - i >= part)
            store(to + i, index);
        else if (n > i)
            store_first(to + i, index, n - i);
    }
}

// Output rows [begin, end) of all planes' rows. S and K as with_window() chooses them.
template <class T, int S, int K>
TATAMI_INLINE void argmax_windows(const Pool2d& p, const WindowStarts<T>& starts, const T* x, T* y,
                                  int64_t* indices, bool streamed, int64_t begin, int64_t end) {
    const WindowAxis rows = p.rows;  // stores cannot change a local
    const int64_t out = p.columns.out, step = rows.dilation * p.columns.size;
    ArgMaxRows<T, S, K> folded(p, starts, x);
    RowStream<T> values(y + begin * out, out, streamed);
    RowStream<double> places(reinterpret_cast<double*>(indices) + begin * out, out, streamed);
    const memory::Scratch scratch(size_t(min(rows.kernel, rows.size)) *
                                  sizeof(typename ArgMaxRows<T, S, K>::Row));
    auto* const window = scratch.as<typename ArgMaxRows<T, S, K>::Row>();
    int64_t plane = begin / rows.out, o = begin % rows.out;
    for (int64_t i = begin; i < end; i++, o++) {
        if (o == rows.out) o = 0, plane++;
        const Taps taps = taps_inside(rows, o);
        const int64_t count = taps.end - taps.first;
        const int64_t top = taps.start + taps.first * rows.dilation;
        for (int64_t k = 0; k < count; k++)
            window[k] = folded[plane * rows.size + top + k * rows.dilation];
        T* const to = values.next();
        double* const to_places = places.next();
        const int64_t first = top * p.columns.size;
        with_count(count, [&]<int Count>() {
            for (int64_t q = 0; q < out; q += kLanes<T>) {
                const int64_t n = min<int64_t>(kLanes<T>, out - q);
                Best<T> best{load(window[0].values + q), load_places<T>(window[0].columns + q)};
                each_further<Count>(count, [&](int64_t k) {
                    best.take(load(window[k].values + q),
                              load_places<T>(window[k].columns + q) + Int<T>(k * step));
                });
                store_some(to + q, best.value, n);
                store_indices<T>(to_places + q, first, best.place, n);
            }
        });
    }
}

// The larger of each pair of pixels from `from` on, its place 0 or 1; none is read from `past` on.
template <class T>
TATAMI_INLINE Best<T> best_of_pairs(const T* from, const T* past) {
    const Vec<T> low = load_before(from, past), high = load_before(from + kLanes<T>, past);
    Best<T> best{detail::even_lanes<T>(low, high, detail::Lanes<T>{}), Mask<T>{}};
    best.take(detail::odd_lanes<T>(low, high, detail::Lanes<T>{}), Mask<T>{} + Int<T>(1));
    return best;
}

// The same for windows of 2x2 side by side, without padding: rows are not kept.
template <class T>
TATAMI_INLINE void argmax_pairs(const Pool2d& p, const T* x, T* y, int64_t* indices, bool streamed,
                                int64_t begin, int64_t end) {
    const int64_t rows = p.rows.out, out = p.columns.out, size = p.columns.size;
    const T* const past = x + p.planes * p.rows.size * size;
    RowStream<T> values(y + begin * out, out, streamed);
    RowStream<double> places(reinterpret_cast<double*>(indices) + begin * out, out, streamed);
    for (int64_t i = begin; i < end; i++) {
        const int64_t o = i % rows;
        const T* const top = x + (i / rows * p.rows.size + 2 * o) * size;
        T* const to = values.next();
        double* const to_places = places.next();
        for (int64_t q = 0; q < out; q += kLanes<T>) {
            const int64_t n = min<int64_t>(kLanes<T>, out - q);
            Best<T> best = best_of_pairs(top + 2 * q, past);
            const Best<T> below = best_of_pairs(top + size + 2 * q, past);
            best.take(below.value, below.place + Int<T>(size));
            store_some(to + q, best.value, n);
            const Mask<T> own = 2 * detail::lane_numbers<T>(detail::Lanes<T>{});
            store_indices<T>(to_places + q, 2 * (o * size + q), best.place + own, n);
        }
    }
}

}  // namespace tatami::TATAMI_ISA
