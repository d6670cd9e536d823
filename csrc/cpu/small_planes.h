// Pooling of many small planes: a vector is one pixel of kLanes planes, so that no lane is lost at
// the ends of rows and no row costs extra, whatever the windows. Taps are joined in the order of
// fold.h and argmax.h: the same bits.
#pragma once

#include "cpu/across.h"
#include "cpu/argmax.h"
#include "cpu/parallel.h"
#include "cpu/row_stream.h"
#include "cpu/windows.h"

namespace tatami::TATAMI_ISA {

// Whether there are enough planes, and each is small enough for the caches as vectors.
template <class T>
TATAMI_INLINE bool are_small(const Pool2d& p) {
    constexpr int64_t kMost = 1 << 10;  // pixels; a window may be far larger than its plane
    return p.planes >= kLanes<T> && p.rows.size * p.columns.size <= kMost &&
           max(p.rows.span, p.columns.span) <= kMost;
}

// run(begin, end, streamed) for ranges of planes, whole vectors of them but for the last one.
// window_bytes: what is read or written for each window.
template <class T, class Run>
static void for_small(const Pool2d& p, int64_t window_bytes, const Run& run) {
    const int64_t size = p.rows.size * p.columns.size, out = p.rows.out * p.columns.out;
    const int64_t vectors = 5 * size + (5 + 2 * (p.rows.kernel + p.columns.kernel)) * out;
    const int64_t bytes = p.planes * (size * int64_t(sizeof(T)) + out * window_bytes);
    parallel_ranges(
        p.planes, kLanes<T>, ceil_div(p.planes, kLanes<T>) * vectors,
        [&](int64_t begin, int64_t end) { run(begin, end, bytes >= 2 * kStreamBytes); });
}

// As fold_windows, of planes [begin, end).
template <class T, class Op>
TATAMI_INLINE void fold_small(const Pool2d& p, const T* x, T* y, bool streamed, int64_t begin,
                              int64_t end, const Op& op) {
    constexpr int64_t n = kLanes<T>;
    const WindowAxis rows = p.rows, columns = p.columns;  // stores cannot change a local
    const int64_t size = rows.size * columns.size, out = rows.out * columns.out;
    const int64_t reach =
        max(columns.before + columns.size, (columns.out - 1) * columns.stride + columns.span);
    const memory::Scratch scratch(size_t((size + reach + round_up(out, n)) * n) * sizeof(T));
    T *const pixels = scratch.as<T>(), *const padded = pixels + size * n;
    T *const row = padded + columns.before * n, *const folded = padded + reach * n;
    for (int64_t j = 0; j < reach; j++) store(padded + j * n, broadcast(Op::kPadding));
    RowStream<T> results(y + begin * out, out, streamed, n);
    for (int64_t plane = begin; plane < end; plane += n) {
        const int64_t count = min(n, end - plane);
        read_across(x + plane * size, size, count, pixels);
        for (int64_t o = 0; o < rows.out; o++) {
            const Taps taps = taps_inside(rows, o);
            const int64_t down = taps.end - taps.first, step = rows.dilation * columns.size * n;
            const T* const top =
                pixels + (taps.start + taps.first * rows.dilation) * columns.size * n;
            with_count(down, [&]<int Count>() {
                for (int64_t c = 0; c < columns.size; c++) {
                    Vec<T> fold = load(top + c * n);
                    each_further<Count>(down, [&](int64_t k) {
                        fold = Op::join(fold, load(top + c * n + k * step));
                    });
                    store(row + c * n, fold);
                }
            });
            T* const to = folded + o * columns.out * n;
            with_count(columns.kernel, [&]<int Count>() {
                for (int64_t q = 0; q < columns.out; q++) {
                    const T* const first = padded + q * columns.stride * n;
                    Vec<T> fold = load(first);
                    each_further<Count>(columns.kernel, [&](int64_t j) {
                        fold = Op::join(fold, load(first + j * columns.dilation * n));
                    });
                    store(to + q * n, op.finish_alike(o, q, fold));
                }
            });
        }
        write_along(folded, out, results.next(count), out, count);
    }
}

// A vector of maxima and the vector of their places, one after the other.
template <class T>
TATAMI_INLINE Best<T> load_best(const T* from) {
    return {load(from), (Mask<T>)load(from + kLanes<T>)};
}
template <class T>
TATAMI_INLINE void store_best(T* to, const Best<T>& best) {
    store(to, best.value);
    store(to + kLanes<T>, (Vec<T>)best.place);
}

// As argmax_windows, of planes [begin, end).
template <class T>
TATAMI_INLINE void argmax_small(const Pool2d& p, const T* x, T* y, int64_t* indices, bool streamed,
                                int64_t begin, int64_t end) {
    constexpr int64_t n = kLanes<T>;
    const WindowAxis rows = p.rows, columns = p.columns;  // stores cannot change a local
    const int64_t size = rows.size * columns.size, out = rows.out * columns.out;
    const int64_t room = round_up(out, n) * n;
    const memory::Scratch scratch(size_t(size * n + rows.size * columns.out * 2 * n + 2 * room) *
                                  sizeof(T));
    T *const pixels = scratch.as<T>(), *const values = pixels + size * n;
    T *const places = values + room, *const folded = places + room;
    RowStream<T> to_values(y + begin * out, out, streamed, n);
    RowStream<double> to_places(reinterpret_cast<double*>(indices) + begin * out, out, streamed, n);
    for (int64_t plane = begin; plane < end; plane += n) {
        const int64_t count = min(n, end - plane);
        read_across(x + plane * size, size, count, pixels);
        for (int64_t r = 0; r < rows.size; r++)
            for (int64_t q = 0; q < columns.out; q++) {
                const Taps taps = taps_inside(columns, q);
                const auto number = [&](int64_t j) {
                    return r * columns.size + taps.start + j * columns.dilation;
                };
                const auto place = [&](int64_t j) { return Mask<T>{} + Int<T>(number(j)); };
                Best<T> best{load(pixels + number(taps.first) * n), place(taps.first)};
                for (int64_t j = taps.first + 1; j < taps.end; j++)
                    best.take(load(pixels + number(j) * n), place(j));
                store_best(folded + (r * columns.out + q) * 2 * n, best);
            }
        for (int64_t o = 0; o < rows.out; o++) {
            const Taps taps = taps_inside(rows, o);
            for (int64_t q = 0; q < columns.out; q++) {
                const auto row = [&](int64_t k) {
                    const int64_t r = taps.start + k * rows.dilation;
                    return load_best(folded + (r * columns.out + q) * 2 * n);
                };
                Best<T> best = row(taps.first);
                for (int64_t k = taps.first + 1; k < taps.end; k++) {
                    const Best<T> below = row(k);
                    best.take(below.value, below.place);
                }
                store(values + (o * columns.out + q) * n, best.value);
                store(places + (o * columns.out + q) * n, (Vec<T>)best.place);
            }
        }
        write_along(values, out, to_values.next(count), out, count);
        double* const to = to_places.next(count);
        each_along(places, out, count, [=](int64_t i, int64_t q, Vec<T> v, int64_t left) {
            store_indices<T>(to + i * out + q, 0, (Mask<T>)v, left);
        });
    }
}

}  // namespace tatami::TATAMI_ISA
