// Folds the windows of an image with max or +, separably: the rows of a window as vectors along the
// image's row, then its columns. An Op says what is folded:
//   kPadding                  what stands outside the image
//   join(a, b)                folds two vectors
//   finish(o, q, fold)        the results of windows q, q + 1, ... of row o
//   finish_alike(o, q, fold)  the results of windows that are all like window q of row o
#pragma once

#include "cpu/parallel.h"
#include "cpu/row_stream.h"
#include "cpu/window_row.h"
#include "cpu/windows.h"

namespace tatami::TATAMI_ISA {

// Output rows [begin, end) of all planes' rows. S and K as with_window() chooses them.
template <class T, int S, int K, class Op>
TATAMI_INLINE void fold_windows(const Pool2d& p, const T* x, T* y, bool streamed, int64_t begin,
                                int64_t end, const Op& op) {
    const WindowAxis rows = p.rows, columns = p.columns;  // stores cannot change a local
    const int64_t step = rows.dilation * columns.size;
    const memory::Scratch scratch(size_t(WindowRow<T, S, K>::room(columns)) * sizeof(T));
    const WindowRow<T, S, K> pixels(columns, Op::kPadding, scratch.as<T>());
    RowStream<T> results(y + begin * columns.out, columns.out, streamed);
    int64_t plane = begin / rows.out, o = begin % rows.out;
    for (int64_t i = begin; i < end; i++, o++) {
        if (o == rows.out) o = 0, plane++;
        const Taps taps = taps_inside(rows, o);
        const int64_t count = taps.end - taps.first;
        const int64_t top = plane * rows.size + taps.start + taps.first * rows.dilation;
        const T* const from = x + top * columns.size;
        T* const to = results.next();
        with_count(count, [&]<int Count>() {
            // All captured by value, or each store might change what they refer to.
            const auto column = [=](int64_t c, int64_t n) {
                Vec<T> fold = load_some(from + c, n);
                each_further<Count>(count, [&](int64_t k) {
                    fold = Op::join(fold, load_some(from + c + k * step, n));
                });
                return fold;
            };
            pixels.each(column, [=](int64_t q, int64_t n, const auto& tap) {
                Vec<T> fold = tap(0);
                each_further<K>(columns.kernel, [&](int64_t j) { fold = Op::join(fold, tap(j)); });
                store_some(to + q, op.finish(o, q, fold), n);
            });
        });
    }
}

// The same for windows of 2x2 side by side, without padding.
template <class T, class Op>
TATAMI_INLINE void fold_pairs(const Pool2d& p, const T* x, T* y, bool streamed, int64_t begin,
                              int64_t end, const Op& op) {
    const int64_t rows = p.rows.out, out = p.columns.out, size = p.columns.size;
    const T* const past = x + p.planes * p.rows.size * size;
    RowStream<T> results(y + begin * out, out, streamed);
    int64_t plane = begin / rows, o = begin % rows;
    for (int64_t i = begin; i < end; i++, o++) {
        if (o == rows) o = 0, plane++;
        const T* const top = x + (plane * p.rows.size + 2 * o) * size;
        const auto column = [=](const T* from) {
            return Op::join(load_before(from, past), load_before(from + size, past));
        };
        store_row(results.next(), out, false, [=](int64_t q) {
            const Vec<T> low = column(top + 2 * q), high = column(top + 2 * q + kLanes<T>);
            const Vec<T> fold = Op::join(detail::even_lanes<T>(low, high, detail::Lanes<T>{}),
                                         detail::odd_lanes<T>(low, high, detail::Lanes<T>{}));
            return op.finish_alike(0, 0, fold);
        });
    }
}

}  // namespace tatami::TATAMI_ISA
