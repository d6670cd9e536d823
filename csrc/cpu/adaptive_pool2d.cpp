// Pooling to a given size. The rows of a window are folded as vectors first, then its columns;
// windows as wide as the image are one run of memory and folded as such.
#include "ops/adaptive_pool2d.h"

#include "core/memory_pool.h"
#include "cpu/parallel.h"
#include "cpu/scatter.h"
#include "cpu/table.h"
#include "cpu/whole_plane.h"

namespace tatami::TATAMI_ISA {

// Window `o` of `out` over `size` pixels. The same function gives the windows that hold a pixel:
// adaptive_window(pixel, out, size).
TATAMI_INLINE Range adaptive_window(int64_t o, int64_t size, int64_t out) {
    return {o * size / out, ceil_div((o + 1) * size, out)};
}

// folded (columns) = the fold of `count` rows of x.
template <class T, class Op>
TATAMI_INLINE void fold_rows(const T* x, int64_t count, int64_t columns, T* folded) {
    for (int64_t c = 0; c < columns; c += kLanes<T>) {
        const int64_t n = min<int64_t>(kLanes<T>, columns - c);
        Vec<T> v = load_first(x + c, n);
        for (int64_t r = 1; r < count; r++) v = Op::join(v, load_first(x + r * columns + c, n));
        store(folded + c, v);
    }
}

// Calls finish(plane, o, q, window rows, window columns, fold) for every window.
template <class T, class Op, class Finish>
static void fold_adaptive(const AdaptivePool2d& p, const T* x, const Finish& finish) {
    const int64_t work = p.planes * p.out_rows *
                         (ceil_div(p.rows, max<int64_t>(p.out_rows, 1)) + 1) *
                         (p.columns / kLanes<T> + p.out_columns);
    parallel_ranges(p.planes * p.out_rows, 1, work, [&](int64_t begin, int64_t end) {
        const memory::Scratch scratch(size_t(round_up(p.columns, kLanes<T>)) * sizeof(T));
        T* folded = scratch.as<T>();
        for (int64_t i = begin; i < end; i++) {
            const int64_t plane = i / p.out_rows, o = i % p.out_rows;
            const Range rows = adaptive_window(o, p.rows, p.out_rows);
            const int64_t count = rows.end - rows.begin;
            const T* from = x + (plane * p.rows + rows.begin) * p.columns;
            if (p.out_columns == 1) {
                finish(plane, o, 0, rows, Range{0, p.columns},
                       fold_run<T, Op>(from, count * p.columns));
                continue;
            }
            fold_rows<T, Op>(from, count, p.columns, folded);
            for (int64_t q = 0; q < p.out_columns; q++) {
                const Range columns = adaptive_window(q, p.columns, p.out_columns);
                T fold = folded[columns.begin];
                for (int64_t c = columns.begin + 1; c < columns.end; c++)
                    fold = Op::join(fold, folded[c]);
                finish(plane, o, q, rows, columns, fold);
            }
        }
    });
}

// Where in the plane the window first holds `value`; any NaN is as good as another.
template <class T>
TATAMI_INLINE int64_t find(const T* plane, int64_t width, Range rows, Range columns, T value) {
    for (int64_t r = rows.begin; r < rows.end; r++)
        for (int64_t c = columns.begin; c < columns.end; c++) {
            const T v = plane[r * width + c];
            if (v == value || (v != v && value != value)) return r * width + c;
        }
    return rows.begin * width + columns.begin;
}

TATAMI_INLINE bool is_global(const AdaptivePool2d& p) {
    return p.out_rows == 1 && p.out_columns == 1;
}

template <class T>
static void adaptive_max(const AdaptivePool2d& p, const T* x, T* y, int64_t* indices) {
    if (is_global(p)) return max_of_planes(p.planes, p.rows * p.columns, x, y, indices);
    fold_adaptive<T, JoinMax<T>>(
        p, x, [&](int64_t plane, int64_t o, int64_t q, Range rows, Range columns, T fold) {
            const int64_t at = (plane * p.out_rows + o) * p.out_columns + q;
            y[at] = fold;
            if (indices)
                indices[at] = find(x + plane * p.rows * p.columns, p.columns, rows, columns, fold);
        });
}

template <class T>
static void adaptive_average(const AdaptivePool2d& p, const T* x, T* y) {
    const int64_t plane = p.rows * p.columns;
    if (is_global(p)) return mean_of_planes(p.planes, plane, T(plane), x, y);
    fold_adaptive<T, JoinSum<T>>(
        p, x, [&](int64_t plane, int64_t o, int64_t q, Range rows, Range columns, T fold) {
            const int64_t pixels = (rows.end - rows.begin) * (columns.end - columns.begin);
            y[(plane * p.out_rows + o) * p.out_columns + q] = fold / T(pixels);
        });
}

template <class T>
static bool adaptive_max_backward(const AdaptivePool2d& p, const T* dy, const int64_t* indices,
                                  T* dx) {
    if (is_global(p)) return place_in_planes(p.planes, p.rows * p.columns, dy, indices, dx);
    const ScatterSizes sizes{p.planes, p.rows, p.columns, p.out_rows, p.out_columns};
    return scatter_planes(
        sizes, dy, indices, dx,
        [&](int64_t first, int64_t end) {
            return Range{adaptive_window(first, p.out_rows, p.rows).begin,
                         adaptive_window(end - 1, p.out_rows, p.rows).end};
        },
        [&](int64_t o) { return adaptive_window(o, p.rows, p.out_rows); });
}

// pixels (columns) = the sum over the windows that hold each pixel of one row of the image.
template <class T>
TATAMI_INLINE void spread_adaptive(const AdaptivePool2d& p, const T* dy, Range windows, T* sum,
                                   T* pixels) {
    for (int64_t q = 0; q < p.out_columns; q++) {
        const Range columns = adaptive_window(q, p.columns, p.out_columns);
        sum[q] = 0;
        for (int64_t o = windows.begin; o < windows.end; o++) {
            const Range rows = adaptive_window(o, p.rows, p.out_rows);
            const int64_t taps = (rows.end - rows.begin) * (columns.end - columns.begin);
            sum[q] += dy[o * p.out_columns + q] / T(taps);
        }
    }
    for (int64_t c = 0; c < p.columns; c++) {
        const Range over = adaptive_window(c, p.out_columns, p.columns);
        T total = 0;
        for (int64_t q = over.begin; q < over.end; q++) total += sum[q];
        pixels[c] = total;
    }
}

template <class T>
static void adaptive_average_backward(const AdaptivePool2d& p, const T* dy, T* dx) {
    const int64_t plane = p.rows * p.columns;
    if (is_global(p)) return spread_over_planes(p.planes, plane, T(plane), dy, dx);
    const int64_t rows = p.planes * p.rows, all = rows * p.columns;
    const bool streamed = all * int64_t(sizeof(T)) >= kStreamBytes;
    parallel_ranges(rows, 1, all, [&](int64_t begin, int64_t end) {
        const memory::Scratch scratch(size_t(p.out_columns + p.columns) * sizeof(T));
        T *sum = scratch.as<T>(), *pixels = sum + p.out_columns;
        Range held{-1, -1};  // the windows that `pixels` belongs to
        for (int64_t i = begin; i < end; i++) {
            const int64_t plane = i / p.rows, row = i % p.rows;
            const Range windows = adaptive_window(row, p.out_rows, p.rows);
            if (row == 0 || windows.begin != held.begin || windows.end != held.end)
                spread_adaptive(p, dy + plane * p.out_rows * p.out_columns, windows, sum, pixels);
            held = windows;
            copy_row(dx + i * p.columns, pixels, p.columns, streamed);
        }
        if (streamed) stream_fence();
    });
}

template <class T>
AdaptivePool2dKernels<T> adaptive_pool2d_kernels() {
    return {&adaptive_max<T>, &adaptive_max_backward<T>, &adaptive_average<T>,
            &adaptive_average_backward<T>};
}
template AdaptivePool2dKernels<float> adaptive_pool2d_kernels();
template AdaptivePool2dKernels<double> adaptive_pool2d_kernels();

}  // namespace tatami::TATAMI_ISA
